//! Whether there is room for one more: pure arithmetic on what is held.

use super::request::{Request, Touched};
use crate::units::{Percent, show_duration};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// A million parts.
const WHOLE: u64 = 1_000_000;

/// What may be in effect at the same time, and for how long in one run. Nothing is limited unless it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Limits {
    /// `CHAOS_MAX_FAULTS`: how many faults.
    pub(crate) faults: Option<NonZeroU32>,
    /// `CHAOS_MAX_SHARE`: what share of any one service.
    pub(crate) share: Option<Percent>,
    /// `CHAOS_MAX_FAULT_TIME`: how long faults are in effect over one run, each trial's time counted by itself.
    pub(crate) time: Option<Duration>,
}

/// What there is not enough of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shortage {
    /// Too many faults at once.
    Faults {
        /// How many are asked for.
        asked: usize,
        /// How many others have.
        held: usize,
        /// How many there may be.
        limit: NonZeroU32,
    },
    /// Too much of one service.
    Share {
        /// Which.
        service: String,
        /// What share of it would be touched, with what others touch.
        reached: Percent,
        /// What share may be.
        limit: Percent,
    },
    /// Too little time.
    Time {
        /// How long is asked for.
        asked: Duration,
        /// How long is left of the run's time, without what others have reserved.
        left: Duration,
        /// How long there is for the run.
        limit: Duration,
    },
}

/// What others hold, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held<'a> {
    /// How many faults.
    pub(super) faults: usize,
    /// What they touch.
    pub(super) touched: Vec<&'a Touched>,
    /// The time that trials of the same run have reserved.
    pub(super) reserved: Duration,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// There is room, for this long.
    Granted { time: Duration },
    /// There will be, once others have ended.
    NotYet(Shortage),
    /// There never will be.
    Never(Shortage),
}

impl Limits {
    /// Whether anything is limited.
    pub(crate) fn are_set(self) -> bool {
        self != Self::default()
    }

    /// Why a request can never be granted, were it the only one.
    pub(crate) fn refuse(self, request: &Request) -> Option<Shortage> {
        self.shortage(request, &Held::default(), Duration::ZERO)
    }

    /// What becomes of a request, with what others hold, and the time that is booked for the run.
    pub(super) fn answer(self, request: &Request, held: &Held<'_>, booked: Duration) -> Answer {
        if let Some(shortage) = self.shortage(request, &Held::default(), booked) {
            return Answer::Never(shortage);
        }
        if let Some(shortage) = self.shortage(request, held, booked) {
            return Answer::NotYet(shortage);
        }
        let left = self.time.map(|limit| limit.saturating_sub(booked + held.reserved));
        let most = request.most.max(request.least);
        Answer::Granted { time: left.map_or(most, |left| left.min(most)) }
    }

    fn shortage(self, request: &Request, held: &Held<'_>, booked: Duration) -> Option<Shortage> {
        self.of_faults(request.faults.len(), held.faults)
            .or_else(|| self.of_share(&request.touched, &held.touched))
            .or_else(|| self.of_time(request.least, booked + held.reserved))
    }

    fn of_faults(self, asked: usize, held: usize) -> Option<Shortage> {
        let limit = self.faults?;
        (asked + held > limit.get() as usize).then_some(Shortage::Faults { asked, held, limit })
    }

    fn of_share(self, asked: &[Touched], held: &[&Touched]) -> Option<Shortage> {
        let limit = self.share?;
        let mut services: BTreeMap<&str, Together> = BTreeMap::new();
        for touched in asked {
            services.entry(&touched.service).or_default().add(touched);
        }
        // What others do to services that this one leaves alone is their affair.
        for touched in held {
            if let Some(together) = services.get_mut(touched.service.as_str()) {
                together.add(touched);
            }
        }
        services.iter().find_map(|(service, together)| {
            let reached = together.share();
            let service = (*service).to_owned();
            (reached > limit).then_some(Shortage::Share { service, reached, limit })
        })
    }

    fn of_time(self, asked: Duration, taken: Duration) -> Option<Shortage> {
        let limit = self.time?;
        let left = limit.saturating_sub(taken);
        (asked > left || left.is_zero()).then_some(Shortage::Time { asked, left, limit })
    }
}

/// What is touched of one service all in all.
#[derive(Debug, Default)]
struct Together {
    of: Option<NonZeroU32>,
    /// They are told apart: an instance that two faults are on is one.
    instances: BTreeSet<u32>,
    /// In parts per million. Which connections they are is not known beforehand: they count as different ones.
    shares: u64,
    /// Those who touch it do not agree on how many instances it has.
    unclear: bool,
}

impl Together {
    fn add(&mut self, touched: &Touched) {
        self.unclear |= *self.of.get_or_insert(touched.of) != touched.of;
        self.instances.extend(&touched.instances);
        self.shares = (self.shares + u64::from(touched.share.ppm())).min(WHOLE);
    }

