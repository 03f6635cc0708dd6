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
///     stages(5%, 20%, stage(half, 50%, risk = high)),        // or `1 instance`, `latency(redis) = [50ms, 100ms]`
///     revision = 2,                                          // counted up where what it calls has become another thing
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
/// | `stages(stage, ...)` | the blast-radius ladder, [smallest first](#stages) | that of the workspace, or 1 instance, 5 %, 20 %, 50 % |
/// | `revision = 2` | the version of what cannot be [seen to change](#proof) | none |
/// | `confidence = 99%` | how sure a decision must be | 95 % |
/// | `seed = 42` | what all chance is drawn from | new in each run |
/// | `parallel` | may run beside other experiments on the machine | alone |
/// | `crate = path` | where this crate is | `::chaos_harness` |
///
/// A threshold is a function in [`metric`](crate::metric), `<` or `>`, and a bound. Where a threshold, a fault or a stage
/// is expected, any Rust expression of that type will do.
///
/// # Stages
///
/// A stage says how much of a service the faults may touch, how strong one of them is, or both. The trial of the second one is
/// called `checkout_survives_slow_redis::2_20_percent`: a number, and a name that is made from what the stage says, or given.
///
/// | stage | touches |
/// | --- | --- |
/// | `1 instance`, `2 instances` | so many instances |
/// | `5%` | so many of the instances where there are several or the fault is on instances; of the connections where a toxic meets one instance; of the time where it acts in slices. Rounded down, but at least one instance: 5 % of three is `1 of 3 (33 %)`, and is told so |
/// | `latency(redis) = 50ms` | all of it, with the injected latency on `redis` no longer than this: its other options stay |
/// | `latency(redis) = [50ms, 100ms, 200ms]` | the same, a stage for each |
/// | `stage(half, 50%)` | as `50%`, under this name |
/// | `stage(mild, 20%, latency(redis) = 50ms, risk = low)` | 20 % of it, with a shorter latency; what is said of a risk stands in the record |
/// | any other expression | the [`Stage`](crate::Stage) that it is |
///
/// Stages grow: neither what is touched nor how strong a fault is may be less than at the stage before. What is
/// stronger with less of it ([all of them](crate::Stage::with)) is written from more to less, as in
/// `bandwidth(redis) = [1MB/s, 64KiB/s]`. A stage that comes to the same as the one before it is run with that one. Where
/// no `risk` is said, it follows from the [share](crate::Risk) that is touched; a stage of a magnitude alone touches everything.
///
/// # Proof
///
/// What an experiment has earned in earlier runs stays with it as long as it is the same experiment. The tokens of the
/// function's body, `inject`, the thresholds, `confidence`, `stages`, the services with what provides them, and the rate,
/// time-out and concurrency of the load are looked at: a change of these has everything to prove anew. Comments, formatting,
/// the hypothesis in words, how long phases are, `seed`, `parallel`, another file or line are not, nor are secrets and the folders
/// of a machine.
///
/// **The code that the body calls is not seen**, be it the test's own or the app's: proof is there to tell when that has
/// become worse. Where it has become another thing, so that what was proved means nothing for it, count `revision` up.
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
