//! A test target of experiments: the command line of libtest, one trial for each stage.

use super::command_line::CommandLine;
use super::listed;
use super::listing::{Entry, State, all_entries};
use super::registry::Registration;
use super::session::Session;
use crate::blast_radius::Rung;
use crate::experiment::Experiment;
use crate::terminal::tell;
use libtest_mimic::{Failed, Trial};
use std::collections::BTreeMap;
use std::io::{self, BufWriter};
use std::process::ExitCode;
use std::sync::Arc;

/// The exit code of libtest where something failed.
const FAILED: u8 = 101;

/// A test target's experiments, run as libtest runs tests.
///
/// [`main!`](crate::main) does this with all experiments that are registered; by hand it is:
///
/// ```no_run
/// use chaos_harness::harness::Harness;
/// # fn survives_slow_redis() -> chaos_harness::Experiment { unimplemented!() }
/// fn main() -> std::process::ExitCode {
///     Harness::new().experiment(survives_slow_redis()).main()
/// }
/// ```
#[derive(Debug, Default)]
pub struct Harness {
    experiments: Vec<Experiment>,
}

impl Harness {
    /// A harness without experiments as yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All experiments that `#[chaos_test]` registered in this program.
    #[must_use]
    pub fn registered() -> Self {
        let experiments = inventory::iter::<Registration>().map(|registration| (registration.define)());
        Self { experiments: experiments.collect() }
    }

    /// Adds an experiment.
    #[must_use]
    pub fn experiment(mut self, experiment: Experiment) -> Self {
        self.experiments.push(experiment);
        self
    }

    /// Lists or runs the trials, as the command line says. To be returned from `main`.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let command_line = CommandLine::from_env();
        let session = match Session::new(None, command_line.is_live()) {
            Ok(session) => Arc::new(session),
            Err(error) => {
                tell(format_args!("chaos: {error}"));
                return ExitCode::from(FAILED);
            }
        };
        let entries = all_entries(self.experiments, &session);
        if listed::is_asked_for() {
            return list(&entries, &session);
        }
        let arguments = command_line.arguments(entries.iter().map(|entry| entry.name.as_str()));
        let mut left_out: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut trials = Vec::new();
        for entry in entries {
            let reason = entry.left_out().map(str::to_owned);
            let broken = match &entry.state {
                State::Broken { problems } => Some(problems.clone()),
                _ => None,
            };
            let (name, merged) = (entry.name.clone(), entry.merged.join(", "));
            let differs = entry.rung.as_ref().and_then(Rung::differs);
            let trial = trial(entry, &session, reason.is_some());
            if !arguments.is_filtered_out(&trial) {
                if !merged.is_empty() {
                    tell(format_args!("chaos: merged: {name} also stands for {merged}: it reaches the same"));
                }
                if let Some(differs) = differs {
                    tell(format_args!("chaos: reach: {name} {differs}"));
                }
                if let Some(reason) = reason {
                    left_out.entry(reason).or_default().push(name);
                } else if let Some(problems) = broken.filter(|_| arguments.list) {
                    tell(format_args!("chaos: {problems}"));
                }
            }
            trials.push(trial);
        }
        if !arguments.ignored && !arguments.include_ignored {
            explain(&left_out);
        }
        session.remember();
        libtest_mimic::run(&arguments, trials).exit_code()
    }
}

/// Lists the trials for a tool, and runs none.
fn list(entries: &[Entry], session: &Session) -> ExitCode {
    session.remember();
    let mut out = BufWriter::new(io::stdout().lock());
    match listed::write(entries, &mut out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("chaos: the list of trials cannot be written: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn trial(entry: Entry, session: &Arc<Session>, ignored: bool) -> Trial {
    let session = Arc::clone(session);
    let name = entry.name.clone();
    Trial::test(name, move || session.run(entry).map_err(Failed::from)).with_ignored_flag(ignored)
}

/// Says why trials are left out: a runner shows only that they are.
fn explain(left_out: &BTreeMap<String, Vec<String>>) {
    for (reason, names) in left_out {
        let first = names.first().map_or("", String::as_str);
        let more = if names.len() > 1 { format!(" and {} more", names.len() - 1) } else { String::new() };
        tell(format_args!("chaos: ignored: {first}{more}: {reason}"));
    }
}

/// The `main` of a test target with `harness = false`: every `#[chaos_test]` of the target, one trial for each stage.
///
/// ```toml
/// [[test]]
/// name = "chaos"
/// harness = false
/// ```
///
/// ```no_run
/// // tests/chaos.rs
/// chaos_harness::main!();
/// ```
#[macro_export]
macro_rules! main {
    () => {
        fn main() -> ::std::process::ExitCode {
            $crate::harness::Harness::registered().main()
        }

        // Only a target with libtest's harness compiles this, and there `main` above is never called.
        #[cfg(test)]
        #[test]
        fn chaos_harness_main_needs_harness_false() {
            ::std::panic!(
                "chaos_harness::main!() is not called in this target: libtest brings a main of its own. \
                 Write `harness = false` under this target's [[test]] in Cargo.toml, or leave main!() out."
            );
        }
    };
}
