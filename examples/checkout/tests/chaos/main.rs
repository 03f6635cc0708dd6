//! The chaos experiments of the checkout service, by dependency.
//!
//! `CHECKOUT_VARIANT=fragile` runs the same experiments on a service that trusts its dependencies: they are refuted.

mod carts;
mod orders;
mod stock;

chaos_harness::main!();
