//! Environment variables of services.

use super::template::{self, Values};
use crate::redact;
use crate::secret::{MASK, Secret};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// An environment variable of each instance of a service.
///
/// Shown or stored, a [`Secret`] is `[redacted]`, and so is the password of a URL, and the value of a variable whose name
/// contains `PASSWORD`, `PASSWD`, `PASSPHRASE`, `SECRET`, `TOKEN`, `KEY`, `CREDENTIAL` or `AUTH`, or ends in `PASS`, `PWD`
/// or `_PW`, in any case (but for `PWD` and `OLDPWD`, which hold folders). A plan that was stored so cannot be run again as
/// it stands: it is refused, with the name of the variable.
///
/// ```
/// use chaos_harness::{Secret, system::Variable};
///
/// let open = Variable::from("LISTEN=127.0.0.1:{port}");
/// assert_eq!(format!("{open:?}"), "LISTEN=127.0.0.1:{port}");
/// let marked = Variable::from(("SEED_PHRASE", Secret::new("correct horse")));
/// assert_eq!(format!("{marked:?}"), "SEED_PHRASE=[redacted]");
/// let by_name = Variable::from("POSTGRES_PASSWORD=horse");
/// assert_eq!(format!("{by_name:?}"), "POSTGRES_PASSWORD=[redacted]");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Variable {
    name: String,
    value: Value,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    /// With its placeholders.
    Open(String),
    Secret(Secret),
}

impl Variable {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value as it may be shown.
    pub(crate) fn shown(&self) -> std::borrow::Cow<'_, str> {
        match &self.value {
            Value::Open(value) if value.is_empty() || !redact::hides_variable(&self.name) => {
                redact::text(value)
            }
            Value::Open(_) | Value::Secret(_) => MASK.into(),
        }
    }

    /// The value that is marked as one that must not be shown.
    pub(crate) fn secret(&self) -> Option<&str> {
        match &self.value {
            Value::Open(_) => None,
            Value::Secret(secret) => Some(secret.expose()),
        }
    }

    /// The text whose placeholders are filled in: nothing where the value is a secret, which is taken as it stands.
    pub(crate) fn template(&self) -> &str {
        match &self.value {
            Value::Open(value) => value,
            Value::Secret(_) => "",
        }
    }

    /// The value itself, for the instance.
    pub(super) fn fill(&self, values: Values<'_>) -> String {
        match &self.value {
            Value::Open(value) => template::fill(value, values),
            Value::Secret(secret) => secret.expose().to_owned(),
        }
    }
}

impl From<&str> for Variable {
    /// `NAME=value`.
    fn from(assignment: &str) -> Self {
        let (name, value) = assignment.split_once('=').unwrap_or((assignment, ""));
        Self { name: name.to_owned(), value: Value::Open(value.to_owned()) }
    }
}

impl From<String> for Variable {
    /// `NAME=value`.
    fn from(assignment: String) -> Self {
        Self::from(assignment.as_str())
    }
}

impl From<&String> for Variable {
    /// `NAME=value`.
    fn from(assignment: &String) -> Self {
        Self::from(assignment.as_str())
    }
}

impl<N: Into<String>> From<(N, Secret)> for Variable {
    /// A name, and a value that is never shown.
    fn from((name, value): (N, Secret)) -> Self {
        Self { name: name.into(), value: Value::Secret(value) }
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.shown())
    }
}

impl Serialize for Variable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.name, self.shown()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Variable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, value) = Deserialize::deserialize(deserializer)?;
        Ok(Self { name, value: Value::Open(value) })
    }
}
