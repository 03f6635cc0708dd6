//! What a trial costs beside its phases, what starting services side by side saves, and how long listing takes.
//!
//! The program plays every part itself: it starts itself as the services, and as the test target that is measured.
#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, and its services take their time"
)]
#![expect(clippy::expect_used, reason = "a benchmark that cannot measure has nothing else to say")]

use chaos_harness::harness::Harness;
use chaos_harness::prelude::*;
use chaos_harness::system::{SystemBuilder, external, process};
use chaos_harness::{Load, fault, metric};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// Which part this process plays.
const PART: &str = "LIFECYCLE_BENCH_PART";

/// How long a service takes until it listens.
const SERVICE_START: Duration = Duration::from_millis(300);

const RUNS: usize = 7;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, part, port] = arguments.as_slice()
        && part == "serve"
    {
        return serve(port, SERVICE_START);
    }
    match std::env::var(PART).as_deref() {
        Ok("trial") => Harness::new().experiment(bare_trial()).main(),
        Ok("services") => Harness::new().experiment(with_services(&[1, 1, 1])).main(),
        Ok("service") => Harness::new().experiment(with_services(&[1])).main(),
        Ok("listing") => (0..1_000).map(listed).fold(Harness::new(), Harness::experiment).main(),
        _ => measure(),
    }
}

fn measure() -> ExitCode {
    let folder = std::env::temp_dir().join(format!("chaos-lifecycle-bench-{}", std::process::id()));
    let overhead = median((0..RUNS).map(|_| report(&folder, "trial").overhead));
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        alone.push(report(&folder, "service").services);
        together.push(report(&folder, "services").services);
    }
    let side_by_side = median(together) / median(alone);
    let listing = median((0..RUNS).map(|_| {
        let began = Instant::now();
        let output = part("listing", &folder).args(["--list", "--format", "terse"]).output();
        let took = began.elapsed().as_secs_f64();
        let lines = output.map_or(0, |output| output.stdout.split(|byte| *byte == b'\n').count());
        assert!(lines >= 1_000, "only {lines} trials were listed");
        took
    }));
    // It is in the temporary folder in any case.
    let _ = std::fs::remove_dir_all(&folder);
    let figures = [
        figure("trial_fixed_cost", overhead * 1_000.0, "ms", 50.0),
        figure("three_services_against_one", side_by_side, "x", 1.2),
        figure("list_1000_experiments", listing * 1_000.0, "ms", 50.0),
    ];
    for line in figures {
        println!("{line}");
    }
    ExitCode::SUCCESS
}

fn figure(name: &str, value: f64, unit: &str, target: f64) -> String {
    let mark = if value < target { "ok" } else { "short" };
    format!("figure {name} = {value:.2} {unit} (target < {target}) {mark}")
}

/// What a trial's report says it took, in seconds.
struct Took {
    overhead: f64,
    services: f64,
}

fn report(folder: &Path, role: &str) -> Took {
    let run = format!("{role}-{}", unique());
    let status = part(role, folder).env("NEXTEST_RUN_ID", &run).stdout(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "the {role} trial failed: see {}", folder.display());
    let trials = std::fs::read_dir(folder.join("chaos").join(run)).expect("the run has a folder");
    let text = trials
        .flatten()
        .find_map(|trial| std::fs::read_to_string(trial.path().join("report.json")).ok())
        .expect("the trial has a report");
    let report: serde_json::Value = serde_json::from_str(&text).expect("the report is JSON");
    let seconds = |name: &str| {
        let duration = &report[name];
        duration["secs"].as_f64().unwrap_or_default() + duration["nanos"].as_f64().unwrap_or_default() / 1e9
    };
    Took { overhead: seconds("overhead"), services: seconds("services_started_in") }
}

fn unique() -> u128 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

fn part(role: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.env(PART, role).env("CARGO_TARGET_DIR", folder).stderr(Stdio::inherit()).stdin(Stdio::null());
    command
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn short_load() -> Load {
    let phase = Duration::from_millis(400);
    Load::new().rate(Rate::per_second(200)).warmup(Duration::ZERO).baseline(phase).turbulence(phase)
}

fn experiment(system: SystemBuilder) -> Experiment {
    let system = system.start(|services| async move {
        Ok::<_, BoxError>(services.iter().next().map(Service::addr).expect("there is a service"))
    });
    Experiment::new("bench", system, |address| async move {
        tokio::net::TcpStream::connect(*address).await.map(drop)
    })
    .hypothesis("a connection is accepted")
    .load(short_load())
    .steady_state([metric::p50().below(Duration::from_secs(1))])
    .inject([fault::latency("first", Duration::from_millis(1)).into()])
    .expect([metric::p50().below(Duration::from_secs(1))])
    .stages([Stage::instances::<1>()])
}

/// A trial on a service that is already there.
fn bare_trial() -> Experiment {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    std::thread::spawn(move || answer(&listener));
    experiment(System::new("bench").service("first", external(address).allow_faults()))
}

fn with_services(replicas: &[u32]) -> Experiment {
    let program = std::env::current_exe().expect("this program has a path");
    let names = ["first", "second", "third"];
    let services = names.iter().zip(replicas).fold(System::new("bench"), |system, (name, count)| {
        let line = format!("'{}' serve {{port}}", program.display());
        system.service(*name, process(line).replicas(*count))
    });
    experiment(services)
}

fn listed(number: u32) -> Experiment {
    let system = System::new("bench").service("first", external("127.0.0.1:9").allow_faults());
    let system = system.start(|_| async { Ok::<_, BoxError>(()) });
    Experiment::new(format!("module::experiment_{number:04}"), system, |_| async { Ok::<_, BoxError>(()) })
        .hypothesis("nothing happens")
        .load(short_load())
        .steady_state([metric::p50().below(Duration::from_secs(1))])
        .inject([fault::latency("first", Duration::from_millis(1)).into()])
        .expect([metric::p50().below(Duration::from_secs(1))])
        .stages([Stage::instances::<1>()])
}

/// A service that takes a while to start, then answers whoever connects.
fn serve(port: &str, start: Duration) -> ExitCode {
    std::thread::sleep(start);
    match TcpListener::bind(format!("127.0.0.1:{port}")) {
        Ok(listener) => {
            answer(&listener);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot listen on {port}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        // Who hangs up first is of no interest here.
        let _ = (&stream).write_all(b"hello\n");
    }
}
