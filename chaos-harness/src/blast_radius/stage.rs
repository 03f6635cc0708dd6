//! One step of the blast-radius ladder.

use super::Risk;
use crate::units::Share;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;

/// How much of a service a fault may touch: never nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scope {
    /// This many instances.
    Instances(NonZeroU32),
    /// This share: of instances where the service has replicas or the fault is on instances, of connections where a
    /// toxic meets a single instance.
    Share(Share),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances(NonZeroU32::MIN) => f.write_str("1 instance"),
            Self::Instances(count) => write!(f, "{count} instances"),
            Self::Share(share) => write!(f, "{share}"),
        }
    }
}

/// One step of the blast-radius ladder: a scope, a risk, and the name that its trial has.
///
/// ```
/// use chaos_harness::{Risk, Scope, Share, Stage};
/// use std::num::NonZeroU32;
/// assert_eq!(Stage::percent::<5>().name(), "5_percent");
/// assert_eq!(Stage::share(Share::ppm::<5_000>()).name(), "0_5_percent");
/// assert_eq!(Stage::instances::<1>().name(), "1_instance");
/// assert_eq!(Stage::percent::<50>().named("half").name(), "half");
/// assert_eq!(Stage::percent::<50>().risk(Risk::Critical).said_risk(), Some(Risk::Critical));
///
/// // A number that is known only when the program runs.
/// let count = NonZeroU32::new(3).expect("three is not zero");
/// assert_eq!(Stage::from(Scope::Instances(count)).name(), "3_instances");
/// ```
///
/// A stage that touches nothing does not compile:
///
/// ```compile_fail
/// let nothing = chaos_harness::Stage::instances::<0>();
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    name: Option<String>,
    scope: Scope,
    #[serde(default)]
    risk: Option<Risk>,
}

impl Stage {
    /// Touches this share of the service.
    #[must_use]
    pub const fn share(share: Share) -> Self {
        Self { name: None, scope: Scope::Share(share), risk: None }
    }

    /// Touches this share of the service, in whole percent from 1 to 100. Anything else does not compile.
    #[must_use]
    pub const fn percent<const PERCENT: u32>() -> Self {
        Self::share(Share::percent::<PERCENT>())
    }

    /// Touches this many instances of the service. None at all does not compile.
    #[must_use]
    pub const fn instances<const COUNT: u32>() -> Self {
        let count = const {
            match NonZeroU32::new(COUNT) {
                Some(count) => count,
                None => panic!("a stage of 0 instances touches nothing"),
            }
        };
        Self { name: None, scope: Scope::Instances(count), risk: None }
    }

    /// Names the stage; without, the name is made from its scope.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Says how much there is to lose; without, it follows from the share that is touched ([`Risk`]).
    #[must_use]
    pub fn risk(self, risk: Risk) -> Self {
        Self { risk: Some(risk), ..self }
    }

    /// How much there is to lose, where the stage says it.
    #[must_use]
    pub const fn said_risk(&self) -> Option<Risk> {
        self.risk
    }

    /// How much it touches.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// The name its trial has, after its number.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.name, self.scope) {
            (Some(name), _) => name.clone(),
            (None, Scope::Instances(NonZeroU32::MIN)) => "1_instance".to_owned(),
            (None, Scope::Instances(count)) => format!("{count}_instances"),
            (None, Scope::Share(share)) => {
                let text = share.to_string();
                format!("{}_percent", text.trim_end_matches('%').replace('.', "_"))
            }
        }
    }
}

impl From<Scope> for Stage {
    fn from(scope: Scope) -> Self {
        Self { name: None, scope, risk: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_scope_of_nothing_is_refused() {
        let read = |text| serde_json::from_str::<Scope>(text);
        assert_eq!(read(r#"{"Instances":2}"#).ok(), Some(Stage::instances::<2>().scope()));
        for nothing in [r#"{"Instances":0}"#, r#"{"Share":0}"#] {
            assert!(read(nothing).is_err(), "{nothing}");
        }
    }
}
