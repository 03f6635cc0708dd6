//! This program, started again in another role, so that a role's processor time and memory are its own.

use crate::outcome::Outcome;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Which role this process plays.
pub(crate) const ROLE: &str = "PROXY_BENCH_ROLE";

/// How long an answer may take: far longer than any that is right.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that takes one command a line on its standard input, and ends with it.
pub(crate) struct Part {
    role: &'static str,
    child: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
    /// The process that does the work: not the child itself where the child only drives another program.
    worker: u32,
}

impl Part {
    pub(crate) fn start(role: &'static str) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn()?;
        let output = child.stdout.take().ok_or("the part has no output")?;
        let (sender, answers) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut part = Self { role, commands: child.stdin.take(), child, answers, worker: 0 };
        part.worker = part.answer()?.parse()?;
        Ok(part)
    }

    /// Sends a command and waits for its answer.
    pub(crate) fn ask(&mut self, command: &str) -> Outcome<String> {
        self.tell(command)?;
        self.answer()
    }

    pub(crate) fn tell(&mut self, command: &str) -> Outcome<()> {
        let commands = self.commands.as_mut().ok_or("the part was told to end")?;
        commands.write_all(format!("{command}\n").as_bytes())?;
        Ok(())
    }

    pub(crate) fn answer(&self) -> Outcome<String> {
        let line = self.answers.recv_timeout(PATIENCE);
        let line = line.map_err(|_| format!("no answer from `{}` within {PATIENCE:?}", self.role))?;
        match line.split_once(' ') {
            Some(("ok", answer)) => Ok(answer.to_owned()),
            _ => Err(format!("`{}` answered: {line}", self.role).into()),
        }
    }

    /// The processor time used so far, in seconds.
    pub(crate) fn cpu(&self) -> Outcome<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.worker))?;
        // The second field is a name in brackets, and may hold anything.
        let (_, fields) = text.rsplit_once(')').ok_or("no such field")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        let ticks = ticks.sum::<Result<u64, _>>()?;
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    /// The memory in use, in MB.
    pub(crate) fn memory(&self) -> Outcome<f64> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.worker))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no such line")?;
        let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024.0 / 1e6)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.commands.take());
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        // It has either ended by now or is beyond help.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The part's side: announces the process that does the work, then answers each command until there are no more.
pub(crate) fn serve(worker: u32, ended: fn(), mut answer: impl FnMut(&[&str]) -> Outcome<String>) {
    println!("ok {worker}");
    let (sender, commands) = mpsc::channel();
    // On a thread of its own: a command that hangs must not keep this process alive.
    thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
        ended();
        std::process::exit(0);
    });
    for line in commands {
        let words: Vec<&str> = line.split_whitespace().collect();
        match answer(&words) {
            Ok(text) => println!("ok {text}"),
            Err(error) => println!("error {error}"),
        }
    }
}

/// A moment on the clock that all processes of this machine share, in nanoseconds.
pub(crate) fn stamp() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000_000
        + u64::try_from(now.tv_nsec).unwrap_or_default()
}

/// Thousands of connections need more descriptors than the usual soft limit.
pub(crate) fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, the row that needs them says so.
    let _ = setrlimit(Resource::Nofile, limit);
}
