//! What is concluded from what was seen. Pure: facts in, conclusion out.

use super::Reached;
use crate::measure::{Decision, Evaluated};
use crate::units::show_duration;
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// What became of the hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every threshold was decided in its favour; the faults had an effect and were undone.
    Upheld,
    /// A threshold was decided against, an invariant broke, or the steady state did not come back.
    Refuted,
    /// The samples could not decide, no effect was seen, or the load was not what was asked for.
    Inconclusive,
    /// The baseline did not hold: nothing was injected.
    Unsteady,
    /// A halt condition was met.
    Halted,
    /// Something could not be started, injected or recorded. What could not be undone is told beside the verdict.
    Error,
}

/// Who is to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The system under test.
    System,
    /// What injects and undoes faults.
    Injector,
    /// The harness itself, or the experiment as it is written.
    Harness,
    /// The machine, or what it does not have.
    Environment,
}

/// One part of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the faults.
    Baseline,
    /// With the faults in effect.
    Turbulence,
    /// After they were undone.
    Recovery,
}

/// The verdict, who is to look at it, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Conclusion {
    /// What became of the hypothesis.
    pub verdict: Verdict,
    /// Who is to look at it; nobody where it was upheld.
    pub blame: Option<Blame>,
    /// Why, the most important first.
    pub reasons: Vec<String>,
}

/// What stood in the way of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Obstacle {
    /// Who is to look at it.
    pub blame: Blame,
    /// What it was.
    pub what: String,
}

/// A panic of the workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Panicked {
    /// When.
    pub phase: Phase,
    /// Its message.
    pub message: String,
}

/// A halt condition that was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Halt {
    /// When.
    pub phase: Phase,
    /// What was seen.
    pub what: String,
}

/// The thresholds of one phase, and whether the load was what was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Judged {
    /// Each threshold with what was seen.
    pub thresholds: Vec<Evaluated>,
    /// Those of them, in words, that are violated only because the generator itself was late: counted from when
    /// operations were really dispatched, they are not.
    pub by_lateness: Vec<String>,
    /// The share of operations, 0 to 1, that the generator dispatched late.
    pub late: f64,
}

/// Whether an injection touched what it was to touch.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Effect {
    /// The fault.
    pub fault: String,
    /// What it touched, in words.
    pub targets: String,
    /// The proof that it had an effect, or what was missing.
    pub seen: Result<String, String>,
}

/// How the steady state came back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Recovery {
    /// How long after the faults were undone; `None` where it did not.
    pub after: Option<Duration>,
    /// How long it might have taken.
    pub within: Duration,
    /// The share of operations, 0 to 1, that the generator dispatched late.
    pub late: f64,
}

/// What was seen in a trial.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Facts {
    /// What stood in the way, in the order in which it did.
    pub obstacles: Vec<Obstacle>,
    /// The first panic of the workload.
    pub panic: Option<Panicked>,
    /// The halt condition that was met.
    pub halt: Option<Halt>,
    /// Why the turbulence was ended before its time, where that says nothing of the system.
    #[serde(default)]
    pub cut_short: Option<String>,
    /// The steady state before the faults.
    pub baseline: Option<Judged>,
    /// The hypothesis under the faults.
    pub turbulence: Option<Judged>,
    /// Each injection's effect. Empty where nothing was to be injected.
    pub effects: Vec<Effect>,
    /// How much each injection really reached, beside what was asked for.
    #[serde(default)]
    pub reached: Vec<Reached>,
    /// How the steady state came back.
    pub recovery: Option<Recovery>,
    /// Why that was not measured, where the faults were not undone as they were meant to be.
    #[serde(default)]
    pub recovery_left_out: Option<String>,
}

/// More late dispatches than this, and the load was not what was asked for.
pub(super) const LATE_SHARE: f64 = 0.05;

impl Conclusion {
    fn new(verdict: Verdict, blame: Blame, reasons: Vec<String>) -> Self {
        Self { verdict, blame: Some(blame), reasons }
    }
}

