use super::*;
use crate::blast_radius::{fitted, stages};
use crate::fault;
use crate::units::Bytes;
use proptest::prelude::*;
use std::num::NonZeroU32;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

fn kill() -> Fault {
    fault::kill("x").into()
}

fn slow(times: u32) -> Fault {
    fault::latency("x", MS * times).jitter(MS).into()
}

/// The rungs of a ladder for one fault on this.
fn climb(stages: &[Stage], fault: &Fault, unit: Unit) -> Result<Vec<Rung>, LadderError> {
    resolve(stages, &[(fault, unit)])
}

fn share(percent: u32) -> Stage {
    Stage::share(Percent::new(percent).try_into().unwrap())
}

fn instances(count: u32) -> Unit {
    Unit::Instances(NonZeroU32::new(count).unwrap())
}

fn counts(rungs: &[Rung]) -> Vec<u32> {
    rungs
        .iter()
        .map(|rung| match rung.extents[0] {
            Extent::Instances { count, .. } => count.get(),
            Extent::Connections { .. } | Extent::Time { .. } => 0,
        })
        .collect()
}

#[test]
fn stages_that_reach_the_same_are_merged() {
    let stages = [Stage::instances::<1>(), share(5), share(20), share(50)];
    let rungs = climb(&stages, &kill(), instances(10)).unwrap();
    assert_eq!(counts(&rungs), [1, 2, 5]);
    assert_eq!(rungs[0].same, [share(5)]);
    assert_eq!(rungs[1].number, 2);
}

#[test]
fn a_falling_ladder_is_refused() {
    let falling = climb(&[share(50), share(20)], &kill(), Unit::Connections);
    let message = falling.unwrap_err().to_string();
    assert!(message.contains("stage `20%` reaches less of `x` than stage `50%`"), "{message}");
    // One instance of one is all of its connections: 5 % after it is less.
    assert!(climb(&[Stage::instances::<1>(), share(5)], &kill(), Unit::Connections).is_err());
}

#[test]
fn a_risk_that_is_not_said_is_that_of_the_most_that_is_asked_or_reached() {
    let risk = |stage: Stage, unit| climb(&[stage], &kill(), unit).unwrap()[0].risk();
    assert_eq!(risk(share(5), instances(20)), Risk::Low);
    assert_eq!(risk(share(5), instances(3)), Risk::High);
    assert_eq!(risk(share(60), instances(3)), Risk::Critical);
    assert_eq!(risk(Stage::instances::<1>(), instances(5)), Risk::Medium);
    assert_eq!(risk(Stage::instances::<1>(), Unit::Connections), Risk::Critical);
    assert_eq!(risk(share(5).risk(Risk::Medium), instances(3)), Risk::Medium);
    let merged = [share(5), share(10).risk(Risk::Critical)];
    assert_eq!(climb(&merged, &kill(), instances(3)).unwrap()[0].risk(), Risk::Critical);
    let climbs = climb(&fitted(&[], &[instances(100)]), &kill(), instances(100)).unwrap();
    let risks: Vec<_> = climbs.iter().map(Rung::risk).collect();
    assert_eq!(risks, [Risk::Low, Risk::Low, Risk::Medium, Risk::High]);
}

#[test]
fn the_stages_of_a_ladder_make_it_again() {
    let rungs = climb(&fitted(&[], &[instances(3)]), &kill(), instances(3)).unwrap();
    assert_eq!(rungs.len(), 1, "each of them reaches one of three");
    assert_eq!(climb(&stages(&rungs), &kill(), instances(3)), Ok(rungs));
}

#[test]
fn what_is_touched_is_told_where_it_is_not_what_was_asked() {
    let differences = |stage, unit| climb(&[stage], &kill(), unit).unwrap()[0].differences();
    assert_eq!(differences(share(5), instances(3)), ["1 of 3 instances (33 %) of `x`"]);
    assert_eq!(differences(share(29), instances(10)), ["2 of 10 instances (20 %) of `x`"]);
    assert_eq!(differences(share(20), instances(10)), Vec::<String>::new());
    assert_eq!(differences(share(5), Unit::Connections), Vec::<String>::new());
    assert_eq!(differences(Stage::instances::<1>(), instances(3)), Vec::<String>::new());
    let twice = [(&kill(), instances(3)), (&slow(1), instances(3))];
    assert_eq!(resolve(&[share(5)], &twice).unwrap()[0].touches().len(), 1, "one service is told once");
}

/// As strong as it is at each rung.
fn strengths(stages: &[Stage], fault: &Fault, unit: Unit) -> Vec<String> {
    let rungs = climb(stages, fault, unit).unwrap();
    rungs.iter().map(|rung| rung.faults[0].to_string()).collect()
}

