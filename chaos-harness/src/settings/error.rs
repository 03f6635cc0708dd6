//! What is wrong with the settings, all at once: where it stands, what it is, and what would be right.

use super::text::Wrong;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// How much of a line is shown, in characters.
const SHOWN: usize = 120;

/// Settings that cannot be used: everything that is wrong with them.
#[derive(Debug, thiserror::Error)]
pub struct SettingsError(Vec<Mistake>);

/// One thing that is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Mistake {
    /// The file cannot be read at all.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Something in the file.
    File {
        /// How the file is called.
        file: String,
        /// Where it stands.
        place: Place,
        /// What is wrong.
        what: String,
        /// What would be right.
        right: String,
    },
    /// The value of a variable.
    Variable {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be right.
        right: String,
    },
}

/// A part of one line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// How many characters it is long: at least one, and no more than are left on the line.
    pub length: usize,
    /// The line itself.
    pub text: String,
}

impl SettingsError {
    pub(super) fn new(mistakes: Vec<Mistake>) -> Self {
        Self(mistakes)
    }

    /// Everything that is wrong: what is in the file in its order, and then the variables.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, source } => write!(f, "cannot read {}: {source}", path.display()),
            Self::Variable { name, value, right } => {
                write!(f, "{name}={value}: `{value}` is not known there, write {right}")
            }
            Self::File { file, place: Place { line, column, length, text }, what, right } => {
                let number = line.to_string();
                let margin = " ".repeat(number.len());
                // Of a very long line, what is around the place.
                let left_out = if column + length < SHOWN { 0 } else { column.saturating_sub(SHOWN / 2) };
                let shown: String = text.chars().skip(left_out).take(SHOWN).map(visible).collect();
                let before = " ".repeat(column - 1 - left_out.min(column - 1));
                let carets = "^".repeat((*length).min(SHOWN / 2));
                writeln!(f, "{file}:{line}:{column}: {}", plain(what))?;
                writeln!(f, "{margin} |")?;
                writeln!(f, "{number} | {shown}")?;
                write!(f, "{margin} | {before}{carets} write {}", plain(right))
            }
        }
    }
}

/// One column wide, and nothing that a terminal acts on.
fn visible(letter: char) -> char {
    match letter {
        '\t' => ' ',
        _ if letter.is_control() => char::REPLACEMENT_CHARACTER,
        _ => letter,
    }
}

/// Values are quoted in what is said of them.
fn plain(text: &str) -> String {
    let mut plain: String = text.chars().take(4 * SHOWN).map(visible).collect();
    if plain.len() < text.len() {
        plain.push('…');
    }
    plain
}

/// The text of a file, for finding lines and columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// Where a range of bytes stands. One over several lines counts to the end of its first line.
    pub(super) fn place(&self, range: &Range<usize>) -> Place {
        let boundary =
            |at: usize| (0..=at.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at));
        let start = boundary(range.start).unwrap_or_default();
        let end = boundary(range.end).unwrap_or_default().max(start);
        let before = &self.text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        let line = &self.text[line_start..line_end];
        let text = line.strip_suffix('\r').unwrap_or(line);
        let length = self.text[start..end.min(line_end).max(start)].chars().count();
        Place {
            line: before.matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            length: length.max(1),
            text: text.to_owned(),
        }
    }

    /// Something that is wrong in a range of bytes.
    pub(super) fn mistake(&self, range: &Range<usize>, Wrong { what, right }: Wrong) -> Mistake {
        Mistake::File { file: self.file.to_owned(), place: self.place(range), what, right }
    }
}

/// The bytes of a file as text.
pub(super) fn utf8(file: &str, bytes: Vec<u8>) -> Result<String, SettingsError> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        // Up to there, nothing was replaced.
        let wrong = Wrong::new("this is not text", "it in UTF-8");
        SettingsError(vec![Source { file, text: &text }.mistake(&(valid..valid), wrong)])
    })
}

/// A file that cannot be read.
pub(super) fn unreadable(path: &Path, source: io::Error) -> SettingsError {
    SettingsError(vec![Mistake::Unreadable { path: path.to_owned(), source }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, range: Range<usize>) -> String {
        let source = Source { file: "chaos.toml", text };
        source.mistake(&range, Wrong::new("no", "yes")).to_string()
    }

    #[test]
    fn a_place_is_shown_with_its_line_and_a_caret_below_it() {
        assert_eq!(
            shown("a = 1\r\n\tüb = 2\r\n", 12..14),
            "chaos.toml:2:5: no\n  |\n2 |  üb = 2\n  |     ^^ write yes"
        );
        // A carriage return is part of the line where it does not end it.
        assert!(shown("a\r\r\r\n", 2..3).starts_with("chaos.toml:1:3: no\n  |\n1 | a\u{fffd}\u{fffd}\n"));
        assert_eq!(shown("", 0..0), "chaos.toml:1:1: no\n  |\n1 | \n  | ^ write yes");
    }

    #[test]
    fn what_a_terminal_would_act_on_is_not_shown() {
        assert!(!shown("a = \"\u{1b}[2J\"", 4..5).contains('\u{1b}'));
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let text = format!("{}HERE{}", "a".repeat(5_000), "b".repeat(5_000));
        let shown = shown(&text, 5_000..5_004);
        let lines: Vec<_> = shown.lines().collect();
        let at = lines[2].find("HERE").unwrap();
        assert_eq!(lines[3].find("^^^^"), Some(at));
        assert!(lines.iter().all(|line| line.len() < 200), "{shown}");
    }
}
