//! What has been found out about this machine, so that each question is asked once in a run.

use super::Obstacle;
use crate::engine_address::EngineAddress;
use crate::engine_query;
use crate::safety::private;
use crate::system::program::{self, NotFound};
use crate::system::template::{self, placeholders};
use crate::system::{Provider, ProviderKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// What this machine can provide. Every probe is made at most once, and none takes longer than 300 ms.
///
/// It can be stored and loaded again: nextest runs each trial in a process of its own, and none of them should have
/// to ask again.
#[derive(Debug)]
pub(crate) struct Availability {
    image_prefix: Option<String>,
    path: Option<OsString>,
    known: Mutex<Known>,
}

/// The answers so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    engine: EngineAddress,
    engine_state: Option<EngineState>,
    /// Whether the engine has the image.
    images: BTreeMap<String, bool>,
    /// Whether the registry can be reached, by `host:port`.
    registries: BTreeMap<String, bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum EngineState {
    Answers,
    Absent,
    PermissionDenied,
    Unsupported,
    Fails(String),
}

impl Availability {
    /// Nothing is known as yet. `image_prefix` is put before the names of images; commands are looked for in `path`.
    pub(crate) fn new(engine: EngineAddress, image_prefix: Option<String>, path: Option<OsString>) -> Self {
        let known =
            Known { engine, engine_state: None, images: BTreeMap::new(), registries: BTreeMap::new() };
        Self { image_prefix, path, known: Mutex::new(known) }
    }

    /// For the environment of this process.
    pub(crate) fn from_env() -> Self {
        let prefix = env::var("CHAOS_IMAGE_PREFIX").ok().filter(|prefix| !prefix.is_empty());
        Self::new(EngineAddress::from_env(), prefix, env::var_os("PATH"))
    }

    /// Takes over what an earlier process of this run has found out, if it asked the same engine. A store that is
    /// missing or unreadable costs only the probes.
    pub(crate) fn load(&self, file: &Path) {
        let stored = fs::read(file).ok().and_then(|text| serde_json::from_slice::<Known>(&text).ok());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stored) = stored.filter(|stored| stored.engine == known.engine) {
            *known = stored;
        }
    }

    /// Stores what is known, for the other processes of this run.
    pub(crate) fn store(&self, file: &Path) -> io::Result<()> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Renamed into place: another process reads all of it or none.
        let draft = file.with_extension(format!("{}.tmp", std::process::id()));
        private::create(&draft)?.write_all(&serde_json::to_vec(&known)?)?;
        fs::rename(&draft, file)
    }

    /// The name of an image, with the prefix of this machine.
    pub(crate) fn full_image(&self, image: &str) -> String {
        format!("{}{image}", self.image_prefix.as_deref().unwrap_or_default())
    }

    /// Why a container cannot reach the routes that it is given, as far as that is plain without trying.
    pub(crate) fn obstacle_to_routes(&self, provider: &Provider) -> Option<Obstacle> {
        let ProviderKind::Container { .. } = provider.kind else { return None };
        let route = placeholders(provider).find(|name| *name != template::PORT)?;
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let EngineAddress::Tcp(_) = known.engine else { return None };
        Some(Obstacle {
            reason: format!(
                "it is given the route to `{route}`, which is on this machine, and containers of the engine at {} do \
                 not reach it",
                known.engine
            ),
            remedy: "use an engine on this machine (unset DOCKER_HOST), or run it as a process".to_owned(),
        })
    }

    /// Why a provider of this kind cannot be used here, if it cannot.
    pub(crate) fn obstacle(&self, kind: &ProviderKind) -> Option<Obstacle> {
        match kind {
            ProviderKind::Container { image, .. } => {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.container_obstacle(&self.full_image(image))
            }
            ProviderKind::Command { line } => {
                let program = shell_words::split(line).ok()?.into_iter().next()?;
                let error = program::command(&program, self.path.clone()).err()?;
                Some(command_obstacle(&error))
            }
            // A binary that was not built is a mistake to report, not a machine's limit; an address is only known to
            // lead nowhere once it is asked.
            ProviderKind::CargoBin { .. } | ProviderKind::External { .. } => None,
        }
    }
}

