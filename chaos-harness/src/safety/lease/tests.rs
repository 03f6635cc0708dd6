//! Leases against a model, and between real processes that are killed.

use super::account::Limits;
use super::error::LeaseError;
use super::file;
use super::folder::{Folder, Tried};
use super::{Leases, Request, Touched};
use crate::clock;
use crate::safety::victim;
use crate::units::Percent;
use proptest::prelude::*;
use rustix::fs::{FlockOperation, flock};
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::num::NonZeroU32;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
const RUN: &str = "run";

fn request(faults: usize, percent: u32) -> Request {
    let touched = Touched {
        service: "db:5432".to_owned(),
        of: NonZeroU32::MIN,
        instances: BTreeSet::new(),
        share: Percent::new(percent),
    };
    Request {
        trial: "t".to_owned(),
        faults: vec!["down on db".to_owned(); faults],
        touched: vec![touched],
        least: HOUR,
        most: 2 * HOUR,
    }
}

fn most_faults(faults: u32) -> Limits {
    Limits { faults: NonZeroU32::new(faults), ..Limits::default() }
}

/// The folder of all runs, with the folder of one.
fn runs() -> tempfile::TempDir {
    let runs = tempfile::tempdir().unwrap();
    fs::create_dir(runs.path().join(RUN)).unwrap();
    runs
}

/// A file whose lock is held, as an undo log is.
fn locked(path: &Path) -> File {
    let file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    file
}

fn unlock(file: File) {
    // A child of another test may just be holding a copy.
    flock(&file, FlockOperation::Unlock).unwrap();
    drop(file);
}

fn leases(runs: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(runs.join("leases")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "lease")).collect()
}

#[derive(Debug, Clone)]
enum Step {
    Take {
        slot: usize,
        faults: usize,
        percent: u32,
    },
    End(usize),
    /// Its process is gone; its guard is not.
    Kill {
        slot: usize,
        torn: bool,
    },
    /// Its guard is gone, too.
    GuardEnds(usize),
    /// Someone was killed in the middle of taking a lease.
    Unfinished,
}

const SLOTS: usize = 5;

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..SLOTS, 1..3_usize, 1..60_u32).prop_map(|(slot, faults, percent)| Step::Take { slot, faults, percent }),
        2 => (0..SLOTS).prop_map(Step::End),
        1 => (0..SLOTS, any::<bool>()).prop_map(|(slot, torn)| Step::Kill { slot, torn }),
        1 => (0..SLOTS).prop_map(Step::GuardEnds),
        1 => Just(Step::Unfinished),
    ]
}

/// What a trial has, and its processes.
struct Holding {
    faults: usize,
    percent: u32,
    hours: u32,
    /// The lease, and the file's lock, while its process lives.
    alive: Option<(File, PathBuf)>,
    holder: File,
}

