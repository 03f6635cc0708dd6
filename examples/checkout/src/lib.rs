//! A shop's checkout: the system under test of the chaos experiments in `tests/`.
//!
//! The service takes an order: it loads the customer's cart from Redis, asks one of ten replicas of the
//! `inventory` service whether the goods are in stock, and writes the order to PostgreSQL.
//! It comes in two [variants](Variant): one that is built to survive its dependencies, and one that trusts them.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use checkout::{Config, Shop, Variant};
//!
//! let inventory = vec!["127.0.0.1:7001".parse()?, "127.0.0.1:7002".parse()?];
//! let shop = Shop::start(Config { variant: Variant::from_env()?, inventory, ..Config::default() }).await?;
//! let receipt = shop.checkout().await?;
//! println!("order {} of {}", receipt.order, receipt.sku);
//! shop.stop().await;
//! # Ok(())
//! # }
//! ```

mod carts;
mod config;
mod domain;
mod fragile;
mod hardened;
mod http;
mod orders;
mod service;
mod shop;
mod stock;
mod variant;

pub use config::{Config, PostgresConfig};
pub use domain::Receipt;
pub use shop::{CheckoutError, Shop, StartError};
pub use variant::{UnknownVariant, Variant};
