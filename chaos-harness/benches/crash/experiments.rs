//! The test program that is killed: one experiment for each role, with every fault of the catalogue among them.

use crate::part::TOKEN;
use chaos_harness::harness::Harness;
use chaos_harness::prelude::*;
use chaos_harness::system::{SystemBuilder, container, external, process};
use chaos_harness::{Fault, Load, Percent, fault, metric};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Experiments on processes.
pub(crate) const ON_PROCESSES: [&str; 6] = ["toxics", "streams", "connections", "frozen", "starved", "ended"];

/// Experiments on containers.
pub(crate) const ON_CONTAINERS: [&str; 4] = ["c-paused", "c-starved", "c-killed", "c-stopped"];

/// An experiment on processes through a Toxiproxy server.
pub(crate) const ON_SERVER: &str = "served";

/// One that starts nothing: a new start of the program, which puts right what earlier ones left.
pub(crate) const NEW_START: &str = "new-start";

/// No operation waits for longer: a frozen service must not hold up the trial's end.
const PATIENCE: Duration = Duration::from_millis(50);

/// Some milliseconds of CPU: a quota that is never used up has no effect.
const HARD_WORK: &str = "EVAL \"local n = 0 for i = 1, 300000 do n = n + i end return 1\" 0\r\n";

pub(crate) fn main(role: &str) -> ExitCode {
    let experiment = match (role, faults(role)) {
        (NEW_START, _) => nothing_started(),
        (_, faults) if faults.is_empty() => {
            eprintln!("there is no part `{role}`");
            return ExitCode::FAILURE;
        }
        ("c-paused", faults) => on_containers(role, &["one", "two"], faults),
        (_, faults) if ON_CONTAINERS.contains(&role) => on_containers(role, &["one"], faults),
        (_, faults) => on_processes(role, faults),
    };
    Harness::new().experiment(experiment).main()
}

/// What an experiment injects, all at once; nothing where there is no such experiment.
pub(crate) fn faults(role: &str) -> Vec<Fault> {
    let (bit, grace) = (Duration::from_millis(5), Duration::from_millis(200));
    let rate = Bytes::new(64_000).per_second();
    match role {
        "toxics" => vec![
            fault::latency("first", bit).into(),
            fault::bandwidth("first", rate).into(),
            fault::slicer("second", Bytes::new(64)).into(),
            fault::down("breeder").into(),
        ],
        "streams" => vec![
            fault::slow_close("first", bit).into(),
            fault::latency("first", bit).stream(Stream::Upstream).into(),
            fault::limit_data("second", Bytes::new(64)).into(),
            fault::stall("second", Bytes::new(2)).hold(bit).into(),
            fault::timeout("breeder").into(),
        ],
        "connections" => vec![
            fault::limit_connections("first", 1).into(),
            fault::delay_connections("first", bit).into(),
            fault::refuse_connections("second").into(),
            fault::burst("breeder", bit * 4, bit * 8).into(),
        ],
        "frozen" => vec![
            fault::pause("first").into(),
            fault::limit_memory("second", Bytes::new(4 << 30)).into(),
            fault::pause("breeder").into(),
        ],
        "starved" => vec![
            fault::starve_cpu("first").into(),
            fault::starve_cpu("breeder").into(),
            fault::reset_peer("second").into(),
        ],
        "ended" => vec![
            fault::kill("first").into(),
            fault::stop("second").grace(grace).into(),
            fault::latency("breeder", bit).into(),
        ],
        // All that such a server knows.
        ON_SERVER => vec![
            fault::latency("first", bit).into(),
            fault::bandwidth("first", rate).into(),
            fault::slow_close("first", bit).into(),
            fault::slicer("first", Bytes::new(64)).into(),
            fault::timeout("second").into(),
            fault::limit_data("second", Bytes::new(64)).into(),
            fault::reset_peer("second").into(),
            fault::down("breeder").into(),
        ],
        "c-paused" => {
            vec![fault::pause("one").into(), fault::latency("one", bit).into(), fault::pause("two").into()]
        }
        "c-starved" => vec![fault::starve_cpu("one").to(Percent::new(5)).into()],
        "c-killed" => vec![fault::kill("one").into()],
        "c-stopped" => vec![fault::stop("one").grace(grace).into()],
        _ => Vec::new(),
    }
}

fn on_processes(name: &str, faults: Vec<Fault>) -> Experiment {
    let program = std::env::current_exe().unwrap_or_default();
    let token = std::env::var(TOKEN).unwrap_or_default();
    let line = |part: &str| format!("'{}' {part} {{port}} {token}", program.display());
    let services = System::new("bench")
        .service("first", process(line("serve")).replicas(2))
        .service("second", process(line("serve")))
        .service("breeder", process(line("breed")));
    experiment(name, services, "PING\r\n", Duration::from_millis(300)).inject(faults)
}

fn on_containers(name: &str, services: &[&'static str], faults: Vec<Fault>) -> Experiment {
    let redis = || container("redis:7").port(6379);
    let system = services.iter().fold(System::new("bench"), |system, name| system.service(*name, redis()));
    experiment(name, system, HARD_WORK, Duration::from_millis(500)).inject(faults)
}

/// On something that is there already.
fn nothing_started() -> Experiment {
    let listener = TcpListener::bind("127.0.0.1:0");
    let address = listener.as_ref().ok().and_then(|listener| listener.local_addr().ok());
    // Held until this process ends, by the thread that never does.
    std::thread::spawn(move || listener.map(|listener| listener.incoming().flatten().for_each(drop)));
    let address = address.map_or_else(String::new, |address| address.to_string());
    let system = System::new("bench").service("first", external(address).allow_faults());
    let slow = fault::latency("first", Duration::from_millis(1));
    experiment(NEW_START, system, "", Duration::from_millis(200)).inject([slow.into()])
}

fn experiment(name: &str, system: SystemBuilder, request: &'static str, phase: Duration) -> Experiment {
    let system = system.start(|services| async move {
        let addresses = services.iter().flat_map(|service| service.addrs().to_vec());
        Ok::<_, BoxError>(addresses.collect::<Vec<SocketAddr>>())
    });
    let load = Load::new().rate(Rate::per_second(40)).warmup(Duration::ZERO).baseline(phase);
    Experiment::new(name, system, move |addresses| {
        let addresses = addresses.clone();
        async move {
            for &address in addresses.iter() {
                // Whether it answers is of no interest here: what it leaves behind is.
                let _ = timeout(PATIENCE, ask(address, request)).await;
            }
            Ok::<_, BoxError>(())
        }
    })
    .hypothesis("whatever happens, nothing is left behind")
    .load(load.turbulence(phase * 2))
    .steady_state([metric::p50().below(Duration::from_secs(4))])
    .expect([metric::p50().below(Duration::from_secs(4))])
    .stages([Stage::instances::<1>()])
    // The campaign has several trials at work at a time.
    .parallel()
}

async fn ask(address: SocketAddr, request: &str) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    stream.read(&mut [0; 64]).await.map(drop)
}
