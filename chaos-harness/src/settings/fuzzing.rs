//! The environment and `chaos.toml`, for the fuzz targets.

use super::error::Mistake;
use super::{Environment, Origin, Settings, SettingsError};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;

/// Reads lines of `NAME=VALUE` as the environment. What can be read says itself again; what cannot says why.
///
/// # Panics
/// One of the two does not hold.
pub fn environment(data: &[u8]) {
    let os = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    let pair = |line: &[u8]| {
        let at = line.iter().position(|byte| *byte == b'=')?;
        Some((os(&line[..at]), os(&line[at + 1..])))
    };
    match of_variables(data.split(|byte| *byte == b'\n').filter_map(pair)) {
        Err(error) => assert!(error.to_string().contains("is not known there, write "), "{error}"),
        Ok(settings) => {
            let repeat = settings.to_repeat().into_iter().map(|(name, value)| (name.into(), value.into()));
            let again = of_variables(repeat);
            let again = again.unwrap_or_else(|error| panic!("{settings:?} does not repeat: {error}"));
            assert_eq!(again.to_repeat(), settings.to_repeat());
            for unknown in settings.unknown_variables() {
                assert!(unknown.to_string().contains("means nothing here"));
            }
        }
    }
}

fn of_variables(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Settings, SettingsError> {
    let (environment, bad) = Environment::read(variables);
    Settings::of("chaos.toml", None, environment, bad)
}

/// Reads a `chaos.toml`. What can be read is the same when it is written and read again; what cannot is wrong at a place
/// that there is.
///
/// # Panics
/// One of the two does not hold.
pub fn settings(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = |text: &str| Settings::of("chaos.toml", Some(text), Environment::default(), Vec::new());
    match read(text) {
        Err(error) => {
            assert!(!error.mistakes().is_empty());
            let lines = text.split('\n').count();
            for mistake in error.mistakes() {
                let Mistake::File { place, .. } = mistake else { panic!("{mistake}: no place in the file") };
                assert!((1..=lines).contains(&place.line), "{mistake}");
                assert!(place.column <= place.text.chars().count() + 2, "{mistake}");
            }
        }
        Ok(settings) => {
            let written = written(&settings);
            let again = read(&written).unwrap_or_else(|error| panic!("{written}\n{error}"));
            for profile in settings.profiles() {
                let values = |settings: &Settings| {
                    settings.entries(&profile.name).map(|entry| entry.value).collect::<Vec<_>>()
                };
                assert_eq!(values(&again), values(&settings), "{written}");
            }
        }
    }
}

/// All that is set, as a `chaos.toml`.
fn written(settings: &Settings) -> String {
    let mut written = String::new();
    let mut keys = std::collections::BTreeSet::new();
    for entry in settings.profiles().flat_map(|profile| settings.entries(&profile.name)) {
        // Where nothing is said of these, no value says the same.
        let is_words =
            entry.origin == Origin::Default && (entry.key == "stages" || entry.key.ends_with(".confidence"));
        if !is_words && keys.insert(entry.key.clone()) {
            drop(writeln!(written, "{} = {}", entry.key, entry.value));
        }
    }
    written
}
