//! For whom a command writes: people, or programs.

use crate::plain;
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::io::{self, ErrorKind, Write as _};

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct FormatOption {
    /// How to print: in words, or as JSON for programs
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Human,
    Json,
}

impl Format {
    /// What a command says: a value for programs, or words.
    pub(crate) fn said<T: Serialize>(self, value: &T, words: impl FnOnce() -> String) -> String {
        match self {
            Self::Human => plain::lines(&words()),
            // Within a string, which is where it must be: the same character, and no command to a CI runner.
            Self::Json => format!("{:#}\n", serde_json::json!(value)).replace("##[", "#\\u0023["),
        }
    }

    pub(crate) fn print<T: Serialize>(self, value: &T, words: impl FnOnce() -> String) -> io::Result<()> {
        print(&self.said(value, words))
    }
}

/// Prints to standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        // Who reads has read enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
