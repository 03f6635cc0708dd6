//! The phases of a trial, in order: each is measured, judged and written down before the next begins.

use super::injector::Injector;
use super::routes::ToxicRoutes;
use crate::causes::causes;
use crate::clock;
use crate::experiment::undo::Undoing;
use crate::experiment::verdict::{
    Blame, Effect, Facts, Halt, Judged, LATE_SHARE, Obstacle, Panicked, Phase, Recovery,
};
use crate::experiment::{Definition, Plan};
use crate::measure::{
    self, Decision, Evaluated, Generator, GeneratorError, Observer, PhaseEnd, PhaseSamples, Sample, Summary,
    Threshold,
};
use crate::report::{Event, Journal, PhaseReport};
use crate::safety::breaker::Breaker;
use crate::safety::{Attempt, Lease, Leases, Request, Tripped};
use crate::system::RunningSystem;
use crate::units::show_duration;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A phase whose samples do not decide is made longer once, to at most this many times its length.
pub(super) const EXTENSION: u32 = 3;

/// What was measured, phase by phase.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) phases: Vec<PhaseReport>,
    /// How long load was generated, all in all.
    pub(super) load: Duration,
    /// How long it took until the services were ready.
    pub(super) services_started_in: Duration,
    /// How long the test's own code took to build the system.
    pub(super) user_code: Duration,
    /// What was undone by force, or not at all.
    pub(super) undoing: Undoing,
    /// Leave to inject that could not be given back, since a fault may still be in effect.
    pub(super) lease: Option<Lease>,
}

/// One trial's way through its phases.
pub(super) struct Steps<'a> {
    plan: &'a Plan,
    injector: Injector<'a>,
    journal: &'a Journal,
    generator: Generator,
    permit: Permit<'a>,
    lease: Mutex<Option<Lease>>,
}

/// How leave to inject is asked for.
pub(super) struct Permit<'a> {
    pub(super) leases: Leases,
    /// What is asked for, or why it is not even asked.
    pub(super) request: Result<Request, String>,
    /// The undo log, whose lock is held for as long as a fault may be in effect.
    pub(super) holder: &'a Path,
}

/// What one phase came to.
struct Outcome {
    judged: Judged,
    summary: Summary,
    end: PhaseEnd,
}

