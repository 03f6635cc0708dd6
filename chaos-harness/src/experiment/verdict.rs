//! What is concluded from what was seen. Pure: facts in, conclusion out.

use crate::measure::{Decision, Evaluated};
use crate::units::show_duration;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What became of the hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Something could not be started, injected, undone or recorded.
    Error,
}

/// Who is to look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conclusion {
    /// What became of the hypothesis.
    pub verdict: Verdict,
    /// Who is to look at it; nobody where it was upheld.
    pub blame: Option<Blame>,
    /// Why, the most important first.
    pub reasons: Vec<String>,
}

/// What stood in the way of a trial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// Who is to look at it.
    pub blame: Blame,
    /// What it was.
    pub what: String,
}

/// A panic of the workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panicked {
    /// When.
    pub phase: Phase,
    /// Its message.
    pub message: String,
}

/// A halt condition that was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// When.
    pub phase: Phase,
    /// What was seen.
    pub what: String,
}

/// The thresholds of one phase, and whether the load was what was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The fault.
    pub fault: String,
    /// What it touched, in words.
    pub targets: String,
    /// The proof that it had an effect, or what was missing.
    pub seen: Result<String, String>,
}

/// How the steady state came back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// How long after the faults were undone; `None` where it did not.
    pub after: Option<Duration>,
    /// How long it might have taken.
    pub within: Duration,
    /// The share of operations, 0 to 1, that the generator dispatched late.
    pub late: f64,
}

