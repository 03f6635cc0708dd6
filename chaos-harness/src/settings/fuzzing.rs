//! The environment and `chaos.toml`, for the fuzz targets.

use super::{Environment, Settings, SettingsError};
use std::ffi::{OsStr, OsString};
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

/// Reads a `chaos.toml`.
///
/// # Panics
/// See `reread`.
pub fn settings(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        super::reread::reread(text);
    }
}