impl<'a> Steps<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        system: &'a RunningSystem,
        routes: &'a dyn ToxicRoutes,
        journal: &'a Journal,
        generator: Generator,
        permit: Permit<'a>,
    ) -> Self {
        let injector = Injector::new(system, routes, journal);
        Self { plan, injector, journal, generator, permit, lease: Mutex::new(None) }
    }

    /// Goes through the phases as far as they hold. What was found is in `facts`, also where this is cut off.
    pub(super) async fn take(&self, facts: &mut Facts, measured: &mut Measured) {
        if let Err(obstacle) = self.try_take(facts, measured).await {
            self.journal.event(&Event::Obstacle { obstacle: &obstacle });
            facts.obstacles.push(obstacle);
        }
    }

    /// Undoes what is still injected.
    pub(super) async fn undo(&self) -> Undoing {
        let mut undoing = self.injector.undo().await;
        // Where a fault may still be in effect, the lease is kept, also by a later call that finds nothing more to undo.
        if !self.injector.is_in_doubt()
            && let Some(lease) = lock(&self.lease).take()
        {
            undoing.failures.extend(end(lease));
        }
        undoing
    }

    /// The lease, where a fault may still be in effect.
    pub(super) fn into_lease(self) -> Option<Lease> {
        lock(&self.lease).take()
    }

    /// Waits for leave to inject; until when, where time is limited.
    async fn ask_leave(&self) -> Result<Option<Instant>, Obstacle> {
        let Permit { leases, request, holder } = &self.permit;
        let refused = |blame, what| Obstacle { blame, what: format!("nothing was injected: {what}") };
        let request = request.as_ref().map_err(|what| refused(Blame::Harness, what.clone()))?;
        let lease = leases.acquire(request, holder).await;
        let lease = lease.map_err(|error| refused(Blame::Environment, error.to_string()))?;
        let until = lease.until();
        *lock(&self.lease) = Some(lease);
        Ok(until)
    }

    async fn try_take(&self, facts: &mut Facts, measured: &mut Measured) -> Result<(), Obstacle> {
        let definition = &self.plan.definition;
        let load = &definition.load;
        let warmup = self.run(load.warmup, ignore(), measured).await?;
        if let PhaseEnd::Panicked(message) = warmup.end {
            facts.panic = Some(Panicked { phase: Phase::Baseline, message });
            return Ok(());
        }

        let steady = &definition.steady_state;
        let baseline = self.measure(Phase::Baseline, load.baseline, steady, None, &ignore, measured).await?;
        facts.panic = panicked(Phase::Baseline, &baseline.end);
        let holds = baseline.judged.thresholds.iter().all(|evaluated| evaluated.decision == Decision::Holds)
            && baseline.judged.late <= LATE_SHARE;
        facts.baseline = Some(baseline.judged);
        if !holds || facts.panic.is_some() {
            return Ok(());
        }

        let mut until = None;
        if self.plan.inject {
            until = self.ask_leave().await?;
            let injected = self.injector.inject(&self.plan.injections).await;
            injected.map_err(|cause| Obstacle { blame: Blame::Injector, what: cause.to_string() })?;
        }
        let tripped = Arc::new(Mutex::new(None));
        // One breaker also where the phase is made longer: its window does not begin anew.
        let halt_if = Breaker::new(&definition.halt_if, load.rate, Some(&baseline.summary));
        let halt_if = Arc::new(Mutex::new(halt_if));
        let out_of_time = Arc::new(AtomicBool::new(false));
        let breaker = || within(until, &out_of_time, watch(&halt_if, &tripped));
        let turbulence = self
            .measure(
                Phase::Turbulence,
                load.turbulence,
                &definition.expect,
                Some(&baseline.summary),
                &breaker,
                measured,
            )
            .await?;
        facts.panic = panicked(Phase::Turbulence, &turbulence.end);
        facts.halt =
            take(&tripped).map(|tripped| Halt { phase: Phase::Turbulence, what: tripped.to_string() });
        if let Some(halt) = &facts.halt {
            self.journal.event(&Event::Halted { halt });
        }
        if out_of_time.load(Ordering::SeqCst) {
            let what = "the run's time for faults (CHAOS_MAX_FAULT_TIME) was used up in turbulence";
            facts.cut_short = Some(what.to_owned());
        }
        let whole = turbulence.end == PhaseEnd::Complete;
        facts.turbulence = Some(turbulence.judged);
        if !self.plan.inject {
            return Ok(());
        }
        // Asked while the faults are still on.
        facts.effects = self.injector.effects(&self.plan.injections).await;
        tell_effects(&facts.effects);
        let started = turbulence.summary.operations.saturating_sub(turbulence.summary.overloaded);
        facts.reached = self.injector.reached(self.plan, started).await;

        let undoing = self.undo().await;
        facts.recovery_left_out = undoing.in_the_way();
        measured.undoing.extend(undoing);
        if whole && facts.recovery_left_out.is_none() {
            facts.recovery = Some(self.recover(&baseline.summary, facts, measured).await?);
        }
        Ok(())
    }

    /// Runs one phase and judges it; once longer where its samples do not decide.
    async fn measure(
        &self,
        phase: Phase,
        span: Duration,
        thresholds: &[Threshold],
        baseline: Option<&Summary>,
        observer: &(dyn Fn() -> Observer + Sync),
        measured: &mut Measured,
    ) -> Result<Outcome, Obstacle> {
        let began = self.generator.elapsed();
        self.begin(phase, span);
        let mut lasted = span;
        let mut samples = self.run(span, observer(), measured).await?;
        let mut judged = self.judge(&samples, thresholds, baseline);
        let undecided = judged.thresholds.iter().any(|evaluated| evaluated.decision == Decision::Undecided);
        let extended = undecided && samples.end == PhaseEnd::Complete;
        if extended {
            let by = span * (EXTENSION - 1);
            tracing::info!("{phase}: undecided, {} more", show_duration(by));
            self.journal.event(&Event::PhaseExtended { phase, by });
            samples.extend(self.run(by, observer(), measured).await?);
            lasted += by;
            judged = self.judge(&samples, thresholds, baseline);
        }
        if samples.end != PhaseEnd::Complete {
            lasted = lasted.min(self.generator.elapsed().saturating_sub(began));
        }
        let summary = samples.summary(self.plan.definition.load.rate);
        self.journal.event(&Event::PhaseEnded { phase, summary: &summary, judged: Some(&judged) });
        tracing::info!("{phase}: {summary}");
        for evaluated in &judged.thresholds {
            tracing::info!("{phase}: {evaluated}");
        }
        measured.phases.push(PhaseReport { phase, lasted, extended, summary: summary.clone() });
        Ok(Outcome { judged, summary, end: samples.end })
    }

    async fn recover(
        &self,
        baseline: &Summary,
        facts: &mut Facts,
        measured: &mut Measured,
    ) -> Result<Recovery, Obstacle> {
        let definition = &self.plan.definition;
        let (rate, within) = (definition.load.rate, definition.recover.within);
        let began = self.generator.elapsed();
        let watched = measure::Recovery::new(&definition.steady_state, rate, Some(baseline), began).map_err(
            |cause| Obstacle { blame: Blame::Harness, what: format!("recovery cannot be judged: {cause}") },
        )?;
        let watched = Arc::new(Mutex::new(watched));
        let watching = Arc::clone(&watched);
        let observer: Observer = Box::new(move |sample| {
            match watching.lock().unwrap_or_else(PoisonError::into_inner).observe(sample) {
                Some(_) => ControlFlow::Break(()),
                None => ControlFlow::Continue(()),
            }
        });
        let span = within + measure::recovery_window(rate);
        self.begin(Phase::Recovery, span);
        let samples = self.run(span, observer, measured).await?;
        facts.panic = panicked(Phase::Recovery, &samples.end);
        let lasted = self.generator.elapsed().saturating_sub(began);
        let summary = samples.summary(rate);
        self.journal.event(&Event::PhaseEnded { phase: Phase::Recovery, summary: &summary, judged: None });
        let late = summary.late_share();
        measured.phases.push(PhaseReport { phase: Phase::Recovery, lasted, extended: false, summary });
        let after = watched.lock().unwrap_or_else(PoisonError::into_inner).recovered();
        let recovery = Recovery { after: after.filter(|after| *after <= within), within, late };
        self.journal.event(&Event::Recovered { recovery: &recovery });
        tracing::info!("recovery: {recovery}");
        Ok(recovery)
    }

    fn begin(&self, phase: Phase, lasting: Duration) {
        tracing::info!("{phase}: {} at {}", show_duration(lasting), self.plan.definition.load.rate);
        self.journal.event(&Event::PhaseStarted { phase, lasting });
    }

    async fn run(
        &self,
        span: Duration,
        observer: Observer,
        measured: &mut Measured,
    ) -> Result<PhaseSamples, Obstacle> {
        let harness = |error: GeneratorError| Obstacle { blame: Blame::Harness, what: error.to_string() };
        let began = self.generator.elapsed();
        let samples = self.generator.start(span, observer).map_err(harness)?.wait().await.map_err(harness);
        measured.load += self.generator.elapsed().saturating_sub(began);
        samples
    }

    fn judge(&self, samples: &PhaseSamples, thresholds: &[Threshold], baseline: Option<&Summary>) -> Judged {
        let Definition { load, confidence, .. } = &self.plan.definition;
        let evaluate = |threshold: &Threshold, samples: &[Sample]| {
            measure::evaluate(threshold, samples, load.rate, baseline, *confidence)
        };
        // A panic ends the phase: the few operations before it say nothing.
        let thresholds = if matches!(samples.end, PhaseEnd::Panicked(_)) { &[] } else { thresholds };
        let thresholds: Vec<Evaluated> =
            thresholds.iter().map(|threshold| evaluate(threshold, &samples.samples)).collect();
        let is_violated = |evaluated: &Evaluated| evaluated.decision == Decision::Violated;
        let by_lateness = if thresholds.iter().any(is_violated) {
            let in_time = samples.as_if_in_time();
            let violated = thresholds.iter().filter(|evaluated| is_violated(evaluated));
            let only_late = |one: &&Evaluated| !is_violated(&evaluate(&one.threshold, &in_time));
            violated.filter(only_late).map(ToString::to_string).collect()
        } else {
            Vec::new()
        };
        Judged { by_lateness, late: samples.summary(load.rate).late_share(), thresholds }
    }
}

