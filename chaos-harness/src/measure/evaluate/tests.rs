use super::*;
use crate::measure::metric;
use crate::measure::sample::tests::sample;
use crate::measure::sample::{ErrorTable, Outcome};
use crate::units::Factor;
use proptest::prelude::*;

const RATE: Rate = Rate::per_second(200);
const CONFIDENCE: Percent = Percent::new(95);

/// So many operations of 212 ms, of which the first few take 1.2 s.
fn samples(slow: u64, operations: u64) -> Vec<Sample> {
    (0..operations).map(|n| sample(n, Duration::from_millis(if n < slow { 1_200 } else { 212 }))).collect()
}

fn failing(failed: u64, operations: u64) -> Vec<Sample> {
    let outcome = |n| if n < failed { Outcome::Timeout } else { Outcome::Ok };
    samples(0, operations).into_iter().map(|s| Sample { outcome: outcome(s.number), ..s }).collect()
}

fn show(threshold: &Threshold, samples: &[Sample]) -> String {
    evaluate(threshold, samples, RATE, None, CONFIDENCE).to_string()
}

#[test]
fn an_evaluation_reads_as_a_sentence() {
    let p99 = metric::p99().below(Duration::from_millis(500));
    assert_eq!(
        show(&p99, &samples(0, 600)),
        "p99 < 500ms: observed 212ms; 0 of 600 at or over 500ms, at most 0.5% with 95% confidence (1% allowed)"
    );
    assert_eq!(
        show(&p99, &samples(60, 600)),
        "p99 < 500ms: observed 1.2s; 60 of 600 at or over 500ms, at least 8.1% with 95% confidence (1% allowed)"
    );
    assert_eq!(
        show(&p99, &samples(4, 600)),
        "p99 < 500ms: observed 212ms; 4 of 600 at or over 500ms, at most 1.5% with 95% confidence (1% allowed); \
         undecided"
    );
    assert_eq!(
        show(&metric::throughput().above(Rate::per_second(180)), &failing(6, 600)),
        "throughput > 180/s: observed 198/s; 6 of 600 failed, at most 2% with 95% confidence (10% allowed)"
    );
    assert_eq!(
        show(&metric::error_rate().below(Percent::new(1)), &[]),
        "error_rate < 1%: undecided, no operation was measured"
    );
}

#[test]
fn the_longest_latency_is_an_observation() {
    let max = metric::max().below(Duration::from_secs(1));
    let evaluated = evaluate(&max, &samples(1, 20), RATE, None, CONFIDENCE);
    assert_eq!(evaluated.decision, Decision::Violated);
    assert_eq!(evaluated.to_string(), "max < 1s: observed 1.2s; 1 of 20 at or over 1s, no confidence");
    assert_eq!(evaluate(&max, &samples(0, 20), RATE, None, CONFIDENCE).decision, Decision::Holds);
}

#[test]
fn a_bound_near_its_limit_is_shown_on_its_own_side() {
    // 299 operations show 1 % with almost nothing to spare.
    let shown = show(&metric::error_rate().below(Percent::new(1)), &failing(0, 299));
    assert!(shown.contains("at most 0.997%"), "{shown}");
}

#[test]
fn relative_bounds_are_those_of_the_baseline() {
    let baseline = Summary::new(&samples(0, 600), &ErrorTable::default(), RATE);
    let double = Factor::from_ppm(2_000_000);
    let p99 = metric::p99().below(double.of(metric::baseline()));
    let evaluated = evaluate(&p99, &samples(60, 600), RATE, Some(&baseline), CONFIDENCE);
    assert_eq!(evaluated.decision, Decision::Violated);
    assert_eq!(evaluated.evidence.unwrap().bound.to_string(), "424ms");

    let without = evaluate(&p99, &samples(0, 600), RATE, None, CONFIDENCE);
    assert_eq!(without.decision, Decision::Undecided);
    assert!(without.note.unwrap().contains("baseline"));

    let errors = metric::error_rate().below(double.of(metric::baseline()));
    let evaluated = evaluate(&errors, &samples(0, 600), RATE, Some(&baseline), CONFIDENCE);
    assert_eq!(evaluated.decision, Decision::Undecided);
    assert_eq!(evaluated.note.as_deref(), Some("no number of operations can show a bound of 0% to hold"));

    let floor = metric::throughput().above(Percent::new(90).of(metric::baseline()));
    assert_eq!(
        evaluate(&floor, &failing(120, 600), RATE, Some(&baseline), CONFIDENCE).decision,
        Decision::Violated
    );
}

#[test]
fn a_phase_too_short_to_decide_is_refused_with_what_would_do() {
    let p99 = metric::p99().below(Duration::from_millis(500));
    let rate = Rate::per_second(100);
    let check = |threshold, span| check_decidable(threshold, rate, span, CONFIDENCE);
    assert_eq!(check(&p99, Duration::from_secs(3)), Ok(()));
    assert_eq!(
        check(&p99, Duration::from_secs(1)).unwrap_err().to_string(),
        "`p99 < 500ms` cannot be decided by 100 operations: at 95% confidence it takes 299; at 100/s that is 3s"
    );
    let fine = metric::p99().point(9, 1).below(Duration::from_millis(500));
    let error = check(&fine, Duration::from_secs(29)).unwrap_err().to_string();
    assert!(error.ends_with("it takes 2995; at 100/s that is 30s"), "{error}");
}

