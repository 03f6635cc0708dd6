//! What this harness adds to a build: a user's crate with one experiment, against the same crate with testcontainers alone,
//! from nothing, and after a change of the test's body.
//!
//! `BUILD_ROUNDS` is how often each is built: 3, in turn, and each time in the other order, so that a machine that is busy, or grows
//! slower, is so for all. The last lines are what
//! the figures are beside their targets: of the clock, and beside it of the processors' time, which stays true when something
//! else runs.
//!
//! Cargo compiles what comes from a registry without incremental state and without lints, unlike what has a path: the program is
//! the compiler's wrapper, and leaves both away, as for a user.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::fmt::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Set where this program stands for the compiler.
const WRAPS: &str = "BUILD_BENCH_WRAPS_RUSTC";

/// What stands in the tests' bodies, for another text.
const EDITED: &str = "EDITED";

fn main() -> ExitCode {
    let done = if env::var_os(WRAPS).is_some() { Err(wrap().into()) } else { measure() };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Becomes the compiler, which compiles this project as a registry's crates.
fn wrap() -> io::Error {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let compiler = arguments.remove(0);
    let is_ours = arguments.windows(2).any(|pair| pair[0] == "--crate-name" && pair[1].starts_with("chaos_"));
    if is_ours {
        if let Some(at) = arguments.iter().position(|argument| argument.starts_with("incremental=")) {
            arguments.drain(at - 1..=at);
        }
        arguments.push("--cap-lints=allow".to_owned());
    }
    Command::new(compiler).args(arguments).exec()
}

fn measure() -> Outcome<()> {
    let rounds = match env::var("BUILD_ROUNDS") {
        Ok(text) => text.parse().map_err(|error| format!("BUILD_ROUNDS={text}: {error}"))?,
        Err(_) => 3_usize,
    };
    let folder = tempfile::tempdir()?;
    let tests = "[[test]]\nname = \"redis\"\nharness = false\n";
    let ours = format!("chaos-harness = {{ path = {:?} }}\n{tests}", env!("CARGO_MANIFEST_DIR"));
    let lean = "testcontainers = { version = \"0.28\", default-features = false }\n";
    let (with_containers, with_chaos) = (include_str!("testcontainers.rs"), include_str!("chaos.rs"));
    let mut crates = [
        User::new(folder.path(), "testcontainers without default features", lean, with_containers)?,
        User::new(folder.path(), "testcontainers", "testcontainers = \"0.28\"\n", with_containers)?,
        User::new(folder.path(), "chaos-harness", &ours, with_chaos)?,
    ];
    for round in 0..rounds {
        let mut order = [0, 1, 2];
        if round % 2 == 1 {
            order.reverse();
        }
        for index in order {
            let user = &mut crates[index];
            user.clean()?;
            let took = user.build()?;
            eprintln!("from nothing, {}: {took}", user.name);
            user.cold.push(took);
        }
        for index in order {
            let user = &mut crates[index];
            user.edit(&format!("edit {round}"))?;
            let took = user.build()?;
            eprintln!("after an edit, {}: {took}", user.name);
            user.edited.push(took);
        }
    }
    report(&crates);
    Ok(())
}

fn report([lean, full, chaos]: &[User; 3]) {
    println!("{:44}{:>16}{:>16}", "medians: clock, processors", "from nothing", "after an edit");
    for user in [lean, full, chaos] {
        let row = [&user.cold, &user.edited].map(|took| {
            format!(
                "{:7.2} s{:7.2} s",
                median(took.iter().map(Took::clock)),
                median(took.iter().map(Took::busy))
            )
        });
        println!("{:44}{:>16}{:>16}", user.name, row[0], row[1]);
    }
    println!("against testcontainers without default features: {}", Ratio::of(&chaos.cold, &lean.cold));
    for (name, ratio, target) in [
        ("cold_of_testcontainers", Ratio::of(&chaos.cold, &full.cold), 1.3),
        ("incremental_of_testcontainers", Ratio::of(&chaos.edited, &full.edited), 1.15),
    ] {
        let mark = if ratio.clock <= target { "ok" } else { "short" };
        println!("figure {name} = {:.3} x (target <= {target}) {mark} ({ratio})", ratio.clock);
    }
}

/// How long a build takes.
struct Took {
    clock: Duration,
    /// Of all processors together, where the system tells.
    busy: Option<Duration>,
}

impl Took {
    fn clock(&self) -> f64 {
        self.clock.as_secs_f64()
    }

    fn busy(&self) -> f64 {
        self.busy.map_or(f64::NAN, |busy| busy.as_secs_f64())
    }
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} s by the clock, {:.2} s of processors", self.clock(), self.busy())
    }
}