#[test]
fn a_magnitude_takes_the_place_of_the_one_that_is_injected_and_of_nothing_else() {
    let stages = Stage::magnitudes([5, 10], |times| fault::latency("x", MS * times));
    let expected = ["latency 5ms ± 1ms on x", "latency 10ms ± 1ms on x"];
    assert_eq!(strengths(&stages, &slow(20), Unit::Connections), expected);
    let rungs = climb(&stages, &slow(20), instances(3)).unwrap();
    assert_eq!(counts(&rungs), [3, 3], "it touches all, unless it is said otherwise");
}

#[test]
fn a_ladder_may_climb_scopes_and_magnitudes_by_turns() {
    let mild = || fault::latency("x", MS * 5);
    let stages = [share(20).with(mild()), share(20), share(50), share(50).with(slow(20)), share(100)];
    let rungs = climb(&stages, &slow(20), Unit::Connections).unwrap();
    let names: Vec<_> = rungs.iter().map(|rung| rung.stage.name()).collect();
    assert_eq!(names, ["20_percent_latency_x_5ms", "20_percent", "50_percent", "100_percent"]);
    assert_eq!(rungs[2].same, [stages[3].clone()], "it is no stronger than what is injected");
    // Other faults stay as they are.
    let faults = [(&slow(20), Unit::Connections), (&kill(), Unit::Instances(NonZeroU32::MIN))];
    let both = resolve(&stages, &faults).unwrap();
    assert!(both.iter().all(|rung| rung.faults[1] == kill()));
}

#[test]
fn a_magnitude_that_falls_is_refused_whichever_way_it_is_weaker() {
    let refused =
        |stages: &[Stage], fault: &Fault| climb(stages, fault, Unit::Connections).unwrap_err().to_string();
    let stages = Stage::magnitudes([10, 5], |times| fault::latency("x", MS * times));
    assert_eq!(
        refused(&stages, &slow(20)),
        "stage `latency(x) = 5ms` makes `latency on x` weaker than stage `latency(x) = 10ms` before it (5ms after \
         10ms): write the stages mildest first"
    );
    let narrow = |bytes| fault::bandwidth("x", Bytes::new(bytes).per_second());
    let stages = Stage::magnitudes([1_000, 2_000], narrow);
    let message = refused(&stages, &narrow(10).into());
    assert!(message.contains("(2kB/s after 1kB/s, and less of it is stronger)"), "{message}");
    // What is injected counts where a stage does not say it.
    assert!(refused(&[share(20), share(50).with(slow(5))], &slow(20)).contains("5ms after 20ms"));
    assert!(refused(&[Stage::magnitude(slow(5)), share(50)], &slow(20)).contains("reaches less of `x`"));
}

#[test]
fn a_magnitude_of_what_has_none_or_is_not_injected_is_refused_with_what_would_do() {
    let refused = |stage, fault: &Fault| climb(&[stage], fault, Unit::Connections).unwrap_err().to_string();
    assert_eq!(
        refused(Stage::magnitude(kill()), &kill()),
        "stage `kill(x)`: `kill` is there or not, and has no magnitude: let it touch more and more instead, as in \
         `stages(5%, 20%, 50%)`"
    );
    assert_eq!(
        refused(Stage::magnitude(fault::latency("y", MS)), &slow(1)),
        "stage `latency(y) = 1ms`: no `latency` is injected into `y`, whose magnitude could be said: write \
         `inject(latency(y, ...))`, or a stage for what is injected (`latency 1ms ± 1ms on x`)"
    );
}

proptest! {
    #[test]
    fn a_resolved_ladder_always_rises(percents in prop::collection::vec(1_u32..=100, 1..6), of in 1_u32..60) {
        let stages: Vec<_> = percents.iter().map(|percent| share(*percent)).collect();
        if let Ok(rungs) = climb(&stages, &kill(), instances(of)) {
            prop_assert!(counts(&rungs).windows(2).all(|pair| pair[0] < pair[1]));
            let listed: usize = rungs.iter().map(|rung| 1 + rung.same.len()).sum();
            prop_assert_eq!(listed, stages.len());
        }
    }

    /// A ladder is resolved just where neither share nor magnitude falls, and each rung is more than the one before.
    #[test]
    fn a_ladder_of_magnitudes_is_resolved_where_nothing_falls(
        steps in prop::collection::vec((1_u32..=100, prop::option::of(1_u32..30)), 1..6),
    ) {
        let stages: Vec<_> = steps.iter().map(|(percent, times)| match times {
            Some(times) => share(*percent).with(slow(*times)),
            None => share(*percent),
        }).collect();
        let effective: Vec<_> = steps.iter().map(|(percent, times)| (*percent, times.unwrap_or(20))).collect();
        let rises = effective.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1);
        let rungs = climb(&stages, &slow(20), Unit::Connections);
        prop_assert_eq!(rungs.is_ok(), rises);
        if let Ok(rungs) = rungs {
            let mut distinct = effective;
            distinct.dedup();
            prop_assert_eq!(rungs.len(), distinct.len());
            for (rung, (_, times)) in rungs.iter().zip(distinct) {
                prop_assert_eq!(&rung.faults[0], &slow(times));
            }
        }
    }
}
