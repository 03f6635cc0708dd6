//! Whether a toxic touched what it was to touch, by the proxy's own counters.

use crate::blast_radius::Reach;
use crate::proxy::ToxicCounters;

/// How far the share really reached may be from the share asked, either way.
const TOLERANCE: f64 = 2.0;

/// The proof that workload connections carried data under the toxic, or what is missing from it. One set of counters
/// for each route that the toxic was put on.
pub(super) fn of_toxic(reach: &Reach, routes: &[ToxicCounters]) -> Result<String, String> {
    let touched: u64 = routes.iter().map(|counters| counters.touched_carried).sum();
    let carried: u64 = routes.iter().map(|counters| counters.carried).sum();
    let closed: u64 = routes.iter().map(|counters| counters.closed).sum();
    if touched == 0 {
        return Err(format!(
            "no connection of the workload met it ({carried} carried data past it): \
             is the service used by this operation, with enough connections?"
        ));
    }
    match reach {
        Reach::Instances { chosen, .. } => {
            let used = routes.iter().filter(|counters| counters.touched_carried > 0).count();
            if (used as f64) < chosen.len() as f64 / TOLERANCE {
                return Err(format!(
                    "only {used} of {} chosen instances were used by the workload",
                    chosen.len()
                ));
            }
        }
        Reach::Connections { share } => {
            let reached = touched as f64 / carried as f64;
            let asked = share.fraction();
            if reached > asked * TOLERANCE || reached < asked / TOLERANCE {
                return Err(format!(
                    "it met {touched} of the {carried} connections that carried data, {:.0}% where {share} was \
                     asked for: give the workload a pool of at least {:.0} connections",
                    reached * 100.0,
                    (1.0 / asked).ceil()
                ));
            }
        }
    }
    let ended = if closed > 0 { format!(", {closed} of them ended by it") } else { String::new() };
    Ok(format!("{touched} of {carried} connections carried data under it{ended}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Percent;

    fn counters(touched_carried: u64, carried: u64) -> ToxicCounters {
        ToxicCounters {
            name: "chaos-0".to_owned(),
            considered: carried,
            touched: touched_carried,
            carried,
            touched_carried,
            closed: 0,
        }
    }

    fn share(percent: u32) -> Reach {
        Reach::Connections { share: Percent::new(percent) }
    }

    #[test]
    fn a_toxic_that_no_traffic_met_had_no_effect() {
        assert!(of_toxic(&share(5), &[counters(0, 100)]).is_err());
        assert!(of_toxic(&Reach::Instances { chosen: vec![1], of: 10 }, &[counters(0, 0)]).is_err());
    }

    #[test]
    fn a_share_off_by_more_than_twice_is_no_proof() {
        assert!(of_toxic(&share(5), &[counters(1, 20)]).is_ok());
        assert!(of_toxic(&share(5), &[counters(1, 10)]).is_ok());
        assert!(of_toxic(&share(5), &[counters(1, 9)]).is_err());
        assert!(of_toxic(&share(50), &[counters(24, 100)]).is_err());
        assert!(of_toxic(&share(50), &[counters(25, 100)]).is_ok());
    }

    #[test]
    fn most_of_the_chosen_instances_must_be_used() {
        let reach = Reach::Instances { chosen: vec![0, 1, 2], of: 10 };
        assert!(of_toxic(&reach, &[counters(1, 1), counters(0, 0), counters(0, 0)]).is_err());
        assert!(of_toxic(&reach, &[counters(1, 1), counters(2, 2), counters(0, 0)]).is_ok());
    }
}
