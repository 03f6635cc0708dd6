//! What holds of any events.

use super::naive::naive;
use super::*;
use crate::ledger::sample::Sample;
use proptest::prelude::*;

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        8 => Just(Verdict::Upheld),
        2 => Just(Verdict::Refuted),
        1 => Just(Verdict::Inconclusive),
        1 => Just(Verdict::Halted),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    prop_oneof![
        4 => Just(confirm(2, 5)),
        2 => Just(confirm(1, 0)),
        1 => Just(Policy::default()),
        1 => Just(Policy::Simple),
    ]
}

/// A trial among few runs, stages and hours, so that they meet.
fn trials() -> impl Strategy<Value = Event> {
    let when = (0_u64..40, prop::option::weighted(0.6, 0_u64..40), 0_usize..12);
    let what = (1_usize..=4, verdicts(), policies());
    let rare =
        (prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop::bool::weighted(0.1), any::<bool>());
    (when, what, 0_u64..4, rare).prop_map(|((at, as_of, run), (stage, verdict, policy), seed, rare)| {
        let (is_retry, is_changed, needs_approval, is_approved) = rare;
        let mut sample: Sample =
            trial(stage).at(at).run(&format!("r{run}")).verdict(verdict).policy(policy).seed(seed);
        if let Some(as_of) = as_of {
            sample = sample.knowing(as_of);
        }
        if is_retry {
            sample = sample.attempt(Attempt { run: 1 + u32::from(is_approved), trial: 2 });
        }
        if is_changed {
            sample = sample.body(2);
        }
        if needs_approval {
            sample = sample.needs_approval(is_approved.then_some("ada"));
        }
        sample.event()
    })
}

/// A night that confirms something, at an hour of its own.
fn nights() -> impl Strategy<Value = Vec<Event>> {
    (2_usize..=4, 0_u64..40, 0_usize..12).prop_map(|(stage, at, run)| {
        let run = format!("r{run}");
        let of_night = |stage| trial(stage).at(at).run(&run).seed(at).policy(confirm(2, 5)).event();
        vec![of_night(stage - 1), of_night(stage)]
    })
}

fn histories() -> impl Strategy<Value = Vec<Event>> {
    let decided = (any::<bool>(), 1_usize..6, 0_u64..40);
    let by_hand = decided.prop_map(|(up, to, at)| if up { promoted(to, at) } else { demoted(to, at) });
    let some = prop_oneof![
        6 => trials().prop_map(|event| vec![event]),
        6 => nights(),
        1 => by_hand.prop_map(|event| vec![event]),
    ];
    prop::collection::vec(some, 1..24).prop_map(|events| events.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_order_of_arrival_makes_no_difference(
        (events, arrived) in histories().prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle())),
        cut in any::<prop::sample::Index>(),
    ) {
        let at_once = History::new(events.clone());
        let twice = arrived.iter().chain(&events).cloned();
        prop_assert_eq!(&History::new(twice), &at_once);
        // Folded in two batches, the later on top of what the first left in the ledger.
        let cut = cut.index(arrived.len());
        let first = History::new(arrived[..cut].to_vec());
        let both = first.events().iter().cloned().chain(arrived[cut..].iter().cloned());
        prop_assert_eq!(History::new(both).state(), at_once.state());
    }

    #[test]
    fn the_policy_is_what_it_is_said_to_be(events in histories()) {
        let history = History::new(events);
        let state = history.state().unwrap();
        prop_assert_eq!((state.earned.number, state.streak, state.cooled_until), naive(history.events()));
    }

    /// Whatever the order: for each stage that is earned, and that nobody gave, there are as many runs as the least policy
    /// asks for that upheld it and the one before it at the first attempt, with nothing refuted.
    #[test]
    fn nothing_is_earned_that_was_not_confirmed(events in histories()) {
        let history = History::new(events);
        let state = history.state().unwrap();
        for stage in 2..=state.earned.number {
            if !is_given(history.events(), stage) {
                prop_assert!(is_confirmed(history.events(), &state.fingerprint, stage), "stage {}", stage);
            }
        }
    }

    #[test]
    fn a_refuted_earned_stage_is_always_lost(events in histories(), when in 0_u64..60, place in any::<prop::sample::Index>()) {
        let before = History::new(events.clone()).state().unwrap();
        let body = if before.fingerprint == *trial(1).event().fingerprint() { 1 } else { 2 };
        // Whatever the clock says, and wherever it arrives among the others.
        let refuted = trial(before.earned.number).body(body).run("bad").at(when).known(before.as_of).refuted().event();
        let mut events = events;
        events.insert(place.index(events.len() + 1), refuted);
        let after = History::new(events).state().unwrap();
        prop_assert_eq!(after.earned.number, before.earned.number.max(2) - 1);
        prop_assert_eq!(after.streak, 0);
    }

    #[test]
    fn a_state_reads_back_and_stays_short(events in histories()) {
        let state = History::new(events).state().unwrap();
        let text = state.to_text();
        prop_assert!(text.lines().count() <= 20, "{}", text);
        prop_assert_eq!(State::from_text(text.as_bytes()), Ok(state));
    }

    #[test]
    fn an_event_reads_back(event in trials()) {
        let line = event.to_line();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(Event::from_line(line.as_bytes()), Ok(event));
    }
}

fn is_given(events: &[Event], stage: usize) -> bool {
    let by_hand = |event: &Event| matches!(event.kind(), EventKind::Promoted(by_hand) if by_hand.to >= stage);
    events.iter().any(by_hand)
}

fn is_confirmed(events: &[Event], fingerprint: &Fingerprint, stage: usize) -> bool {
    let of_definition = events.iter().filter(|event| event.fingerprint() == fingerprint);
    let trials: Vec<_> = of_definition
        .filter_map(|event| match event.kind() {
            EventKind::Trial(trial) => Some(trial),
            _ => None,
        })
        .collect();
    let in_run_of = |one: &TrialEvent, stage, verdict| {
        let is_same = |other: &&&TrialEvent| other.run == one.run && other.attempt.run == one.attempt.run;
        trials.iter().filter(is_same).any(|trial| (trial.stage, trial.verdict) == (stage, verdict))
    };
    let confirms = |trial: &&&TrialEvent| {
        (trial.stage, trial.verdict) == (stage, Verdict::Upheld)
            && trial.attempt.is_first()
            && (!trial.needs_approval || trial.approved_by.is_some())
            && (trial.policy == Policy::Simple || in_run_of(trial, stage - 1, Verdict::Upheld))
            && (1..=stage).all(|stage| !in_run_of(trial, stage, Verdict::Refuted))
    };
    let confirming: Vec<_> = trials.iter().filter(confirms).collect();
    let different: HashSet<_> = confirming.iter().map(|trial| (&trial.commit, trial.seed)).collect();
    confirming.iter().any(|trial| different.len() >= trial.policy.confirmations().get() as usize)
}

#[test]
fn there_are_histories_that_earn_something() {
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let earned: Vec<_> = (0..500)
        .map(|_| {
            History::new(histories().new_tree(&mut runner).unwrap().current()).state().unwrap().earned.number
        })
        .collect();
    for stage in 1..=4 {
        assert!(earned.iter().filter(|earned| **earned == stage).count() > 10, "stage {stage}: {earned:?}");
    }
}