/// Shows the breaker each operation, and ends the phase when it acts.
fn watch(breaker: &Arc<Mutex<Breaker>>, tripped: &Arc<Mutex<Option<Tripped>>>) -> Observer {
    let (breaker, tripped) = (Arc::clone(breaker), Arc::clone(tripped));
    Box::new(move |sample| match breaker.lock().unwrap_or_else(PoisonError::into_inner).observe(sample) {
        Some(condition) => {
            *tripped.lock().unwrap_or_else(PoisonError::into_inner) = Some(condition);
            ControlFlow::Break(())
        }
        None => ControlFlow::Continue(()),
    })
}

/// Ends the phase when the time is up, and leaves the rest to `observer`.
fn within(until: Option<Instant>, out_of_time: &Arc<AtomicBool>, mut observer: Observer) -> Observer {
    let Some(until) = until else { return observer };
    let out_of_time = Arc::clone(out_of_time);
    Box::new(move |sample| {
        let flow = observer(sample);
        if flow.is_continue() && clock::now() >= until {
            out_of_time.store(true, Ordering::SeqCst);
            return ControlFlow::Break(());
        }
        flow
    })
}

/// Gives a lease back; what went wrong, if anything did.
pub(super) fn end(lease: Lease) -> Option<Attempt> {
    let error = lease.end().err()?;
    Some(Attempt { way: "end the lease".to_owned(), why: causes(&error) })
}