    /// The share of the service, rounded up: instances as a whole, and a share of each of the others.
    fn share(&self) -> Percent {
        let Some(of) = self.of.filter(|_| !self.unclear) else { return Percent::ALL };
        let of = u64::from(of.get());
        let whole = (self.instances.len() as u64).min(of);
        let ppm = (whole * WHOLE + (of - whole) * self.shares).div_ceil(of);
        Percent::from_ppm(u32::try_from(ppm).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faults { asked, held: 0, limit } => {
                write!(
                    f,
                    "it injects {asked} faults at once, and CHAOS_MAX_FAULTS={limit} allows no more than {limit}"
                )
            }
            Self::Faults { asked, held, limit } => write!(
                f,
                "it injects {asked} at once where {held} are in effect, and CHAOS_MAX_FAULTS={limit} allows no more than \
                 {limit}"
            ),
            Self::Share { service, reached, limit } => write!(
                f,
                "{reached} of `{service}` would be touched at once, and CHAOS_MAX_SHARE={limit} allows no more than {limit}"
            ),
            Self::Time { asked, left, limit } => write!(
                f,
                "its faults are in effect for {} at least, and of the run's CHAOS_MAX_FAULT_TIME={} there is {} left",
                show_duration(*asked),
                show_duration(*limit),
                show_duration(*left)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn touched(service: &str, of: u32, instances: &[u32], percent: u32) -> Touched {
        Touched {
            service: service.to_owned(),
            of: NonZeroU32::new(of).unwrap(),
            instances: instances.iter().copied().collect(),
            share: Percent::new(percent),
        }
    }

    fn request(touched: Vec<Touched>) -> Request {
        let faults = touched.iter().map(|touched| format!("down on {}", touched.service)).collect();
        Request { trial: "t".to_owned(), faults, touched, least: SECOND, most: 3 * SECOND }
    }

    fn share(percent: u32) -> Limits {
        Limits { share: Some(Percent::new(percent)), ..Limits::default() }
    }

    #[test]
    fn the_union_of_instances_counts_and_not_their_sum() {
        let both = |second: &[u32]| request(vec![touched("a", 4, &[0, 1], 0), touched("a", 4, second, 0)]);
        assert_eq!(share(50).refuse(&both(&[1, 0])), None);
        let shortage = share(50).refuse(&both(&[1, 2])).unwrap();
        let reached =
            Shortage::Share { service: "a".to_owned(), reached: Percent::new(75), limit: Percent::new(50) };
        assert_eq!(shortage, reached);
    }

    #[test]
    fn shares_of_connections_count_as_different_ones_on_what_is_not_touched_as_a_whole() {
        let reached = |touched: Vec<Touched>| match share(1).refuse(&request(touched)) {
            Some(Shortage::Share { reached, .. }) => reached,
            other => panic!("{other:?}"),
        };
        assert_eq!(reached(vec![touched("a", 1, &[], 30), touched("a", 1, &[], 40)]), Percent::new(70));
        assert_eq!(reached(vec![touched("a", 1, &[], 80), touched("a", 1, &[], 80)]), Percent::ALL);
        assert_eq!(reached(vec![touched("a", 1, &[0], 0), touched("a", 1, &[], 20)]), Percent::ALL);
        // One of two as a whole, and a fifth of the other.
        assert_eq!(reached(vec![touched("a", 2, &[1], 0), touched("a", 2, &[], 20)]), Percent::new(60));
        // A third is a little more than what can be written down.
        assert_eq!(reached(vec![touched("a", 3, &[1], 0)]), Percent::from_ppm(333_334));
        assert_eq!(reached(vec![touched("a", 2, &[0], 0), touched("a", 10, &[0], 0)]), Percent::ALL);
    }

    #[test]
    fn what_others_do_to_the_same_service_is_waited_for_and_to_another_one_is_not() {
        let ours = request(vec![touched("db", 1, &[], 30)]);
        let theirs = touched("db", 1, &[], 30);
        let elsewhere = touched("cache", 1, &[], 100);
        let held = |touched| Held { faults: 1, touched: vec![touched], reserved: Duration::ZERO };
        let answer = |touched| share(50).answer(&ours, &held(touched), Duration::ZERO);
        assert!(matches!(answer(&theirs), Answer::NotYet(Shortage::Share { .. })), "{:?}", answer(&theirs));
        assert_eq!(answer(&elsewhere), Answer::Granted { time: 3 * SECOND });
    }

    #[test]
    fn time_is_granted_as_far_as_it_goes_but_never_less_than_is_needed() {
        let limits = Limits { time: Some(10 * SECOND), ..Limits::default() };
        let ours = request(vec![touched("db", 1, &[], 30)]);
        let answer = |booked: u32, reserved: u32| {
            let held = Held { reserved: reserved * SECOND, ..Held::default() };
            limits.answer(&ours, &held, booked * SECOND)
        };
        assert_eq!(answer(0, 0), Answer::Granted { time: 3 * SECOND });
        assert_eq!(answer(4, 4), Answer::Granted { time: 2 * SECOND });
        // What others have reserved may come back; what is booked does not.
        assert!(matches!(answer(4, 6), Answer::NotYet(Shortage::Time { .. })));
        assert!(matches!(answer(10, 0), Answer::Never(Shortage::Time { .. })));
        let long = Request { least: 3 * SECOND, ..ours.clone() };
        let too_little = limits.answer(&long, &Held::default(), 8 * SECOND);
        assert!(matches!(too_little, Answer::Never(Shortage::Time { .. })), "{too_little:?}");
    }

    #[test]
    fn what_can_never_be_had_is_not_waited_for() {
        let limits = Limits { faults: NonZeroU32::new(1), ..Limits::default() };
        let two = request(vec![touched("a", 1, &[], 1), touched("b", 1, &[], 1)]);
        let answer = limits.answer(&two, &Held { faults: 1, ..Held::default() }, Duration::ZERO);
        let Answer::Never(shortage) = answer else { panic!("{answer:?}") };
        assert!(shortage.to_string().contains("CHAOS_MAX_FAULTS=1"), "{shortage}");
    }
}
