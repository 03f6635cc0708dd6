//! The outside observer: what is left of a part, as anyone could see who knows its token and what it was seen to start.

use crate::host;
use crate::part::Place;
use crate::table::{self, Process};
use crate::toxiproxy::Toxiproxy;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two looks at the processes of a part that lives.
const WATCHES_EVERY: Duration = Duration::from_millis(40);

/// Between two looks at what is left. Each reads all that is known of all processes: more of them would slow down what is
/// looked at.
const LOOKS_EVERY: Duration = Duration::from_millis(20);

/// How long anything may be left.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a part was seen to start, or to have.
#[derive(Default)]
pub(crate) struct Seen {
    processes: Vec<Process>,
    volumes: BTreeSet<String>,
}

impl Seen {
    pub(crate) fn and(mut self, more: Self) -> Self {
        self.processes.extend(more.processes);
        self.volumes.extend(more.volumes);
        self
    }
}

/// Watches a part while it lives.
pub(crate) struct Watcher {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Seen>>,
}

impl Watcher {
    pub(crate) fn of(part: u32, token: &str, on_containers: bool) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut watcher = Self { over, threads: Vec::new() };
        watcher.watch(move |seen| {
            for process in table::family(part) {
                if !seen.processes.contains(&process) {
                    seen.processes.push(process);
                }
            }
        });
        if on_containers {
            let token = token.to_owned();
            watcher.watch(move |seen| {
                seen.volumes.extend(host::volumes(&token));
                thread::sleep(WATCHES_EVERY * 4);
            });
        }
        watcher
    }

    fn watch(&mut self, look: impl Fn(&mut Seen) + Send + 'static) {
        let over = Arc::clone(&self.over);
        self.threads.push(thread::spawn(move || {
            let mut seen = Seen::default();
            while !over.load(Ordering::Relaxed) {
                look(&mut seen);
                thread::sleep(WATCHES_EVERY);
            }
            seen
        }));
    }

    /// To be called as soon as the part is dead: numbers of processes come again.
    pub(crate) fn end(self) -> Seen {
        self.over.store(true, Ordering::Relaxed);
        let seen = self.threads.into_iter().filter_map(|thread| thread.join().ok());
        seen.fold(Seen::default(), Seen::and)
    }
}

/// Waits until nothing is left, and says how long that took, since `instant`; or what is left after all.
pub(crate) fn wait_until_clean(
    place: &Place,
    seen: &Seen,
    on_containers: bool,
    since: Instant,
) -> Result<Duration, Vec<String>> {
    let began = Instant::now();
    loop {
        let left = leftovers(place, seen, on_containers);
        if left.is_empty() {
            return Ok(since.elapsed());
        }
        if began.elapsed() > PATIENCE {
            return Err(left);
        }
        thread::sleep(LOOKS_EVERY);
    }
}

/// What is left now.
pub(crate) fn leftovers(place: &Place, seen: &Seen, on_containers: bool) -> Vec<String> {
    let processes = table::found(&place.token, &seen.processes);
    let mut left: Vec<_> = processes
        .iter()
        .map(|process| format!("process {} {}", process.pid, process.command_line()))
        .collect();
    left.extend(files(place));
    left.extend(place.server.iter().flat_map(Toxiproxy::leftovers));
    // Asking the engine takes long: once nothing else is left.
    if on_containers && left.is_empty() {
        left.extend(host::of_engine(&place.token, &seen.volumes));
    }
    left
}

/// Files that a run does not leave on purpose.
fn files(place: &Place) -> Vec<String> {
    let runs = place.runs();
    let mut stray = inside(&runs.join("open"));
    // What a trial that is over had the right to, and what it was writing down of that.
    let is_lease = |path: &PathBuf| path.extension().is_some_and(|end| end == "lease" || end == "new");
    stray.extend(inside(&runs.join("leases")).into_iter().filter(is_lease));
    // The lock that trials take turns by stays for ever, and so does the folder of the locks on ports.
    let stays = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".lock") || name.starts_with("chaos-harness-ports-")
    };
    stray.extend(inside(&place.folder.join("tmp")).into_iter().filter(|path| !stays(path)));
    let drafts = tree(&runs).into_iter().filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with('.') || name.ends_with(".tmp")
    });
    stray.extend(drafts);
    stray.iter().map(|path| format!("file {}", path.display())).collect()
}

fn inside(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = inside(folder);
    let folders = found.iter().filter(|path| path.is_dir() && !path.is_symlink());
    let below: Vec<_> = folders.flat_map(|folder| tree(folder)).collect();
    found.extend(below);
    found
}