proptest! {
    // Each case writes to a disk.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn never_more_than_is_allowed_and_never_less(
        steps in prop::collection::vec(step(), 1..40),
        faults in 1..5_usize,
        percent in prop_oneof![4 => 20..=100_u32, 1 => Just(100)],
        hours in 4..12_u32,
    ) {
        let runs = runs();
        let folder = Folder::new(runs.path());
        let limits = Limits {
            faults: NonZeroU32::new(u32::try_from(faults).unwrap()),
            share: Some(Percent::new(percent)),
            // The half hour is for the moments that those who end in order have used.
            time: Some(hours * HOUR + HOUR / 2),
        };
        let mut slots: Vec<Option<Holding>> = (0..SLOTS).map(|_| None).collect();
        let mut lost_hours = 0;
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Take { slot, faults: asked, percent: share } if slots[slot].is_none() => {
                    let path = runs.path().join(format!("undo-{number}"));
                    let holder = locked(&path);
                    let tried = folder.try_take(RUN, limits, &request(asked, share), &path).unwrap();
                    let sum = |of: fn(&Holding) -> u32| slots.iter().flatten().map(of).sum::<u32>();
                    let together = sum(|one| u32::try_from(one.faults).unwrap()) as usize + asked;
                    let left = hours.saturating_sub(lost_hours + sum(|one| one.hours));
                    // More than all of a service cannot be touched.
                    let touched = (sum(|one| one.percent) + share).min(100);
                    let fits = together <= faults && touched <= percent && left >= 1;
                    let alone = asked <= faults && share <= percent && hours.saturating_sub(lost_hours) >= 1;
                    match tried {
                        Tried::Granted { path, file, time } => {
                            prop_assert!(fits, "granted {} beside {}", asked, together - asked);
                            let granted = left.min(2);
                            prop_assert!(time <= granted * HOUR + HOUR / 2 && time + HOUR / 2 > granted * HOUR);
                            let alive = Some((file, path));
                            slots[slot] = Some(Holding { faults: asked, percent: share, hours: granted, alive, holder });
                        }
                        Tried::NotYet { holders, .. } => {
                            prop_assert!(alone && !fits);
                            prop_assert_eq!(holders.len(), slots.iter().flatten().count());
                        }
                        Tried::Never(_) => prop_assert!(!alone),
                        Tried::Busy => prop_assert!(false, "nobody else is there"),
                    }
                }
                Step::End(slot) if slots[slot].as_ref().is_some_and(|one| one.alive.is_some()) => {
                    // The holder's lock stays: an undo log outlives the faults of one trial.
                    if let Some(Holding { alive: Some((file, _)), .. }) = slots[slot].take() {
                        file::end(&file, Duration::from_millis(1)).unwrap();
                    }
                }
                Step::Kill { slot, torn } => {
                    if let Some((file, path)) = slots[slot].as_mut().and_then(|one| one.alive.take()) {
                        if torn {
                            OpenOptions::new().append(true).open(path).unwrap().write_all(b"{\"used\":{\"secs\":0").unwrap();
                        }
                        unlock(file);
                    }
                }
                Step::GuardEnds(slot) if slots[slot].as_ref().is_some_and(|one| one.alive.is_none()) => {
                    if let Some(Holding { hours, holder, .. }) = slots[slot].take() {
                        lost_hours += hours;
                        unlock(holder);
                    }
                }
                Step::Unfinished => {
                    fs::create_dir_all(runs.path().join("leases")).unwrap();
                    fs::write(runs.path().join("leases/1-1.new"), "{\"schema\":1,").unwrap();
                }
                _ => {}
            }
        }
    }

    /// Whatever is in a lease, reading it neither panics nor takes much.
    #[test]
    fn anything_can_be_read(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = file::parse(&text);
    }

    /// A lease that was changed anywhere is refused, or still a lease whose times can be added up.
    #[test]
    fn a_lease_with_a_changed_byte_is_refused_or_bounded(at in any::<prop::sample::Index>(), byte: u8) {
        let terms = file::Terms::new(RUN, &request(1, 5), HOUR, HOUR, Path::new("/undo"));
        let mut text = serde_json::to_vec(&terms).unwrap();
        *at.get_mut(&mut text) = byte;
        if let Ok(found) = file::parse(&text) {
            prop_assert!(found.terms.reserved <= Duration::from_secs(u32::MAX.into()));
            prop_assert!(found.terms.used_at_most(HOUR) >= found.terms.reserved);
        }
    }
}

#[tokio::test]
async fn what_a_killed_trial_used_is_booked_in_full_and_what_ended_is_booked_as_it_was() {
    let runs = runs();
    // The half hour is for the moments that those who end in order have used.
    let limits = Limits { time: Some(5 * HOUR + HOUR / 2), ..Limits::default() };
    let own = Leases::new(runs.path(), RUN, limits).with_patience(Duration::ZERO);
    let undo = runs.path().join("undo");
    let holder = locked(&undo);

    // Two hours are reserved, and moments are used.
    own.acquire(&request(1, 5), &undo).await.unwrap().end().unwrap();
    assert_eq!(leases(runs.path()), Vec::<PathBuf>::new());
    let second = own.acquire(&request(1, 5), &undo).await.unwrap();
    let until = second.until().unwrap().saturating_duration_since(clock::now());
    assert!(until + HOUR / 2 > 2 * HOUR, "{until:?}");
    drop(second);
    // Its guard may not have undone it yet.
    assert_eq!(leases(runs.path()).len(), 1);
    unlock(holder);

    let (undo, another) = (runs.path().join("undo-2"), Leases::new(runs.path(), "another", limits));
    let _holder = locked(&undo);
    drop(own.acquire(&request(1, 5), &undo).await.unwrap());
    let book = fs::read_to_string(runs.path().join(RUN).join("fault-time")).unwrap();
    let booked: u64 = book.strip_suffix(" us\n").unwrap().parse().unwrap();
    assert!((7_200_000_000..7_300_000_000).contains(&booked), "{book}");

    // Two hours are booked and two are still held by the guard: what is left is enough to begin.
    let third = own.acquire(&request(1, 5), &undo).await.unwrap();
    let left = third.until().unwrap().saturating_duration_since(clock::now());
    assert!(left + HOUR / 4 < 2 * HOUR && left > HOUR, "{left:?}");
    // Another run has its own time.
    let other = another.acquire(&request(1, 5), &undo).await.unwrap();
    let left = other.until().unwrap().saturating_duration_since(clock::now());
    assert!(left + HOUR / 4 > 2 * HOUR, "{left:?}");
}

