//! Whether a toxic touched what it was to touch, by the proxy's own counters.

use crate::blast_radius::Reach;
use crate::proxy::{Route, ToxicCounters};
use crate::units::Percent;

/// How far the share really reached may be from the share asked, either way.
const TOLERANCE: f64 = 2.0;

/// A route that the toxic was put on.
pub(super) struct ToxicRoute {
    counters: ToxicCounters,
    /// Whether a connection to it was refused when it was tried. It is tried only where the toxic shuts the route.
    refuses: bool,
}

impl ToxicRoute {
    /// What the toxic of this name has done on the route; nothing when the route does not have it.
    pub(super) async fn look(route: &Route, toxic: &str) -> Option<Self> {
        let counters = route.counters().toxics.into_iter().find(|counters| counters.name == toxic)?;
        let refuses = counters.shuts && route.refuses().await;
        Some(Self { counters, refuses })
    }

    /// What a toxic that leaves the route open has done there, by counters from elsewhere.
    #[cfg(feature = "external-toxiproxy")]
    pub(super) fn counted(counters: ToxicCounters) -> Self {
        Self { counters, refuses: false }
    }
}

/// The proof that the toxic met the workload, or what is missing from it.
pub(super) fn of_toxic(reach: &Reach, routes: &[ToxicRoute]) -> Result<String, String> {
    // A toxic has the same share on all of its routes, so that it shuts all of them or none.
    if routes.iter().any(|route| route.counters.shuts) {
        of_refusal(reach, routes)
    } else {
        of_traffic(reach, routes)
    }
}

/// Nothing can be counted where nothing listens: the routes must really refuse, and the workload must have used them
/// until then.
fn of_refusal(reach: &Reach, routes: &[ToxicRoute]) -> Result<String, String> {
    let listening = routes.iter().filter(|route| !route.refuses).count();
    if listening > 0 {
        return Err(format!("connections are not refused on {listening} of {} routes", routes.len()));
    }
    let before = sum(routes, |counters| counters.opened_before);
    if before == 0 {
        return Err("nothing listens, but the workload had not opened a connection before either: \
                    is the service used by this operation?"
            .to_owned());
    }
    used_by_workload(reach, routes, |counters| counters.opened_before > 0)?;
    let ended = ended(routes);
    Ok(format!("nothing listens; the workload used this route before ({before} connections{ended})"))
}

/// Connections of the workload carried data under the toxic.
fn of_traffic(reach: &Reach, routes: &[ToxicRoute]) -> Result<String, String> {
    if let Reach::Time { share, .. } = reach {
        return of_slices(share.get(), routes);
    }
    let touched = sum(routes, |counters| counters.touched_carried);
    let carried = sum(routes, |counters| counters.carried);
    if touched == 0 {
        return Err(format!(
            "no connection of the workload met it ({carried} carried data past it): \
             is the service used by this operation, with enough connections?"
        ));
    }
    used_by_workload(reach, routes, |counters| counters.touched_carried > 0)?;
    if let Reach::Connections { share } = reach {
        let reached = touched as f64 / carried as f64;
        let asked = share.get().fraction();
        if reached > asked * TOLERANCE || reached < asked / TOLERANCE {
            return Err(format!(
                "it met {touched} of the {carried} connections that carried data, {:.0}% where {share} was \
                 asked for: give the workload a pool of at least {:.0} connections",
                reached * 100.0,
                (1.0 / asked).ceil()
            ));
        }
    }
    Ok(format!("{touched} of {carried} connections carried data under it{}", ended(routes)))
}

/// Data of the workload arrived in the slices of time that the toxic touches. How much of it depends on when it comes: an
/// operation that waits for a slow answer sends nothing meanwhile.
fn of_slices(share: Percent, routes: &[ToxicRoute]) -> Result<String, String> {
    let touched = sum(routes, |counters| counters.touched_bytes);
    let bytes = sum(routes, |counters| counters.bytes);
    if touched == 0 {
        return Err(format!(
            "none of the {bytes} bytes of the workload arrived in the {share} of time that it acts on: \
             is the service used by this operation, and the phase long enough for several slices?"
        ));
    }
    let reached = Percent::from_fraction(touched as f64 / bytes as f64);
    Ok(format!(
        "{touched} of {bytes} bytes ({:.1}%) arrived in the {share} of time that it acts on{}",
        reached.fraction() * 100.0,
        ended(routes)
    ))
}

