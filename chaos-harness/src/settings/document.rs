//! `chaos.toml` as it is written: each value that is there, with its place. Everything that is wrong is found at once.

use super::error::{Mistake, Source};
use super::origin::{Origin, Position, Sourced};
use super::profile::Choices;
use super::text::{Confidence, Text, Wrong, unknown};
use super::{PolicyKind, Workspace};
use crate::blast_radius::{Risk, Scope, Stage};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What may stand at the top.
const TOP: [&str; 10] = [
    "default_profile",
    "tests",
    "backend",
    "confidence",
    "durations",
    "inconclusive",
    "seed",
    "ledger",
    "profile",
    "stages",
];
const LEDGER: [&str; 5] = ["dir", "policy", "confirmations", "cool_down", "approval_over"];
const STAGE: [&str; 3] = ["name", "scope", "risk"];
const PROFILE: [&str; 7] =
    ["inherits", "stages", "durations", "confidence", "seed", "backend", "inconclusive"];

/// What the file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    pub(super) default_profile: Option<Named>,
    pub(super) workspace: Workspace,
    /// For all profiles.
    pub(super) choices: Choices,
    pub(super) profiles: BTreeMap<String, Section>,
}

/// One profile, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) inherits: Option<Named>,
    pub(super) choices: Choices,
}

/// A profile that is named somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) position: Position,
    /// Where the name itself stands.
    pub(super) span: Range<usize>,
}

/// Reads a file, and keeps what is wrong with it.
pub(super) struct Reader<'a> {
    source: Source<'a>,
    /// With where it begins.
    mistakes: Vec<(usize, Mistake)>,
}

