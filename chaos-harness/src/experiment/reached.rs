//! How much of a service a fault really reached, beside what was asked for.

use crate::blast_radius::{Reach, Scope};
use crate::units::Portion;
use serde::Serialize;
use std::fmt;

/// How much of a service one fault really reached, as it was counted while the fault was in effect.
///
/// Instances are those that the fault was put on. Connections and requests are counted by the proxy, from the moment
/// before the fault was put there, over the routes to all instances of the service: what uses the service on another way
/// is not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[non_exhaustive]
pub struct Reached {
    /// The fault.
    pub fault: String,
    /// The service it was put on.
    pub service: String,
    /// What the stage asked for, in words: `5 %`, `1 instance`.
    pub asked: String,
    /// What the share that was asked for is a share of.
    pub kind: ReachedKind,
    /// The instances that it was put on.
    pub instances: Portion,
    /// The connections to the service that it touched, of those that were open or were opened. None where that cannot be
    /// counted: nothing listens where a route is down, and another's proxy may not tell.
    pub connections: Option<Portion>,
    /// The requests on these connections, as far as they can be told apart: a connection that is opened, and bytes from
    /// the client after bytes from the service. None as for connections, and where the fault acts on slices of time.
    pub requests: Option<Portion>,
    /// Where the fault acts on slices of time: the bytes that arrived in them.
    pub bytes: Option<Portion>,
    /// The operations of the workload.
    pub operations: ReachedOperations,
}

/// What a share is a share of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(rename_all = "snake_case")]
pub enum ReachedKind {
    /// Whole instances.
    Instances,
    /// The connections to the one instance.
    Connections,
    /// The time of each connection.
    Time,
}

/// The operations of the workload that ran while a fault was in effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct ReachedOperations {
    /// How many were started.
    pub started: u64,
    /// About how many of them met the fault: as large a share as of the requests. An estimate, since the proxy does not
    /// know which operation a request belongs to: it is right where operations make equally many requests, and too large
    /// where those that fail are tried again. None where requests are not known.
    pub met: Option<u64>,
}

/// What the proxy counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) connections: Option<Portion>,
    pub(crate) requests: Option<Portion>,
    pub(crate) bytes: Option<Portion>,
}

impl Reached {
    pub(crate) fn new(
        injection: &super::Injection,
        asked: Scope,
        instances: Portion,
        counted: Counted,
        started: u64,
    ) -> Self {
        let kind = match injection.reach {
            Reach::Instances { .. } => ReachedKind::Instances,
            Reach::Connections { .. } => ReachedKind::Connections,
            Reach::Time { .. } => ReachedKind::Time,
        };
        let met = counted.requests.filter(|requests| requests.of > 0).map(|Portion { hit, of }| {
            let met = u128::from(started) * u128::from(hit) / u128::from(of);
            // No more than there were requests: most operations may not ask this service at all.
            u64::try_from(met).unwrap_or(u64::MAX).min(hit)
        });
        Self {
            fault: injection.fault.to_string(),
            service: injection.fault.service.to_string(),
            asked: asked.told(),
            kind,
            instances,
            connections: counted.connections,
            requests: counted.requests,
            bytes: counted.bytes,
            operations: ReachedOperations { started, met },
        }
    }

    /// What the share that was asked for came to: instances, connections, or what arrived in the slices of time. None
    /// where that could not be counted.
    #[must_use]
    pub fn share(&self) -> Option<Portion> {
        match self.kind {
            ReachedKind::Instances => Some(self.instances),
            ReachedKind::Connections => self.connections,
            ReachedKind::Time => self.bytes,
        }
    }
}

/// As in `asked 5 %, reached 1 of 3 instances (33 %), 41 of 120 connections (34 %), about 680 of 2000 operations`.
impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "asked {}, reached ", self.asked)?;
        if self.kind == ReachedKind::Instances {
            write!(f, "{}, ", self.instances.show(" instances"))?;
        }
        if let Some(connections) = self.connections {
            write!(f, "{}, ", connections.show(" connections"))?;
        }
        if let Some(bytes) = self.bytes {
            write!(f, "{}, ", bytes.show(" bytes"))?;
        }
        match self.operations {
            ReachedOperations { started, met: Some(met) } => write!(f, "about {met} of {started} operations"),
            ReachedOperations { started, met: None } => write!(f, "an unknown part of {started} operations"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blast_radius::{Stage, Targets};
    use crate::experiment::Injection;
    use crate::fault;
    use crate::units::Share;
    use std::num::NonZeroU32;

    fn part(hit: u64, of: u64) -> Portion {
        Portion { hit, of }
    }

    fn reached(reach: Reach, counted: Counted, started: u64) -> Reached {
        let injection = Injection { fault: fault::pause("redis").into(), reach };
        Reached::new(&injection, Stage::percent::<5>().scope(), part(1, 3), counted, started)
    }

    fn one_of_three() -> Reach {
        Reach::Instances { chosen: Targets::only(), of: NonZeroU32::new(3).unwrap() }
    }

    #[test]
    fn what_was_reached_is_told_beside_what_was_asked() {
        let counted =
            Counted { connections: Some(part(41, 120)), requests: Some(part(680, 2_000)), bytes: None };
        let reached = reached(one_of_three(), counted, 2_000);
        assert_eq!(
            reached.to_string(),
            "asked 5 %, reached 1 of 3 instances (33 %), 41 of 120 connections (34 %), about 680 of 2000 operations"
        );
        assert_eq!(reached.share(), Some(part(1, 3)));
    }

    #[test]
    fn what_cannot_be_counted_is_not_made_up() {
        let reached = reached(Reach::Connections { share: Share::ALL }, Counted::default(), 100);
        assert_eq!(reached.to_string(), "asked 5 %, reached an unknown part of 100 operations");
        assert_eq!((reached.share(), reached.operations.met), (None, None));
    }

    #[test]
    fn slices_of_time_are_told_by_the_bytes_in_them() {
        let reach = Reach::Time { share: Share::percent::<5>(), chosen: Targets::only() };
        let counted = Counted { bytes: Some(part(7, 100)), ..Counted::default() };
        assert!(reached(reach, counted, 9).to_string().contains("reached 7 of 100 bytes (7 %), an unknown"));
    }

    #[test]
    fn no_more_operations_met_it_than_the_share_of_requests_and_than_there_were_requests() {
        let met = |hit, of, started| {
            let requests = Some(part(hit, of));
            reached(one_of_three(), Counted { requests, ..Counted::default() }, started).operations.met
        };
        // Two requests for each operation, and one for every tenth.
        assert_eq!(met(100, 2_000, 1_000), Some(50));
        assert_eq!(met(5, 100, 1_000), Some(5));
        assert_eq!(met(0, 0, 1_000), None);
    }
}