fn command_obstacle(error: &NotFound) -> Obstacle {
    // "command not found: redis-server; install it (Debian: …)": the second half is the remedy.
    let text = error.to_string();
    match (error, text.split_once("; install it")) {
        (NotFound::Command { program }, Some((reason, how))) => {
            Obstacle { reason: reason.to_owned(), remedy: format!("install {program}{how}") }
        }
        _ => Obstacle { reason: text, remedy: String::new() },
    }
}

impl Known {
    fn container_obstacle(&mut self, image: &str) -> Option<Obstacle> {
        let obstacle = |reason: String, remedy: &str| Some(Obstacle { reason, remedy: remedy.to_owned() });
        if !cfg!(feature = "docker") {
            return obstacle(
                "this build of chaos-harness has no container backend".to_owned(),
                "enable its feature `docker`",
            );
        }
        let engine = self.engine.clone();
        let state = self.engine_state.get_or_insert_with(|| engine_state(&engine));
        if let Some(obstacle) = obstacle_of(state, &engine) {
            return Some(obstacle);
        }
        let present = *self.images.entry(image.to_owned()).or_insert_with(|| {
            engine_query::get(&engine, &format!("/images/{image}/json")).ok() == Some(200)
        });
        if present {
            return None;
        }
        let registry = registry(image);
        let reached = *self
            .registries
            .entry(registry.clone())
            .or_insert_with(|| engine_query::reach(&registry).is_ok());
        if reached {
            return None;
        }
        obstacle(
            format!("the engine has no image {image}, and its registry {registry} cannot be reached"),
            &image_remedy(image),
        )
    }
}

/// How to get an image that is not there.
pub(crate) fn image_remedy(image: &str) -> String {
    format!(
        "run `docker pull {image}` where there is a network, or make the image locally (in chaos-harness's own \
         repository: images/make.sh)"
    )
}

/// Why the engine cannot be used, if it cannot.
pub(super) fn engine_obstacle(engine: &EngineAddress) -> Option<Obstacle> {
    obstacle_of(&engine_state(engine), engine)
}

fn obstacle_of(state: &EngineState, engine: &EngineAddress) -> Option<Obstacle> {
    let (reason, remedy) = match state {
        EngineState::Answers => return None,
        EngineState::Absent => (format!("no Docker engine at {engine}"), "start Docker or set DOCKER_HOST"),
        EngineState::PermissionDenied => (
            format!("permission denied on the Docker engine's socket {engine}"),
            "add yourself to the group that may use it (sudo usermod -aG docker $USER, then log in again)",
        ),
        EngineState::Unsupported => (
            format!("the Docker engine at {engine} is not reached by unix:// or plain tcp://"),
            "set DOCKER_HOST to such an address",
        ),
        EngineState::Fails(cause) => (
            format!("the Docker engine at {engine} does not answer: {cause}"),
            "see that `docker version` works",
        ),
    };
    Some(Obstacle { reason, remedy: remedy.to_owned() })
}

fn engine_state(engine: &EngineAddress) -> EngineState {
    match engine_query::get(engine, "/_ping") {
        Ok(200) => EngineState::Answers,
        Ok(status) => EngineState::Fails(format!("status {status}")),
        Err(error) => match error.kind() {
            io::ErrorKind::PermissionDenied => EngineState::PermissionDenied,
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => EngineState::Absent,
            io::ErrorKind::Unsupported => EngineState::Unsupported,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                EngineState::Fails(format!("nothing within {} ms", engine_query::PROBE_LIMIT.as_millis()))
            }
            _ => EngineState::Fails(error.to_string()),
        },
    }
}

/// The registry that an image name refers to, as `host:port`.
fn registry(image: &str) -> String {
    match image.split_once('/') {
        // As Docker tells a host from a user: by a dot, a port, or the name `localhost`.
        Some((host, _)) if host.contains([':', '.']) || host == "localhost" => {
            if host.contains(':') {
                host.to_owned()
            } else {
                format!("{host}:443")
            }
        }
        _ => "registry-1.docker.io:443".to_owned(),
    }
}

/// An engine that knows the ping and a fixed set of images, and counts what it is asked.
#[cfg(test)]
pub(super) mod fake_engine {
    use crate::engine_address::EngineAddress;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::os::unix::net::UnixListener;
    use std::sync::{Arc, Mutex};

