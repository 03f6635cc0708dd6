//! Containers, where a Docker engine answers. `CHAOS_REQUIRE=docker` makes its absence a failure.

use super::fixture::{Trial, chosen, is_required};
use crate::fault::InstanceFault;
use crate::safety::Undone;
use crate::system::{
    Availability, Container, Effect, Instance, InstanceState, Ready, StartContext, container, process,
    running,
};
use crate::units::Percent;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

const IMAGE: &str = "chaos-test-busybox:latest";

/// Whether containers can be had here; the image is made where it is missing.
fn is_there() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    let there = *THERE.get_or_init(|| docker("version", &[]).is_some() && make_image());
    assert!(
        there || !is_required("docker"),
        "CHAOS_REQUIRE asks for docker, and no engine or busybox is there"
    );
    if !there {
        eprintln!("left out: no Docker engine, or no static busybox to make an image from");
    }
    there
}

/// What `docker` prints, when it succeeds.
fn docker(verb: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new("docker").arg(verb).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn make_image() -> bool {
    if docker("image", &["inspect", IMAGE]).is_some() {
        return true;
    }
    if !Path::new("/usr/bin/busybox").exists() && !Path::new("/bin/busybox").exists() {
        return false;
    }
    let script = format!(
        "set -e; d=$(mktemp -d); mkdir -p $d/bin $d/www; cp $(command -v busybox) $d/bin/busybox; \
         ln -s busybox $d/bin/sh; echo ok > $d/www/index.html; \
         tar -C $d -c . | docker import - {IMAGE}; rm -r $d"
    );
    Command::new("sh")
        .args(["-c", &script])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn web(command: &str) -> Container {
    container(IMAGE).port(8080).command(command).ready_within(Duration::from_secs(30))
}

fn httpd() -> Container {
    web("busybox sh -c 'echo up; exec busybox httpd -f -p {port} -h /www'").ready(Ready::http("/"))
}

fn left_of(trial: &Trial) -> Vec<String> {
    let filter = format!("label=chaos.trial={}", trial.name);
    let ids = docker("ps", &["-aq", "--filter", &filter]).unwrap();
    ids.lines().map(str::to_owned).collect()
}

async fn answers(instance: &dyn Instance) -> bool {
    let limit = Duration::from_secs(2);
    crate::system::ready::answers(&Ready::http("/"), instance.upstream(), limit).await == Some(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_labelled_published_on_this_machine_only_and_removed() {
    if !is_there() {
        return;
    }
    let trial = Trial::new();
    let system = trial
        .start([("web", httpd().replicas(2).into()), ("log", httpd().ready(Ready::log("up")).into())])
        .await
        .unwrap();
    let web = system.services().get("web").unwrap();
    assert!(web.addrs().iter().all(|address| address.ip().is_loopback()));
    assert_eq!(left_of(&trial).len(), 3);
    let labels = docker(
        "ps",
        &[
            "--filter",
            &format!("label=chaos.trial={}", trial.name),
            "--filter",
            "label=chaos.service=web-2",
            "--format",
            "{{.Label \"chaos.run\"}}",
        ],
    );
    assert_eq!(labels.as_deref(), Some("unit"));
    assert!(system.stop().await.is_empty());
    assert_eq!(left_of(&trial), [""; 0]);
    assert!(trial.is_settled());
}

async fn goes_through(fault: InstanceFault, during: impl Fn(InstanceState)) {
    let trial = Trial::new();
    let system = trial.start([("web", httpd().into())]).await.unwrap();
    let instance = system.instance(&"web".into(), 0).unwrap();
    assert!(matches!(instance.effect(fault).await.unwrap(), Effect::NotSeen(_)), "before it was made");
    instance.inject(fault).await.unwrap();
    let effect = instance.effect(fault).await.unwrap();
    assert!(matches!(effect, Effect::Seen(_)), "{effect:?}");
    during(instance.observe().await.unwrap());
    assert!(!answers(instance).await);
    assert_eq!(instance.undo(fault).await.unwrap(), Undone::AsMeant);
    assert_eq!(instance.observe().await.unwrap(), InstanceState::Running);
    assert!(answers(instance).await);
    let history = trial.routes.history("web");
    assert_eq!(history.last(), Some(&instance.upstream()), "the route leads to where it is published now");
    assert!(system.stop().await.is_empty());
    assert_eq!(left_of(&trial), [""; 0]);
    assert!(trial.is_settled());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_container_comes_back_at_another_port() {
    if !is_there() {
        return;
    }
    let gone = |state| assert_eq!(state, InstanceState::Ended("exit status 137 (SIGKILL)".to_owned()));
    goes_through(InstanceFault::Kill, gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ignores_the_request_is_killed_after_the_grace_period() {
    if !is_there() {
        return;
    }
    // PID 1 without a handler gets no SIGTERM at all.
    let gone = |state| assert_eq!(state, InstanceState::Ended("exit status 137 (SIGKILL)".to_owned()));
    goes_through(InstanceFault::Stop { grace: Duration::from_millis(100) }, gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_container_holds_its_connections_and_says_nothing() {
    if !is_there() {
        return;
    }
    goes_through(InstanceFault::Pause, |state| assert_eq!(state, InstanceState::Frozen)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_starved_container_is_throttled_only_if_it_has_work() {
    if !is_there() {
        return;
    }
    let trial = Trial::new();
    let busy = "busybox sh -c 'busybox httpd -p {port} -h /www; while :; do :; done'";
    let services = [("idle", httpd().into()), ("busy", web(busy).into())];
    let system = trial.start(services).await.unwrap();
    let fault = InstanceFault::StarveCpu { to: Percent::new(10) };
    let idle = system.instance(&"idle".into(), 0).unwrap();
    let busy = system.instance(&"busy".into(), 0).unwrap();
    for instance in [idle, busy] {
        instance.inject(fault).await.unwrap();
    }
    while matches!(busy.effect(fault).await.unwrap(), Effect::NotSeen(_)) {
        tokio::task::yield_now().await;
    }
    assert!(matches!(idle.effect(fault).await.unwrap(), Effect::NotSeen(_)));
    for instance in [idle, busy] {
        assert_eq!(instance.undo(fault).await.unwrap(), Undone::AsMeant);
        assert!(matches!(instance.effect(fault).await.unwrap(), Effect::NotSeen(_)));
    }
    assert!(system.stop().await.is_empty());
    assert!(trial.is_settled());
    assert_eq!(left_of(&trial), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_reaches_the_routes_that_it_is_given() {
    if !is_there() {
        return;
    }
    let trial = Trial::new();
    // They listen once they have been answered: the ones by a process, which is on 127.0.0.1 only, the other by a
    // container.
    let ask = |name: &str| {
        let line = "until busybox wget -q -O - http://$UPSTREAM/; do :; done; exec busybox httpd -f -p {port} -h /www";
        web(&format!("busybox sh -c '{line}'")).env(format!("UPSTREAM={{{name}}}"))
    };
    let system = trial
        .start([
            ("local", super::fixture::server().into()),
            ("web", httpd().into()),
            ("asks_local", ask("local").replicas(2).into()),
            ("asks_web", ask("web").into()),
        ])
        .await
        .unwrap();
    let local = system.services().get("local").unwrap().addr();
    assert!(local.ip().is_loopback(), "user code is given {local}");
    assert_eq!(trial.routes.for_containers("local").len(), 1, "one listener is enough for all");
    assert_eq!(left_of(&trial).len(), 4, "what was tried with is gone");
    assert!(system.stop().await.is_empty());
    assert_eq!(left_of(&trial), [""; 0]);
    assert!(trial.is_settled());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_listens_nowhere_is_not_ready_whatever_the_proxy_accepts() {
    if !is_there() {
        return;
    }
    let trial = Trial::new();
    let deaf = web("busybox sh -c 'echo doing nothing; exec busybox sleep 600'");
    let deaf = deaf.ready_within(Duration::from_secs(3));
    let error = trial.fail([("deaf", deaf.into())]).await;
    assert!(error.starts_with("could not start `deaf`: it was not ready within 3s"), "{error}");
    assert!(error.ends_with("| doing nothing"), "{error}");
    assert_eq!(left_of(&trial), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_starts_leave_no_container() {
    if !is_there() {
        return;
    }
    let ends = Trial::new();
    let error = ends.fail([("web", web("busybox sh -c 'echo no config; exit 3'").into())]).await;
    assert!(error.contains("it ended before it was ready: exit status 3"), "{error}");
    assert!(error.ends_with("| no config"), "{error}");
    assert_eq!(left_of(&ends), [""; 0]);

    // Created, but never started: testcontainers leaves it behind.
    let no_program = Trial::new();
    let error = no_program.fail([("web", web("no-such-program").into())]).await;
    assert!(error.contains("no-such-program"), "{error}");
    assert_eq!(left_of(&no_program), [""; 0]);

    let other_fails = Trial::new();
    let fails = process("sh -c 'exit 3' {port}");
    let error = other_fails.fail([("web", httpd().into()), ("bad", fails.into())]).await;
    assert!(error.contains("`bad`"), "{error}");
    assert_eq!(left_of(&other_fails), [""; 0]);
    assert!(other_fails.is_settled());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_image_is_named_with_its_remedy() {
    if !is_there() {
        return;
    }
    let trial = Trial::new();
    // A registry that refuses at once, wherever this runs.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let wrong = container(format!("{closed}/no-such-image:1")).port(80).ready_within(Duration::from_secs(20));
    let error = trial.fail([("web", wrong.into())]).await;
    assert!(error.contains("no-such-image:1 cannot be used: it is not there"), "{error}");
    assert!(error.contains("images/make.sh"), "{error}");
    assert_eq!(left_of(&trial), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_container_outlives_its_system() {
    if !is_there() {
        return;
    }
    let trial = Trial::new();
    let context = StartContext { keep: true, ..trial.context() };
    let system = running::start(chosen([("web", httpd().into())]), context)
        .await
        .map_err(|failed| failed.error)
        .unwrap();
    let how = system.describe().await.remove(0);
    assert!(system.stop().await.is_empty());
    drop(system);
    assert_eq!(left_of(&trial).len(), 1);
    let (_, command) = how.split_once("end it with: ").unwrap();
    let output = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(output.status.success());
    assert_eq!(left_of(&trial), [""; 0]);
}

#[test]
fn the_image_that_was_made_is_seen_by_the_probes() {
    if is_there() {
        let image = crate::system::ProviderKind::Container {
            image: IMAGE.to_owned(),
            port: 8080,
            command: Vec::new(),
        };
        assert_eq!(Availability::from_env().obstacle(&image), None);
    }
}