fn ignore() -> Observer {
    Box::new(|_| ControlFlow::Continue(()))
}

fn panicked(phase: Phase, end: &PhaseEnd) -> Option<Panicked> {
    match end {
        PhaseEnd::Panicked(message) => Some(Panicked { phase, message: message.clone() }),
        PhaseEnd::Complete | PhaseEnd::Observed | PhaseEnd::Stopped => None,
    }
}

fn take(tripped: &Mutex<Option<Tripped>>) -> Option<Tripped> {
    lock(tripped).take()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell_effects(effects: &[Effect]) {
    for effect in effects {
        match &effect.seen {
            Ok(proof) => tracing::info!("effect: {} on {}: {proof}", effect.fault, effect.targets),
            Err(missing) => tracing::warn!("effect: {} on {}: {missing}", effect.fault, effect.targets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Experiment, outline};
    use crate::measure::{Load, metric};
    use crate::proxy::ToxicSpec;
    use crate::redact::Redactor;
    use crate::safety::{Limits, UndoLog, Undone};
    use crate::system::{ChosenService, Routes, StartContext, System, external};
    use crate::units::Percent;
    use crate::{BoxError, Seed, fault};
    use std::io;
    use std::net::{IpAddr, SocketAddr, TcpListener};
    use std::num::NonZeroU32;

    /// Routes from which the second toxic is not taken off again, and the first only once this is said.
    #[derive(Default)]
    struct Stubborn(AtomicBool);

    #[async_trait::async_trait]
    impl Routes for Stubborn {
        async fn open(&self, _: &str, upstream: SocketAddr) -> io::Result<SocketAddr> {
            Ok(upstream)
        }

        async fn open_for_containers(&self, _: &str, ip: IpAddr) -> io::Result<SocketAddr> {
            Ok((ip, 1).into())
        }

        async fn repoint(&self, _: &str, _: SocketAddr) -> io::Result<()> {
            Ok(())
        }
    }

    #[async_trait::async_trait]
    impl ToxicRoutes for Stubborn {
        async fn add(&self, _: &str, _: ToxicSpec) -> Result<(), BoxError> {
            Ok(())
        }

        async fn remove(&self, _: &str, toxic: &str) -> Result<Undone, BoxError> {
            if toxic == "chaos-1" {
                return Err("it stays".into());
            }
            if !self.0.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            Ok(Undone::AsMeant)
        }

        async fn effect(&self, _: &crate::Reach, _: &[&str], _: &str) -> Result<String, BoxError> {
            Ok(String::new())
        }

        async fn passed(&self, _: &str, _: &str) -> super::super::traffic::Passed {
            super::super::traffic::Passed::default()
        }

        async fn close(&self) -> Vec<Attempt> {
            Vec::new()
        }
    }

    /// Undoing is cut off in the middle, as by a signal, and goes on later.
    #[tokio::test]
    async fn leave_is_not_given_back_while_a_fault_may_be_in_effect() {
        let folder = tempfile::tempdir().unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap().to_string();
        let system = System::new("shop").service("cart", external(address).allow_faults());
        let system = system.start(|_| async { Ok::<_, BoxError>(()) });
        let experiment = Experiment::new("survives", system, |_| async { Ok::<_, BoxError>(()) })
            .load(Load::new().turbulence(Duration::from_secs(10)))
            .steady_state([metric::error_rate().below(Percent::new(10))])
            .inject([1, 2].map(|millis| fault::latency("cart", Duration::from_millis(millis)).into()))
            .expect([metric::error_rate().below(Percent::new(10))])
            .stages([crate::Stage::instances::<1>()]);
        let definition = experiment.definition();
        let rung = outline(definition, &[]).unwrap().remove(0);
        let spec = &definition.system.services[0];
        let (name, provider) = (spec.name.clone(), spec.providers[0].clone());
        let services = vec![ChosenService { name, provider, after: Vec::new() }];
        let plan = Plan::new(definition, &rung, services.clone(), Seed::new(1), true);
        let undo = UndoLog::create(&folder.path().join("undo.log")).unwrap();
        let context = StartContext {
            run: "run".to_owned(),
            trial: "run/trial".to_owned(),
            log_dir: folder.path().to_owned(),
            undo: undo.clone(),
            routes: Arc::new(Stubborn::default()),
            keep: false,
        };
        let Ok(system) = crate::system::start(services, context).await else { panic!("it is there") };
        let journal = Journal::create(&folder.path().join("journal"), Redactor::default()).unwrap();
        let operation: measure::Operation = Arc::new(|| Box::pin(async { Ok(()) }));
        let generator = Generator::new(tokio::runtime::Handle::current(), operation, definition.load.clone());
        let two = Limits { faults: NonZeroU32::new(2), ..Limits::default() };
        let leases = Leases::new(folder.path(), "run", two);
        let request = super::super::lease::of_plan("trial", "run/trial", &plan, &system);
        let asks = request.clone().unwrap();
        let permit = Permit { leases: leases.clone(), request, holder: undo.path() };
        let routes = Stubborn::default();
        let steps = Steps::new(&plan, &system, &routes, &journal, generator, permit);

        steps.ask_leave().await.unwrap();
        steps.injector.inject(&plan.injections).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), steps.undo()).await.is_err(), "it hangs");
        routes.0.store(true, Ordering::SeqCst);
        assert_eq!(steps.undo().await.failures.len(), 1, "what failed before is told all the same");
        let lease = steps.into_lease().expect("it was not given back");
        let waits = leases.acquire(&asks, undo.path());
        assert!(tokio::time::timeout(Duration::from_millis(200), waits).await.is_err());
        assert!(end(lease).is_none());
        assert!(end(leases.acquire(&asks, undo.path()).await.unwrap()).is_none());
    }
}
