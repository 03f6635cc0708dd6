//! All that is set, as `key = value`: to be shown, and to be read again.

use super::origin::{Origin, Sourced};
use super::text::Text;
use super::{Profile, Settings};
use crate::blast_radius::Stage;
use std::fmt::Write as _;

/// One value that is in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key in `chaos.toml`, as `ledger.dir` or `profile.nightly.durations`.
    pub key: String,
    /// The value as it would be written there; where nothing is said, and there is no value that would say the same,
    /// that in words.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
}

impl Settings {
    /// Everything that is in effect under a profile; nothing where there is none of this name. What does not come from
    /// [`Origin::Default`] is a `chaos.toml` that says the same, line by line.
    pub fn entries(&self, profile: &str) -> impl Iterator<Item = Entry> + use<> {
        let entries = self.profile(profile).map(|profile| {
            let mut entries = vec![
                entry("default_profile", &self.chosen, |name| quoted(name)),
                entry("tests", &self.tests, |tests| {
                    let tests: Vec<_> = tests.iter().map(|test| quoted(test)).collect();
                    format!("[{}]", tests.join(", "))
                }),
            ];
            let ledger = &self.ledger;
            entries.extend([
                entry("ledger.dir", &ledger.dir, |dir| quoted(dir)),
                entry("ledger.policy", &ledger.policy, as_text),
                entry("ledger.confirmations", &ledger.confirmations, Text::write),
                entry("ledger.cool_down", &ledger.cool_down, as_text),
                entry("ledger.approval_over", &ledger.approval_over, as_text),
                entry("stages", &self.stages, |stages| match stages {
                    Some(stages) => ladder(stages),
                    None => "the default ladder".to_owned(),
                }),
            ]);
            entries.extend(profile.entries());
            entries
        });
        entries.unwrap_or_default().into_iter()
    }
}

impl Profile {
    fn entries(&self) -> [Entry; 6] {
        let key = |key: &str| format!("profile.{}.{key}", bare_or_quoted(&self.name));
        [
            entry(&key("stages"), &self.stages, as_text),
            entry(&key("durations"), &self.durations, as_text),
            entry(&key("confidence"), &self.confidence, |confidence| match confidence {
                Some(confidence) => as_text(confidence),
                None => "as each experiment says".to_owned(),
            }),
            entry(&key("seed"), &self.seed, as_text),
            entry(&key("backend"), &self.backend, as_text),
            entry(&key("inconclusive"), &self.inconclusive, as_text),
        ]
    }
}

fn entry<T>(key: &str, value: &Sourced<T>, write: impl FnOnce(&T) -> String) -> Entry {
    Entry { key: key.to_owned(), value: write(&value.value), origin: value.origin.clone() }
}

fn as_text<T: Text>(value: &T) -> String {
    quoted(&value.write())
}

fn ladder(stages: &[Stage]) -> String {
    let stages = stages.iter().map(|stage| {
        let (name, scope) = (quoted(&stage.name()), as_text(&stage.scope()));
        let risk = stage.said_risk().map(|risk| format!(", risk = {}", as_text(&risk)));
        format!("{{ name = {name}, scope = {scope}{} }}", risk.unwrap_or_default())
    });
    format!("[{}]", stages.collect::<Vec<_>>().join(", "))
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            // Each that there is has four digits.
            _ if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(letter));
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn bare_or_quoted(key: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !key.is_empty() && key.chars().all(plain) { key.to_owned() } else { quoted(key) }
}