/// Concludes. What makes the rest meaningless comes first.
pub(crate) fn conclude(facts: &Facts) -> Conclusion {
    if let Some(first) = facts.obstacles.first() {
        // What was found out before the obstacle is still said.
        let reasons = facts.obstacles.iter().map(|obstacle| obstacle.what.clone());
        return Conclusion::new(Verdict::Error, first.blame, reasons.chain(failures(facts)).collect());
    }
    if let Some(panic) = &facts.panic {
        let reason = format!("an operation panicked in {}: {}", panic.phase, panic.message);
        return Conclusion::new(Verdict::Refuted, Blame::System, vec![reason]);
    }
    if let Some(halt) = &facts.halt {
        let reason = format!("{} was {}", halt.phase, halt.what);
        return Conclusion::new(Verdict::Halted, Blame::System, vec![reason]);
    }
    for (phase, judged) in judged(facts) {
        if judged.late > LATE_SHARE {
            return Conclusion::new(
                Verdict::Inconclusive,
                Blame::Environment,
                vec![lateness(phase, judged.late)],
            );
        }
        let against = decided(judged, Decision::Violated);
        if !against.is_empty() {
            return match phase {
                Phase::Baseline => Conclusion::new(Verdict::Unsteady, Blame::System, against),
                Phase::Turbulence | Phase::Recovery => {
                    Conclusion::new(Verdict::Refuted, Blame::System, against)
                }
            };
        }
        if !judged.by_lateness.is_empty() {
            let mut reasons = vec![format!(
                "violated in {phase} only because the load generator itself was late: lower the rate, or run with \
                 less beside it"
            )];
            reasons.extend(judged.by_lateness.iter().cloned());
            return Conclusion::new(Verdict::Inconclusive, Blame::Environment, reasons);
        }
        let open = decided(judged, Decision::Undecided);
        if phase == Phase::Baseline && !open.is_empty() {
            return Conclusion::new(Verdict::Inconclusive, Blame::Harness, open);
        }
    }
    if let Some(reason) = &facts.cut_short {
        return Conclusion::new(Verdict::Inconclusive, Blame::Environment, vec![reason.clone()]);
    }
    if let Some(Recovery { after: None, within, late }) = facts.recovery {
        if late > LATE_SHARE {
            let reasons = vec![lateness(Phase::Recovery, late)];
            return Conclusion::new(Verdict::Inconclusive, Blame::Environment, reasons);
        }
        let reason = format!("the steady state did not come back within {}", show_duration(within));
        return Conclusion::new(Verdict::Refuted, Blame::System, vec![reason]);
    }
    if let Some(why) = &facts.recovery_left_out {
        // What was measured decides no less for it: a violated threshold was dealt with above.
        let reason = format!("recovery was not measured: {why}");
        return Conclusion::new(Verdict::Inconclusive, Blame::Injector, vec![reason]);
    }
    let unseen: Vec<_> = facts
        .effects
        .iter()
        .filter_map(|effect| effect.seen.as_ref().err().map(|missing| format!("{}: {missing}", effect.fault)))
        .collect();
    if !unseen.is_empty() {
        return Conclusion::new(Verdict::Inconclusive, Blame::Injector, unseen);
    }
    let open = facts.turbulence.as_ref().map_or_else(Vec::new, |judged| decided(judged, Decision::Undecided));
    if !open.is_empty() {
        return Conclusion::new(Verdict::Inconclusive, Blame::Harness, open);
    }
    if facts.effects.is_empty() {
        let reason = "no fault was injected: this says nothing about the hypothesis".to_owned();
        return Conclusion::new(Verdict::Inconclusive, Blame::Harness, vec![reason]);
    }
    if facts.turbulence.is_none() || facts.recovery.is_none() {
        // Every early end leaves a fact that was dealt with above.
        let reason = "the trial ended early, and nothing says why".to_owned();
        return Conclusion::new(Verdict::Error, Blame::Harness, vec![reason]);
    }
    Conclusion { verdict: Verdict::Upheld, blame: None, reasons: Vec::new() }
}

fn judged(facts: &Facts) -> impl Iterator<Item = (Phase, &Judged)> {
    let baseline = facts.baseline.iter().map(|judged| (Phase::Baseline, judged));
    baseline.chain(facts.turbulence.iter().map(|judged| (Phase::Turbulence, judged)))
}

/// The thresholds that were decided so, without those that the generator's own lateness decided.
fn decided(judged: &Judged, decision: Decision) -> Vec<String> {
    let thresholds = judged.thresholds.iter().filter(|evaluated| evaluated.decision == decision);
    thresholds.map(ToString::to_string).filter(|text| !judged.by_lateness.contains(text)).collect()
}

fn lateness(phase: Phase, late: f64) -> String {
    format!(
        "{:.0}% of operations in {phase} were dispatched late: this machine could not keep the schedule; lower the \
         rate, or run with less beside it",
        late * 100.0
    )
}

fn failures(facts: &Facts) -> impl Iterator<Item = String> {
    let panic = facts.panic.iter().map(|panic| format!("an operation panicked: {}", panic.message));
    let against = judged(facts).flat_map(|(_, judged)| decided(judged, Decision::Violated));
    panic.chain(against)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upheld => "upheld",
            Self::Refuted => "refuted",
            Self::Inconclusive => "inconclusive",
            Self::Unsteady => "unsteady",
            Self::Halted => "halted",
            Self::Error => "error",
        })
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "the system under test",
            Self::Injector => "the fault injector",
            Self::Harness => "the experiment or the harness",
            Self::Environment => "the environment",
        })
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.after {
            // Less than the generator's own start takes is no measurement.
            Some(after) if after < Duration::from_millis(1) => f.write_str("steady again at once"),
            Some(after) => write!(f, "steady again after {}", show_duration(after)),
            None => write!(f, "not steady within {}", show_duration(self.within)),
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Baseline => "baseline",
            Self::Turbulence => "turbulence",
            Self::Recovery => "recovery",
        })
    }
}

#[cfg(test)]
mod tests;
