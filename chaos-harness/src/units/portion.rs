//! So many of so many.

use super::Percent;
use serde::Serialize;
use std::fmt;

/// So many of so many, as counted.
///
/// ```
/// use chaos_harness::Portion;
/// assert_eq!(Portion { hit: 1, of: 3 }.to_string(), "1 of 3 (33 %)");
/// assert_eq!(Portion { hit: 1, of: 120 }.share_text(), "0.8 %");
/// assert_eq!(Portion { hit: 0, of: 0 }.to_string(), "0 of 0");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "records", derive(serde::Deserialize))]
pub struct Portion {
    /// How many.
    pub hit: u64,
    /// Of how many.
    pub of: u64,
}

impl Portion {
    /// The share that it is; of nothing, none.
    #[must_use]
    pub fn share(self) -> Percent {
        if self.of == 0 { Percent::ZERO } else { Percent::from_fraction(self.hit as f64 / self.of as f64) }
    }

    /// The share as it is shown.
    #[must_use]
    pub fn share_text(self) -> String {
        show_share(self.share())
    }

    /// With a word for what is counted: `1 of 3 instances (33 %)`.
    pub(crate) fn show(self, what: &str) -> String {
        let Self { hit, of } = self;
        if of == 0 {
            format!("{hit} of {of}{what}")
        } else {
            format!("{hit} of {of}{what} ({})", self.share_text())
        }
    }
}

impl fmt::Display for Portion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show(""))
    }
}

/// A share that was counted, to two digits: what was asked for has as many as it was written with.
fn show_share(share: Percent) -> String {
    let percent = share.fraction() * 100.0;
    let text = if percent >= 10.0 { format!("{percent:.0}") } else { format!("{percent:.1}") };
    format!("{} %", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_shown_to_two_digits() {
        let show = |hit, of| Portion { hit, of }.share_text();
        assert_eq!((show(1, 1), show(2, 3), show(1, 10)), ("100 %".into(), "67 %".into(), "10 %".into()));
        assert_eq!((show(1, 20), show(1, 300), show(0, 5)), ("5 %".into(), "0.3 %".into(), "0 %".into()));
    }
}
