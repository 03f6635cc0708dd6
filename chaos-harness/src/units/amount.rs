//! Amounts of data, and amounts per second.

use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// How often something happens.
///
/// ```
/// use chaos_harness::Rate;
/// assert_eq!(Rate::per_second(200).to_string(), "200/s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Rate {
    per_thousand_seconds: u64,
}

impl Rate {
    /// This many times a second.
    #[must_use]
    pub const fn per_second(times: u32) -> Self {
        Self { per_thousand_seconds: times as u64 * 1_000 }
    }

    /// This many times in a thousand seconds: for rates below one a second.
    #[must_use]
    pub const fn per_thousand_seconds(times: u64) -> Self {
        Self { per_thousand_seconds: times }
    }

    /// Times in a thousand seconds: exact.
    pub(crate) const fn in_thousand_seconds(self) -> u64 {
        self.per_thousand_seconds
    }

    /// Whether nothing ever happens at this rate.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.per_thousand_seconds == 0
    }

    /// Times a second.
    #[must_use]
    pub fn hertz(self) -> f64 {
        self.per_thousand_seconds as f64 / 1_000.0
    }

    /// When the `n`th event is due after the first, without drift. At a rate of zero: never ([`Duration::MAX`]).
    #[must_use]
    pub fn due(self, n: u64) -> Duration {
        if self.is_zero() {
            return Duration::MAX;
        }
        let nanos = u128::from(n) * 1_000_000_000_000 / u128::from(self.per_thousand_seconds);
        u64::try_from(nanos).map_or(Duration::MAX, Duration::from_nanos)
    }

    /// How many events fall into `span`.
    #[must_use]
    pub fn count_in(self, span: Duration) -> u64 {
        let events =
            span.as_nanos().saturating_mul(u128::from(self.per_thousand_seconds)) / 1_000_000_000_000;
        u64::try_from(events).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.hertz())
    }
}

/// An amount of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Bytes(u64);

impl Bytes {
    /// This many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// As a number of bytes.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// This amount every second: `64KiB/s`.
    #[must_use]
    pub const fn per_second(self) -> ByteRate {
        ByteRate(self.0)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 6] = [
            (1 << 30, "GiB"),
            (1 << 20, "MiB"),
            (1 << 10, "KiB"),
            (1_000_000_000, "GB"),
            (1_000_000, "MB"),
            (1_000, "kB"),
        ];
        let exact = UNITS.iter().find(|(size, _)| self.0 >= *size && self.0.is_multiple_of(*size));
        match exact {
            Some((size, name)) => write!(f, "{}{name}", self.0 / size),
            None => write!(f, "{}B", self.0),
        }
    }
}

/// An amount of data per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct ByteRate(u64);

impl ByteRate {
    /// In bytes per second.
    #[must_use]
    pub const fn bytes_per_second(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Bytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_print_as_they_are_written() {
        assert_eq!(Bytes::new(65_536).per_second().to_string(), "64KiB/s");
        assert_eq!(Bytes::new(64_000).to_string(), "64kB");
        assert_eq!(Bytes::new(999).to_string(), "999B");
        assert_eq!(Rate::per_thousand_seconds(500).to_string(), "0.5/s");
    }

    proptest! {
        #[test]
        fn as_many_events_are_counted_as_are_due(rate in 1_u32..100_000, millis in 1_u64..100_000) {
            let rate = Rate::per_second(rate);
            let span = Duration::from_millis(millis);
            let count = rate.count_in(span);
            prop_assert!(rate.due(count) <= span);
            prop_assert!(rate.due(count + 1) > span || rate.due(count + 1) == span && rate.count_in(span) == count);
        }
    }
}
