use super::*;
use crate::ledger::sample::{confirm, demoted, fingerprint, hour, night, promoted, trial};
use crate::ledger::{Attempt, History, Part, RunRef};
use std::time::Duration;

mod naive;
mod properties;

fn state(events: impl IntoIterator<Item = Event>) -> State {
    History::new(events).state().unwrap()
}

fn earned(events: &[Event]) -> usize {
    state(events.to_vec()).earned.number
}

/// Nights that confirm `stage`, one a day from this day on.
fn nights(stage: usize, days: std::ops::Range<u64>) -> Vec<Event> {
    days.flat_map(|day| night(stage, day)).collect()
}

#[test]
fn a_stage_is_earned_by_as_many_nights_as_the_policy_says() {
    let two = state(nights(2, 0..2));
    assert_eq!((two.earned.number, two.streak, two.confirmations), (1, 2, 3));
    let three = state(nights(2, 0..3));
    assert_eq!((three.earned.number, three.streak, three.of), (2, 0, 4));
    assert_eq!(three.earned.name.as_deref(), Some("stage_2"));
    let promoted = three.promoted.unwrap();
    assert_eq!((promoted.from, promoted.to), (1, 2));
    assert_eq!((promoted.run.as_deref(), promoted.commit.as_deref()), (Some("night-2"), Some("c2")));
    assert_eq!(state([nights(2, 0..3), nights(3, 3..6)].concat()).earned.number, 3);
}

#[test]
fn the_first_stage_is_there_to_begin_with() {
    let first = state([trial(1).event()]);
    assert_eq!((first.earned.number, first.earned.name.as_deref()), (1, Some("stage_1")));
    assert_eq!(first.promoted, None);
}

#[test]
fn the_same_seed_on_the_same_commit_says_nothing_new() {
    let again = |day: u64, commit: &str, seed: u64| {
        let run = format!("run-{day}");
        [1, 2].map(|stage| trial(stage).run(&run).at(day * 24).commit(commit).seed(seed).event())
    };
    let same = [again(0, "a", 1), again(1, "a", 1), again(2, "a", 1)].concat();
    assert_eq!(state(same).streak, 1);
    let other = [again(0, "a", 1), again(1, "a", 2), again(2, "b", 1)].concat();
    assert_eq!(earned(&other), 2);
}

#[test]
fn only_first_attempts_confirm_and_a_refuted_one_spoils_the_run() {
    for attempt in [Attempt { run: 1, trial: 2 }, Attempt { run: 2, trial: 1 }] {
        let night = [trial(1).event(), trial(2).attempt(attempt).event()];
        assert_eq!(state(night).streak, 0, "{attempt}");
    }
    let retry = Attempt { run: 1, trial: 2 };
    let flaky = [trial(1).refuted().event(), trial(1).attempt(retry).event(), trial(2).event()];
    assert_eq!(state(flaky).streak, 0);
    // The order in which the two ended makes no difference, nor does what was refuted beyond.
    let once = |stage| trial(stage).policy(confirm(1, 0));
    let late = [once(1).attempt(retry).at(1).refuted().event(), once(3).at(2).refuted().event()];
    assert_eq!(earned(&[vec![once(1).event(), once(2).event()], late.to_vec()].concat()), 1);
    let late = [trial(1).event(), trial(2).event(), trial(1).refuted().attempt(retry).at(1).event()];
    assert_eq!(state(late).streak, 0);
}

#[test]
fn the_next_stage_counts_once_its_run_has_shown_the_earned_one() {
    let pending = state([trial(2).event()]);
    assert_eq!((pending.streak, pending.pending), (0, 1));
    let shown = state([trial(2).event(), trial(1).at(5).event()]);
    assert_eq!((shown.streak, shown.pending), (1, 0));
    let elsewhere = state([trial(2).event(), trial(1).run("other").event()]);
    assert_eq!((elsewhere.streak, elsewhere.pending), (0, 1));
    let given = state([trial(2).event(), promoted(3, 1)]);
    assert_eq!((given.earned.number, given.pending), (3, 0));
}

#[test]
fn a_refuted_next_stage_starts_over_after_it_cooled_down() {
    let refuted = trial(2).run("bad").at(48).refuted().event();
    let after = state([nights(2, 0..2), vec![refuted.clone()]].concat());
    assert_eq!((after.earned.number, after.streak), (1, 0));
    let until = refuted.at().after(Duration::from_secs(72 * 3600));
    assert_eq!(after.cooled_until, Some(until));
    assert_eq!(
        after.last_failure.as_ref().map(|failure| (failure.stage, failure.run.as_str())),
        Some((2, "bad"))
    );
    assert_eq!(after.standing(&after.fingerprint, refuted.at()).cooling_until, Some(until));
    assert_eq!(after.standing(&after.fingerprint, until).cooling_until, None);

    let meanwhile = [nights(2, 0..2), vec![refuted.clone()], nights(2, 3..5)].concat();
    assert_eq!(state(meanwhile).streak, 0);
    let cooled = [vec![refuted], nights(2, 5..8)].concat();
    let cooled = state(cooled);
    assert_eq!((cooled.earned.number, cooled.cooled_until), (2, None));
}

