//! Quantities with their units, so that a bare number cannot be passed where another unit is meant.
//!
//! Durations are [`std::time::Duration`].

mod amount;
mod nonzero;
mod portion;
mod share;

pub use amount::{ByteRate, Bytes, Rate};
pub use nonzero::{NoShare, Share};
pub use portion::Portion;
pub use share::{Factor, Percent, PercentOutOfRange};

/// A duration the way it is written in an attribute: `500ms`, `1.5s`, `250us`.
pub(crate) fn show_duration(duration: std::time::Duration) -> String {
    let nanos = duration.as_nanos();
    let (unit, name): (u32, _) = match nanos {
        0 => return "0ms".to_owned(),
        1_000_000_000.. => (1_000_000_000, "s"),
        1_000_000.. => (1_000_000, "ms"),
        1_000.. => (1_000, "us"),
        _ => (1, "ns"),
    };
    // Three significant digits: as many as the histogram keeps.
    let scaled = nanos as f64 / f64::from(unit);
    let decimals = match scaled {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{scaled:.decimals$}");
    let text = if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{name}")
}

#[cfg(test)]
mod tests {
    use super::show_duration;
    use std::time::Duration;

    #[test]
    fn durations_read_as_they_are_written() {
        let show = |nanos| show_duration(Duration::from_nanos(nanos));
        assert_eq!(show(0), "0ms");
        assert_eq!(show(500_000_000), "500ms");
        assert_eq!(show(5_000_000_000), "5s");
        assert_eq!(show(1_500_000_000), "1.5s");
        assert_eq!(show(12_345_678), "12.3ms");
        assert_eq!(show(250_000), "250us");
        assert_eq!(show(100_000_000_000), "100s");
    }
}
