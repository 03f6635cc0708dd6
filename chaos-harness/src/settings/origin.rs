//! Where a value comes from.

use std::fmt;

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a value comes from: of several layers that say something, the last one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// `chaos.toml`, for all profiles.
    Workspace(Position),
    /// A profile that there is without saying anything.
    BuiltIn {
        /// The profile.
        profile: String,
    },
    /// A profile in `chaos.toml`.
    Profile {
        /// The profile, which may be one that the chosen profile inherits from.
        profile: String,
        /// Where it says so.
        position: Position,
    },
    /// A variable of the environment.
    Variable(&'static str),
}

/// A place in `chaos.toml`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// How the file is called.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl<T> Sourced<T> {
    pub(super) fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    pub(super) fn variable(name: &'static str, value: T) -> Self {
        Self { value, origin: Origin::Variable(name) }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Workspace(position) => position.fmt(f),
            Self::BuiltIn { profile } => write!(f, "built-in profile `{profile}`"),
            Self::Profile { profile, position } => write!(f, "{position} (profile `{profile}`)"),
            Self::Variable(name) => f.write_str(name),
        }
    }
}
