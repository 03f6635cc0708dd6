//! Workflow commands: lines of output that the runner carries out.

use std::fmt;
use std::fmt::Write as _;

/// How many annotations of one level the runner takes from a step. It drops the rest without a word.
const MOST_OF_A_LEVEL: usize = 10;
/// How many characters of a title are shown.
const LONGEST_TITLE: usize = 200;
/// How many characters of a message are shown.
const LONGEST_MESSAGE: usize = 4_000;

/// How bad something is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Error,
    Warning,
}

/// Where something is, relative to the root of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// What is shown beside a line of the change, and above the job's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Annotation {
    pub(crate) level: Level,
    pub(crate) place: Option<Place>,
    pub(crate) title: String,
    pub(crate) message: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Error => "::error ",
            Level::Warning => "::warning ",
        })?;
        if let Some(Place { file, line }) = &self.place {
            write!(f, "file={},line={line},", property(file))?;
        }
        let (title, message) = (cut(&self.title, LONGEST_TITLE), cut(&self.message, LONGEST_MESSAGE));
        write!(f, "title={}::{}", property(&title), data(&message))
    }
}

/// The lines that make these annotations, as many as the runner takes, and one that tells of the rest. They are in the
/// order in which they are given, errors first.
pub(crate) fn annotations(mut all: Vec<Annotation>) -> String {
    all.sort_by_key(|annotation| annotation.level);
    let mut text = String::new();
    let mut left_out = 0;
    for level in [Level::Error, Level::Warning] {
        let of_level: Vec<_> = all.iter().filter(|annotation| annotation.level == level).collect();
        for annotation in of_level.iter().take(MOST_OF_A_LEVEL) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{annotation}");
        }
        left_out += of_level.len().saturating_sub(MOST_OF_A_LEVEL);
    }
    if left_out > 0 {
        let _ = writeln!(text, "::notice title=chaos::{left_out} more: the job's summary has them all");
    }
    text
}

/// The data of a command, which ends with its line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which ends at a comma or a colon, too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// At most this many characters, and a mark where there were more.
fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{} [...]", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the runner makes of data: as its `ActionCommand` does, `%` last.
    fn read_data(text: &str) -> String {
        text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    }

    fn read_property(text: &str) -> String {
        let text = text.replace("%0D", "\r").replace("%0A", "\n").replace("%3A", ":").replace("%2C", ",");
        text.replace("%25", "%")
    }

    /// How the runner takes a line apart: command, properties, data.
    fn read(line: &str) -> (String, Vec<(String, String)>, String) {
        let (head, message) = line.trim_start().strip_prefix("::").unwrap().split_once("::").unwrap();
        let (command, properties) = head.split_once(' ').unwrap();
        let pairs = properties.split(',').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), read_property(value))
        });
        (command.to_owned(), pairs.collect(), read_data(message))
    }

    fn annotation(level: Level, title: &str, message: &str) -> Annotation {
        let place = Some(Place { file: "tests/chaos.rs".to_owned(), line: 7 });
        Annotation { level, place, title: title.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn a_message_cannot_end_its_command_or_begin_another() {
        let hostile = annotation(Level::Error, "a,line=1::x", "50%\r\n::set-env name=A::b%0A");
        assert_eq!(
            hostile.to_string(),
            "::error file=tests/chaos.rs,line=7,title=a%2Cline=1%3A%3Ax::50%25%0D%0A::set-env name=A::b%250A"
        );
    }

    #[test]
    fn the_runner_gets_ten_of_a_level_errors_first_and_is_told_of_the_rest() {
        let mut all: Vec<_> =
            (0..12).map(|number| annotation(Level::Warning, "w", &number.to_string())).collect();
        all.extend((0..11).map(|number| annotation(Level::Error, "e", &number.to_string())));
        let text = annotations(all);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 21);
        assert!(lines[0].starts_with("::error ") && lines[9].starts_with("::error "), "{text}");
        assert!(lines[10].starts_with("::warning ") && lines[19].ends_with("::9"), "{text}");
        assert_eq!(lines[20], "::notice title=chaos::3 more: the job's summary has them all");
        assert_eq!(annotations(Vec::new()), "");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        let long = annotation(Level::Error, &"ü".repeat(300), &"ü".repeat(5_000)).to_string();
        let (_, properties, message) = read(&long);
        assert_eq!(properties[2].1.chars().count(), LONGEST_TITLE + " [...]".len());
        assert!(message.ends_with("ü [...]"));
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_one_line_and_reads_back(
            file in "\\PC{0,20}|[%:,\\r\\n a]{0,8}",
            title in "\\PC{0,20}|[%:,=\\r\\n a]{0,12}",
            message in "(\\PC|\\r|\\n){0,40}|(::|##\\[|%0A|%25|\\n|,){0,12}",
        ) {
            let place = Some(Place { file: file.clone(), line: 3 });
            let annotation = Annotation { level: Level::Error, place, title: title.clone(), message: message.clone() };
            let line = annotation.to_string();
            prop_assert!(!line.contains(['\n', '\r']), "{}", line);
            let (command, properties, said) = read(&line);
            prop_assert_eq!(command, "error");
            prop_assert_eq!(properties, [
                ("file".to_owned(), file), ("line".to_owned(), "3".to_owned()), ("title".to_owned(), title),
            ]);
            prop_assert_eq!(said, message);
        }
    }
}
