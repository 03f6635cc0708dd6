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
fn a_turbulence_cut_short_decides_nothing_unless_it_was_decided_by_then() {
    let cut_short = || Some("out of time".to_owned());
    let facts = Facts { cut_short: cut_short(), recovery: None, ..good() };
    assert_concludes(&facts, Verdict::Inconclusive, Blame::Environment, &["out of time"]);
    let turbulence = Some(judged(&[Decision::Violated]));
    let facts = Facts { cut_short: cut_short(), turbulence, recovery: None, ..good() };
    assert_eq!(conclude(&facts).verdict, Verdict::Refuted);
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
        assert_eq!((conclusion.verdict, conclusion.blame), (Verdict::Inconclusive, Some(Blame::Environment)));
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
        prop::option::weighted(0.1, Just("out of time".to_owned())),
        decisions(),
        decisions(),
        prop::collection::vec(seen, 0..3),
        prop::option::weighted(0.9, after.prop_map(|after| Recovery { after, within: WITHIN, late: 0.0 })),
    )
        .prop_map(|(obstacle, panic, halt, cut_short, baseline, turbulence, effects, recovery)| Facts {
            obstacles: obstacle.into_iter().collect(),
            panic,
            halt,
            cut_short,
            baseline,
            turbulence,
            effects,
            reached: Vec::new(),
            recovery_left_out: recovery.is_none().then(|| "it was not undone".to_owned()),
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
            && facts.cut_short.is_none()
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
