//! Values that are never shown.

use serde::{Serialize, Serializer};
use std::fmt;

/// What stands where a value is not shown.
pub(crate) const MASK: &str = "[redacted]";

/// A value that is never shown: a password, a token, a connection string that holds one.
///
/// Given to a service as an environment variable, it reaches the process or container, and nothing else: `Debug`,
/// `Display` and `Serialize` say `[redacted]`, and so does everything that the harness writes or prints, wherever the
/// value stands in it: the plan, the journal, the report, `harness.log`, the terminal. A value of fewer than four
/// characters is hidden where it was given, but not looked for elsewhere. What the service itself writes into its log
/// file stays as it wrote it.
///
/// ```
/// use chaos_harness::Secret;
/// use chaos_harness::system::{Source, container};
///
/// let password = Secret::new("correct horse");
/// assert_eq!(format!("{password} {password:?}"), "[redacted] [redacted]");
/// let postgres: Source = container("postgres:15").port(5432).env(("POSTGRES_PASSWORD", password)).into();
/// assert!(!format!("{postgres:?}").contains("horse"));
/// ```
///
/// It is not cleared from memory when it is dropped: it also stands in the environment of the process it is for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A value that is not to be shown. It is taken as it stands: braces in it are no placeholders.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_only_where_that_is_asked_for() {
        let secret = Secret::new("hunter2");
        let shown = format!("{secret} {secret:?} {:?} {:#?}", Some(&secret), [&secret]);
        let stored = serde_json::to_string(&secret).unwrap();
        assert!(!shown.contains("hunter2") && !stored.contains("hunter2"), "{shown} {stored}");
        assert_eq!(secret.expose(), "hunter2");
    }
}
