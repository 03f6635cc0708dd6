//! Crashes of every kind, many of them, several at a time.

use crate::Outcome;
use crate::catalogue;
use crate::crash::{Again, Crash, When, of_both, of_guard, of_test};
use crate::experiments::{ON_CONTAINERS, ON_PROCESSES, ON_SERVER, faults};
use crate::figure::{Figure, Goal, median, worst};
use crate::host;
use crate::observer::leftovers;
use crate::part::Place;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many crashes are under way at a time: most of each is waiting.
const SIDE_BY_SIDE: usize = 4;

/// One crash in so many is one of containers, the first among them: a short sample has some too.
const CONTAINERS_EVERY: u64 = 3;

/// How much longer an experiment may take than it took alone: so many are under way at a time.
const STRETCH: f64 = 1.3;

/// More transitions than any experiment has.
const MOST_TRANSITIONS: u64 = 500;

const NO_ENGINE: &str = "there is no engine with the image redis:7, or the feature docker is off";

/// How many transitions there are at least in a test process with one entry, and in who undoes one.
const OF_TEST: u64 = 7;
const OF_GUARD: u64 = 2;

/// So often a crash is tried that did not happen for a trial that was cut short.
const TRIES: usize = 20;

/// How long a new start takes to put right what is left, about.
const RECOVERY: Duration = Duration::from_millis(150);

pub(crate) struct Campaign {
    root: PathBuf,
    seed: u64,
    crashes: u64,
    /// Crashes are at one transition in so many.
    stride: u64,
    places: AtomicU64,
    on_processes: Vec<&'static str>,
    /// None where there is no engine.
    on_containers: Vec<&'static str>,
    /// How long each experiment takes where nobody kills it.
    lengths: BTreeMap<&'static str, Duration>,
}

impl Campaign {
    /// Runs each experiment once without a crash: it must pass, and leave nothing.
    pub(crate) fn prepare(seed: u64, crashes: u64, stride: u64) -> Outcome<Self> {
        let missing = catalogue::missing(&ON_PROCESSES.map(faults).concat());
        if !missing.is_empty() {
            return Err(format!("in no experiment: {}", missing.join(", ")).into());
        }
        let places = AtomicU64::new(0);
        let (mut on_processes, mut on_containers) = (ON_PROCESSES.to_vec(), Vec::new());
        if cfg!(feature = "external-toxiproxy") {
            on_processes.push(ON_SERVER);
        }
        if host::has_engine() {
            on_containers.extend(ON_CONTAINERS);
        } else if host::required().is_some_and(|required| required.contains("docker")) {
            return Err(format!("CHAOS_REQUIRE=docker: {NO_ENGINE}").into());
        }
        let root = std::env::temp_dir().join(format!("chaos-crash-bench-{}", std::process::id()));
        fs::create_dir_all(&root)?;
        let lengths = BTreeMap::new();
        let mut campaign = Self { root, seed, crashes, stride, places, on_processes, on_containers, lengths };
        for role in campaign.all_roles() {
            let mut length = Duration::ZERO;
            let crash = with_faults(|| {
                let began = std::time::Instant::now();
                let crash = of_test(campaign.place(role)?, role, When::Never);
                // What the look at the end takes is small beside it.
                length = began.elapsed();
                crash
            })?;
            println!("  {role}: {} ms uncrashed, {}", length.as_millis(), crash.what);
            if !crash.what.ends_with("exit status: 0") || crash.clean.is_err() {
                println!("{}\n{:?}", crash.place.said(), crash.clean.err());
                return Err(format!(
                    "{role} does not pass where nobody kills it: see {}",
                    crash.place.folder.display()
                )
                .into());
            }
            fs::remove_dir_all(&crash.place.folder)?;
            campaign.lengths.insert(role, length);
        }
        Ok(campaign)
    }

    fn place(&self, role: &str) -> Outcome<Place> {
        Place::make(&self.root, self.places.fetch_add(1, Ordering::Relaxed), role)
    }

