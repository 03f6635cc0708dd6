//! The files of a step: its summary, and its outputs.

use super::quiet::token;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What the runner takes of a step's summary. More, and it takes nothing.
const LONGEST_SUMMARY: u64 = 1 << 20;

/// A file of the step could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot write {variable}, which is {}", file.display())]
    Write { variable: &'static str, file: PathBuf, source: io::Error },
    #[error("no token can be drawn from /dev/urandom")]
    Token(#[source] io::Error),
}

/// Appends to the summary of the step: whole lines, as many as the runner takes, and one that tells of the rest.
pub(crate) fn append_summary(file: &Path, text: &str) -> Result<(), FileError> {
    append(file, |open| {
        let left = LONGEST_SUMMARY.saturating_sub(open.metadata()?.len());
        Ok(cut(text, usize::try_from(left).unwrap_or(usize::MAX)))
    })
    .map_err(|source| FileError::Write {
        variable: "GITHUB_STEP_SUMMARY",
        file: file.to_owned(),
        source,
    })
}

/// Adds outputs to the step. A value may have any number of lines.
pub(crate) fn write_outputs(file: &Path, outputs: &[(&str, String)]) -> Result<(), FileError> {
    let mut text = String::new();
    for (name, value) in outputs {
        let end = token().map_err(FileError::Token)?;
        // Writing to a string cannot fail.
        let _ = write!(text, "{name}<<{end}\n{value}\n{end}\n");
    }
    append(file, |_| Ok(text)).map_err(|source| FileError::Write {
        variable: "GITHUB_OUTPUT",
        file: file.to_owned(),
        source,
    })
}

fn append(file: &Path, text: impl FnOnce(&File) -> io::Result<String>) -> io::Result<()> {
    let mut open = OpenOptions::new().append(true).create(true).open(file)?;
    let text = text(&open)?;
    open.write_all(text.as_bytes())
}

/// The first lines that fit, with one that tells of the rest.
fn cut(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let note = |lines: usize| format!("\n{lines} more lines are left out: a summary can have 1 MiB.\n");
    let all = text.lines().count();
    let room = longest.saturating_sub(note(all).len());
    let mut kept = 0;
    let mut lines = 0;
    for line in text.split_inclusive('\n') {
        if kept + line.len() > room {
            break;
        }
        kept += line.len();
        lines += 1;
    }
    let note = note(all - lines);
    // Not even the note fits: the file is full.
    if note.len() > longest { String::new() } else { format!("{}{note}", &text[..kept]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_summary_ends_before_its_limit_with_a_word_on_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("summary.md");
        let line = format!("| {} |\n", "x".repeat(997));
        append_summary(&file, &line.repeat(500)).unwrap();
        append_summary(&file, &line.repeat(700)).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.len() as u64 <= LONGEST_SUMMARY && text.len() > 1_040_000, "{}", text.len());
        let kept = text.lines().filter(|text| line.trim_end() == *text).count();
        assert!(
            text.ends_with(&format!(
                "\n{} more lines are left out: a summary can have 1 MiB.\n",
                1200 - kept
            ))
        );
        // Full, but for less than a line: still a file that the runner takes.
        for _ in 0..100 {
            append_summary(&file, &line).unwrap();
        }
        assert!(fs::metadata(&file).unwrap().len() <= LONGEST_SUMMARY);
    }

    #[test]
    fn an_output_of_many_lines_makes_no_other_output() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("output");
        write_outputs(&file, &[("evidence", "a\nother=b".to_owned()), ("outcome", "refuted".to_owned())])
            .unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let end = lines[0].strip_prefix("evidence<<").unwrap();
        assert_eq!(lines[1..4], ["a", "other=b", end]);
        assert!(lines[4].starts_with("outcome<<") && !lines[4].ends_with(end), "a token of its own");
        assert_eq!(lines[5], "refuted");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_with_its_variable() {
        let folder = tempfile::tempdir().unwrap();
        let error = append_summary(folder.path(), "x").unwrap_err().to_string();
        assert_eq!(error, format!("cannot write GITHUB_STEP_SUMMARY, which is {}", folder.path().display()));
    }
}