type Table<'a> = DeTable<'a>;
type Value<'a> = Spanned<DeValue<'a>>;

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { source: Source { file, text }, mistakes: Vec::new() }
    }

    /// What is wrong, in the file's order.
    pub(super) fn into_mistakes(mut self) -> Vec<Mistake> {
        self.mistakes.sort_by_key(|(at, _)| *at);
        self.mistakes.into_iter().map(|(_, mistake)| mistake).collect()
    }

    pub(super) fn wrong(&mut self, span: &Range<usize>, wrong: Wrong) {
        self.mistakes.push((span.start, self.source.mistake(span, wrong)));
    }

    /// Reads the whole file. What cannot be parsed is passed over, so that the rest is looked at as well.
    pub(super) fn read(&mut self) -> Document {
        let (table, errors) = DeTable::parse_recoverable(self.source.text);
        for error in &errors {
            let end = self.source.text.len();
            let span = error.span().unwrap_or(end..end);
            let right = match error.message() {
                "duplicate key" => "each key once".to_owned(),
                _ => self.in_quotes(&span).unwrap_or_else(|| "what TOML allows".to_owned()),
            };
            self.wrong(&span, Wrong::new(error.message(), right));
        }
        let unparsed = self.mistakes.len();
        let document = self.document(table.get_ref());
        // What is left of a line that cannot be parsed is not what was meant.
        let lines: Vec<_> =
            self.mistakes[..unparsed].iter().filter_map(|(_, mistake)| line(mistake)).collect();
        let mut index = 0;
        self.mistakes.retain(|(_, mistake)| {
            index += 1;
            index <= unparsed || line(mistake).is_none_or(|line| !lines.contains(&line))
        });
        document
    }

    /// The value of the line, if all it lacks are its quotes.
    fn in_quotes(&self, span: &Range<usize>) -> Option<String> {
        let place = self.source.place(span);
        let (_, value) = place.text.split_once('=')?;
        let value = value.split('#').next()?.trim();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || " .%/_-".contains(letter);
        (!value.is_empty() && value.chars().all(plain)).then(|| format!("\"{value}\", in quotes"))
    }

    fn document(&mut self, top: &Table<'a>) -> Document {
        self.known(top, &TOP);
        let default_profile = self.named(top, "default_profile");
        let choices = self.choices(top, &Origin::Workspace);
        let mut workspace = Workspace { tests: self.tests(top), ..Workspace::default() };
        if let Some(ledger) = self.table(top, "ledger", "[ledger]") {
            self.known(ledger, &LEDGER);
            workspace.dir = self.text(ledger, "dir", &Origin::Workspace);
            workspace.policy = self.text::<PolicyKind>(ledger, "policy", &Origin::Workspace);
            workspace.confirmations = self.count(ledger, "confirmations");
            workspace.cool_down = self.text(ledger, "cool_down", &Origin::Workspace);
            workspace.approval_over = self.text(ledger, "approval_over", &Origin::Workspace);
        }
        workspace.stages = self.ladder(top);
        let mut profiles = BTreeMap::new();
        let profile = "[profile.gate]; the one to use where nothing else is said is `default_profile`";
        for (name, value) in self.table(top, "profile", profile).into_iter().flatten() {
            if let Some(table) = self.as_table(value, &format!("[profile.{}]", name.get_ref())) {
                let name = name.get_ref().to_string();
                profiles.insert(name.clone(), self.profile(&name, table));
            }
        }
        Document { default_profile, workspace, choices, profiles }
    }

    fn profile(&mut self, name: &str, table: &Table<'a>) -> Section {
        self.known(table, &PROFILE);
        let origin = |position| Origin::Profile { profile: name.to_owned(), position };
        let stages = self.text(table, "stages", &origin);
        let choices = Choices { stages, ..self.choices(table, &origin) };
        Section { inherits: self.named(table, "inherits"), choices }
    }

    /// What may be said for all profiles and for each of them.
    fn choices(&mut self, table: &Table<'a>, origin: &impl Fn(Position) -> Origin) -> Choices {
        Choices {
            stages: None,
            durations: self.text(table, "durations", origin),
            confidence: self.text::<Confidence>(table, "confidence", origin),
            seed: self.text(table, "seed", origin),
            backend: self.text(table, "backend", origin),
            inconclusive: self.text(table, "inconclusive", origin),
        }
    }

    /// Points out keys that mean nothing.
    fn known(&mut self, table: &Table<'a>, known: &[&str]) {
        for key in table.keys() {
            if !known.contains(&key.get_ref().as_ref()) {
                self.wrong(&key.span(), unknown(key.get_ref(), known));
            }
        }
    }

    fn position(&self, span: &Range<usize>) -> Position {
        let place = self.source.place(span);
        Position { file: self.source.file.to_owned(), line: place.line, column: place.column }
    }

    fn text<T: Text>(
        &mut self,
        table: &Table<'a>,
        key: &str,
        origin: &impl Fn(Position) -> Origin,
    ) -> Option<Sourced<T>> {
        let (key, value) = table.get_key_value(key)?;
        let origin = origin(self.position(&key.span()));
        self.scalar(value).map(|value| Sourced { value, origin })
    }

    /// A value that is written as text. A bare number is given to the same parser, which says what it lacks.
    fn scalar<T: Text>(&mut self, value: &Value<'a>) -> Option<T> {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.as_str().to_owned(),
            other => {
                let what = format!("this is {}, where text belongs", kind(other));
                let right = match T::read("") {
                    Err(wrong) => wrong.right,
                    Ok(_) => "it in quotes".to_owned(),
                };
                self.wrong(&value.span(), Wrong::new(what, right));
                return None;
            }
        };
        T::read(&text).map_err(|wrong| self.wrong(&value.span(), wrong)).ok()
    }

    fn count(&mut self, table: &Table<'a>, key: &str) -> Option<Sourced<NonZeroU32>> {
        let (_, value) = table.get_key_value(key)?;
        if let DeValue::Integer(_) = value.get_ref() {
            return self.text(table, key, &Origin::Workspace);
        }
        let what = format!("this is {}, where a number belongs", kind(value.get_ref()));
        self.wrong(&value.span(), Wrong::new(what, "a whole number from 1 up, without quotes, as 3"));
        None
    }

    fn named(&mut self, table: &Table<'a>, key: &str) -> Option<Named> {
        let (key, value) = table.get_key_value(key)?;
        let position = self.position(&key.span());
        let name = self.scalar::<String>(value)?;
        Some(Named { name, position, span: value.span() })
    }

    fn table<'t>(&mut self, table: &'t Table<'a>, key: &str, right: &str) -> Option<&'t Table<'a>> {
        self.as_table(table.get(key)?, right)
    }

    fn as_table<'t>(&mut self, value: &'t Value<'a>, right: &str) -> Option<&'t Table<'a>> {
        match value.get_ref() {
            DeValue::Table(table) => Some(table),
            other => {
                let what = format!("this is {}, where a table belongs", kind(other));
                self.wrong(&value.span(), Wrong::new(what, right));
                None
            }
        }
    }

    fn tests(&mut self, top: &Table<'a>) -> Option<Sourced<Vec<String>>> {
        let (key, value) = top.get_key_value("tests")?;
        let right = "a list of test targets, as [\"chaos\"]";
        let DeValue::Array(names) = value.get_ref() else {
            let what = format!("this is {}, where a list belongs", kind(value.get_ref()));
            self.wrong(&value.span(), Wrong::new(what, right));
            return None;
        };
        let mut tests = Vec::new();
        for name in names {
            let Some(text) = self.scalar::<String>(name) else { continue };
            if text.trim().is_empty() || tests.contains(&text) {
                let what =
                    if text.trim().is_empty() { "a target without a name" } else { "a target named twice" };
                self.wrong(&name.span(), Wrong::new(what, right));
                continue;
            }
            tests.push(text);
        }
        let origin = Origin::Workspace(self.position(&key.span()));
        Some(Sourced { value: tests, origin })
    }

    /// The workspace's ladder.
    fn ladder(&mut self, top: &Table<'a>) -> Option<Sourced<Vec<Stage>>> {
        let (key, value) = top.get_key_value("stages")?;
        let right = "[[stages]] with a name and a scope for each; which of them run is said in a profile";
        let DeValue::Array(tables) = value.get_ref() else {
            let what = format!("this is {}, where the workspace's ladder belongs", kind(value.get_ref()));
            self.wrong(&value.span(), Wrong::new(what, right));
            return None;
        };
        let mut stages: Vec<Stage> = Vec::new();
        for value in tables {
            let Some(table) = self.as_table(value, right) else { continue };
            self.known(table, &STAGE);
            let Some(stage) = self.stage(value, table) else { continue };
            if let Some((at, what)) = stages.iter().find_map(|before| out_of_order(before, &stage)) {
                let span = table.get(at).map_or(value.span(), Spanned::span);
                self.wrong(&span, Wrong::new(what, "the stages smallest first, each with a name of its own"));
            }
            stages.push(stage);
        }
        if tables.is_empty() {
            self.wrong(
                &value.span(),
                Wrong::new("a ladder without a stage", "at least one, or leave it out"),
            );
        }
        let origin = Origin::Workspace(self.position(&key.span()));
        Some(Sourced { value: stages, origin })
    }

    fn stage(&mut self, value: &Value<'a>, table: &Table<'a>) -> Option<Stage> {
        let name = table.get("name").map(|name| (name.span(), self.scalar::<String>(name)));
        let Some(scope) = table.get("scope") else {
            let right = "how much it touches, as scope = \"1 instance\" or scope = \"5%\"";
            self.wrong(&value.span(), Wrong::new("this stage has no scope", right));
            return None;
        };
        let risk = table.get("risk").map(|risk| self.scalar::<Risk>(risk));
        let stage = Stage::from(self.scalar::<Scope>(scope)?);
        let stage = match risk {
            None => stage,
            Some(risk) => stage.risk(risk?),
        };
        match name {
            None => Some(stage),
            Some((span, Some(name))) if name.trim().is_empty() => {
                self.wrong(&span, Wrong::new("a stage whose name is empty", "a name, or leave it out"));
                None
            }
            Some((_, name)) => Some(stage.named(name?)),
        }
    }
}

/// Why a stage may not come after another, and the key that says so.
fn out_of_order(before: &Stage, after: &Stage) -> Option<(&'static str, String)> {
    if before.name() == after.name() {
        return Some(("name", format!("there is a stage `{}` before it", after.name())));
    }
    let falls = match (before.scope(), after.scope()) {
        (Scope::Instances(before), Scope::Instances(after)) => after < before,
        (Scope::Share(before), Scope::Share(after)) => after < before,
        // Which of them is more depends on the service.
        _ => false,
    };
    falls.then(|| ("scope", format!("{} is less than {} before it", after.scope(), before.scope())))
}

fn line(mistake: &Mistake) -> Option<usize> {
    match mistake {
        Mistake::File { place, .. } => Some(place.line),
        Mistake::Unreadable { .. } | Mistake::Variable { .. } => None,
    }
}

/// What a value is, with its article.
fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or a time of day",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