    /// A number that this seed and these numbers make: whichever crash comes first.
    fn drawn(&self, kind: u64, number: u64) -> u64 {
        let mut mixed =
            self.seed ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03);
        for _ in 0..2 {
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
        }
        mixed
    }

    /// The same as a number between 0 and 1.
    fn chance(&self, kind: u64, number: u64) -> f64 {
        (self.drawn(kind, number) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Which experiment crash `number` of its kind is of, and when.
    fn random(&self, kind: u64, number: u64) -> (&'static str, Duration) {
        let of_containers = number.div_ceil(CONTAINERS_EVERY);
        let (roles, turn) = match number % CONTAINERS_EVERY {
            _ if self.on_containers.is_empty() => (&self.on_processes, number),
            0 => (&self.on_containers, of_containers),
            _ => (&self.on_processes, number - of_containers),
        };
        let role = roles[usize::try_from(turn).unwrap_or_default() % roles.len()];
        let length = self.lengths.get(role).copied().unwrap_or_default();
        (role, length.mul_f64(STRETCH * self.chance(kind, number)))
    }

    /// All kinds of crashes, and what they come to.
    pub(crate) fn run(&self) -> Outcome<Vec<Figure>> {
        let random = self.count("at random instants", |number| {
            let (role, after) = self.random(1, number);
            of_test(self.place(role)?, role, When::After(after))
        })?;
        let transitions = self.until_none(4, OF_TEST, "at each transition", |role, number| {
            of_test(self.place(role)?, role, When::Transition(number))
        })?;
        let both = self.count("with the guard", |number| {
            let (role, after) = self.random(2, number);
            // Each third new start is killed as well, and another one follows.
            let again = match number / CONTAINERS_EVERY % 3 {
                2 => Again::After(RECOVERY.mul_f64(self.chance(3, number))),
                _ => Again::No,
            };
            of_both(self.place(role)?, role, When::After(after), again)
        })?;
        let both_at = self.until_none(5, OF_TEST, "at each transition, with the guard", |role, number| {
            of_both(self.place(role)?, role, When::Transition(number), Again::No)
        })?;
        let guard = self.until_none(6, OF_GUARD, "at each transition of the guard", |role, number| {
            of_guard(self.place(role)?, role, number)
        })?;
        let recovery =
            self.until_none(7, OF_GUARD, "at each transition of a new start", |role, number| {
                of_both(self.place(role)?, role, When::InTurbulence, Again::Transition(number))
            })?;

        let kinds = [
            ("random_crashes", &random),
            ("each_transition", &transitions),
            ("guard_killed_and_new_start", &both),
            ("each_transition_with_the_guard_and_new_start", &both_at),
            ("each_transition_of_the_guard_and_new_start", &guard),
            ("each_transition_of_a_new_start_and_another", &recovery),
        ];
        let untried = kinds.iter().find(|(_, crashes)| !crashes.iter().any(|crash| crash.happened));
        if let Some((kind, _)) = untried {
            return Err(format!("{kind}: there was no such crash, and so nothing was tried").into());
        }
        let mut figures = Vec::from(kinds.map(|(kind, crashes)| left(kind, crashes)));
        figures.extend(times(&random, false, 1.0));
        if self.on_containers.is_empty() {
            figures.push(Figure::skipped("containers", NO_ENGINE));
        } else {
            figures.extend(times(&random, true, 3.0));
        }
        if !cfg!(feature = "external-toxiproxy") {
            let why = "built without the feature external-toxiproxy";
            figures.push(Figure::skipped("toxics_of_a_server", why));
        }
        let late = Self::late(&[random, transitions, both, both_at, guard, recovery]);
        figures.push(Figure::new("left_at_the_very_end", late as f64, "things", Goal::None));
        // What was kept keeps its folder.
        let _ = fs::remove_dir(&self.root);
        Ok(figures)
    }

    fn all_roles(&self) -> Vec<&'static str> {
        self.on_processes.iter().chain(&self.on_containers).copied().collect()
    }

    /// Looks at everything once more: what the engine was still busy with may have come later. Removes the folders of
    /// those that left nothing.
    fn late(kinds: &[Vec<Crash>]) -> usize {
        let mut late = 0;
        for crash in kinds.iter().flatten() {
            let left = leftovers(&crash.place, &crash.seen, crash.on_containers());
            for what in &left {
                println!("LEFT BEHIND LATE by {} ({}): {what}", crash.place.token, crash.what);
            }
            late += left.len();
            if left.is_empty() && crash.clean.is_ok() {
                let _ = fs::remove_dir_all(&crash.place.folder);
            }
        }
        late
    }

    /// As many crashes as were asked for.
    fn count(&self, kind: &str, crash: impl Fn(u64) -> Outcome<Crash> + Sync) -> Outcome<Vec<Crash>> {
        let next = AtomicU64::new(0);
        self.side_by_side(kind, || {
            let number = next.fetch_add(1, Ordering::Relaxed);
            (number < self.crashes).then(|| with_faults(|| crash(number)))
        })
    }

    /// Crashes at transition 1, 2, 3 of each experiment, or at one in so many, until it has no such transition.
    fn until_none(
        &self,
        kind: u64,
        fewest: u64,
        name: &str,
        crash: impl Fn(&'static str, u64) -> Outcome<Crash> + Sync,
    ) -> Outcome<Vec<Crash>> {
        // Other seeds try other transitions, and each of them at least one of each experiment.
        let first = |turn| 1 + self.drawn(kind, turn) % self.stride.min(fewest);
        let ahead = self.all_roles().into_iter().zip((0..).map(first));
        let ahead: Mutex<BTreeMap<&str, u64>> = Mutex::new(ahead.collect());
        let ahead = || ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let take = || {
            // All experiments in turn: few crashes are under way beyond the last transition of one.
            let mut ahead = ahead();
            let (role, number) = ahead.iter_mut().min_by_key(|(_, number)| **number)?;
            *number += self.stride;
            Some((*role, *number - self.stride))
        };
        let done = self.side_by_side(name, || {
            let (role, number) = take()?;
            let crash = || with_faults(|| crash(role, number));
            // Once more before it counts as the end: on a busy machine, a trial may have undone some by itself. A sample
            // has gaps all the same.
            let crash = crash().and_then(|first| {
                if self.stride > 1 || !first.may_be_the_end() {
                    return Ok(first);
                }
                fs::remove_dir_all(&first.place.folder)?;
                crash()
            });
            let crash = crash.and_then(|crash| {
                let is_too_far = crash.happened && number > MOST_TRANSITIONS;
                let too_far = || format!("{name}: {role} has more than {MOST_TRANSITIONS}").into();
                if is_too_far { Err(too_far()) } else { Ok(crash) }
            });
            if !crash.as_ref().is_ok_and(|crash| crash.happened) {
                ahead().remove(role);
            }
            Some(crash)
        })?;
        let of_role = |role| done.iter().filter(|crash| crash.happened && crash.role == role).count();
        let told: Vec<_> = self.all_roles().iter().map(|role| format!("{role} {}", of_role(*role))).collect();
        println!("    {}", told.join(", "));
        Ok(done)
    }

    /// Calls it on several threads until there is nothing more to do on any.
    fn side_by_side(
        &self,
        kind: &str,
        next: impl Fn() -> Option<Outcome<Crash>> + Sync,
    ) -> Outcome<Vec<Crash>> {
        let began = std::time::Instant::now();
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..SIDE_BY_SIDE {
                scope.spawn(|| {
                    while let Some(crash) = next() {
                        if let Ok(crash) = &crash {
                            self.tell(crash);
                        }
                        done.lock().unwrap_or_else(PoisonError::into_inner).push(crash);
                    }
                });
            }
        });
        let done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        let done: Vec<Crash> = done.into_iter().collect::<Outcome<_>>()?;
        let happened = done.iter().filter(|crash| crash.happened).count();
        let unclean = done.iter().filter(|crash| crash.clean.is_err()).count();
        let (over, took) = (done.len() - happened, began.elapsed().as_secs_f64());
        println!(
            "  {kind}: {happened} crashes, {over} too late for one, {unclean} left something ({took:.0} s)"
        );
        Ok(done)
    }

    /// Says what a crash left, and all that is known of it.
    fn tell(&self, crash: &Crash) {
        let Err(left) = &crash.clean else { return };
        let Crash { what, role, place, .. } = crash;
        println!("LEFT BEHIND by {role}, {what}, seed {}, {}", self.seed, place.folder.display());
        println!("  {}\n{}", left.join("\n  "), place.said());
    }
}

