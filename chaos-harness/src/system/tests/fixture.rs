//! What the tests of running systems share: routes that are only written down, a server that is always there, and a
//! look for what was left behind.

use crate::safety::UndoLog;
use crate::system::{
    ChosenService, Routes, RunningSystem, Source, StartContext, error::SystemError, process, running,
};
use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Whether the environment says that this must not be left out: `CHAOS_REQUIRE=docker,redis`.
pub(super) fn is_required(what: &str) -> bool {
    env::var("CHAOS_REQUIRE").is_ok_and(|required| required.split(',').any(|word| word.trim() == what))
}

/// Routes that lead straight to their upstream: what is tested is who asks for them.
#[derive(Debug, Default)]
pub(super) struct DirectRoutes {
    led: Mutex<BTreeMap<String, Vec<SocketAddr>>>,
    for_containers: Mutex<BTreeMap<String, Vec<SocketAddr>>>,
}

impl DirectRoutes {
    /// Where the route has led, in turn.
    pub(super) fn history(&self, name: &str) -> Vec<SocketAddr> {
        self.led.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    /// Where else the route was opened.
    #[cfg(feature = "docker")]
    pub(super) fn for_containers(&self, name: &str) -> Vec<SocketAddr> {
        self.for_containers.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.led.lock().unwrap().keys().cloned().collect()
    }
}

#[async_trait::async_trait]
impl Routes for DirectRoutes {
    async fn open(&self, name: &str, upstream: SocketAddr) -> io::Result<SocketAddr> {
        self.led.lock().unwrap().entry(name.to_owned()).or_default().push(upstream);
        Ok(upstream)
    }

    /// A listener that passes each connection on, for as long as the tests run.
    async fn open_for_containers(&self, name: &str, ip: IpAddr) -> io::Result<SocketAddr> {
        let upstream = *self.history(name).last().unwrap();
        let listener = TcpListener::bind((ip, 0))?;
        let address = listener.local_addr()?;
        self.for_containers.lock().unwrap().entry(name.to_owned()).or_default().push(address);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = TcpStream::connect(upstream).unwrap();
                for (mut from, mut to) in
                    [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
                {
                    std::thread::spawn(move || {
                        // Either side may go away at any time.
                        let _ = io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Write);
                    });
                }
            }
        });
        Ok(address)
    }

    async fn repoint(&self, name: &str, upstream: SocketAddr) -> io::Result<()> {
        self.led.lock().unwrap().entry(name.to_owned()).or_default().push(upstream);
        Ok(())
    }
}

/// One trial of its own: its folder, its name, its undo log.
pub(super) struct Trial {
    folder: tempfile::TempDir,
    pub(super) name: String,
    pub(super) routes: Arc<DirectRoutes>,
    pub(super) undo: UndoLog,
}

impl Trial {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = tempfile::tempdir().unwrap();
        let undo = UndoLog::create(&folder.path().join("undo.log")).unwrap();
        let name = format!("unit-{}-{number}", std::process::id());
        Self { folder, name, routes: Arc::default(), undo }
    }

    pub(super) fn context(&self) -> StartContext {
        StartContext {
            run: "unit".to_owned(),
            trial: self.name.clone(),
            log_dir: self.folder.path().join("logs"),
            undo: self.undo.clone(),
            routes: Arc::clone(&self.routes) as Arc<dyn Routes>,
            keep: false,
        }
    }

    pub(super) async fn start(
        &self,
        services: impl IntoIterator<Item = (&'static str, Source)>,
    ) -> Result<RunningSystem, SystemError> {
        match running::start(chosen(services), self.context()).await {
            Ok(system) => Ok(system),
            Err(running::NotStarted { error, system }) => {
                if let Some(system) = system {
                    system.stop().await;
                }
                Err(error)
            }
        }
    }

    /// The error of a start that must fail, as a person reads it.
    pub(super) async fn fail(&self, services: impl IntoIterator<Item = (&'static str, Source)>) -> String {
        match self.start(services).await {
            Ok(_) => panic!("it started"),
            Err(error) => error.to_string(),
        }
    }

    /// Whether the undo log has nothing left to undo, once something was put into it.
    pub(super) fn is_settled(&self) -> bool {
        let text = fs::read_to_string(self.folder.path().join("undo.log")).unwrap();
        let count = |what: &str| text.lines().filter(|line| line.contains(what)).count();
        let (intents, undone) = (count(r#" {"Intent""#), count(r#" {"Undone""#));
        intents > 0 && intents == undone
    }

    /// The processes that carry this trial's name.
    pub(super) fn processes(&self) -> Vec<String> {
        let tag = format!("CHAOS_TRIAL={}\0", self.name);
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        entries
            .filter(|entry| {
                fs::read(entry.path().join("environ"))
                    .is_ok_and(|environment| String::from_utf8_lossy(&environment).contains(&tag))
            })
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }
}

/// Services with the first of their providers.
pub(super) fn chosen(services: impl IntoIterator<Item = (&'static str, Source)>) -> Vec<ChosenService> {
    let chosen = services.into_iter().map(|(name, source)| {
        let Source { mut providers, after } = source;
        ChosenService { name: name.into(), provider: providers.swap_remove(0), after }
    });
    chosen.collect()
}

/// A service that is always there: this very test binary, running [`serve`].
pub(super) fn server() -> crate::system::Command {
    let own = env::current_exe().unwrap();
    let line = shell_words::join([
        own.to_str().unwrap(),
        "--exact",
        "system::tests::fixture::serve",
        "--ignored",
        "--nocapture",
    ]);
    process(line).env("CHAOS_TEST_SERVER=127.0.0.1:{port}").ready_within(Duration::from_secs(20))
}

#[test]
#[ignore = "a server, run by other tests"]
fn serve() {
    let Ok(address) = env::var("CHAOS_TEST_SERVER") else { return };
    let listener = TcpListener::bind(address).unwrap();
    println!("serving");
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        std::thread::spawn(move || {
            let mut request = [0; 1024];
            // The client may go away at any time: that is what these tests are about.
            let _ = stream.read(&mut request);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        });
    }
}
