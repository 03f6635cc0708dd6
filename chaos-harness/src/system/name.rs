//! Names of services.

use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// The name of a service within its system.
///
/// Whether the system has a service of this name is checked when trials are listed; in an attribute it is the
/// compiler that checks it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
#[serde(transparent)]
pub struct ServiceName(Cow<'static, str>);

impl ServiceName {
    /// A name known when the program is compiled.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ServiceName {
    fn from(name: &str) -> Self {
        Self(Cow::Owned(name.to_owned()))
    }
}

impl From<String> for ServiceName {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
