//! What all trials of one process share.

use super::evidence;
use super::folder::{FolderError, RunId, TrialFolder, runs_folder};
use super::listing::{Entry, Ladder, State};
use super::lock::MachineLock;
use super::provenance::Provenance;
use super::record::Record;
use super::rerun::TestProgram;
use super::selection::Selection;
use crate::blast_radius::{Rung, Stage};
use crate::causes::causes;
use crate::chance::Seed;
use crate::experiment::{Definition, Plan, Setup, UndoResult, Verdict, refuse, run};
use crate::redact;
use crate::report::{Details, Headline, Report, Warnings, WithoutFaults};
use crate::safety::{Interrupt, Shortage, recover_but};
use crate::settings::{Inconclusive, Origin, Requirement, SeedPolicy, Settings, SettingsError};
use crate::system::{Availability, BackendChoice, Unavailable};
use crate::terminal::{tell, tell_of};
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Settings, the run's folder, and what is known of this machine.
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) provenance: Provenance,
    pub(super) record: Record,
    pub(super) availability: Availability,
    /// The folder of all runs.
    pub(super) runs: PathBuf,
    pub(super) run: RunId,
    /// The test that runs the one trial there is, in a target with libtest's harness.
    libtest: Option<String>,
    /// Whether progress is told live.
    live: bool,
    /// What told of something that earlier runs left and that could not be put right: each process tries once.
    tried: Mutex<BTreeSet<PathBuf>>,
}

/// Why nothing can be listed or run.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("the current folder is not known: {0}")]
    Folder(io::Error),
}

/// Why a trial could not even begin.
#[derive(Debug, thiserror::Error)]
enum CannotBegin {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("signals cannot be watched for: {0}")]
    Signals(io::Error),
    #[error("interrupted by {0}")]
    Interrupted(crate::safety::Signal),
    #[error(transparent)]
    Lock(#[from] super::lock::LockError),
    #[error("no thread to wait on: {0}")]
    Runtime(io::Error),
}

impl Session {
    pub(super) fn new(libtest: Option<String>, live: bool) -> Result<Self, SessionError> {
        let here = std::env::current_dir().map_err(SessionError::Folder)?;
        let settings = Settings::load(&here, std::env::vars_os())?;
        for variable in settings.unknown_variables() {
            tell(format_args!("chaos: {variable}"));
        }
        let runs = runs_folder(settings.environment.target_dir.as_deref());
        let run = RunId::current();
        let availability = Availability::from_env();
        availability.load(&known_file(&runs, &run));
        let provenance = Provenance::new(settings.folder());
        let is_asked_for = matches!(settings.ledger.dir.origin, Origin::Variable(_));
        let record = Record::open(settings.ledger_dir(), is_asked_for);
        Ok(Self {
            settings,
            provenance,
            record,
            availability,
            runs,
            run,
            libtest,
            live,
            tried: Mutex::default(),
        })
    }

    /// What decides which stages run.
    pub(super) fn selection(&self) -> Selection {
        Selection {
            choice: self.settings.in_effect().stages.value,
            approval_over: self.settings.ledger.approval_over.value,
            approved: self.settings.approved_by().is_some(),
        }
    }

    /// Changes what an experiment says as the profile wants it.
    pub(super) fn adapt(&self, definition: &mut Definition) {
        let profile = self.settings.in_effect();
        definition.load.stretch(profile.durations.value);
        if let Some(confidence) = profile.confidence.value {
            definition.confidence = confidence;
        }
    }

    /// The ladder of experiments that name none: empty where the workspace has none of its own.
    pub(super) fn ladder(&self) -> &[Stage] {
        self.settings.stages.value.as_deref().unwrap_or_default()
    }

    /// What runs services.
    pub(super) fn backend(&self) -> BackendChoice {
        self.settings.in_effect().backend.value
    }

    /// Whether what is lacking here must not be: `CHAOS_REQUIRE`.
    pub(super) fn requires(&self, unavailable: &Unavailable) -> bool {
        self.settings.environment.require.iter().any(|requirement| match requirement {
            Requirement::Docker => unavailable.needs_docker,
        })
    }

    /// Why a stage may not be run here, whatever else goes on: it is beyond a limit of the user's.
    pub(super) fn refuses(&self, definition: &Definition, rung: &Rung) -> Option<Shortage> {
        let limits = (!self.settings.environment.no_fault).then_some(self.settings.environment.limits)?;
        refuse(definition, rung, limits)
    }

    /// Keeps what was found out about this machine, for the other processes of this run.
    pub(super) fn remember(&self) {
        let file = known_file(&self.runs, &self.run);
        // Only a run of several processes has a folder by now, and only that has readers; it costs them only a probe.
        if file.parent().is_some_and(std::path::Path::is_dir) {
            let _ = self.availability.store(&file);
        }
    }

    /// Runs a trial: `Err` says all there is to say about a failure, and nothing that is not to be shown.
    pub(super) fn run(&self, entry: Entry) -> Result<(), String> {
        self.try_run(entry).map_err(|failure| redact::text(&failure).into_owned())
    }

    fn try_run(&self, entry: Entry) -> Result<(), String> {
        let Entry { name, ladder, rung, needs_approval, state, .. } = entry;
        let (rung, services) = match (state, rung) {
            (State::Ready { services, .. }, Some(rung)) => (rung, services),
            (State::Ready { .. }, None) => return Err("the experiment has no stage".to_owned()),
            (State::Lacking { reason, .. }, _) => return Err(reason),
            (State::Broken { problems }, _) => return Err(problems),
        };
        let definition = &ladder.experiment.definition;
        let seed = self.seed(definition);
        let plan = Plan::new(definition, &rung, services, seed, !self.settings.environment.no_fault);
        let report = self.conduct(&ladder.experiment, plan, name).map_err(|error| error.to_string())?;
        self.leave_evidence(&report, &ladder, needs_approval);
        self.tell(&report)
    }

