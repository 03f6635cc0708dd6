use super::*;
use crate::safety::fallback::Forced;
use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use testcontainers::bollard::API_DEFAULT_VERSION;
use testcontainers::bollard::models::{ContainerCreateBody, HostConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};

static NAMES: AtomicU32 = AtomicU32::new(0);

fn unique(name: &str) -> String {
    format!("{name}-{}-{}", std::process::id(), NAMES.fetch_add(1, Ordering::Relaxed))
}

/// An image of nothing but busybox, removed at the end.
struct Image(String);

impl Image {
    /// `None` where there is no engine, or no static busybox to make an image of.
    fn make() -> Option<Self> {
        let name = format!("chaos-test-guard:{}", unique("t"));
        let pipeline = format!("tar -C / -ch bin/busybox | docker import - {name}");
        let made =
            Command::new("sh").args(["-c", &pipeline]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        let made = made.is_ok_and(|status| status.success());
        let required =
            std::env::var("CHAOS_REQUIRE").is_ok_and(|list| list.split(',').any(|word| word == "docker"));
        assert!(made || !required, "CHAOS_REQUIRE=docker, and no image can be made: {pipeline}");
        made.then_some(Self(name))
    }

    async fn start(&self, engine: &Docker, trial: &str) -> String {
        self.start_with(engine, trial, HostConfig { cpu_quota: Some(10_000), ..HostConfig::default() }).await
    }

    async fn start_with(&self, engine: &Docker, trial: &str, host: HostConfig) -> String {
        let body = ContainerCreateBody {
            image: Some(self.0.clone()),
            cmd: Some(["/bin/busybox", "sleep", "1000"].map(str::to_owned).to_vec()),
            labels: Some(HashMap::from([(TRIAL_LABEL.to_owned(), trial.to_owned())])),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        };
        let id = engine.create_container(None, body).await.unwrap().id;
        engine.start_container(&id, None).await.unwrap();
        id
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        drop(Command::new("docker").args(["rmi", "--force", &self.0]).stdout(Stdio::null()).status());
    }
}

/// What `docker` says.
fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// An address of the engine at which calls with one of these words in them are never answered.
async fn engine_that_hangs_on(words: &'static [&'static str]) -> Docker {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut engine = UnixStream::connect("/var/run/docker.sock").await.unwrap();
                let (mut question, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
                loop {
                    tokio::select! {
                        read = client.read(&mut question) => {
                            let Ok(length @ 1..) = read else { return };
                            let text = String::from_utf8_lossy(&question[..length]);
                            if words.iter().any(|word| text.contains(word)) {
                                std::future::pending::<()>().await;
                            }
                            engine.write_all(&question[..length]).await.unwrap();
                        }
                        read = engine.read(&mut answer) => {
                            let Ok(length @ 1..) = read else { return };
                            // The client may have given up.
                            let _ = client.write_all(&answer[..length]).await;
                        }
                    }
                }
            });
        }
    });
    Docker::connect_with_http(&format!("http://{address}"), 120, API_DEFAULT_VERSION).unwrap()
}

async fn is_running(engine: &Docker, id: &str) -> Option<bool> {
    engine.inspect_container(id, None).await.ok()?.state?.running
}

#[tokio::test]
async fn containers_go_on_get_their_quota_back_and_are_removed_by_trial() {
    let Some(image) = Image::make() else { return };
    let engine = connect(&EngineAddress::from_env()).unwrap();
    let (ours, other) = (unique("ours"), unique("other"));
    let first = image.start(&engine, &ours).await;
    let second = image.start(&engine, &ours).await;
    let bystander = image.start(&engine, &other).await;
    let own = |id| OwnContainer { engine: &engine, id, trial: &ours };
    let unstarved = Harm::Starved { quota: 0, period: 0 };

    engine.pause_container(&first).await.unwrap();
    assert_eq!(own(&first).put_right(Harm::Paused).await, Ok(Undone::AsMeant));
    assert!(!engine.inspect_container(&first, None).await.as_ref().is_ok_and(is_paused));
    assert_eq!(own(&first).put_right(Harm::Paused).await, Ok(Undone::AsMeant), "it goes on already");

    assert_eq!(own(&second).put_right(unstarved).await, Ok(Undone::AsMeant));
    let limits = engine.inspect_container(&second, None).await.unwrap().host_config.unwrap();
    assert_eq!(limits.cpu_quota, Some(-1));

    // A paused one, too.
    engine.pause_container(&second).await.unwrap();
    remove_all(&EngineAddress::from_env(), &ours, Looks::Two).await.unwrap();
    remove_all(&EngineAddress::from_env(), &ours, Looks::Two).await.expect("they are gone already");
    for harm in [Harm::Paused, unstarved] {
        assert_eq!(own(&first).put_right(harm).await, Ok(Undone::AsMeant), "it is gone");
    }
    for gone in [&first, &second] {
        assert!(engine.inspect_container(gone, None).await.is_err());
    }
    assert_eq!(is_running(&engine, &bystander).await, Some(true));
    remove_all(&EngineAddress::from_env(), &other, Looks::One).await.unwrap();
}

