//! What is not to be shown, taken out of everything that is written or printed.
//!
//! It is done where text leaves the harness (the journal, the report, `harness.log`, the terminal), and not where it is
//! made: so a new message or field cannot forget it. What a service is started with is untouched.
//!
//! Three things are not shown:
//! - Values marked as a [`Secret`](crate::Secret), wherever they stand.
//! - What the [`rules`] find by its looks: passwords in URLs, and values whose names say what they are.
//! - What the rules found in the plan, wherever else it stands, unless the plan says it openly elsewhere: in
//!   `POSTGRES_PASSWORD=postgres`, the value is hidden, but not the name of the image `postgres:15`.

mod json;
mod names;
mod rules;
mod shapes;
mod words;
mod writer;

pub(crate) use names::hides_variable;
pub(crate) use rules::text;
pub(crate) use words::{line, words};
pub(crate) use writer::RedactingWriter;

use crate::secret::MASK;
use crate::system::{Provider, ProviderKind};
use serde::{Serialize, Serializer};
use shapes::{percent_decoded, shapes};
use std::borrow::Cow;
use std::sync::Arc;

/// A shorter secret is not looked for: it is part of too many words.
const SHORTEST_MARKED: usize = 4;

/// What the rules found is looked for elsewhere only if it is as long as this: nobody said that it is a secret.
const SHORTEST_FOUND: usize = 6;

/// What of a trial is not to be shown.
#[derive(Clone, Default)]
pub(crate) struct Redactor {
    /// The longest first: one may be part of another.
    known: Arc<[String]>,
}

impl Redactor {
    /// Hides these values: those that were marked, and those that the rules found.
    pub(crate) fn new<'a>(
        marked: impl IntoIterator<Item = &'a str>,
        found: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut known: Vec<String> = Vec::new();
        let marked = marked.into_iter().map(|value| (value, SHORTEST_MARKED));
        for (value, shortest) in marked.chain(found.into_iter().map(|value| (value, SHORTEST_FOUND))) {
            // A log has the lines of a value one by one, and an error may show it in quotes.
            let lines = value.lines().map(str::trim).filter(|line| line.len() > SHORTEST_FOUND);
            let shapes = lines.chain([value]).flat_map(shapes);
            known.extend(shapes.filter(|shape| shape.chars().count() >= shortest));
        }
        Self::of_shapes(known)
    }

    fn of_shapes(mut known: Vec<String>) -> Self {
        known.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        known.dedup();
        Self { known: known.into() }
    }

    /// Hides what either hides.
    pub(crate) fn and(&self, other: &Self) -> Self {
        Self::of_shapes(self.known.iter().chain(other.known.iter()).cloned().collect())
    }

    /// Hides what is marked or found in these providers of services. `openly` says whether the plan they are part of,
    /// as it is stored, says a value openly.
    pub(crate) fn of<'a>(
        providers: impl Iterator<Item = &'a Provider> + Clone,
        openly: impl Fn(&Self, &str) -> bool,
    ) -> Self {
        let variables = providers.clone().flat_map(|provider| &provider.env);
        let marked: Vec<_> = variables.clone().filter_map(|variable| variable.secret()).collect();
        let in_variables = variables.flat_map(|variable| {
            let is_hidden = hides_variable(variable.name());
            let whole = is_hidden.then_some(variable.template());
            whole.into_iter().chain(rules::hidden_in(variable.template()).filter(move |_| !is_hidden))
        });
        // What is marked may be a whole URL, of whose password an error says more than of the rest.
        let in_variables = in_variables.chain(marked.iter().flat_map(|value| rules::hidden_in(value)));
        let in_commands = providers.flat_map(|provider| match &provider.kind {
            ProviderKind::Container { command, .. } => {
                words::hidden_in_words(command).map(str::to_owned).collect()
            }
            ProviderKind::Command { line } | ProviderKind::CargoBin { args: line, .. } => {
                words::hidden_in_line(line)
            }
            ProviderKind::External { address, .. } => {
                rules::hidden_in(address).map(str::to_owned).collect::<Vec<_>>()
            }
        });
        let mut found: Vec<_> = in_variables.map(str::to_owned).chain(in_commands).collect();
        // Where it is written as a URL has it, it is mostly meant otherwise.
        found.extend(found.iter().filter_map(|value| percent_decoded(value)).collect::<Vec<_>>());
        let strict = Self::new(marked.iter().copied(), []);
        found.retain(|value| !openly(&strict, value));
        Self::new(marked.iter().copied(), found.iter().map(String::as_str))
    }

    /// `text` without what is not to be shown.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut shown = Cow::Borrowed(text);
        for value in self.known.iter() {
            if shown.contains(value) {
                shown = Cow::Owned(shown.replace(value, MASK));
            }
        }
        match shown {
            Cow::Borrowed(text) => rules::text(text),
            Cow::Owned(text) => Cow::Owned(rules::text(&text).into_owned()),
        }
    }
}

/// Without the values.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redactor({} values)", self.known.len())
    }
}

/// A text as it is stored.
pub(crate) fn serialize_text<S: Serializer>(given: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(given))
}

/// A line of words as it is stored.
pub(crate) fn serialize_line<S: Serializer>(given: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&line(given))
}

/// The words of a command as they are stored.
pub(crate) fn serialize_words<S: Serializer>(given: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    words(given).serialize(serializer)
}

#[cfg(test)]
mod tests;
