//! This program, started as the test program that is killed, and what it and its children leave on the machine.

use crate::Outcome;
use crate::experiments::{ON_CONTAINERS, ON_SERVER};
use crate::table;
use crate::toxiproxy::Toxiproxy;
use rustix::process::{Pid, Signal, getuid, kill_process, kill_process_group};
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Which experiment this process runs.
pub(crate) const ROLE: &str = "CRASH_BENCH_ROLE";

/// What marks everything of one crash.
pub(crate) const TOKEN: &str = "CRASH_BENCH_TOKEN";

/// How long a part may take to end by itself: far longer than any does.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long faults take until all of them are in effect, and far less than they stay so.
const INTO_TURBULENCE: Duration = Duration::from_millis(150);

/// A folder of its own for the results of one crash and of the new starts after it.
pub(crate) struct Place {
    pub(crate) token: String,
    pub(crate) folder: PathBuf,
    /// The server that its parts use, where they use one.
    pub(crate) server: Option<Toxiproxy>,
}

impl Place {
    /// The place of this number, for a crash of this role. No token is part of another.
    pub(crate) fn make(root: &Path, number: u64, role: &str) -> Outcome<Self> {
        let token = format!("crash-{}-{number:05}x", std::process::id());
        let folder = root.join(&token);
        fs::create_dir_all(folder.join("tmp"))?;
        // Where temporary files are its own, the locks on ports are not: others would take those of a service that is down.
        let locks = format!("chaos-harness-ports-{}", getuid().as_raw());
        let shared = std::env::temp_dir().join(&locks);
        DirBuilder::new().recursive(true).mode(0o700).create(&shared)?;
        symlink(shared, folder.join("tmp").join(locks))?;
        let server = if role == ON_SERVER { Some(Toxiproxy::start()?) } else { None };
        Ok(Self { token, folder, server })
    }

    /// Ends the server: nothing is looked for there any more.
    pub(crate) fn without_server(self) -> Self {
        Self { server: None, ..self }
    }

    /// The folder of all runs.
    pub(crate) fn runs(&self) -> PathBuf {
        self.folder.join("chaos")
    }

    /// Starts a part in a process group of its own, with such variables.
    pub(crate) fn start(&self, role: &'static str, variables: &[(&str, String)]) -> Outcome<Part> {
        let starts = fs::read_dir(&self.folder)?.flatten();
        let number = starts.filter(|entry| entry.file_name().to_string_lossy().starts_with("said")).count();
        let said = File::create(self.folder.join(format!("said-{number}")))?;
        let mut command = Command::new(std::env::current_exe()?);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CHAOS_") || name.starts_with("NEXTEST") {
                command.env_remove(&*name);
            }
        }
        let backend = if ON_CONTAINERS.contains(&role) { "docker" } else { "process" };
        command
            .env(ROLE, role)
            .env(TOKEN, &self.token)
            .env("CHAOS_TARGET_DIR", &self.folder)
            .env("CHAOS_BACKEND", backend)
            .env("CHAOS_PROFILE", "lenient")
            .env("TMPDIR", self.folder.join("tmp"))
            // The label of its containers: the run's name.
            .env("NEXTEST_RUN_ID", format!("{}-{number}", self.token))
            .envs(self.server.iter().map(|server| ("CHAOS_TOXIPROXY", server.url())))
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .process_group(0);
        Ok(Part { child: command.spawn()?, began: Instant::now() })
    }

    /// Waits until no guard is there, and none has the lock on its log: it is dead, or done. A process that is dying has no
    /// name any more, and its locks a moment longer.
    pub(crate) fn wait_for_guards(&self) -> Outcome<()> {
        let began = Instant::now();
        loop {
            let named = table::found(&self.token, &[]).iter().any(|process| process.is_guard());
            let logs = chaos_harness::safety::in_use(&self.runs())?;
            if !named && logs.iter().all(|log| log.is_abandoned) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("a guard of {} did not end", self.token).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether its part came as far as to faults in effect, as its journal tells.
    pub(crate) fn was_in_turbulence(&self) -> bool {
        let journals = inside(&self.runs()).into_iter().flat_map(|run| inside(&run));
        let texts = journals.filter_map(|trial| fs::read_to_string(trial.join("journal.jsonl")).ok());
        texts.into_iter().any(|text| text.contains(r#""event":"phase_started","phase":"turbulence""#))
    }

    /// All that its parts said, and their guards.
    pub(crate) fn said(&self) -> String {
        let folders = inside(&self.runs()).into_iter().chain([self.folder.clone()]);
        let mut told: Vec<_> = folders.flat_map(|folder| inside(&folder)).collect();
        told.sort();
        told.retain(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("said") || name.ends_with(".guard.log")
        });
        let texts = told.iter().map(|path| {
            let name = path.strip_prefix(&self.folder).unwrap_or(path).display().to_string();
            format!("--- {name}\n{}", fs::read_to_string(path).unwrap_or_default())
        });
        texts.collect()
    }
}

/// A part that runs.
pub(crate) struct Part {
    child: Child,
    pub(crate) began: Instant,
}

impl Part {
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until it has ended, or until then.
    pub(crate) fn wait_until(&mut self, instant: Instant) -> Outcome<Option<ExitStatus>> {
        loop {
            let ended = self.ended()?;
            let left = instant.saturating_duration_since(Instant::now());
            if ended.is_some() || left.is_zero() {
                return Ok(ended);
            }
            thread::sleep(left.min(Duration::from_millis(2)));
        }
    }

    /// Waits until it has ended by itself, or by a failpoint.
    pub(crate) fn wait(&mut self) -> Outcome<ExitStatus> {
        let ended = self.wait_until(Instant::now() + PATIENCE)?;
        ended.ok_or_else(|| format!("a part did not end within {PATIENCE:?}").into())
    }

    /// Waits until faults are in effect, or it has ended. Whether it lives.
    pub(crate) fn wait_for_turbulence(&mut self, place: &Place) -> Outcome<bool> {
        let latest = Instant::now() + PATIENCE;
        while self.ended()?.is_none() {
            if place.was_in_turbulence() {
                return Ok(self.wait_until(Instant::now() + INTO_TURBULENCE)?.is_none());
            }
            if Instant::now() > latest {
                return Err(format!("a part injected nothing within {PATIENCE:?}").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(false)
    }

    /// Kills it with its process group, as a runner does whose patience is at an end.
    pub(crate) fn kill_group(&mut self) -> Outcome<()> {
        // It may have ended just now.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        self.child.wait()?;
        Ok(())
    }

    /// Kills it with its guard, and with any that it started meanwhile.
    pub(crate) fn kill_with_guard(&mut self, place: &Place) -> Outcome<()> {
        let in_use = chaos_harness::safety::in_use(&place.runs())?;
        in_use.iter().filter_map(|process| process.guard).for_each(kill);
        self.kill_group()?;
        table::found(&place.token, &[])
            .iter()
            .filter(|process| process.is_guard())
            .for_each(|guard| kill(guard.pid));
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Only where something went wrong is it there still.
        let _ = self.kill_group();
    }
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // It may have ended just now.
    let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
}

/// Whether SIGKILL ended it.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::KILL.as_raw())
}
