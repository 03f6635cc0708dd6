//! One step of the blast-radius ladder.

use crate::units::Percent;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much of a service a fault may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Scope {
    /// This many instances.
    Instances(u32),
    /// This share: of instances where the service has replicas or the fault is on instances, of connections where a
    /// toxic meets a single instance.
    Share(Percent),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instances(1) => f.write_str("1 instance"),
            Self::Instances(count) => write!(f, "{count} instances"),
            Self::Share(share) => write!(f, "{share}"),
        }
    }
}

/// One step of the blast-radius ladder: a scope, and the name that its trial has.
///
/// ```
/// use chaos_harness::{Percent, Stage};
/// assert_eq!(Stage::share(Percent::new(5)).name(), "5_percent");
/// assert_eq!(Stage::instances(1).name(), "1_instance");
/// assert_eq!(Stage::share(Percent::new(50)).named("half").name(), "half");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    name: Option<String>,
    scope: Scope,
}

impl Stage {
    /// Touches this share of the service.
    #[must_use]
    pub const fn share(share: Percent) -> Self {
        Self { name: None, scope: Scope::Share(share) }
    }

    /// Touches this many instances of the service.
    #[must_use]
    pub const fn instances(count: u32) -> Self {
        Self { name: None, scope: Scope::Instances(count) }
    }

    /// Names the stage; without, the name is made from its scope.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
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
            (None, Scope::Instances(1)) => "1_instance".to_owned(),
            (None, Scope::Instances(count)) => format!("{count}_instances"),
            (None, Scope::Share(share)) => {
                let text = share.to_string();
                format!("{}_percent", text.trim_end_matches('%').replace('.', "_"))
            }
        }
    }
}