/// This crash, or the same once more where it did not happen only because its trial ended before anything was injected.
fn with_faults(mut crash: impl FnMut() -> Outcome<Crash>) -> Outcome<Crash> {
    for _ in 0..TRIES {
        let crash = crash()?;
        if crash.happened || crash.had_faults || crash.clean.is_err() {
            return Ok(crash);
        }
        fs::remove_dir_all(&crash.place.folder)?;
    }
    Err(format!("{TRIES} trials in a row injected nothing: this machine is too busy").into())
}

/// How much was left by all of a kind.
fn left(kind: &str, crashes: &[Crash]) -> Figure {
    let left: usize = crashes.iter().map(|crash| crash.clean.as_ref().err().map_or(0, Vec::len)).sum();
    let happened: Vec<_> = crashes.iter().filter(|crash| crash.happened).collect();
    let on_containers = happened.iter().filter(|crash| crash.on_containers()).count();
    let on_server = happened.iter().filter(|crash| crash.on_server()).count();
    let had_faults = happened.iter().filter(|crash| crash.had_faults).count();
    let mut note = format!(
        "{} crashes, {had_faults} of them once faults were in effect, {on_containers} on containers, {on_server} with a Toxiproxy server",
        happened.len()
    );
    let abandoned: usize = crashes.iter().map(|crash| crash.abandoned).sum();
    if abandoned > 0 {
        note = format!("{note}; {abandoned} undone by new starts");
    }
    Figure::new(format!("left_after_{kind}"), left as f64, "things", Goal::None).note(note)
}

/// From the death of the test process to the last undo, and to the end of the guard.
fn times(crashes: &[Crash], on_containers: bool, target: f64) -> [Figure; 2] {
    let ours = crashes.iter().filter(|crash| crash.happened && crash.on_containers() == on_containers);
    let took: Vec<f64> =
        ours.filter_map(|crash| crash.clean.as_ref().ok()).map(Duration::as_secs_f64).collect();
    let kind = if on_containers { "containers" } else { "processes" };
    [("worst", worst(&took)), ("median", median(&took))].map(|(which, value)| {
        let name = format!("death_to_last_undo_{kind}_{which}");
        Figure::of_samples(&name, value, "s", Goal::Below(target)).note(format!("of {}", took.len()))
    })
}