#[test]
fn a_refuted_earned_stage_is_lost_once_a_run() {
    let proved = [nights(2, 0..3), nights(3, 3..6)].concat();
    assert_eq!(earned(&proved), 3);
    let retry = Attempt { run: 1, trial: 2 };
    let bad = |stage| trial(stage).run("bad").at(200).refuted();
    let lost = state([proved.clone(), vec![bad(3).event(), bad(3).attempt(retry).event()]].concat());
    assert_eq!((lost.earned.number, lost.streak, lost.cooled_until), (2, 0, None));
    let demoted = lost.demoted.unwrap();
    assert_eq!((demoted.from, demoted.to, demoted.run.as_deref()), (3, 2, Some("bad")));
    // What fails smaller is not proved larger.
    assert_eq!(earned(&[proved.clone(), vec![bad(1).event()]].concat()), 2);
    let twice = [proved, vec![bad(3).event(), bad(2).run("worse").at(201).event()]].concat();
    assert_eq!(earned(&twice), 1);
    assert_eq!(state([bad(1).event()]).demoted, None);
}

#[test]
fn a_run_that_is_started_again_takes_nothing_back_but_one_stage() {
    // The run that earned stage 2 is started again, after stage 3 was earned, too.
    let proved = [nights(2, 0..3), nights(3, 3..6)].concat();
    let again = trial(2).run("night-2").attempt(Attempt { run: 2, trial: 1 }).at(300).refuted().event();
    assert_eq!(earned(&[proved, vec![again]].concat()), 2);
}

#[test]
fn what_decides_nothing_is_counted_and_changes_nothing() {
    let undecided =
        [Verdict::Inconclusive, Verdict::Unsteady, Verdict::Halted, Verdict::Error, Verdict::Error];
    let events = undecided
        .iter()
        .zip(0..)
        .map(|(verdict, at)| trial(2).run("odd").at(30 + at).verdict(*verdict).event());
    let after = state(nights(2, 0..2).into_iter().chain(events));
    let counts = after.counts;
    assert_eq!((counts.inconclusive, counts.unsteady, counts.halted, counts.error), (1, 1, 1, 2));
    assert_eq!((after.streak, after.cooled_until), (2, None));
}

#[test]
fn what_lies_beyond_the_next_stage_is_kept_and_not_counted() {
    let beyond = state([trial(1).event(), trial(3).event(), trial(4).refuted().event()]);
    assert_eq!((beyond.earned.number, beyond.streak, beyond.events), (1, 0, 3));
    assert_eq!((beyond.last_failure, beyond.cooled_until), (None, None));
}

#[test]
fn a_changed_definition_starts_over_and_says_what_changed() {
    let changed = trial(1).run("new").at(100).body(2).event();
    let after = state([nights(2, 0..3), vec![changed.clone()]].concat());
    assert_eq!((after.earned.number, after.streak, after.promoted), (1, 0, None));
    let reset = after.reset.unwrap();
    assert_eq!((reset.from, reset.parts, reset.run.as_deref()), (2, vec![Part::Body], Some("new")));
    // What confirmed the old one says nothing against the new one.
    let again = (0..3).flat_map(|day| night(2, day)).map(|event| renamed(&event, 101));
    let again = state([nights(2, 0..3), vec![changed.clone()]].concat().into_iter().chain(again));
    assert_eq!((again.earned.number, again.earned.name.as_deref()), (2, Some("renamed")));
    let standing = state(nights(2, 0..3)).standing(changed.fingerprint(), changed.at());
    assert_eq!((standing.earned, standing.reset), (1, vec![Part::Body]));
}

/// The same trial, of a changed definition, in another run so many hours later.
fn renamed(event: &Event, hours: u64) -> Event {
    let EventKind::Trial(trial) = event.kind() else { panic!("{event:?} is no trial") };
    let run = RunRef { id: format!("{}-later", trial.run.id), url: None };
    let trial = TrialEvent { name: "renamed".to_owned(), run, ..trial.clone() };
    let at = event.at().after(Duration::from_secs(hours * 3600));
    Event::new(event.experiment().clone(), fingerprint(2), at, None, EventKind::Trial(trial))
}

#[test]
fn a_stage_that_has_another_name_now_is_called_by_that() {
    let changed = state(nights(2, 0..3).into_iter().chain([renamed(&trial(1).event(), 100)]));
    assert_eq!(changed.earned.name.as_deref(), Some("renamed"));
    let given = state([trial(2).event(), renamed(&trial(1).event(), 1), by_hand_of_changed()]);
    assert_eq!((given.earned.number, given.earned.name), (2, None), "nothing says what it is called now");
}

