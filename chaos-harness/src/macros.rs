//! The attributes, documented here so that their examples can use the crate.

/// Says which services a system has, and what is built on them once per trial.
///
/// The function is async, takes the services it wants by their names as [`Service`](crate::Service), and returns a
/// `Result` of what it built. That value is `Send + Sync`; each operation of an experiment gets a reference to it, and
/// it is dropped (after the optional async `stop`) before its services stop.
///
/// ```
/// use chaos_harness::prelude::*;
/// # struct Shop;
/// # impl Shop {
/// #     async fn start(_: std::net::SocketAddr, _: &[std::net::SocketAddr]) -> std::io::Result<Self> { Ok(Self) }
/// #     async fn close(self) -> std::io::Result<()> { Ok(()) }
/// # }
///
/// /// As in production.
/// const REPLICAS: u32 = 10;
///
/// #[system(
///     // In a container, or where there is no engine as a process.
///     redis = container(
///         "redis:7",
///         port = 6379,                             // inside the container
///         command = "redis-server --save ''",      // in place of the image's own
///         ready = log("Ready to accept"),          // or tcp(), http("/health")
///         ready_within = 10s,
///     ).or(process("redis-server --port {port} --save ''")),
///     // A binary of this workspace.
///     inventory = cargo_bin(
///         "inventory",
///         args = "--listen 127.0.0.1:{port}",
///         replicas = REPLICAS,                     // any value may be an expression
///         env = "LOG=warn",                        // may be given again
///         env = "CACHE={redis}",                   // the address of the route to redis
///         after = redis,                           // which is ready before this one starts
///         ready = http("/health"),
///     ),
///     // Something that already runs: only its route takes faults, and only where that is allowed.
///     payments = external("127.0.0.1:8080").allow_faults(),
///     stop = Shop::close,
/// )]
/// async fn shop(redis: Service, inventory: Service) -> Result<Shop> {
///     Ok(Shop::start(redis.addr(), inventory.addrs()).await?)
/// }
/// # fn main() {}
/// ```
///
/// # Arguments
///
/// | argument | is |
/// | --- | --- |
/// | `name = source` | a service, and what provides it; at least as many as the function takes |
/// | `stop = function` | an async function that ends what was built; dropping it is enough unless said otherwise |
/// | `crate = path` | where this crate is, if it is not `::chaos_harness` |
///
/// A source is a call of a function in [`system`](mod@crate::system): each `option = value` is the method of that name on what it
/// returns, so that [`Container`](crate::system::Container), [`Command`](crate::system::Command),
/// [`CargoBin`](crate::system::CargoBin) and [`External`](crate::system::External) list the options.
///
/// # Expansion
///
/// The function stays as it is. Beside it, `fn shop` gets a hidden function and a hidden type `shop__system`, with
/// the function's own visibility: an experiment names the function by its path, as in `system = common::shop`, or
/// imports all of its module (`use common::*`).
pub use chaos_macros::system;

/// Turns an async function into a chaos experiment: it is one operation, called over and over while a fault is in effect.
///
/// `Ok` is a success, and the time it took is the latency; `Err` is a failure; a panic is a broken invariant, which ends
/// the experiment. The function takes what the system built, by reference, or nothing. Its error is whatever becomes a
/// [`BoxError`](crate::BoxError).
///
/// ```
/// use chaos_harness::prelude::*;
/// use std::time::Duration;
/// # struct Shop;
/// # impl Shop { async fn checkout(&self) -> Result { Ok(()) } }
/// # #[system(redis = container("redis:7", port = 6379))]
/// # async fn shop(redis: Service) -> Result<Shop> { Ok(Shop) }
///
/// const LIMIT: Duration = Duration::from_millis(500);
///
/// #[chaos_test(
///     system = shop,                                         // the path of a function under `#[system]`
///     hypothesis = "checkout keeps answering while Redis is slow",
///     load(
///         rate = 200/s,                                      // open-loop: started on schedule, answered or not
///         warmup = 1s, baseline = 5s, turbulence = 10s,
///         timeout = 2s,                                      // of one operation
///         concurrency = 500,                                 // beyond it, an operation counts as an error
///     ),
///     steady_state(p50 < 5ms, p99 < 50ms, throughput > 180/s),
///     inject(latency(redis, 200ms, jitter = 50ms)),          // all faults at the same time
///     expect(
///         p99 < LIMIT,                                       // any value may be an expression
///         p99.9 < 2x baseline,                               // or relative to what the baseline measured
///         error_rate < 1%,
///         throughput > 90% of baseline,
///     ),
///     recover(within = 5s),
///     halt_if(error_rate > 50%),                             // over any second with 20 operations or more
///     stages(5%, 20%, stage(half, 50%)),                     // or `1 instance`, `2 instances`
///     confidence = 99%,
///     seed = 42,
///     parallel,                                              // may run beside other experiments
/// )]
/// async fn checkout_survives_slow_redis(shop: &Shop) -> Result<()> {
///     shop.checkout().await
/// }
/// # fn main() {}
/// ```
///
/// # Arguments
///
/// Each clause is the method of that name on [`Experiment`](crate::Experiment), and may be given once.
///
/// | clause | is | without it |
/// | --- | --- | --- |
/// | `system = path` | the function under [`#[system]`](macro@crate::system), by its path | required |
/// | `hypothesis = "..."` | the hypothesis in words | required |
/// | `inject(fault, ...)` | what is injected: functions in [`fault`](crate::fault), which take a service first | required |
/// | `expect(threshold, ...)` | what must hold while the faults are in effect | required |
/// | `steady_state(threshold, ...)` | what holds before, and must hold again after | required, when trials are listed |
/// | `load(option = value, ...)` | methods of [`Load`](crate::Load) | its defaults |
/// | `recover(within = 5s)` | how soon the steady state must be back | 10 s |
/// | `halt_if(threshold, ...)` | what ends the experiment at once | nothing does |
/// | `stages(stage, ...)` | the blast-radius ladder, smallest first | 1 instance, 5 %, 20 %, 50 % |
/// | `confidence = 99%` | how sure a decision must be | 95 % |
/// | `seed = 42` | what all chance is drawn from | new in each run |
/// | `parallel` | may run beside other experiments on the machine | alone |
/// | `crate = path` | where this crate is | `::chaos_harness` |
///
/// A threshold is a function in [`metric`](crate::metric), `<` or `>`, and a bound. Where a threshold, a fault or a stage
/// is expected, any Rust expression of that type will do.
///
/// # Units
///
/// | amount | units | example |
/// | --- | --- | --- |
/// | duration | `ns` `us` `ms` `s` `min` `h` | `500ms`, `1.5s` |
/// | share | `%` | `0.1%` |
/// | rate | `/s` | `200/s` |
/// | data | `B` `kB` `KiB` `MB` `MiB` `GB` `GiB` | `64KiB` |
/// | bandwidth | data `/s`, `kbit/s` `Mbit/s` `Gbit/s` | `64KiB/s`, `10Mbit/s` |
/// | relative to the baseline | `x baseline`, `% of baseline` | `2x baseline` |
///
/// # Other attributes
///
/// `#[ignore]` leaves the experiment out unless ignored tests are asked for; `#[cfg]` leaves it out altogether; others
/// stay with the function.
pub use chaos_macros::chaos_test;