#[test]
fn a_bound_that_can_never_hold_is_refused() {
    let check = |threshold| check_decidable(&threshold, RATE, Duration::from_secs(60), CONFIDENCE);
    for bound in [200, 300] {
        assert!(matches!(
            check(metric::throughput().above(Rate::per_second(bound))),
            Err(Undecidable::AboveRate { .. })
        ));
    }
    let never =
        |threshold| assert!(matches!(check(threshold), Err(Undecidable::Never { .. })), "{threshold}");
    never(metric::error_rate().below(Percent::ZERO));
    never(metric::error_rate().above(Percent::ALL));
    never(metric::p99().below(Duration::ZERO));
    never(metric::max().below(Duration::ZERO));

    let as_much = metric::throughput().above(Percent::ALL.of(metric::baseline()));
    assert!(matches!(check(as_much), Err(Undecidable::AboveRate { .. })));
    assert_eq!(check(metric::throughput().above(Percent::new(90).of(metric::baseline()))), Ok(()));
    assert_eq!(check(metric::max().below(Duration::from_secs(2))), Ok(()));
    let double = Factor::from_ppm(2_000_000);
    assert_eq!(check(metric::p99().below(double.of(metric::baseline()))), Ok(()));
    assert_eq!(check(metric::error_rate().below(double.of(metric::baseline()))), Ok(()));
}

#[test]
fn an_evaluation_reads_back_as_it_was_stored() {
    let evaluated =
        evaluate(&metric::p50().below(Duration::from_secs(1)), &samples(1, 50), RATE, None, CONFIDENCE);
    let json = serde_json::to_string(&evaluated).unwrap();
    assert_eq!(serde_json::from_str::<Evaluated>(&json).unwrap(), evaluated);
}

proptest! {
    /// What is allowed to run can be upheld, and what is refused for its length cannot.
    #[test]
    fn decidable_means_that_a_perfect_phase_is_decided(
        ppm in 100_u32..900_000, rate in 10_u32..500, seconds in 1_u64..20,
    ) {
        let threshold = metric::error_rate().below(Percent::from_ppm(ppm));
        let rate = Rate::per_second(rate);
        let perfect = samples(0, rate.count_in(Duration::from_secs(seconds)));
        let decidable = check_decidable(&threshold, rate, Duration::from_secs(seconds), CONFIDENCE);
        let decision = evaluate(&threshold, &perfect, rate, None, CONFIDENCE).decision;
        prop_assert_eq!(decidable.is_ok(), decision == Decision::Holds);
        if let Err(Undecidable::TooFew { span, needed, .. }) = decidable {
            prop_assert!(rate.count_in(span) >= needed);
        }
    }

    /// The observed quantile and the count behind its decision tell the same story.
    #[test]
    fn the_observed_quantile_agrees_with_the_count(slow in 0_u64..700, operations in 1_u64..700) {
        let p90 = metric::p90().below(Duration::from_millis(500));
        let evidence = evaluate(&p90, &samples(slow, operations), RATE, None, CONFIDENCE).evidence.unwrap();
        let is_slow = evidence.observed == Measured::Latency(Duration::from_millis(1_200));
        prop_assert_eq!(is_slow, evidence.count * 10 > operations);
    }
}

#[test]
fn a_halt_condition_that_says_what_should_hold_is_refused_with_what_was_meant() {
    let refused = |threshold| check_halt(&threshold, RATE).unwrap_err().to_string();
    assert_eq!(
        refused(metric::error_rate().below(Percent::new(50))),
        "`error_rate < 50%` is met even where every operation succeeds at once; a halt condition says when to stop: \
         did you mean `error_rate > 50%`?"
    );
    assert!(refused(metric::p99().below(Duration::from_secs(2))).ends_with("did you mean `p99 > 2s`?"));
    let relative = metric::p99().below(Factor::from_ppm(3_000_000).of(metric::baseline()));
    assert!(refused(relative).ends_with("did you mean `p99 > 3x baseline`?"));
    let throughput = refused(metric::throughput().above(Rate::per_second(50)));
    assert!(throughput.ends_with("did you mean `throughput < 50/s`?"), "{throughput}");
    // No side of these makes sense.
    for senseless in [metric::throughput().below(Rate::per_second(300)), metric::p50().above(Duration::ZERO)]
    {
        let text = refused(senseless);
        assert!(text.ends_with("says when to stop"), "{text}");
    }
}

#[test]
fn a_halt_condition_on_what_can_go_wrong_is_taken() {
    let thrice = Factor::from_ppm(3_000_000);
    for condition in [
        metric::error_rate().above(Percent::new(50)),
        metric::error_rate().above(thrice.of(metric::baseline())),
        metric::p99().above(Duration::from_secs(2)),
        metric::p99().above(thrice.of(metric::baseline())),
        metric::max().above(Duration::from_secs(2)),
        metric::throughput().below(Rate::per_second(50)),
        metric::throughput().below(Percent::new(50).of(metric::baseline())),
    ] {
        assert_eq!(check_halt(&condition, RATE), Ok(()), "{condition}");
    }
}

#[test]
fn a_halt_condition_in_the_wrong_unit_is_refused() {
    let threshold = Threshold {
        bound: super::super::threshold::Bound::Latency(Duration::from_secs(1)),
        ..metric::error_rate().above(Percent::new(50))
    };
    assert_eq!(check_halt(&threshold, RATE), Err(NoHalt::WrongUnit { threshold }));
}