fn by_hand_of_changed() -> Event {
    let decision = ByHand { to: 2, reason: "because".to_owned(), by: "ada".to_owned() };
    Event::new(
        trial(1).event().experiment().clone(),
        fingerprint(2),
        hour(2),
        None,
        EventKind::Promoted(decision),
    )
}

#[test]
fn a_run_that_began_before_the_definition_changed_says_nothing_of_it() {
    let changed = trial(1).run("new").at(100).body(2).event();
    let before = nights(2, 0..3);
    let late = trial(1).run("old").at(101).knowing(99).refuted().event();
    let with_late = state([before.clone(), vec![changed.clone(), late]].concat());
    assert_eq!(with_late.fingerprint, *changed.fingerprint());
    assert_eq!(with_late.last_failure, None);
    // Who had seen the change has changed it back: that proves nothing either.
    let reverted = trial(1).run("back").at(101).knowing(100).event();
    let reverted = state([before, vec![changed, reverted.clone()]].concat());
    assert_eq!((&reverted.fingerprint, reverted.earned.number), (reverted_fingerprint(), 1));
}

fn reverted_fingerprint() -> &'static Fingerprint {
    static ONE: std::sync::LazyLock<Event> = std::sync::LazyLock::new(|| trial(1).event());
    ONE.fingerprint()
}

#[test]
fn a_stage_that_needs_an_approval_is_not_earned_without() {
    let night = |day: u64, approved: bool| {
        let run = format!("run-{day}");
        let next = trial(2).run(&run).at(day * 24).seed(day).needs_approval(approved.then_some("ada"));
        [trial(1).run(&run).at(day * 24).event(), next.event()]
    };
    assert_eq!(state([night(0, false), night(1, false), night(2, false)].concat()).streak, 0);
    assert_eq!(earned(&[night(0, true), night(1, true), night(2, true)].concat()), 2);
    // Its refutation needs nobody's.
    assert!(state([trial(2).needs_approval(None).refuted().event()]).cooled_until.is_some());
}

#[test]
fn what_someone_decides_holds_until_a_trial_says_otherwise() {
    let refuted = trial(2).refuted().event();
    let given = state([refuted.clone(), promoted(3, 1)]);
    assert_eq!((given.earned.number, given.cooled_until), (3, None));
    let by = given.promoted.unwrap();
    assert_eq!((by.by.as_deref(), by.reason.as_deref(), by.run), (Some("ada"), Some("because"), None));
    let lost = state([refuted.clone(), promoted(3, 1), trial(3).run("bad").at(2).refuted().event()]);
    assert_eq!(lost.earned.number, 2);
    let taken = state([refuted.clone(), promoted(3, 1), demoted(1, 2)]);
    assert_eq!((taken.earned.number, taken.demoted.unwrap().from), (1, 3));
    assert_eq!(state([refuted.clone(), promoted(3, 1), demoted(0, 2)]).earned.number, 1);
    // No further than there are stages, and not of another definition.
    assert_eq!(state([refuted.clone(), promoted(9, 1)]).earned.number, 4);
    let changed = trial(1).run("new").at(1).body(2).event();
    assert_eq!(state([refuted, changed, promoted(3, 2)]).earned.number, 1);
}

#[test]
fn the_simple_policy_takes_one_success_and_minds_no_failure() {
    let simple = |stage| trial(stage).policy(Policy::Simple);
    assert_eq!(earned(&[simple(2).event()]), 2);
    let failed = state([simple(2).event(), simple(2).run("bad").at(1).refuted().event()]);
    assert_eq!((failed.earned.number, failed.last_failure.unwrap().stage), (2, 2));
    let next = state([simple(2).refuted().event()]);
    assert_eq!((next.earned.number, next.cooled_until), (1, None));
    // Not two in one run: what lies beyond the next stage was not asked for.
    assert_eq!(earned(&[simple(2).event(), simple(3).at(1).event()]), 2);
}

#[test]
fn a_clock_that_went_back_puts_nothing_before_what_was_known() {
    let proved = nights(2, 10..13);
    let promotion = state(proved.clone()).as_of;
    let back = trial(2).run("bad").at(0).known(promotion).refuted().event();
    assert_eq!(back.effective(), promotion.after(Duration::from_millis(1)));
    assert_eq!(trial(1).at(9).knowing(3).event().effective(), hour(9));
    assert_eq!(earned(&[proved, vec![back]].concat()), 1);
}

#[test]
fn fewer_confirmations_count_from_when_they_are_asked_for() {
    let asked = |stage, day: u64| {
        let run = format!("night-{day}");
        trial(stage).run(&run).at(day * 24).commit(&format!("c{day}")).policy(confirm(2, 0)).event()
    };
    assert_eq!(earned(&[nights(2, 0..2), vec![asked(1, 2), asked(2, 2)]].concat()), 2);
}