    pub(crate) struct FakeEngine {
        folder: tempfile::TempDir,
        pub(crate) asked: Arc<Mutex<Vec<String>>>,
    }

    impl FakeEngine {
        pub(crate) fn with_images(images: &[&str]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
            let known: Vec<_> = images.iter().map(|image| format!("/images/{image}/json")).collect();
            let asked = Arc::new(Mutex::new(Vec::new()));
            let log = Arc::clone(&asked);
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let mut stream = stream.unwrap();
                    let mut line = String::new();
                    BufReader::new(&stream).read_line(&mut line).unwrap();
                    let path = line.split(' ').nth(1).unwrap().to_owned();
                    let found = path == "/_ping" || known.contains(&path);
                    let status = if found { "200 OK" } else { "404 Not Found" };
                    // Counted before it is answered, so that whoever has the answer sees the count.
                    log.lock().unwrap().push(path);
                    write!(stream, "HTTP/1.0 {status}\r\n\r\n").unwrap();
                }
            });
            Self { folder, asked }
        }

        pub(crate) fn address(&self) -> EngineAddress {
            EngineAddress::Unix(self.folder.path().join("docker.sock"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fake_engine::FakeEngine;
    use super::*;
    use std::net::TcpListener;

    fn container(image: &str) -> ProviderKind {
        ProviderKind::Container { image: image.to_owned(), port: 80, command: Vec::new() }
    }

    #[test]
    fn registries_are_told_from_users() {
        assert_eq!(registry("redis:7"), "registry-1.docker.io:443");
        assert_eq!(registry("bitnami/redis:7"), "registry-1.docker.io:443");
        assert_eq!(registry("ghcr.io/org/app:1"), "ghcr.io:443");
        assert_eq!(registry("localhost:5000/app"), "localhost:5000");
    }

    #[test]
    fn every_question_is_asked_once_even_by_the_next_process() {
        let engine = FakeEngine::with_images(&["redis:7"]);
        let first = Availability::new(engine.address(), None, None);
        assert_eq!(first.obstacle(&container("redis:7")), None);
        assert_eq!(first.obstacle(&container("redis:7")), None);
        assert_eq!(*engine.asked.lock().unwrap(), ["/_ping", "/images/redis:7/json"]);

        let file = engine.address().to_string().replace("unix://", "") + ".json";
        first.store(Path::new(&file)).unwrap();
        let next = Availability::new(engine.address(), None, None);
        next.load(Path::new(&file));
        assert_eq!(next.obstacle(&container("redis:7")), None);
        assert_eq!(engine.asked.lock().unwrap().len(), 2);

        // What was learnt about one engine says nothing about another.
        let other = Availability::new(EngineAddress::Unix("/nonexistent".into()), None, None);
        other.load(Path::new(&file));
        assert!(other.obstacle(&container("redis:7")).is_some());
    }

    #[test]
    fn a_missing_image_counts_only_if_its_registry_is_out_of_reach() {
        let engine = FakeEngine::with_images(&[]);
        let availability = Availability::new(engine.address(), None, None);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(availability.obstacle(&container(&format!("127.0.0.1:{port}/app:1"))), None);
        drop(listener);
        let again = Availability::new(engine.address(), None, None);
        let obstacle = again.obstacle(&container(&format!("127.0.0.1:{port}/app:1"))).unwrap();
        assert_eq!(
            obstacle.remedy,
            format!(
                "run `docker pull 127.0.0.1:{port}/app:1` where there is a network, or make the image locally (in \
                 chaos-harness's own repository: images/make.sh)"
            )
        );
    }

    #[test]
    fn a_forbidden_socket_is_told_from_a_missing_one() {
        let forbidden =
            Known { engine_state: Some(EngineState::PermissionDenied), ..known("/var/run/docker.sock") }
                .container_obstacle("redis:7")
                .unwrap();
        assert!(forbidden.reason.contains("permission denied"), "{forbidden:?}");
        let absent = known("/nonexistent/docker.sock").container_obstacle("redis:7").unwrap();
        assert!(absent.reason.contains("no Docker engine"), "{absent:?}");
    }

    fn known(socket: &str) -> Known {
        Known {
            engine: EngineAddress::Unix(socket.into()),
            engine_state: None,
            images: BTreeMap::new(),
            registries: BTreeMap::new(),
        }
    }
}
