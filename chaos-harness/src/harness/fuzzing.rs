//! The environment, for the fuzz targets.

use super::config::Config;
use crate::system::BackendChoice;
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
    match Config::from_variables(data.split(|byte| *byte == b'\n').filter_map(pair)) {
        Err(error) => assert!(error.to_string().contains("is not known there, write "), "{error}"),
        Ok(config) => {
            let repeat: Vec<(OsString, OsString)> =
                config.to_repeat().into_iter().map(|(name, value)| (name.into(), value.into())).collect();
            let again = Config::from_variables(repeat);
            let again = again.unwrap_or_else(|error| panic!("{config:?} does not repeat: {error}"));
            assert_eq!(again.to_repeat(), config.to_repeat());
            if let Some(seed) = config.seed {
                assert_eq!(seed.to_string().parse(), Ok(seed));
            }
            if let Some(backend) = config.backend {
                drop(backend.parse::<BackendChoice>());
            }
            for unknown in config.unknown {
                assert!(unknown.to_string().contains("means nothing here"));
            }
        }
    }
}
