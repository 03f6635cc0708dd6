//! `cargo chaos config`: what is set, and where each value comes from.

use crate::format::FormatOption;
use crate::outcome::{Failure, Outcome};
use crate::plain;
use crate::table::Table;
use crate::trials::settings;
use chaos_harness::settings::{Origin, Position, Settings};
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  cargo chaos config                          # what is in effect here and now
  cargo chaos config --profile nightly
  CHAOS_DURATIONS=2x cargo chaos config       # the environment comes last, and wins

A mistake in chaos.toml, or in a variable, is told with its place and what would be right; the exit code is then 2.")]
pub(crate) struct Config {
    /// The profile of chaos.toml [default: what that or `CHAOS_PROFILE` says, else `gate`]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    #[command(flatten)]
    format: FormatOption,
}

/// What is set, for programs.
#[derive(Serialize)]
struct Report {
    /// The chaos.toml that was read.
    file: Option<String>,
    profile: String,
    /// Those that can be chosen.
    profiles: Vec<String>,
    /// The folder of the ledger.
    ledger: String,
    values: Vec<Setting>,
    /// Variables that mean nothing.
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Setting {
    key: String,
    /// As chaos.toml would say it.
    value: String,
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Place>,
}

#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
}

/// Shows what is set.
pub(crate) fn config(arguments: &Config) -> Result<Outcome, Failure> {
    let settings = settings(arguments.profile.as_deref(), None)?;
    let report = Report::of(&settings);
    arguments.format.format.print(&report, || report.in_words())?;
    Ok(Outcome::Done)
}

impl Report {
    fn of(settings: &Settings) -> Self {
        let profile = &settings.in_effect().name;
        let values = settings.entries(profile).map(|entry| Setting {
            place: match &entry.origin {
                Origin::Workspace(position) | Origin::Profile { position, .. } => Some(Place::of(position)),
                Origin::Default | Origin::BuiltIn { .. } | Origin::Variable(_) => None,
            },
            from: entry.origin.to_string(),
            key: entry.key,
            value: entry.value,
        });
        Self {
            file: settings.file().map(|file| file.display().to_string()),
            profile: profile.clone(),
            profiles: settings.profiles().map(|profile| profile.name.clone()).collect(),
            ledger: settings.ledger_dir().display().to_string(),
            values: values.collect(),
            warnings: settings.unknown_variables().iter().map(ToString::to_string).collect(),
        }
    }

    fn in_words(&self) -> String {
        let mut table = Table::new(&["KEY", "VALUE", "FROM"]);
        for Setting { key, value, from, .. } in &self.values {
            table.row([key, value, from].map(|cell| plain::line(cell)));
        }
        let file = self.file.as_deref().map_or_else(|| "there is no chaos.toml".to_owned(), plain::line);
        let mut text = format!("{}\nfile: {file}\nledger: {}\n", table.text(), plain::line(&self.ledger));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "profiles: {}", plain::line(&self.profiles.join(", ")));
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {}", plain::line(warning));
        }
        text
    }
}

impl Place {
    fn of(position: &Position) -> Self {
        Self { line: position.line, column: position.column }
    }
}
