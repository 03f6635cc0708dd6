//! When something was, by the wall clock of the machine that it was on.

use super::text::stored_as_text;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const DAY: u64 = 86_400_000;

/// A moment, to the millisecond, from 1970 to the year 9999.
///
/// ```
/// use chaos_harness::ledger::Moment;
///
/// let moment: Moment = "2026-11-27T19:41:51.123Z".parse()?;
/// assert_eq!(moment.as_millis(), 1_795_808_511_123);
/// assert_eq!(moment.in_minutes(), "2026-11-27 19:41 UTC");
/// # Ok::<(), chaos_harness::ledger::ParseMomentError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

stored_as_text!(Moment);

impl Moment {
    /// The last one there is: what would come after it is it.
    pub const LAST: Self = Self(253_402_300_799_999);

    /// So many milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::LAST.0 { Self::LAST } else { Self(millis) }
    }

    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self::from_duration(crate::clock::since_epoch())
    }

    fn from_duration(since_epoch: Duration) -> Self {
        Self::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    /// In milliseconds after the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// So much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self::from_duration(Duration::from_millis(self.0).saturating_add(duration))
    }

    /// How much earlier `earlier` was; nothing where it was not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// As a person reads it.
    #[must_use]
    pub fn in_minutes(self) -> String {
        let (year, month, day) = civil_date(self.0 / DAY);
        format!(
            "{year:04}-{month:02}-{day:02} {:02}:{:02} UTC",
            self.0 / 3_600_000 % 24,
            self.0 / 60_000 % 60
        )
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_date(self.0 / DAY);
        let (hour, minute) = (self.0 / 3_600_000 % 24, self.0 / 60_000 % 60);
        let (second, milli) = (self.0 / 1_000 % 60, self.0 % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
    }
}

/// What is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a moment: it is written as in 2026-11-27T19:41:51.123Z", .0.escape_debug())]
pub struct ParseMomentError(String);

impl FromStr for Moment {
    type Err = ParseMomentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseMomentError(text.to_owned());
        let bytes: &[u8; 24] = text.as_bytes().try_into().map_err(|_| error())?;
        let shape = b"0000-00-00T00:00:00.000Z";
        let fits = |(byte, of): (&u8, &u8)| if *of == b'0' { byte.is_ascii_digit() } else { byte == of };
        if !bytes.iter().zip(shape).all(fits) {
            return Err(error());
        }
        let number = |from: usize, to: usize| {
            bytes[from..to].iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
        };
        let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
        let days = days(number(0, 4), number(5, 7), number(8, 10)).ok_or_else(error)?;
        if hour > 23 || minute > 59 || second > 59 {
            return Err(error());
        }
        Ok(Self(days * DAY + hour * 3_600_000 + minute * 60_000 + second * 1_000 + number(20, 23)))
    }
}

/// Year, month and day of the Gregorian calendar, this many days after the Unix epoch.
pub(crate) fn civil_date(days: u64) -> (u64, u64, u64) {
    // Years are counted from March, so that the leap day is the last of a year, from the start of a 400-year era.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// The days from the Unix epoch to a date, where there is one like it since.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    let year_from_march = if month > 2 { year } else { year - 1 };
    let month_from_march = (month + 9) % 12;
    let leap_days = year_from_march / 4 - year_from_march / 100 + year_from_march / 400;
    let day_of_year = (153 * month_from_march + 2) / 5 + day.checked_sub(1)?;
    let days = (year_from_march * 365 + leap_days + day_of_year).checked_sub(719_468)?;
    // The 30th of February comes out as another day.
    (civil_date(days) == (year, month, day)).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds: u64| Moment::from_millis(seconds * 1_000).to_string();
        assert_eq!(at(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00.000Z");
        assert_eq!(Moment::LAST.to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for bad in [
            "",
            "2026-11-27",
            "2026-11-27T19:41:51Z",
            "2026-11-27T19:41:51.123+",
            "2026-02-29T00:00:00.000Z",
            "2026-13-01T00:00:00.000Z",
            "2026-00-01T00:00:00.000Z",
            "2026-01-00T00:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "1969-12-31T23:59:59.999Z",
            "2026-01-01T00:00:00.\u{663}Z",
        ] {
            assert!(bad.parse::<Moment>().is_err(), "{bad}");
        }
    }

    #[test]
    fn there_is_nothing_after_the_last() {
        assert_eq!(Moment::from_millis(u64::MAX), Moment::LAST);
        assert_eq!(Moment::LAST.after(Duration::MAX), Moment::LAST);
        assert_eq!(Moment::from_millis(1).since(Moment::LAST), Duration::ZERO);
    }

    proptest! {
        #[test]
        fn it_reads_back_as_it_is_written(millis in 0..=Moment::LAST.0) {
            let moment = Moment::from_millis(millis);
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
        }
    }
}
