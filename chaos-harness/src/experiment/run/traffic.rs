//! What of a service's traffic a fault touched, by the counters of the routes to all of its instances.

use crate::blast_radius::Reach;
use crate::experiment::reached::Counted;
use crate::proxy::{RouteCounters, ToxicCounters};
use crate::units::Portion;

/// What passed through a route so far, as far as it is counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Passed {
    /// None where another's proxy tells nothing.
    pub(super) route: Option<RouteCounters>,
    /// None where the toxic is not on the route.
    pub(super) toxic: Option<ToxicCounters>,
}

/// A route to one of a service's instances.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    /// Whether the fault is on it, or on its instance.
    pub(super) is_chosen: bool,
    /// What had passed before any fault was put anywhere.
    pub(super) before: Option<RouteCounters>,
    /// What has passed by now.
    pub(super) now: Passed,
}

/// Counts what a fault with this reach touched, over the routes to all of the service's instances.
pub(super) fn count(reach: &Reach, routes: &[Watched]) -> Counted {
    let toxics =
        || routes.iter().filter(|route| route.is_chosen).filter_map(|route| route.now.toxic.as_ref());
    let of_toxics = |hit: fn(&ToxicCounters) -> u64, of: fn(&ToxicCounters) -> u64| {
        let portion = Portion { hit: toxics().map(hit).sum(), of: toxics().map(of).sum() };
        (portion.of > 0).then_some(portion)
    };
    // What is refused where nothing listens is not counted: a part of what was tried would be taken for all of it.
    if toxics().any(|toxic| toxic.shuts) {
        return Counted::default();
    }
    let of_routes = |passed: fn(&RouteCounters, &RouteCounters) -> u64| {
        let mut portion = Portion { hit: 0, of: 0 };
        for route in routes {
            let passed = passed(route.before.as_ref()?, route.now.route.as_ref()?);
            portion.of += passed;
            portion.hit += if route.is_chosen { passed } else { 0 };
        }
        Some(portion)
    };
    let of_connections = || of_toxics(|toxic| toxic.touched, |toxic| toxic.considered);
    match reach {
        Reach::Instances { .. } => Counted {
            connections: of_routes(|before, now| before.open + now.opened.saturating_sub(before.opened)),
            requests: of_routes(|before, now| now.requests.saturating_sub(before.requests)),
            bytes: None,
        },
        Reach::Connections { .. } => Counted {
            connections: of_connections(),
            requests: of_toxics(|toxic| toxic.touched_requests, |toxic| toxic.requests),
            bytes: None,
        },
        Reach::Time { .. } => Counted {
            connections: of_connections(),
            requests: None,
            bytes: of_toxics(|toxic| toxic.touched_bytes, |toxic| toxic.bytes),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blast_radius::Targets;
    use crate::units::Share;
    use std::num::NonZeroU32;

    fn route(opened: u64, open: u64, requests: u64) -> RouteCounters {
        RouteCounters {
            opened,
            open,
            requests,
            upstream_received: 0,
            downstream_received: 0,
            upstream_bytes: 0,
            downstream_bytes: 0,
            listening: true,
            toxics: Vec::new(),
        }
    }

    fn toxic(shuts: bool) -> ToxicCounters {
        ToxicCounters {
            name: "chaos-0".to_owned(),
            considered: 40,
            touched: 2,
            carried: 30,
            touched_carried: 1,
            requests: 400,
            touched_requests: 21,
            bytes: 1_000,
            touched_bytes: 50,
            closed: 0,
            shuts,
            opened_before: 7,
        }
    }

    fn part(hit: u64, of: u64) -> Portion {
        Portion { hit, of }
    }

    #[test]
    fn instances_are_counted_over_the_routes_to_all_of_them() {
        let reach = Reach::Instances { chosen: Targets::only(), of: NonZeroU32::new(2).unwrap() };
        let chosen = Watched {
            is_chosen: true,
            before: Some(route(10, 4, 100)),
            now: Passed { route: Some(route(15, 1, 130)), toxic: None },
        };
        let spared = Watched {
            is_chosen: false,
            before: Some(route(8, 0, 50)),
            now: Passed { route: Some(route(18, 2, 120)), toxic: None },
        };
        let routes = [chosen, spared];
        let counted = count(&reach, &routes);
        // Those that were open count, and so does what was opened since; what ended before does not.
        assert_eq!((counted.connections, counted.requests), (Some(part(9, 19)), Some(part(30, 100))));
        // One that tells nothing leaves the whole unknown.
        let [chosen, spared] = routes;
        let silent = Watched { before: None, ..spared };
        assert_eq!(count(&reach, &[chosen, silent]), Counted::default());
    }

    #[test]
    fn a_share_of_connections_is_counted_by_its_toxic() {
        let now = Passed { route: None, toxic: Some(toxic(false)) };
        let routes = [Watched { is_chosen: true, before: None, now }];
        let connections = Reach::Connections { share: Share::percent::<5>() };
        let expected = Counted { connections: Some(part(2, 40)), requests: Some(part(21, 400)), bytes: None };
        assert_eq!(count(&connections, &routes), expected);
        let time = Reach::Time { share: Share::percent::<5>(), chosen: Targets::only() };
        let expected =
            Counted { connections: Some(part(2, 40)), requests: None, bytes: Some(part(50, 1_000)) };
        assert_eq!(count(&time, &routes), expected);
    }

    #[test]
    fn nothing_is_counted_where_nothing_listens() {
        let now = Passed { route: Some(route(9, 0, 9)), toxic: Some(toxic(true)) };
        let routes = [Watched { is_chosen: true, before: Some(route(7, 2, 7)), now }];
        let reach = Reach::Instances { chosen: Targets::only(), of: NonZeroU32::MIN };
        assert_eq!(count(&reach, &routes), Counted::default());
        assert_eq!(count(&Reach::Connections { share: Share::ALL }, &routes), Counted::default());
    }
}
