//! How strong a fault is: the one of its parameters that the stages of a ladder may vary.

use super::{Fault, FaultKind, InstanceFault};
use crate::proxy::Toxic;
use crate::units::{ByteRate, Bytes, Percent, show_duration};
use std::cmp::Ordering;
use std::fmt;
use std::mem::discriminant;
use std::time::Duration;

/// The main parameter of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Magnitude {
    pub(crate) amount: Amount,
    stronger: Stronger,
}

/// How much of it there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Amount {
    Time(Duration),
    Rate(ByteRate),
    Data(Bytes),
    Count(u32),
    Share(Percent),
}

/// Which amounts make a fault stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stronger {
    More,
    Less,
}

/// Where a fault has its main parameter.
enum Slot<'a> {
    Time(&'a mut Duration),
    Rate(&'a mut ByteRate),
    Data(&'a mut Bytes),
    Count(&'a mut u32),
    Share(&'a mut Percent),
}

/// The main parameter of a fault, where it has one, and which way it becomes stronger. What is there or not has none: an
/// outage, a refusal, a death.
fn slot(kind: &mut FaultKind) -> Option<(Slot<'_>, Stronger)> {
    use Stronger::{Less, More};
    Some(match kind {
        FaultKind::Toxic { toxic, .. } => match toxic {
            Toxic::Latency { delay, .. }
            | Toxic::SlowClose { delay }
            | Toxic::DelayConnections { delay, .. } => (Slot::Time(delay), More),
            Toxic::Burst { on, .. } => (Slot::Time(on), More),
            Toxic::ResetPeer { after } => (Slot::Time(after), Less),
            Toxic::Bandwidth { rate } => (Slot::Rate(rate), Less),
            Toxic::Slicer { average: bytes, .. }
            | Toxic::LimitData { bytes }
            | Toxic::Stall { after: bytes, .. } => (Slot::Data(bytes), Less),
            Toxic::LimitConnections { connections, .. } => (Slot::Count(connections), Less),
            Toxic::Timeout { .. } | Toxic::Down | Toxic::RefuseConnections => return None,
        },
        FaultKind::Instance(fault) => match fault {
            InstanceFault::StarveCpu { to } => (Slot::Share(to), Less),
            InstanceFault::LimitMemory { to } => (Slot::Data(to), Less),
            InstanceFault::Kill | InstanceFault::Stop { .. } | InstanceFault::Pause => return None,
        },
    })
}

impl Magnitude {
    /// How it compares in strength with another of the same fault.
    pub(crate) fn strength(self, other: Self) -> Ordering {
        match self.stronger {
            Stronger::More => self.amount.cmp(&other.amount),
            Stronger::Less => other.amount.cmp(&self.amount),
        }
    }

    /// Whether there is more of the fault where there is less of this.
    pub(crate) fn is_stronger_with_less(self) -> bool {
        self.stronger == Stronger::Less
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(time) => f.write_str(&show_duration(*time)),
            Self::Rate(rate) => write!(f, "{rate}"),
            Self::Data(bytes) => write!(f, "{bytes}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Share(share) => write!(f, "{share}"),
        }
    }
}

impl FaultKind {
    /// Its name, as an attribute says it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Toxic { toxic, .. } => toxic.kind(),
            Self::Instance(fault) => fault.name(),
        }
    }
}

impl Fault {
    /// How strong it is, where that can be said.
    pub(crate) fn magnitude(&self) -> Option<Magnitude> {
        let mut kind = self.kind.clone();
        let (slot, stronger) = slot(&mut kind)?;
        let amount = match slot {
            Slot::Time(time) => Amount::Time(*time),
            Slot::Rate(rate) => Amount::Rate(*rate),
            Slot::Data(bytes) => Amount::Data(*bytes),
            Slot::Count(count) => Amount::Count(*count),
            Slot::Share(share) => Amount::Share(*share),
        };
        Some(Magnitude { amount, stronger })
    }

    /// Whether both are the same fault on the same service, however strong and with whatever options.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let is_same = match (&self.kind, &other.kind) {
            (FaultKind::Toxic { toxic, .. }, FaultKind::Toxic { toxic: other, .. }) => {
                discriminant(toxic) == discriminant(other)
            }
            (FaultKind::Instance(fault), FaultKind::Instance(other)) => {
                discriminant(fault) == discriminant(other)
            }
            _ => false,
        };
        is_same && self.service == other.service
    }

    /// As strong as a fault [like](Self::is_like) it; its other parameters stay.
    pub(crate) fn as_strong_as(&self, other: &Self) -> Self {
        let mut fault = self.clone();
        match (slot(&mut fault.kind), other.magnitude().map(|magnitude| magnitude.amount)) {
            (Some((Slot::Time(time), _)), Some(Amount::Time(other))) => *time = other,
            (Some((Slot::Rate(rate), _)), Some(Amount::Rate(other))) => *rate = other,
            (Some((Slot::Data(bytes), _)), Some(Amount::Data(other))) => *bytes = other,
            (Some((Slot::Count(count), _)), Some(Amount::Count(other))) => *count = other,
            (Some((Slot::Share(share), _)), Some(Amount::Share(other))) => *share = other,
            // They are not alike, or have no magnitude.
            _ => {}
        }
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault;

    const MS: Duration = Duration::from_millis(1);

    /// All faults of the catalogue, the weaker first, with options that a ladder leaves as they are.
    fn pairs() -> Vec<(Fault, Fault)> {
        let bytes = Bytes::new;
        vec![
            (
                fault::latency("a", MS).jitter(9 * MS).into(),
                fault::latency("a", 2 * MS).jitter(9 * MS).into(),
            ),
            (
                fault::bandwidth("a", bytes(2).per_second()).into(),
                fault::bandwidth("a", bytes(1).per_second()).into(),
            ),
            (fault::reset_peer("a").after(2 * MS).into(), fault::reset_peer("a").after(MS).into()),
            (fault::slow_close("a", MS).into(), fault::slow_close("a", 2 * MS).into()),
            (
                fault::slicer("a", bytes(2)).delay(9 * MS).into(),
                fault::slicer("a", bytes(1)).delay(9 * MS).into(),
            ),
            (fault::limit_data("a", bytes(2)).into(), fault::limit_data("a", bytes(1)).into()),
            (
                fault::stall("a", bytes(2)).hold(9 * MS).into(),
                fault::stall("a", bytes(1)).hold(9 * MS).into(),
            ),
            (fault::burst("a", MS, 9 * MS).into(), fault::burst("a", 2 * MS, 9 * MS).into()),
            (
                fault::limit_connections("a", 2).wait(9 * MS).into(),
                fault::limit_connections("a", 1).wait(9 * MS).into(),
            ),
            (
                fault::delay_connections("a", MS).jitter(9 * MS).into(),
                fault::delay_connections("a", 2 * MS).jitter(9 * MS).into(),
            ),
            (
                fault::starve_cpu("a").to(Percent::new(2)).into(),
                fault::starve_cpu("a").to(Percent::new(1)).into(),
            ),
            (fault::limit_memory("a", bytes(2)).into(), fault::limit_memory("a", bytes(1)).into()),
        ]
    }

    #[test]
    fn each_fault_that_has_a_magnitude_is_stronger_one_way() {
        for (weaker, stronger) in pairs() {
            let strength =
                |one: &Fault, other: &Fault| one.magnitude().unwrap().strength(other.magnitude().unwrap());
            assert_eq!(strength(&weaker, &stronger), Ordering::Less, "{weaker}");
            assert_eq!(strength(&weaker, &weaker), Ordering::Equal, "{weaker}");
            assert_eq!(weaker.as_strong_as(&stronger), stronger, "and nothing else is changed");
        }
    }

    #[test]
    fn what_is_there_or_not_has_no_magnitude() {
        let faults: [Fault; 6] = [
            fault::timeout("a").after(MS).into(),
            fault::down("a").into(),
            fault::refuse_connections("a").into(),
            fault::kill("a").into(),
            fault::stop("a").grace(MS).into(),
            fault::pause("a").into(),
        ];
        for fault in &faults {
            assert_eq!(fault.magnitude(), None, "{fault}");
        }
        // All of the catalogue is here or above.
        assert_eq!(faults.len() + pairs().len(), 18);
    }

    #[test]
    fn faults_are_alike_on_one_service_whatever_their_options() {
        let slow = |service: &str, delay| Fault::from(fault::latency(service, delay));
        assert!(slow("a", MS).is_like(&fault::latency("a", 2 * MS).jitter(MS).slices(MS).into()));
        assert!(!slow("a", MS).is_like(&slow("b", MS)));
        assert!(!slow("a", MS).is_like(&fault::slow_close("a", MS).into()));
        assert!(!Fault::from(fault::kill("a")).is_like(&fault::pause("a").into()));
    }
}