/// How many times as long one build takes as another: the median of the rounds'.
struct Ratio {
    clock: f64,
    busy: f64,
}

impl Ratio {
    fn of(ours: &[Took], bare: &[Took]) -> Self {
        let ratio = |value: fn(&Took) -> f64| {
            median(ours.iter().zip(bare).map(|(this, that)| value(this) / value(that)))
        };
        Self { clock: ratio(Took::clock), busy: ratio(Took::busy) }
    }
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} x by the clock, {:.3} x of processors", self.clock, self.busy)
    }
}

fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A crate of a user's, with one test.
struct User {
    name: &'static str,
    folder: PathBuf,
    test: &'static str,
    cold: Vec<Took>,
    edited: Vec<Took>,
}

impl User {
    /// Makes the crate, and has what it depends on fetched: the same versions as this project's.
    fn new(parent: &Path, name: &'static str, dependencies: &str, test: &'static str) -> Outcome<Self> {
        let folder = parent.join(name.replace(' ', "-"));
        fs::create_dir_all(folder.join("src"))?;
        fs::create_dir_all(folder.join("tests"))?;
        let mut manifest =
            "[package]\nname = \"user\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
            [dev-dependencies]\n\
            tokio = { version = \"1\", features = [\"io-util\", \"macros\", \"net\", \"rt-multi-thread\"] }\n"
                .to_owned();
        manifest.write_str(dependencies)?;
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("src/lib.rs"), "//! Nothing but its test.\n")?;
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"), folder.join("Cargo.lock"))?;
        let user = Self { name, folder, test, cold: Vec::new(), edited: Vec::new() };
        user.edit("unedited")?;
        user.run(&["fetch"])?;
        Ok(user)
    }

    fn edit(&self, text: &str) -> io::Result<()> {
        fs::write(self.folder.join("tests/redis.rs"), self.test.replace(EDITED, text))
    }

    fn clean(&self) -> io::Result<()> {
        match fs::remove_dir_all(self.folder.join("target")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn build(&self) -> Outcome<Took> {
        let (began, busy_before) = (Instant::now(), children_busy());
        self.run(&["test", "--no-run", "--offline"])?;
        let clock = began.elapsed();
        Ok(Took {
            clock,
            busy: children_busy().zip(busy_before).and_then(|(after, before)| after.checked_sub(before)),
        })
    }

    fn run(&self, arguments: &[&str]) -> Outcome<()> {
        let mut cargo = Command::new("cargo");
        // Cargo is asked for its defaults, not for what this program was built with.
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text != "CARGO_HOME"
                && (name_text.starts_with("CARGO") || name_text.starts_with("RUSTFLAGS"))
            {
                cargo.env_remove(&name);
            }
        }
        cargo.env(WRAPS, "1").env("RUSTC_WRAPPER", env::current_exe()?);
        let output = cargo
            .current_dir(&self.folder)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cargo cannot be started: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("cargo {} in {}: {}:\n{said}", arguments.join(" "), self.name, output.status).into())
    }
}

/// What the processes that this one has started and seen the end of have taken of processors.
fn children_busy() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the program's name, which may hold anything, the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks: u64 = fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()))
}