#[tokio::test]
async fn who_waits_in_vain_is_told_who_has_what() {
    let runs = runs();
    let undo = runs.path().join("undo");
    let _holder = locked(&undo);
    let own = Leases::new(runs.path(), RUN, most_faults(1)).with_patience(Duration::from_millis(100));
    let held = own.acquire(&request(1, 5), &undo).await.unwrap();
    let error = own.acquire(&request(1, 5), &undo).await.unwrap_err().to_string();
    let process = format!("held by t (pid {}): down on db", std::process::id());
    assert!(error.contains("CHAOS_MAX_FAULTS=1") && error.ends_with(&process), "{error}");
    assert!(matches!(own.acquire(&request(2, 5), &undo).await, Err(LeaseError::Never(_))));
    held.end().unwrap();
    own.acquire(&request(1, 5), &undo).await.unwrap().end().unwrap();
}

#[tokio::test]
async fn a_lock_that_nobody_gives_back_is_not_waited_for_without_end() {
    let runs = runs();
    let undo = runs.path().join("undo");
    let own = Leases::new(runs.path(), RUN, most_faults(1)).with_patience(Duration::from_millis(100));
    own.acquire(&request(1, 5), &undo).await.unwrap().end().unwrap();
    let _stuck = locked(&runs.path().join("leases/lock"));
    let error = own.acquire(&request(1, 5), &undo).await.unwrap_err();
    assert!(matches!(error, LeaseError::Busy { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_lease_stops_who_is_under_a_limit_and_nobody_else() {
    let runs = runs();
    let undo = runs.path().join("undo");
    let _holder = locked(&undo);
    let (limited, free) =
        (Leases::new(runs.path(), RUN, most_faults(9)), Leases::new(runs.path(), RUN, Limits::default()));
    drop(free.acquire(&request(1, 5), &undo).await.unwrap());
    let lease = leases(runs.path()).pop().unwrap();
    for damage in ["", "{}", "{\"schema\":2}\n"] {
        fs::write(&lease, damage).unwrap();
        let error = limited.acquire(&request(1, 5), &undo).await.unwrap_err();
        assert!(matches!(error, LeaseError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(&lease.display().to_string()), "{error}");
        free.acquire(&request(1, 5), &undo).await.unwrap().end().unwrap();
    }
    fs::remove_file(&lease).unwrap();
    drop(limited.acquire(&request(1, 5), &undo).await.unwrap());

    let book = runs.path().join(RUN).join("fault-time");
    for damage in ["", "many us\n", "12 us", "-1 us\n"] {
        fs::write(&book, damage).unwrap();
        let error = limited.acquire(&request(1, 5), &undo).await.unwrap_err();
        assert!(matches!(error, LeaseError::Damaged { .. }), "{error}");
    }
}

#[tokio::test]
async fn leases_are_nobody_elses_to_read() {
    let runs = runs();
    let undo = runs.path().join("undo");
    let own = Leases::new(runs.path(), RUN, Limits::default());
    let _lease = own.acquire(&request(1, 5), &undo).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = runs.path().join("leases");
    assert_eq!(mode(&folder), 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(fs::metadata(&folder).unwrap().uid(), rustix::process::getuid().as_raw());
}

const VICTIM: &str = "safety::lease::tests::a_process_that_takes_leases";

/// How many of these files someone has locked.
fn inside(folder: &Path) -> usize {
    let entries = fs::read_dir(folder.join("inside")).unwrap();
    let files = entries.filter_map(|entry| File::open(entry.unwrap().path()).ok());
    // Shared, so that two who look are not in each other's way.
    let is_locked = |file: &File| match flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => flock(file, FlockOperation::Unlock).is_err(),
        Err(_) => true,
    };
    files.filter(is_locked).count()
}

#[tokio::test]
#[ignore = "started by other tests as a process of its own"]
async fn a_process_that_takes_leases() {
    let Some(folder) = victim::folder() else { return };
    let number = std::process::id();
    // Opened before all the others: where a process is killed, its files are closed in this order.
    let mark = File::create(folder.join("inside").join(number.to_string())).unwrap();
    let undo = folder.join(format!("undo-{number}"));
    let holder = locked(&undo);
    let own = Leases::new(&folder, RUN, most_faults(2));
    let mut turns = OpenOptions::new().create(true).append(true).open(folder.join("turns")).unwrap();
    let stays = folder.join("stays").exists();
    for _ in 0..15 {
        let lease = own.acquire(&request(1, 5), &undo).await.unwrap();
        flock(&mark, FlockOperation::LockExclusive).unwrap();
        if stays {
            // A guard has the undo log's lock, too: here it is a program that does nothing.
            let copy = Stdio::from(holder.try_clone().unwrap());
            let mut guard = Command::new("sleep");
            guard.arg("1000").stdin(copy).stdout(Stdio::null()).stderr(Stdio::null());
            let mut guard = guard.spawn().unwrap();
            fs::write(folder.join("guard.new"), guard.id().to_string()).unwrap();
            fs::rename(folder.join("guard.new"), folder.join("guard")).unwrap();
            guard.wait().unwrap();
            return;
        }
        let together = inside(&folder);
        if together > 2 {
            fs::write(folder.join("too-many"), together.to_string()).unwrap();
        }
        turns.write_all(b".").unwrap();
        flock(&mark, FlockOperation::Unlock).unwrap();
        lease.end().unwrap();
    }
}

#[test]
fn processes_never_have_more_at_once_and_go_on_when_one_is_killed() {
    let runs = runs();
    let folder = runs.path();
    fs::create_dir(folder.join("inside")).unwrap();
    fs::write(folder.join("stays"), "").unwrap();
    let mut killed = victim::spawn(VICTIM, folder);
    victim::wait_until("one has a lease", || folder.join("guard").exists());
    fs::remove_file(folder.join("stays")).unwrap();

    let mut others: Vec<_> = (0..4).map(|_| victim::spawn(VICTIM, folder)).collect();
    let turns = || fs::metadata(folder.join("turns")).map_or(0, |turns| turns.len());
    victim::wait_until("others have had leases", || turns() > 3);
    killed.kill().unwrap();
    killed.wait().unwrap();
    // Its guard lives, so that its lease is held: the others take turns on what is left.
    let alone = Leases::new(folder, RUN, most_faults(1)).with_patience(Duration::ZERO);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    victim::wait_until("the others are done", || {
        others.iter_mut().all(|other| other.try_wait().unwrap().is_some())
    });
    for other in others {
        let output = other.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(turns(), 4 * 15);
    assert!(!folder.join("too-many").exists(), "{:?}", fs::read_to_string(folder.join("too-many")));

    let undo = folder.join("undo");
    let held = runtime.block_on(alone.acquire(&request(1, 5), &undo)).unwrap_err().to_string();
    assert!(held.contains(&format!("pid {}", killed.id())), "{held}");
    let guard: i32 = fs::read_to_string(folder.join("guard")).unwrap().parse().unwrap();
    let guard = rustix::process::Pid::from_raw(guard).unwrap();
    rustix::process::kill_process(guard, rustix::process::Signal::KILL).unwrap();
    victim::wait_until("its lease is free", || {
        runtime.block_on(alone.acquire(&request(1, 5), &undo)).is_ok()
    });
}
