//! What holds of any `chaos.toml`, for the tests and the fuzz target.

use super::error::Mistake;
use super::{Environment, Origin, Settings};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What can be read is the same when it is written and read again; what cannot is wrong at a place
/// that there is.
///
/// # Panics
/// One of the two does not hold.
pub(super) fn reread(text: &str) {
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
    let mut keys = BTreeSet::new();
    for entry in settings.profiles().flat_map(|profile| settings.entries(&profile.name)) {
        // Where nothing is said of these, no value says the same.
        let is_words =
            entry.origin == Origin::Default && (entry.key == "stages" || entry.key.ends_with(".confidence"));
        if !is_words && keys.insert(entry.key.clone()) {
            let _ = writeln!(written, "{} = {}", entry.key, entry.value);
        }
    }
    written
}
