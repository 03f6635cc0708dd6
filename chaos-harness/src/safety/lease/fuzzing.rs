//! The reader of leases, for the fuzz targets.

use super::account::{Held, Limits};
use super::file::{self, Found};
use crate::units::Percent;
use std::num::NonZeroU32;
use std::time::Duration;

/// Reads anything as a lease: one that is read, written again as it was understood, says the same, and can be counted.
///
/// # Panics
/// It does not.
pub fn lease(data: &[u8]) {
    let Ok(Found { terms, used }) = file::parse(data) else { return };
    let again = serde_json::to_vec(&terms).unwrap_or_else(|error| panic!("{terms:?}: {error}"));
    let again = file::parse(&again).unwrap_or_else(|error| panic!("{terms:?} cannot be read again: {error}"));
    assert_eq!((again.used, &again.terms), (None, &terms));
    assert!(!terms.describe().is_empty());

    // As the one beside whom another asks for the same.
    let held = Held {
        faults: terms.request.faults.len(),
        touched: terms.request.touched.iter().collect(),
        reserved: terms.reserved,
    };
    let booked = used.unwrap_or_else(|| terms.used_at_most(Duration::MAX));
    for limits in [
        Limits { faults: Some(NonZeroU32::MIN), ..Limits::default() },
        Limits { share: Some(Percent::new(50)), ..Limits::default() },
        Limits { time: Some(Duration::MAX), ..Limits::default() },
        Limits::default(),
    ] {
        let _ = limits.answer(&terms.request, &held, booked);
        let shortage = limits.refuse(&terms.request).map(|shortage| shortage.to_string());
        assert_ne!(shortage, Some(String::new()));
    }
}
