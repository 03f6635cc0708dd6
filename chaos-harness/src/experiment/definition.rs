//! What an experiment says, and how it is written down.

use crate::BoxError;
use crate::blast_radius::Stage;
use crate::chance::Seed;
use crate::fault::Fault;
use crate::ledger::Digest;
use crate::measure::{Load, Threshold};
use crate::system::{ErasedSystem, System, SystemSpec, SystemValue};
use crate::units::Percent;
use futures::future::BoxFuture;
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What an experiment says, as plain data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Definition {
    /// Its name: the path of its function without the crate, as `cart::survives_slow_redis`.
    pub name: String,
    /// Where it is written.
    pub location: Location,
    /// The hypothesis in words.
    pub hypothesis: String,
    /// The services it needs.
    pub system: SystemSpec,
    /// The load, and how long the phases are.
    pub load: Load,
    /// What holds before the faults, and must hold again after them.
    pub steady_state: Vec<Threshold>,
    /// What is injected.
    pub faults: Vec<Fault>,
    /// What must hold while the faults are in effect.
    pub expect: Vec<Threshold>,
    /// How the steady state must come back.
    pub recover: Recover,
    /// What ends the experiment at once.
    pub halt_if: Vec<Threshold>,
    /// The blast-radius ladder; empty where the experiment names none.
    pub stages: Vec<Stage>,
    /// How sure a decision on a threshold must be.
    pub confidence: Percent,
    /// The seed, where the experiment fixes one.
    pub seed: Option<Seed>,
    /// Whether it may run beside other experiments on the same machine.
    pub parallel: bool,
    /// Why it is left out unless asked for (`#[ignore]`).
    pub ignored: Option<String>,
    /// Which version of it this is, where it says so.
    #[serde(default)]
    pub revision: Option<u32>,
    /// What the tokens of its function come to, where it is one under `#[chaos_test]`.
    #[serde(default)]
    pub body: Option<Digest>,
}

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Location {
    /// The package.
    pub package: String,
    /// The crate: the test target.
    pub target: String,
    /// The file, as the compiler names it.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// How the steady state must come back once the faults are undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Recover {
    /// How long it may take.
    pub within: Duration,
}

impl Recover {
    /// The default: within 10 s.
    #[must_use]
    pub const fn new() -> Self {
        Self { within: Duration::from_secs(10) }
    }

    /// How long it may take.
    #[must_use]
    pub const fn within(self, limit: Duration) -> Self {
        Self { within: limit }
    }
}

impl Default for Recover {
    fn default() -> Self {
        Self::new()
    }
}

/// One operation of the workload on the system's value.
pub(crate) type Operation =
    Arc<dyn Fn(SystemValue) -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

/// A chaos experiment: a hypothesis, a workload on a system, and what is injected meanwhile.
///
/// `#[chaos_test]` writes this; whatever it can say can be said here:
///
/// ```
/// use chaos_harness::prelude::*;
/// use chaos_harness::{fault, metric, system};
/// use std::time::Duration;
///
/// # struct Shop; impl Shop { async fn checkout(&self) -> Result { Ok(()) } }
/// let shop = System::new("shop")
///     .service("redis", system::container("redis:7").port(6379))
///     .start(|services| async move { Ok::<_, BoxError>(Shop) });
/// let experiment = Experiment::new("survives_slow_redis", shop, |shop| async move { shop.checkout().await })
///     .hypothesis("checkout keeps answering while Redis is slow")
///     .steady_state([metric::p99().below(Duration::from_millis(50))])
///     .inject([fault::latency("redis", Duration::from_millis(200)).into()])
///     .expect([metric::p99().below(Duration::from_millis(500))])
///     .stages([Stage::percent::<5>(), Stage::percent::<50>()]);
/// # let _ = experiment;
/// ```
#[must_use = "an experiment does nothing until it is run"]
pub struct Experiment {
    pub(crate) definition: Definition,
    pub(crate) system: ErasedSystem,
    pub(crate) operation: Operation,
}