#[tokio::test]
async fn a_container_without_the_label_of_the_trial_is_not_touched() {
    let Some(image) = Image::make() else { return };
    let engine = connect(&EngineAddress::from_env()).unwrap();
    let theirs = unique("theirs");
    let id = image.start(&engine, &theirs).await;
    let name = docker(&["inspect", "--format", "{{.Name}}", &id]);
    engine.pause_container(&id).await.unwrap();

    // Another trial's, by its id; and this trial's by what is not its id.
    for (id, trial) in [(&*id, "ours"), (name.trim_start_matches('/'), &*theirs), (&id[..12], &*theirs)] {
        let other = OwnContainer { engine: &engine, id, trial };
        for harm in [Harm::Paused, Harm::Starved { quota: 50_000, period: 100_000 }] {
            assert_eq!(other.put_right(harm).await, Ok(Undone::AsMeant));
        }
        other.kill().await.unwrap();
        other.remove().await.unwrap();
    }
    let found = engine.inspect_container(&id, None).await.unwrap();
    assert!(is_paused(&found));
    assert_eq!(found.host_config.unwrap().cpu_quota, Some(10_000));
    remove_all(&EngineAddress::from_env(), &theirs, Looks::One).await.unwrap();
}

#[tokio::test]
async fn one_that_cannot_be_unpaused_is_killed_and_one_that_cannot_be_killed_is_removed() {
    let Some(image) = Image::make() else { return };
    let engine = connect(&EngineAddress::from_env()).unwrap();
    let trial = unique("hangs");
    let ending = |words: &'static [&'static str]| {
        let (engine, image, trial) = (&engine, &image, &trial);
        async move {
            let id = image.start(engine, trial).await;
            engine.pause_container(&id).await.unwrap();
            let hanging = engine_that_hangs_on(words).await;
            let undone = OwnContainer { engine: &hanging, id: &id, trial }.put_right(Harm::Paused).await;
            (undone, is_running(engine, &id).await)
        }
    };
    let (killed, removed, stuck) =
        tokio::join!(ending(&["/unpause"]), ending(&["/unpause", "/kill"]), ending(&["/containers"]));
    for ((undone, running), instead, expected) in
        [(killed, "kill it", Some(false)), (removed, "remove it", None)]
    {
        let Ok(Undone::ByForce(Forced { tried, instead: done, .. })) = undone else { panic!("{undone:?}") };
        assert_eq!(done, instead);
        assert_eq!(tried[0].to_string(), "could not unpause it: not done within 5s");
        assert_eq!(running, expected);
    }
    assert_eq!(stuck.0.unwrap_err().0.len(), 3, "an engine that does not answer at all");
    remove_all(&EngineAddress::from_env(), &trial, Looks::One).await.unwrap();
}

#[tokio::test]
async fn containers_go_first_then_their_networks_and_volumes_and_none_of_another_trial() {
    let Some(image) = Image::make() else { return };
    let engine = connect(&EngineAddress::from_env()).unwrap();
    let (ours, other) = (unique("ours"), unique("ours-2"));
    let make = |trial: &str| {
        let label = format!("{TRIAL_LABEL}={trial}");
        docker(&["network", "create", "--label", &label, trial]);
        docker(&["volume", "create", "--label", &label, trial]);
    };
    let uses = |trial: &str| HostConfig {
        network_mode: Some(trial.to_owned()),
        binds: Some(vec![format!("{trial}:/data")]),
        ..HostConfig::default()
    };
    make(&ours);
    make(&other);
    let id = image.start_with(&engine, &ours, uses(&ours)).await;
    let bystander = image.start_with(&engine, &other, uses(&other)).await;

    remove_all(&EngineAddress::from_env(), &ours, Looks::Two).await.unwrap();
    assert_eq!(is_running(&engine, &id).await, None);
    assert!(engine.inspect_network(&ours, None).await.is_err());
    assert!(engine.inspect_volume(&ours).await.is_err());
    assert_eq!(is_running(&engine, &bystander).await, Some(true));
    assert!(engine.inspect_network(&other, None).await.is_ok());
    assert!(engine.inspect_volume(&other).await.is_ok());
    remove_all(&EngineAddress::from_env(), &other, Looks::One).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_removed_keeps_nothing_else_from_it() {
    let Some(image) = Image::make() else { return };
    let engine = connect(&EngineAddress::from_env()).unwrap();
    let (ours, other) = (unique("ours"), unique("other"));
    let label = format!("{TRIAL_LABEL}={ours}");
    docker(&["network", "create", "--label", &label, &ours]);
    docker(&["volume", "create", "--label", &label, &ours]);
    let id = image.start(&engine, &ours).await;
    // Someone else is on our network.
    let guest = HostConfig { network_mode: Some(ours.clone()), ..HostConfig::default() };
    let guest = image.start_with(&engine, &other, guest).await;

    let error = remove_all(&EngineAddress::from_env(), &ours, Looks::Two).await.unwrap_err().to_string();
    assert!(error.starts_with("could not remove network "), "{error}");
    assert!(!error.contains("; "), "only that: {error}");
    assert_eq!(is_running(&engine, &id).await, None);
    assert!(engine.inspect_volume(&ours).await.is_err());
    assert_eq!(is_running(&engine, &guest).await, Some(true));

    remove_all(&EngineAddress::from_env(), &other, Looks::One).await.unwrap();
    remove_all(&EngineAddress::from_env(), &ours, Looks::One).await.unwrap();
    assert!(engine.inspect_network(&ours, None).await.is_err());
}