/// Whether the workload used most of the instances that were chosen.
fn used_by_workload(
    reach: &Reach,
    routes: &[ToxicRoute],
    is_used: impl Fn(&ToxicCounters) -> bool,
) -> Result<(), String> {
    most_are_used(reach, routes.iter().filter(|route| is_used(&route.counters)).count())
}

/// Whether so many used instances are most of those that were chosen.
pub(super) fn most_are_used(reach: &Reach, used: usize) -> Result<(), String> {
    let Reach::Instances { chosen, .. } = reach else { return Ok(()) };
    let chosen = chosen.as_slice();
    if (used as f64) < chosen.len() as f64 / TOLERANCE {
        return Err(format!("only {used} of {} chosen instances were used by the workload", chosen.len()));
    }
    Ok(())
}

fn sum(routes: &[ToxicRoute], count: impl Fn(&ToxicCounters) -> u64) -> u64 {
    routes.iter().map(|route| count(&route.counters)).sum()
}

fn ended(routes: &[ToxicRoute]) -> String {
    match sum(routes, |counters| counters.closed) {
        0 => String::new(),
        closed => format!(", {closed} of them ended by it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blast_radius::Targets;
    use crate::units::Share;
    use std::num::NonZeroU32;

    fn counted(touched_carried: u64, carried: u64) -> ToxicRoute {
        let counters = ToxicCounters {
            name: "chaos-0".to_owned(),
            considered: carried,
            touched: touched_carried,
            carried,
            touched_carried,
            requests: carried,
            touched_requests: touched_carried,
            bytes: carried,
            touched_bytes: touched_carried,
            closed: 0,
            shuts: false,
            opened_before: carried,
        };
        ToxicRoute { counters, refuses: false }
    }

    /// A route that is down, and on which nothing was open when that began.
    fn down(opened_before: u64) -> ToxicRoute {
        let ToxicRoute { counters, .. } = counted(0, 0);
        ToxicRoute { counters: ToxicCounters { shuts: true, opened_before, ..counters }, refuses: true }
    }

    fn instances(chosen: Vec<usize>) -> Reach {
        Reach::Instances { chosen: Targets::try_from(chosen).unwrap(), of: NonZeroU32::new(10).unwrap() }
    }

    fn share(percent: u32) -> Reach {
        Reach::Connections { share: Percent::new(percent).try_into().unwrap() }
    }

    #[test]
    fn a_toxic_that_no_traffic_met_had_no_effect() {
        assert!(of_toxic(&share(5), &[counted(0, 100)]).is_err());
        assert!(of_toxic(&instances(vec![1]), &[counted(0, 0)]).is_err());
    }

    #[test]
    fn a_share_off_by_more_than_twice_is_no_proof() {
        assert!(of_toxic(&share(5), &[counted(1, 20)]).is_ok());
        assert!(of_toxic(&share(5), &[counted(1, 10)]).is_ok());
        assert!(of_toxic(&share(5), &[counted(1, 9)]).is_err());
        assert!(of_toxic(&share(50), &[counted(24, 100)]).is_err());
        assert!(of_toxic(&share(50), &[counted(25, 100)]).is_ok());
    }

    #[test]
    fn a_share_of_time_is_proved_by_bytes() {
        let reach = Reach::Time { share: Share::percent::<30>(), chosen: Targets::only() };
        assert_eq!(
            of_toxic(&reach, &[counted(20, 100)]),
            Ok("20 of 100 bytes (20.0%) arrived in the 30% of time that it acts on".to_owned())
        );
        assert!(of_toxic(&reach, &[counted(0, 100)]).is_err());
    }

    #[test]
    fn most_of_the_chosen_instances_must_be_used() {
        let reach = instances(vec![0, 1, 2]);
        assert!(of_toxic(&reach, &[counted(1, 1), counted(0, 0), counted(0, 0)]).is_err());
        assert!(of_toxic(&reach, &[counted(1, 1), counted(2, 2), counted(0, 0)]).is_ok());
        assert!(of_toxic(&reach, &[down(1), down(0), down(0)]).is_err());
        assert!(of_toxic(&reach, &[down(1), down(2), down(0)]).is_ok());
    }

    #[test]
    fn a_route_that_was_used_and_now_refuses_is_proof_although_nothing_was_counted() {
        assert_eq!(
            of_toxic(&share(100), &[down(40)]),
            Ok("nothing listens; the workload used this route before (40 connections)".to_owned())
        );
        assert!(of_toxic(&share(100), &[down(0)]).is_err(), "nobody used it");
        let listening = ToxicRoute { refuses: false, ..down(40) };
        assert!(of_toxic(&share(100), &[listening]).is_err(), "it is not down");
    }
}
