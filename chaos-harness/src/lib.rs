//! Chaos experiments as ordinary Rust tests.
//!
//! [`#[system]`](macro@system) says which services there are and what is built on them. [`#[chaos_test]`](chaos_test)
//! turns an async function into an experiment: the function is called over and over as the workload, faults are
//! injected into a bounded share of the system, and the verdict says with a stated confidence whether the hypothesis
//! held. [`main!`] lists and runs them, under `cargo test` and `cargo nextest run` alike.
//!
//! ```
//! use chaos_harness::prelude::*;
//! # struct Shop;
//! # impl Shop {
//! #     async fn start(_: std::net::SocketAddr) -> Result<Self> { Ok(Self) }
//! #     async fn checkout(&self) -> Result { Ok(()) }
//! # }
//!
//! #[system(redis = container("redis:7", port = 6379).or(process("redis-server --port {port} --save ''")))]
//! async fn shop(redis: Service) -> Result<Shop> {
//!     Shop::start(redis.addr()).await // the address of the proxied route
//! }
//!
//! #[chaos_test(
//!     system = shop,
//!     hypothesis = "checkout keeps answering while Redis is slow",
//!     load(rate = 200/s, warmup = 1s, baseline = 5s, turbulence = 10s),
//!     steady_state(p99 < 50ms, error_rate < 1%),
//!     inject(latency(redis, 200ms, jitter = 50ms)),
//!     expect(p99 < 500ms, error_rate < 1%),
//!     stages(5%, 20%, 50%),
//! )]
//! async fn survives_slow_redis(shop: &Shop) -> Result {
//!     shop.checkout().await
//! }
//! # fn main() {}
//! ```
//!
//! The attributes only expand to the builder: [`System`], [`Experiment`] and [`harness::Harness`] say the same with no
//! macro. [`fault`] is the catalogue of faults, [`metric`] that of metrics, and [`report::Report`] is what a trial
//! leaves behind; the [`ledger`] says which stage each experiment has earned.
//!
//! # Secrets
//!
//! What the harness writes or prints (journal, report, `harness.log`, terminal, the panics of a trial) shows no [`Secret`]
//! that a service was given, no password of a URL, and no value whose name says what it is: a variable as
//! [`system::Variable`] lists them, and `--password=x`, `--requirepass x` and their like in commands and messages.
//! `[redacted]` stands in their place; services get the real values. A service's own log file holds what the service wrote. All
//! files of a run are for their owner's eyes only: files have the mode 0600, folders 0700.
//!
//! Journals and plans that others hand over are read with limits: `report::JournalReader`, `experiment::Plan::from_json`
//! (with the feature `records`). A plan that was stored without its secrets is refused.
//!
//! # Features
//!
//! - `docker` (on by default): services in containers, and faults on them.
//! - `records`: what runs leave behind, read back, for tools. What journals, plans, experiments, evidence and listings are made of
//!   is `Deserialize`; there are `report::JournalReader`, `experiment::Plan::from_json` and `experiment::Definition::from_json`;
//!   and of the [`ledger`] the reading of evidence, events and histories, and all that is written. A test only writes journals
//!   and evidence, and reads states: what it does not need is a quarter of what there is to compile.
//! - `toxiproxy-api`: the embedded proxies behind Toxiproxy's HTTP API, `proxy::Proxy::serve_api`.
//! - `external-toxiproxy`: with `CHAOS_TOXIPROXY`, a separate Toxiproxy server takes the place of the embedded proxy, driven
//!   through `toxiproxy_rust`, which is re-exported. It needs OpenSSL's headers to build, so nothing here turns it on.
//! - `cli`: `records`, `toxiproxy-api`, and the binary `cargo-chaos`, which sets a crate up (`init`), lists and runs experiments,
//!   says what a machine can do (`doctor`), and keeps the ledger for CI (`ci`). `cargo chaos proxy` is the embedded proxy as a
//!   drop-in for `toxiproxy-server`; its other commands, and those of `cargo chaos toxic`, drive it or any other Toxiproxy.
#![deny(missing_docs)]
// What is printed goes through `terminal`, which shows no secrets.
#![cfg_attr(not(test), warn(clippy::print_stderr, clippy::print_stdout))]

// Nothing else is compiled there, so that this is the one error.
#[cfg(windows)]
compile_error!("chaos-harness needs Unix signals and processes: on Windows, use it inside WSL2");

#[cfg(all(feature = "failpoints", not(windows)))]
#[doc(hidden)]
pub use safety::bench as __bench;
#[cfg(all(fuzzing, not(windows)))]
#[doc(hidden)]
#[path = "fuzz.rs"]
pub mod __fuzz;
#[doc(hidden)]
#[path = "private.rs"]
#[cfg(not(windows))]
pub mod __private;
#[cfg(not(windows))]
mod blast_radius;
#[cfg(not(windows))]
mod causes;
#[cfg(not(windows))]
mod chance;
#[cfg(not(windows))]
mod clock;
#[cfg(not(windows))]
mod engine_address;
#[cfg(not(windows))]
mod engine_query;
#[cfg(not(windows))]
pub mod experiment;
#[cfg(not(windows))]
pub mod fault;
#[cfg(not(windows))]
#[cfg(feature = "records")]
mod foreign_json;
#[cfg(not(windows))]
pub mod harness;
#[cfg(not(windows))]
pub mod ledger;
#[cfg(not(windows))]
mod macros;
#[cfg(not(windows))]
pub mod measure;
#[cfg(not(windows))]
pub mod prelude;
#[cfg(not(windows))]
pub mod proxy;
#[cfg(not(windows))]
mod redact;
#[cfg(not(windows))]
pub mod report;
#[cfg(not(windows))]
pub mod safety;
#[cfg(not(windows))]
mod secret;
#[cfg(not(windows))]
pub mod settings;
#[cfg(not(windows))]
pub mod system;
#[cfg(not(windows))]
mod terminal;
#[cfg(not(windows))]
mod toxiproxy;
#[cfg(not(windows))]
mod units;
#[cfg(not(windows))]
mod words;

#[cfg(not(windows))]
pub use blast_radius::{NoTargets, Reach, Risk, Scope, Stage, Targets, risk};
#[cfg(not(windows))]
pub use chance::{ParseSeedError, Seed};
#[cfg(not(windows))]
pub use experiment::Experiment;
#[cfg(not(windows))]
pub use fault::{Fault, FaultKind};
#[cfg(not(windows))]
pub use macros::{chaos_test, system};
#[cfg(not(windows))]
pub use measure::{Load, Threshold, metric};
#[cfg(not(windows))]
pub use secret::Secret;
#[cfg(not(windows))]
pub use system::{Service, ServiceName, Services, System};
#[cfg(not(windows))]
pub use units::{ByteRate, Bytes, Factor, NoShare, Percent, PercentOutOfRange, Portion, Rate, Share};

/// The client of a separate Toxiproxy server, in the version that this crate was built with.
#[cfg(feature = "external-toxiproxy")]
pub use toxiproxy_rust;

/// Any error: what `?` makes of the errors in an operation.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What an operation returns: `Ok` is a success, `Err` a failure.
pub type Result<T = (), E = BoxError> = std::result::Result<T, E>;
