//! Open-loop load: operations start on schedule, whether or not earlier ones have ended.
//!
//! Each phase has a thread of its own that schedules operations onto the workload's runtime and collects how they
//! end. It keeps its schedule, and shows each end to the phase's observer, also while that runtime is blocked.

use super::load::Load;
use super::operation::{self, Ended, Operation};
use super::phase::{Ending, PhaseEnd, PhaseSamples, Progress};
use super::sample::Sample;
use crate::clock;
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

/// How long after its time-out an operation may be in telling that it timed out. One that blocks its thread cannot.
const GRACE: Duration = Duration::from_millis(250);

/// Sees each operation as it ends, on the thread of its phase; ends the phase at once by breaking.
pub(crate) type Observer = Box<dyn FnMut(&Sample) -> ControlFlow<()> + Send>;

/// Why a phase measured nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GeneratorError {
    #[error("could not start the load generator's thread")]
    Start(#[source] std::io::Error),
    #[error("the load generator's thread ended without a result")]
    Lost,
}

/// Runs an operation over and over, phase by phase.
#[derive(Clone)]
pub(crate) struct Generator {
    runtime: Handle,
    operation: Operation,
    load: Load,
    epoch: Instant,
}

impl Generator {
    /// Generates `load` by running `operation` on `runtime`. The run begins now.
    pub(crate) fn new(runtime: Handle, operation: Operation, load: Load) -> Self {
        Self { runtime, operation, load, epoch: clock::now() }
    }

    /// How long the run has gone on: the scale of [`Sample::scheduled`].
    pub(crate) fn elapsed(&self) -> Duration {
        clock::now() - self.epoch
    }

    /// Starts a phase that schedules operations for `span` from now on.
    pub(crate) fn start(&self, span: Duration, observer: Observer) -> Result<Phase, GeneratorError> {
        let (events, inbox) = mpsc::channel();
        let (result_sender, result) = oneshot::channel();
        let scheduler = Scheduler {
            generator: self.clone(),
            start: clock::now(),
            count: self.load.rate.count_in(span),
            next: 0,
            progress: Progress::default(),
            observer,
            events: events.clone(),
            inbox,
            abort: watch::Sender::new(()),
        };
        std::thread::Builder::new()
            .name("chaos-load".to_owned())
            .spawn(move || {
                // Nobody waits for the result of a phase that was dropped.
                let _ = result_sender.send(scheduler.run());
            })
            .map_err(GeneratorError::Start)?;
        Ok(Phase { events, result })
    }
}

/// A phase under way. Dropped, it ends at once.
#[derive(Debug)]
pub(crate) struct Phase {
    events: Sender<Event>,
    result: oneshot::Receiver<PhaseSamples>,
}

impl Phase {
    /// Ends it at once: operations in flight are aborted and not counted.
    pub(crate) fn stop(&self) {
        // A thread that is gone has ended its phase already.
        let _ = self.events.send(Event::Stop);
    }

    /// Waits for its end; to be called until it has given a result once.
    pub(crate) async fn wait(&mut self) -> Result<PhaseSamples, GeneratorError> {
        (&mut self.result).await.map_err(|_| GeneratorError::Lost)
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        self.stop();
    }
}

#[derive(Debug)]
enum Event {
    Ended(Ended),
    Stop,
}

struct Scheduler {
    generator: Generator,
    start: Instant,
    count: u64,
    next: u64,
    progress: Progress,
    observer: Observer,
    events: Sender<Event>,
    inbox: Receiver<Event>,
    /// Dropped with the scheduler, which aborts what is still in flight.
    abort: watch::Sender<()>,
}

impl Scheduler {
    fn run(mut self) -> PhaseSamples {
        let end = match self.work() {
            ControlFlow::Break(end) => end,
            ControlFlow::Continue(()) => PhaseEnd::Complete,
        };
        self.progress.into_samples(end)
    }

    fn work(&mut self) -> ControlFlow<PhaseEnd> {
        loop {
            while let Ok(event) = self.inbox.try_recv() {
                self.handle(event)?;
            }
            self.dispatch_due()?;
            let is_scheduling = self.next < self.count;
            if !is_scheduling && self.progress.in_flight() == 0 {
                return ControlFlow::Continue(());
            }
            let until = if is_scheduling { self.due(self.next) } else { self.latest_end() };
            match self.inbox.recv_timeout(until.saturating_duration_since(clock::now())) {
                Ok(event) => self.handle(event)?,
                Err(RecvTimeoutError::Timeout) if is_scheduling => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return self.give_up(),
            }
        }
    }

    /// Starts every operation whose time has come: late ones at once, none is left out.
    fn dispatch_due(&mut self) -> ControlFlow<PhaseEnd> {
        let load = &self.generator.load;
        while self.next < self.count {
            let due = self.due(self.next);
            let now = clock::now();
            if now < due {
                break;
            }
            self.next += 1;
            let is_full = self.progress.in_flight() >= u64::from(load.concurrency);
            let number = self.progress.dispatch(due - self.generator.epoch, now - due);
            if is_full {
                let sample = self.progress.overload(number, load.timeout);
                observe(&mut self.observer, sample.as_ref())?;
            } else {
                self.spawn(number, due);
            }
        }
        ControlFlow::Continue(())
    }

    fn spawn(&self, number: u64, scheduled: Instant) {
        let Generator { runtime, operation, load, .. } = &self.generator;
        let mut abort = self.abort.subscribe();
        let run = operation::run(operation.clone(), number, scheduled, load.timeout);
        let events = self.events.clone();
        runtime.spawn(async move {
            tokio::select! {
                biased;
                _ = abort.changed() => {}
                // The phase is over when nobody listens.
                ended = run => drop(events.send(Event::Ended(ended))),
            }
        });
    }

    fn handle(&mut self, event: Event) -> ControlFlow<PhaseEnd> {
        match event {
            Event::Ended(ended) => self.end(ended),
            Event::Stop => ControlFlow::Break(PhaseEnd::Stopped),
        }
    }

    fn end(&mut self, Ended { number, latency, ending }: Ended) -> ControlFlow<PhaseEnd> {
        let sample = self.progress.end(number, latency, &ending);
        let observed = observe(&mut self.observer, sample.as_ref());
        if let Ending::Panic(message) = ending {
            return ControlFlow::Break(PhaseEnd::Panicked(message));
        }
        observed
    }

    /// Counts as timed out what should have ended long ago: it blocks its thread, or its runtime is gone.
    fn give_up(&mut self) -> ControlFlow<PhaseEnd> {
        let latency = self.generator.load.timeout;
        for number in self.progress.unfinished() {
            self.end(Ended { number, latency, ending: Ending::Timeout })?;
        }
        ControlFlow::Continue(())
    }

    fn due(&self, number: u64) -> Instant {
        self.start + self.generator.load.rate.due(number)
    }

    fn latest_end(&self) -> Instant {
        self.due(self.count.saturating_sub(1)) + self.generator.load.timeout + GRACE
    }
}

fn observe(observer: &mut Observer, sample: Option<&Sample>) -> ControlFlow<PhaseEnd> {
    match sample.map(observer) {
        Some(ControlFlow::Break(())) => ControlFlow::Break(PhaseEnd::Observed),
        Some(ControlFlow::Continue(())) | None => ControlFlow::Continue(()),
    }
}

#[cfg(test)]
mod tests;
