//! The event record of one trial: one JSON object a line, in the order in which things happened.

use crate::clock;
use crate::experiment::{
    Conclusion, Effect, Halt, Judged, Obstacle, Phase, Plan, Reached, Recovery, UndoResult,
};
use crate::measure::Summary;
use crate::redact::Redactor;
use crate::safety::{Forced, private};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Something that happened in a trial.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event<'a> {
    /// The trial begins.
    Planned {
        /// What was decided before it began.
        plan: &'a Plan,
        /// Seconds since the Unix epoch.
        at: u64,
    },
    /// A service is ready.
    ServiceReady {
        /// Which.
        service: &'a str,
        /// The addresses of its routes.
        routes: Vec<String>,
    },
    /// A phase begins.
    PhaseStarted {
        /// Which.
        phase: Phase,
        /// How long it is to last.
        lasting: Duration,
    },
    /// A phase was made longer, because its samples could not decide.
    PhaseExtended {
        /// Which.
        phase: Phase,
        /// By how much.
        by: Duration,
    },
    /// A phase is over.
    PhaseEnded {
        /// Which.
        phase: Phase,
        /// What was measured.
        summary: &'a Summary,
        /// What its thresholds came to.
        judged: Option<&'a Judged>,
    },
    /// A fault is about to be injected: what undoes it is durable.
    Injecting {
        /// Which.
        fault: String,
        /// Where.
        targets: String,
    },
    /// A fault is in effect, or was found to have none.
    Effect {
        /// What was seen.
        effect: &'a Effect,
    },
    /// How much a fault has reached, at the end of the turbulence.
    Reached {
        /// What was counted.
        reached: &'a Reached,
    },
    /// A fault was undone.
    Undone {
        /// Which.
        fault: String,
        /// How, where that destroyed what it was on.
        forced: Option<Forced>,
        /// What went wrong, if anything did.
        failure: Option<String>,
    },
    /// A halt condition was met.
    Halted {
        /// What was seen.
        halt: &'a Halt,
    },
    /// The steady state came back, or did not.
    Recovered {
        /// How.
        recovery: &'a Recovery,
    },
    /// Something stood in the way.
    Obstacle {
        /// What.
        obstacle: &'a Obstacle,
    },
    /// Everything was taken down, or was tried to: the last event.
    TakenDown {
        /// What could not be undone as it was meant to be. The conclusion stands.
        undo: &'a UndoResult,
    },
    /// The phases are over. Durable before anything is taken down; once more where the end of the test's own system changes
    /// it.
    Concluded {
        /// What is concluded.
        conclusion: &'a Conclusion,
    },
}

/// The journal of one trial. What cannot be written is remembered, and told at the end.
#[derive(Debug)]
pub struct Journal {
    began: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    redactor: Redactor,
    failed: Option<io::Error>,
}

#[derive(Serialize)]
struct Line<'a> {
    /// Milliseconds since the trial began.
    t: u128,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

impl Journal {
    /// A journal in a new file, which shows nothing that `redactor` hides.
    pub(crate) fn create(path: &Path, redactor: Redactor) -> io::Result<Self> {
        let file = private::create_new(path)?;
        Ok(Self { began: clock::now(), inner: Mutex::new(Inner { file, redactor, failed: None }) })
    }

    /// Writes down what happened.
    pub(crate) fn event(&self, event: &Event<'_>) {
        let t = clock::now().saturating_duration_since(self.began).as_millis();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let written =
            inner.redactor.line(&Line { t, event }).map_err(io::Error::from).and_then(|mut line| {
                line.push(b'\n');
                inner.file.write_all(&line)
            });
        if let Err(error) = written {
            inner.failed.get_or_insert(error);
        }
    }

    /// Makes the journal durable: before services are taken down, so that a failing end cannot take the verdict with
    /// it. Tells what could not be written since it was created.
    pub(crate) fn seal(&self) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.failed.take() {
            Some(error) => Err(error),
            None => inner.file.sync_data(),
        }
    }
}
