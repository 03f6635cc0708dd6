//! What safety costs a trial: the start of its guard, and each entry of its undo log.

use crate::Outcome;
use crate::figure::{Figure, Goal, median};
use crate::part::ROLE;
use chaos_harness::__bench::Log;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How many guards are started, each by a process of its own.
const GUARDS: usize = 25;

/// How many entries are written, and as many bare writes, in turns.
const ENTRIES: usize = 300;

/// Where a process works that starts a guard.
const FOLDER: &str = "CRASH_BENCH_FOLDER";

pub(crate) fn all() -> Outcome<Vec<Figure>> {
    // On the disk that a test's results are on: in memory, making an entry durable costs nothing.
    let root =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-bench-cost-{}", std::process::id()));
    let (mut calls, mut up) = (Vec::new(), Vec::new());
    for number in 0..GUARDS {
        let folder = root.join(number.to_string());
        fs::create_dir_all(&folder)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.env(ROLE, "guard-start").env(FOLDER, &folder).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let [call, until_up] = *text.split_whitespace().collect::<Vec<_>>() else {
            return Err(format!("a guard could not be started: {text}").into());
        };
        calls.push(call.parse()?);
        up.push(until_up.parse()?);
    }
    let (entry, bare) = entries(&root.join("entries"))?;
    fs::remove_dir_all(&root)?;
    let note = format!("median of {GUARDS}");
    let in_ms = |seconds| median(seconds).unwrap_or_default() * 1e3;
    let spent = format!("{:.3} ms against {:.3} ms, medians of {ENTRIES}", in_ms(&entry), in_ms(&bare));
    let ratio = median(&entry).zip(median(&bare)).map(|(entry, bare)| entry / bare);
    let start =
        |name, values: &[f64]| Figure::of_samples(name, median(values), "ms", Goal::Below(10.0)).note(&note);
    Ok(vec![
        start("guard_start_for_the_trial", &calls),
        start("guard_start_until_it_watches", &up),
        Figure::of_samples("durable_entry_against_bare_write", ratio, "x", Goal::AtMost(1.5)).note(spent),
    ])
}

/// A log in a folder of runs.
fn log(folder: &Path) -> Outcome<(Log, PathBuf)> {
    let run = folder.join("run");
    fs::create_dir_all(&run)?;
    let log = Log::open(folder, &run)?;
    let file = fs::read_dir(&run)?.flatten().next().ok_or("the log has no file")?;
    Ok((log, file.path()))
}

/// The part's side: starts a guard, and says how long that took the caller, and until it was up, in milliseconds.
pub(crate) fn start_guard() -> Outcome<()> {
    let (log, file) = log(Path::new(&std::env::var_os(FOLDER).ok_or("no folder")?))?;
    let began = Instant::now();
    log.record()?;
    let call = began.elapsed();
    while !fs::read_to_string(&file)?.contains("Guarded") {
        if began.elapsed() > Duration::from_secs(10) {
            return Err("the guard is not up after 10 s".into());
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    let up = began.elapsed();
    log.close()?;
    println!("{} {}", call.as_secs_f64() * 1e3, up.as_secs_f64() * 1e3);
    Ok(())
}

/// The seconds that entries took, and writes of the same bytes, each made durable.
fn entries(folder: &Path) -> Outcome<(Vec<f64>, Vec<f64>)> {
    let (log, file) = log(folder)?;
    // The first one starts the guard.
    log.record()?;
    let bare_path = folder.join("run/bare");
    let mut bare_file = OpenOptions::new().append(true).create(true).open(bare_path)?;
    let line = fs::read_to_string(&file)?
        .lines()
        .rfind(|line| line.contains("Intent"))
        .unwrap_or_default()
        .to_owned();
    let line = format!("{line}\n");
    let (mut entry, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ENTRIES {
        let began = Instant::now();
        log.record()?;
        entry.push(began.elapsed().as_secs_f64());
        let began = Instant::now();
        bare_file.write_all(line.as_bytes())?;
        bare_file.sync_data()?;
        bare.push(began.elapsed().as_secs_f64());
    }
    log.close()?;
    Ok((entry, bare))
}