impl Experiment {
    /// An experiment of this name: `operation` is called over and over on what `system` builds.
    ///
    /// `Ok` is a success, and the time it took is the latency; `Err` is a failure; a panic is a broken invariant,
    /// which ends the experiment.
    pub fn new<S, T, E, F, Fut>(name: impl Into<String>, system: System<S>, operation: F) -> Self
    where
        S: Send + Sync + 'static,
        E: Into<BoxError>,
        F: Fn(Arc<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let operation: Operation = Arc::new(move |value| match value.downcast::<S>() {
            Ok(system) => {
                let running = operation(system);
                Box::pin(async move { running.await.map(drop).map_err(Into::into) })
            }
            // `erase` made the value from this very type.
            Err(_) => Box::pin(async { Err("the system's value has another type".into()) }),
        });
        let system = system.erase();
        Self {
            definition: Definition {
                name: name.into(),
                location: Location::default(),
                hypothesis: String::new(),
                system: system.spec.clone(),
                load: Load::new(),
                steady_state: Vec::new(),
                faults: Vec::new(),
                expect: Vec::new(),
                recover: Recover::new(),
                halt_if: Vec::new(),
                stages: Vec::new(),
                confidence: Percent::new(95),
                seed: None,
                parallel: false,
                ignored: None,
                revision: None,
                body: None,
            },
            system,
            operation,
        }
    }

    /// The experiment as plain data.
    #[must_use]
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Says where the experiment is written, for messages and the command that re-runs it.
    pub fn location(mut self, location: Location) -> Self {
        self.definition.location = location;
        self
    }

    /// The hypothesis in words.
    pub fn hypothesis(mut self, words: impl Into<String>) -> Self {
        self.definition.hypothesis = words.into();
        self
    }

    /// The load, and how long the phases are.
    pub fn load(mut self, load: Load) -> Self {
        self.definition.load = load;
        self
    }

    /// What holds before the faults, and must hold again after them.
    pub fn steady_state(mut self, thresholds: impl IntoIterator<Item = Threshold>) -> Self {
        self.definition.steady_state.extend(thresholds);
        self
    }

    /// What is injected, all at the same time.
    pub fn inject(mut self, faults: impl IntoIterator<Item = Fault>) -> Self {
        self.definition.faults.extend(faults);
        self
    }

    /// What must hold while the faults are in effect.
    pub fn expect(mut self, thresholds: impl IntoIterator<Item = Threshold>) -> Self {
        self.definition.expect.extend(thresholds);
        self
    }

    /// How the steady state must come back; within 10 s unless said otherwise.
    pub fn recover(mut self, recover: Recover) -> Self {
        self.definition.recover = recover;
        self
    }

    /// What ends the experiment at once, seen over any second with at least 20 operations.
    pub fn halt_if(mut self, conditions: impl IntoIterator<Item = Threshold>) -> Self {
        self.definition.halt_if.extend(conditions);
        self
    }

    /// The blast-radius ladder, smallest first.
    ///
    /// Without it: that of the workspace, or `single_instance` (1 instance, low risk), `small_percentage` (5 %, low),
    /// `larger_percentage` (20 %, medium), and `significant_portion` (50 %, high), as far as they fit what the faults are on:
    /// one instance alone where there is no other, and no number of instances where a share is one of connections or of time.
    pub fn stages(mut self, stages: impl IntoIterator<Item = Stage>) -> Self {
        self.definition.stages.extend(stages);
        self
    }

    /// How sure a decision on a threshold must be; 95 % unless said otherwise.
    pub fn confidence(mut self, confidence: Percent) -> Self {
        self.definition.confidence = confidence;
        self
    }

    /// Fixes the seed; without it each run draws its own, and prints it when it fails.
    pub fn seed(mut self, seed: impl Into<Seed>) -> Self {
        self.definition.seed = Some(seed.into());
        self
    }

    /// Allows it to run beside other experiments on the same machine, whose load it will feel.
    pub fn parallel(mut self) -> Self {
        self.definition.parallel = true;
        self
    }

    /// Which version of the experiment this is: another one has everything to prove anew.
    ///
    /// What an experiment says is seen to change by itself, and so are the tokens of a function under `#[chaos_test]`. The
    /// code that it calls is not seen, nor is the operation of an experiment that is built by hand: where that changes so that what
    /// was proved means nothing any more, count this up.
    pub fn revision(mut self, revision: u32) -> Self {
        self.definition.revision = Some(revision);
        self
    }

    /// What the tokens of the operation come to: `#[chaos_test]` says this.
    pub fn body(mut self, digest: Digest) -> Self {
        self.definition.body = Some(digest);
        self
    }

    /// Leaves it out unless ignored tests are asked for.
    pub fn ignored(mut self, reason: impl Into<String>) -> Self {
        self.definition.ignored = Some(reason.into());
        self
    }
}

impl fmt::Debug for Experiment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Experiment").field("definition", &self.definition).finish_non_exhaustive()
    }
}
