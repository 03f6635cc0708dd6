//! Crashes of every kind, many of them, several at a time.

use crate::Outcome;
use crate::crash::{Again, Crash, When, of_both, of_guard, of_test};
use crate::experiments::{ON_CONTAINERS, ON_PROCESSES};
use crate::figure::{Figure, Goal, median, worst};
use crate::host;
use crate::observer::leftovers;
use crate::part::Place;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// So many crashes are under way at a time: most of each is waiting.
const SIDE_BY_SIDE: usize = 4;

/// One crash in so many is one of containers.
const CONTAINERS_EVERY: u64 = 5;

/// More transitions than any experiment has.
const MOST_TRANSITIONS: u64 = 500;

/// How long a new start takes to put right what is left, about.
const RECOVERY: Duration = Duration::from_millis(150);

pub(crate) struct Campaign {
    root: PathBuf,
    seed: u64,
    crashes: u64,
    /// Crashes are at one transition in so many.
    stride: u64,
    places: AtomicU64,
    has_engine: bool,
    /// How long each experiment takes where nobody kills it.
    lengths: BTreeMap<&'static str, Duration>,
}

impl Campaign {
    /// Runs each experiment once without a crash: it must pass, and leave nothing.
    pub(crate) fn prepare(seed: u64, crashes: u64, stride: u64) -> Outcome<Self> {
        let root = std::env::temp_dir().join(format!("chaos-crash-bench-{}", std::process::id()));
        fs::create_dir_all(&root)?;
        let places = AtomicU64::new(0);
        let mut campaign = Self {
            root,
            seed,
            crashes,
            stride,
            places,
            has_engine: host::has_engine(),
            lengths: BTreeMap::new(),
        };
        for role in campaign.roles(false).iter().chain(campaign.roles(true)) {
            let place = campaign.place()?;
            let began = std::time::Instant::now();
            let crash = of_test(place, role, When::Never)?;
            // What the look at the end takes is small beside it.
            let length = began.elapsed();
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

    fn roles(&self, on_containers: bool) -> &'static [&'static str] {
        match on_containers {
            true if self.has_engine => &ON_CONTAINERS,
            true => &[],
            false => &ON_PROCESSES,
        }
    }

    fn place(&self) -> Outcome<Place> {
        Place::make(&self.root, self.places.fetch_add(1, Ordering::Relaxed))
    }

    /// A number between 0 and 1 that this seed and these numbers make: whichever crash comes first.
    fn chance(&self, kind: u64, number: u64) -> f64 {
        let mut mixed =
            self.seed ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03);
        for _ in 0..2 {
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
        }
        (mixed >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Which experiment crash `number` of its kind is of, and when.
    fn random(&self, kind: u64, number: u64) -> (&'static str, Duration) {
        let on_containers = self.has_engine && number % CONTAINERS_EVERY == CONTAINERS_EVERY - 1;
        let roles = self.roles(on_containers);
        let turn = if on_containers { number / CONTAINERS_EVERY } else { number };
        let role = roles[usize::try_from(turn).unwrap_or_default() % roles.len()];
        let length = self.lengths.get(role).copied().unwrap_or_default();
        (role, length.mul_f64(self.chance(kind, number)))
    }

    /// All kinds of crashes, and what they come to.
    pub(crate) fn run(&self) -> Outcome<Vec<Figure>> {
        let random = self.count("at random instants", |number| {
            let (role, after) = self.random(1, number);
            of_test(self.place()?, role, When::After(after))
        })?;
        let transitions = self.until_none("at each transition", &self.all_roles(), |role, number| {
            of_test(self.place()?, role, When::Transition(number))
        })?;
        let both = self.count("with the guard", |number| {
            let (role, after) = self.random(2, number);
            // Each third new start is killed as well, and another one follows.
            let again = match number % 3 {
                2 => Again::After(RECOVERY.mul_f64(self.chance(3, number))),
                _ => Again::No,
            };
            of_both(self.place()?, role, after, again)
        })?;
        let in_turbulence = |role: &str| self.lengths.get(role).copied().unwrap_or_default().mul_f64(0.6);
        let some = ["frozen", "starved", ON_CONTAINERS[0]];
        let some: Vec<_> = some.into_iter().filter(|role| self.lengths.contains_key(role)).collect();
        let guard = self.until_none("at each transition of the guard", &some, |role, number| {
            of_guard(self.place()?, role, in_turbulence(role), number)
        })?;
        let recovery = self.until_none("at each transition of a new start", &some, |role, number| {
            of_both(self.place()?, role, in_turbulence(role), Again::Transition(number))
        })?;

        let mut figures = vec![
            left("random_crashes", &random),
            left("each_transition", &transitions),
            left("guard_killed_and_new_start", &both),
            left("each_transition_of_the_guard_and_new_start", &guard),
            left("each_transition_of_a_new_start_and_another", &recovery),
        ];
        figures.extend(times(&random, false, 1.0));
        if self.has_engine {
            figures.extend(times(&random, true, 3.0));
        }
        let late = Self::late(&[random, transitions, both, guard, recovery]);
        figures.push(Figure::new("left_at_the_very_end", late as f64, "things", Goal::None));
        if !self.has_engine {
            println!("figure containers skipped: no engine with the image redis:7");
        }
        // What was kept keeps its folder.
        let _ = fs::remove_dir(&self.root);
        Ok(figures)
    }

    fn all_roles(&self) -> Vec<&'static str> {
        self.roles(false).iter().chain(self.roles(true)).copied().collect()
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
            (number < self.crashes).then(|| crash(number))
        })
    }

    /// Crashes at transition 1, 2, 3 of each experiment, or at one in so many, until there is no such transition.
    fn until_none(
        &self,
        kind: &str,
        roles: &[&'static str],
        crash: impl Fn(&'static str, u64) -> Outcome<Crash> + Sync,
    ) -> Outcome<Vec<Crash>> {
        let mut all = Vec::new();
        for &role in roles {
            let (next, over) = (AtomicU64::new(1), AtomicBool::new(false));
            let crashes = self.side_by_side(&format!("{kind} of {role}"), || {
                let number = next.fetch_add(self.stride, Ordering::Relaxed);
                let goes_on = !over.load(Ordering::Relaxed) && number <= MOST_TRANSITIONS;
                goes_on.then(|| {
                    let crash = crash(role, number);
                    if crash.as_ref().is_ok_and(|crash| !crash.happened) {
                        over.store(true, Ordering::Relaxed);
                    }
                    crash
                })
            })?;
            all.extend(crashes);
        }
        Ok(all)
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
                        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(crash);
                    }
                });
            }
        });
        let done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let done: Vec<Crash> = done.into_iter().collect::<Outcome<_>>()?;
        let happened = done.iter().filter(|crash| crash.happened).count();
        let unclean = done.iter().filter(|crash| crash.clean.is_err()).count();
        println!(
            "  {kind}: {happened} crashes, {unclean} left something ({:.0} s)",
            began.elapsed().as_secs_f64()
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

/// How much was left by all of a kind.
fn left(kind: &str, crashes: &[Crash]) -> Figure {
    let left: usize = crashes.iter().map(|crash| crash.clean.as_ref().err().map_or(0, Vec::len)).sum();
    let happened = crashes.iter().filter(|crash| crash.happened);
    let on_containers = happened.clone().filter(|crash| crash.on_containers()).count();
    let mut note = format!("{} crashes, {on_containers} of them on containers", happened.count());
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
    [
        Figure::new(format!("death_to_last_undo_{kind}_worst"), worst(&took), "s", Goal::Below(target)),
        Figure::new(format!("death_to_last_undo_{kind}_median"), median(&took), "s", Goal::Below(target)),
    ]
}