    /// What a trial's choices are drawn from. A variable wins over what the experiment fixes, and that over a profile that
    /// fixes nothing.
    fn seed(&self, definition: &Definition) -> Seed {
        let chosen = &self.settings.in_effect().seed;
        let fixed = definition.seed.filter(|_| !matches!(chosen.origin, Origin::Variable(_)));
        match (chosen.value, fixed) {
            (SeedPolicy::Fixed(seed), _) | (_, Some(seed)) => seed,
            (SeedPolicy::Fresh, None) => Seed::fresh(),
            (SeedPolicy::Commit, None) => self.seed_of_commit(),
        }
    }

    fn seed_of_commit(&self) -> Seed {
        let Some(commit) = self.provenance.commit().id.as_deref() else {
            tell(
                "chaos: warning: the seed is to be that of the commit, and there is none: it is a fresh one",
            );
            return Seed::fresh();
        };
        Seed::of_commit(commit)
    }

    fn conduct(
        &self,
        experiment: &crate::experiment::Experiment,
        plan: Plan,
        trial: String,
    ) -> Result<Report, CannotBegin> {
        let interrupt = Interrupt::install().map_err(CannotBegin::Signals)?;
        if let Some(signal) = interrupt.is_set() {
            return Err(CannotBegin::Interrupted(signal));
        }
        self.provenance.prepare();
        // Held until the trial is over.
        let _lock = if plan.definition.parallel { None } else { Some(wait_for_machine(&interrupt)?) };
        self.put_leftovers_right();
        let folder = TrialFolder::create(&self.runs, &self.run, &trial)?;
        let program = TestProgram::current(&plan.definition.location.package);
        let setup = Setup {
            rerun: program.rerun(self.test_name(&trial), plan.seed, &self.settings.to_repeat()),
            plan,
            trial,
            run: self.run.to_string(),
            folder: folder.path().to_owned(),
            runs: self.runs.clone(),
            run_folder: self.run.folder(&self.runs),
            tag: folder.tag().to_owned(),
            limits: self.settings.environment.limits,
            interrupt: &interrupt,
            keep: self.settings.environment.keep,
            live: self.live,
            log: self.settings.environment.log.clone(),
            #[cfg(feature = "external-toxiproxy")]
            toxiproxy: self.settings.environment.toxiproxy.clone(),
        };
        Ok(run(experiment, setup))
    }

    /// What a runner calls a trial: in a libtest target, it is the test that runs it.
    fn test_name<'a>(&'a self, trial: &'a str) -> &'a str {
        self.libtest.as_deref().unwrap_or(trial)
    }

    /// What a run left behind when its machine went down, or it was killed with its guard.
    fn put_leftovers_right(&self) {
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        match recover_but(&self.runs, &tried) {
            Ok(leftovers) => {
                for leftover in leftovers {
                    // What is another container's affair is shown by `cargo chaos ps`, and not with each trial.
                    if leftover.open == 0 && leftover.is_undone() {
                        continue;
                    }
                    tell(format_args!("chaos: an earlier run was cut off: {leftover}"));
                    if !leftover.is_undone() {
                        tried.insert(leftover.told_by);
                    }
                }
            }
            Err(error) => {
                tell(format_args!("chaos: what earlier runs left behind cannot be looked for: {error}"));
            }
        }
    }

    /// Leaves what the trial came to where a recorder finds it. That it cannot is told, and no reason to fail.
    fn leave_evidence(&self, report: &Report, ladder: &Ladder, needs_approval: bool) {
        let redactor = report.plan.redactor();
        let written = evidence::of(report, ladder, needs_approval, self)
            .map(|evidence| evidence.write_redacted(&self.runs, &redactor));
        let failure = match written {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => causes(&error),
            Err(error) => error.to_string(),
        };
        tell(format_args!("chaos: {}: {failure}", report.trial));
    }

    fn tell(&self, report: &Report) -> Result<(), String> {
        if let Err(error) = report.store() {
            tell(format_args!("chaos: the report of {} cannot be written: {error}", report.trial));
        }
        let redactor = report.plan.redactor();
        let verdict = report.conclusion.verdict;
        let is_lenient = self.settings.in_effect().inconclusive.value == Inconclusive::Warn;
        match verdict {
            // Whatever became of the hypothesis: nothing leaks without a word.
            _ if report.undo.is_failed() => Err(Details(report).to_string()),
            Verdict::Upheld => {
                tell_of(&redactor, format_args!("chaos: {}", Headline(report)));
                if report.undo != UndoResult::Clean {
                    tell_of(&redactor, format_args!("{}", Warnings(report).to_string().trim_end()));
                }
                Ok(())
            }
            Verdict::Inconclusive if report.is_without_fault() => {
                tell_of(&redactor, format_args!("chaos: {}", WithoutFaults(report)));
                Ok(())
            }
            Verdict::Inconclusive if is_lenient => {
                tell_of(&redactor, format_args!("chaos: warning: {}", Details(report)));
                Ok(())
            }
            _ => Err(Details(report).to_string()),
        }
    }
}

fn known_file(runs: &std::path::Path, run: &RunId) -> PathBuf {
    runs.join(run.to_string()).join("machine.json")
}

/// Waits until no other experiment generates load on this machine.
fn wait_for_machine(interrupt: &Interrupt) -> Result<MachineLock, CannotBegin> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CannotBegin::Runtime)?;
    runtime.block_on(async {
        tokio::select! {
            lock = MachineLock::acquire() => Ok(lock?),
            signal = interrupt.cancelled() => Err(CannotBegin::Interrupted(signal)),
        }
    })
}