/// What was seen in a trial.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// What stood in the way, in the order in which it did.
    pub obstacles: Vec<Obstacle>,
    /// The first panic of the workload.
    pub panic: Option<Panicked>,
    /// The halt condition that was met.
    pub halt: Option<Halt>,
    /// The steady state before the faults.
    pub baseline: Option<Judged>,
    /// The hypothesis under the faults.
    pub turbulence: Option<Judged>,
    /// Each injection's effect. Empty where nothing was to be injected.
    pub effects: Vec<Effect>,
    /// How the steady state came back.
    pub recovery: Option<Recovery>,
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
        // What was found out before the obstacle is still said: a failed undo does not hide a refuted hypothesis.
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
    if let Some(Recovery { after: None, within, late }) = facts.recovery {
        if late > LATE_SHARE {
            let reasons = vec![lateness(Phase::Recovery, late)];
            return Conclusion::new(Verdict::Inconclusive, Blame::Environment, reasons);
        }
        let reason = format!("the steady state did not come back within {}", show_duration(within));
        return Conclusion::new(Verdict::Refuted, Blame::System, vec![reason]);
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
mod tests {
    use super::*;
    use crate::measure::metric;
    use crate::units::Percent;
    use proptest::prelude::*;

    const WITHIN: Duration = Duration::from_secs(5);

    fn judged(decisions: &[Decision]) -> Judged {
        let evaluated = |decision: &Decision| Evaluated {
            threshold: metric::error_rate().below(Percent::new(1)),
            decision: *decision,
            evidence: None,
            note: None,
        };
        Judged { thresholds: decisions.iter().map(evaluated).collect(), by_lateness: Vec::new(), late: 0.0 }
    }

    fn effect(seen: Result<&str, &str>) -> Effect {
        let seen = seen.map(str::to_owned).map_err(str::to_owned);
        Effect { fault: "kill redis".to_owned(), targets: "its one instance".to_owned(), seen }
    }

    /// A trial in which all went well.
    fn good() -> Facts {
        Facts {
            baseline: Some(judged(&[Decision::Holds])),
            turbulence: Some(judged(&[Decision::Holds, Decision::Holds])),
            effects: vec![effect(Ok("it has ended"))],
            recovery: Some(Recovery { after: Some(Duration::ZERO), within: WITHIN, late: 0.0 }),
            ..Facts::default()
        }
    }

    fn obstacle() -> Obstacle {
        Obstacle { blame: Blame::Injector, what: "could not undo kill redis".to_owned() }
    }

    fn panic() -> Panicked {
        Panicked { phase: Phase::Turbulence, message: "an order was lost".to_owned() }
    }

    fn halt() -> Halt {
        Halt { phase: Phase::Turbulence, what: "halted by error_rate > 50%".to_owned() }
    }

    #[track_caller]
    fn assert_concludes(facts: &Facts, verdict: Verdict, blame: Blame, reasons: &[&str]) {
        let conclusion = conclude(facts);
        assert_eq!((conclusion.verdict, conclusion.blame), (verdict, Some(blame)));
        assert_eq!(conclusion.reasons, reasons);
    }

    #[test]
    fn a_trial_in_which_all_went_well_upholds_the_hypothesis() {
        let conclusion = conclude(&good());
        assert_eq!(conclusion, Conclusion { verdict: Verdict::Upheld, blame: None, reasons: Vec::new() });
    }

    #[test]
    fn an_obstacle_comes_first_and_hides_nothing() {
        let facts = Facts {
            obstacles: vec![obstacle()],
            panic: Some(panic()),
            turbulence: Some(judged(&[Decision::Violated])),
            ..good()
        };
        let reasons =
            ["could not undo kill redis", "an operation panicked: an order was lost", "error_rate < 1%"];
        assert_concludes(&facts, Verdict::Error, Blame::Injector, &reasons);
    }

    #[test]
    fn a_panic_refutes_though_the_breaker_acted_too() {
        let facts = Facts { panic: Some(panic()), halt: Some(halt()), recovery: None, ..good() };
        let reasons = ["an operation panicked in turbulence: an order was lost"];
        assert_concludes(&facts, Verdict::Refuted, Blame::System, &reasons);
    }

    #[test]
    fn the_breaker_halts_a_trial_whatever_its_thresholds_say() {
        let turbulence = Some(judged(&[Decision::Violated]));
        let facts = Facts { halt: Some(halt()), turbulence, recovery: None, ..good() };
        let reasons = ["turbulence was halted by error_rate > 50%"];
        assert_concludes(&facts, Verdict::Halted, Blame::System, &reasons);
    }

    #[test]
    fn a_baseline_that_does_not_hold_is_unsteady_and_one_that_does_not_decide_inconclusive() {
        let only = |decision| Facts { baseline: Some(judged(&[decision])), ..Facts::default() };
        let reasons = ["error_rate < 1%"];
        assert_concludes(&only(Decision::Violated), Verdict::Unsteady, Blame::System, &reasons);
        let reasons = ["error_rate < 1%: undecided"];
        assert_concludes(&only(Decision::Undecided), Verdict::Inconclusive, Blame::Harness, &reasons);
    }

    #[test]
    fn one_violated_threshold_refutes_beside_one_that_is_undecided() {
        let turbulence = Some(judged(&[Decision::Undecided, Decision::Violated]));
        let facts = Facts { turbulence, ..good() };
        assert_concludes(&facts, Verdict::Refuted, Blame::System, &["error_rate < 1%"]);
    }

    #[test]
    fn no_recovery_refutes() {
        let facts = Facts { recovery: Some(Recovery { after: None, within: WITHIN, late: 0.0 }), ..good() };
        let reasons = ["the steady state did not come back within 5s"];
        assert_concludes(&facts, Verdict::Refuted, Blame::System, &reasons);
    }

    #[test]
    fn one_effect_that_was_not_seen_spoils_the_trial_and_is_named() {
        let effects = vec![effect(Ok("it has ended")), effect(Err("it is still running"))];
        let facts = Facts { effects, ..good() };
        let reasons = ["kill redis: it is still running"];
        assert_concludes(&facts, Verdict::Inconclusive, Blame::Injector, &reasons);
    }

    #[test]
    fn a_load_that_was_late_says_nothing_for_or_against() {
        for decision in [Decision::Holds, Decision::Violated] {
            let turbulence = Judged { late: 0.06, ..judged(&[decision]) };
            let conclusion = conclude(&Facts { turbulence: Some(turbulence), ..good() });
            assert_eq!(
                (conclusion.verdict, conclusion.blame),
                (Verdict::Inconclusive, Some(Blame::Environment))
            );
            assert!(conclusion.reasons[0].starts_with("6% of operations in turbulence were dispatched late"));
        }
        let in_time = Judged { late: 0.05, ..judged(&[Decision::Holds]) };
        assert_eq!(conclude(&Facts { turbulence: Some(in_time), ..good() }).verdict, Verdict::Upheld);
    }

    #[test]
    fn what_only_the_generator_violated_is_not_blamed_on_the_system() {
        let late = |decisions: &[Decision]| Judged {
            by_lateness: vec!["error_rate < 1%".to_owned()],
            ..judged(decisions)
        };
        let conclusion = conclude(&Facts { turbulence: Some(late(&[Decision::Violated])), ..good() });
        assert_eq!((conclusion.verdict, conclusion.blame), (Verdict::Inconclusive, Some(Blame::Environment)));
        assert_eq!(conclusion.reasons[1], "error_rate < 1%");

        let recovery = Some(Recovery { after: None, within: WITHIN, late: 0.5 });
        let conclusion = conclude(&Facts { recovery, ..good() });
        assert_eq!((conclusion.verdict, conclusion.blame), (Verdict::Inconclusive, Some(Blame::Environment)));
    }

    #[test]
    fn without_faults_nothing_is_said_of_the_hypothesis() {
        let facts = Facts { effects: Vec::new(), recovery: None, ..good() };
        let conclusion = conclude(&facts);
        assert_eq!((conclusion.verdict, conclusion.blame), (Verdict::Inconclusive, Some(Blame::Harness)));
    }

    fn decisions() -> impl Strategy<Value = Option<Judged>> {
        let decision = prop_oneof![4 => Just(Decision::Holds), 1 => Just(Decision::Violated), 1 => Just(Decision::Undecided)];
        let late = prop_oneof![4 => Just(0.0), 1 => Just(0.5)];
        prop::option::weighted(
            0.9,
            (prop::collection::vec(decision, 1..3), late)
                .prop_map(|(decisions, late)| Judged { late, ..judged(&decisions) }),
        )
    }

    fn facts() -> impl Strategy<Value = Facts> {
        let seen = prop_oneof![4 => Just(effect(Ok("seen"))), 1 => Just(effect(Err("not seen")))];
        let after = prop::option::weighted(0.8, Just(Duration::ZERO));
        (
            prop::option::weighted(0.1, Just(obstacle())),
            prop::option::weighted(0.1, Just(panic())),
            prop::option::weighted(0.1, Just(halt())),
            decisions(),
            decisions(),
            prop::collection::vec(seen, 0..3),
            prop::option::weighted(
                0.9,
                after.prop_map(|after| Recovery { after, within: WITHIN, late: 0.0 }),
            ),
        )
            .prop_map(|(obstacle, panic, halt, baseline, turbulence, effects, recovery)| Facts {
                obstacles: obstacle.into_iter().collect(),
                panic,
                halt,
                baseline,
                turbulence,
                effects,
                recovery,
            })
    }

    proptest! {
        /// Nothing but a whole trial without a flaw upholds a hypothesis, and all else says why and who is to look.
        #[test]
        fn only_a_flawless_trial_upholds(facts in facts()) {
            let holds = |judged: &Option<Judged>| judged.as_ref().is_some_and(|judged| {
                judged.late < 0.05 && judged.thresholds.iter().all(|one| one.decision == Decision::Holds)
            });
            // A steady state need not be asked for.
            let flawless = facts.obstacles.is_empty()
                && facts.panic.is_none()
                && facts.halt.is_none()
                && (facts.baseline.is_none() || holds(&facts.baseline))
                && holds(&facts.turbulence)
                && !facts.effects.is_empty()
                && facts.effects.iter().all(|effect| effect.seen.is_ok())
                && facts.recovery.is_some_and(|recovery| recovery.after.is_some());
            let conclusion = conclude(&facts);
            prop_assert_eq!(conclusion.verdict == Verdict::Upheld, flawless);
            prop_assert_eq!(conclusion.blame.is_none(), flawless);
            prop_assert_eq!(conclusion.reasons.is_empty(), flawless);
        }
    }
}
