//! One thing that was looked at.

use crate::plain;
use serde::Serialize;
use std::fmt::Write as _;

/// How it is with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Everything that needs it works.
    Ok,
    /// Some of what needs it does not work.
    Limited,
    /// Nothing that needs it works.
    Missing,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Limited => "limited",
            Self::Missing => "missing",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: State,
    /// What was found.
    pub(super) found: String,
    /// What will and what will not work here because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effect: Option<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
    /// Whether the workspace's experiments cannot do without.
    #[serde(skip)]
    pub(super) is_needed: bool,
}

impl Check {
    fn new(name: &'static str, state: State, found: impl Into<String>) -> Self {
        Self { name, state, found: found.into(), effect: None, remedy: None, is_needed: false }
    }

    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, State::Ok, found)
    }

    pub(super) fn limited(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, State::Limited, found)
    }

    pub(super) fn missing(name: &'static str, found: impl Into<String>) -> Self {
        Self::new(name, State::Missing, found)
    }

    pub(super) fn effect(mut self, effect: impl Into<String>) -> Self {
        self.effect = Some(effect.into());
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into()).filter(|remedy| !remedy.is_empty());
        self
    }

    pub(super) fn needed(mut self) -> Self {
        self.is_needed = true;
        self
    }

    /// Whether it keeps the workspace's experiments from running.
    pub(super) fn is_in_the_way(&self) -> bool {
        self.is_needed && self.state == State::Missing
    }
}

/// All that was looked at, in words.
pub(super) fn in_words(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:<7}  {:<width$}  {}",
            check.state.word(),
            check.name,
            lines(&check.found, width)
        );
        for (head, more) in [("so", &check.effect), ("mend", &check.remedy)] {
            if let Some(more) = more {
                let _ = writeln!(text, "{:<7}  {:<width$}    {head}: {}", "", "", lines(more, width));
            }
        }
    }
    text
}

/// Lines below the first one begin where that does.
fn lines(text: &str, width: usize) -> String {
    plain::lines(text).replace('\n', &format!("\n{:<7}  {:<width$}  ", "", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_what_follows_and_how_to_mend_it() {
        let checks = [
            Check::ok("git", "2.39"),
            Check::missing("engine", "none").effect("no containers").remedy("start\nDocker"),
        ];
        let expected = "ok       git     2.39\n\
                        missing  engine  none\n                   so: no containers\n                   mend: start\n                 Docker\n";
        assert_eq!(in_words(&checks), expected);
    }

    #[test]
    fn only_what_is_needed_and_missing_is_in_the_way() {
        assert!(Check::missing("engine", "").needed().is_in_the_way());
        assert!(!Check::missing("engine", "").is_in_the_way());
        assert!(!Check::limited("engine", "").needed().is_in_the_way());
    }
}
