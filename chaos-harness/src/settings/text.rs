//! Values as they are written, in `chaos.toml` and in the environment alike: `72h`, `50%`, `2x`, `1 instance`.

use super::{Inconclusive, PolicyKind, SeedPolicy, StageChoice};
use crate::blast_radius::{Risk, Scope};
use crate::system::BackendChoice;
use crate::units::{Factor, Percent, Share};
use crate::words::{any_of, nearest};
use std::num::NonZeroU32;
use std::time::Duration;

/// Why a text is no value of the kind that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// What is wrong with it.
    pub(super) what: String,
    /// What to write.
    pub(super) right: String,
}

impl Wrong {
    pub(super) fn new(what: impl Into<String>, right: impl Into<String>) -> Self {
        Self { what: what.into(), right: right.into() }
    }
}

/// A value that can be written.
pub(super) trait Text: Sized {
    /// Reads it.
    fn read(text: &str) -> Result<Self, Wrong>;

    /// Writes it as it is read.
    fn write(&self) -> String;
}

/// The units of time that a duration may be written in, with their milliseconds.
const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000)];

/// Nothing here takes longer than a year.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

impl Text for Duration {
    fn read(text: &str) -> Result<Self, Wrong> {
        let digits = text.trim_end_matches(|letter: char| letter.is_alphabetic());
        let (number, unit) = (digits.trim_end(), &text[digits.len()..]);
        if !is_digits(number) {
            return Err(Wrong::new(
                format!("`{text}` is not a time"),
                "a whole number with its unit, as \"72h\"",
            ));
        }
        if unit.is_empty() {
            return Err(Wrong::new(format!("{number} of what?"), format!("\"{number}h\", or ms, s or min")));
        }
        let Some((_, milliseconds)) = UNITS.iter().find(|(known, _)| *known == unit) else {
            let right = match unit {
                "m" => format!("\"{number}min\", or \"{number}ms\""),
                _ => format!("it in ms, s, min or h, as \"{number}h\""),
            };
            return Err(Wrong::new(format!("`{unit}` is not a unit of time here"), right));
        };
        let milliseconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*milliseconds));
        milliseconds
            .map(Self::from_millis)
            .filter(|duration| *duration <= LONGEST)
            .ok_or_else(|| Wrong::new(format!("`{text}` is more than a year"), "at most \"8760h\""))
    }

    fn write(&self) -> String {
        let milliseconds = self.as_millis();
        let whole =
            |(_, unit): &&(&str, u64)| milliseconds.is_multiple_of(u128::from(*unit)) && milliseconds > 0;
        let (name, unit) = UNITS.iter().rev().find(whole).copied().unwrap_or(("s", 1_000));
        format!("{}{name}", milliseconds / u128::from(unit))
    }
}

impl Text for Percent {
    fn read(text: &str) -> Result<Self, Wrong> {
        let wrong = |what: String| Wrong::new(what, "a share of at most 100%, as \"50%\"");
        let Some(number) = text.strip_suffix('%').map(str::trim_end) else {
            return Err(match decimal(text, 4) {
                Some(_) => Wrong::new(format!("{text} of what?"), format!("\"{text}%\"")),
                None => wrong(format!("`{text}` is not a share")),
            });
        };
        let ppm = decimal(number, 4).ok_or_else(|| wrong(format!("`{text}` is not a share")))?;
        let share = u32::try_from(ppm).ok().and_then(|ppm| Self::try_from(ppm).ok());
        share.ok_or_else(|| wrong(format!("`{text}` is more than all of it")))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Text for Share {
    fn read(text: &str) -> Result<Self, Wrong> {
        Self::try_from(Percent::read(text)?)
            .map_err(|_| Wrong::new("nothing at all", "a share of more than 0%, as \"5%\""))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

/// How much longer or shorter phases may become.
const FACTORS: std::ops::RangeInclusive<u64> = 10_000..=1_000_000_000;

impl Text for Factor {
    fn read(text: &str) -> Result<Self, Wrong> {
        let right = "a factor from 0.01x to 1000x, as \"2x\"";
        let Some(number) = text.strip_suffix('x').map(str::trim_end) else {
            return Err(match decimal(text, 6) {
                Some(_) => Wrong::new(format!("{text} of what?"), format!("\"{text}x\"")),
                None => Wrong::new(format!("`{text}` is not a factor"), right),
            });
        };
        let millionths =
            decimal(number, 6).ok_or_else(|| Wrong::new(format!("`{text}` is not a factor"), right))?;
        if FACTORS.contains(&millionths) {
            Ok(Self::from_ppm(millionths))
        } else {
            Err(Wrong::new(format!("`{text}` is out of range"), right))
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Text for Scope {
    fn read(text: &str) -> Result<Self, Wrong> {
        let right = "a number of instances or a share, as \"1 instance\" or \"5%\"";
        if text.ends_with('%') {
            return Share::read(text).map(Self::Share);
        }
        let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
        if !is_digits(number) {
            return Err(Wrong::new(format!("`{text}` is no part of a service"), right));
        }
        match unit.trim_start() {
            "instance" | "instances" => number
                .parse()
                .map(Self::Instances)
                .map_err(|_| Wrong::new(format!("`{text}` cannot be touched"), "1 instance or more")),
            "" => Err(Wrong::new(
                format!("{number} of what?"),
                format!("\"{number}%\" or \"{number} instance{}\"", if number == "1" { "" } else { "s" }),
            )),
            _ => Err(Wrong::new(format!("`{text}` is no part of a service"), right)),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Text for SeedPolicy {
    fn read(text: &str) -> Result<Self, Wrong> {
        match text {
            "fresh" => Ok(Self::Fresh),
            "commit" => Ok(Self::Commit),
            // As `CHAOS_SEED` has it.
            _ => text.parse().map(Self::Fixed).map_err(|_| {
                Wrong::new(format!("`{text}` is no seed"), "a whole number, as 0xc0ffee, or fresh, or commit")
            }),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Fresh => "fresh".to_owned(),
            Self::Commit => "commit".to_owned(),
            Self::Fixed(seed) => seed.to_string(),
        }
    }
}

impl Text for NonZeroU32 {
    fn read(text: &str) -> Result<Self, Wrong> {
        text.parse()
            .map_err(|_| Wrong::new(format!("`{text}` is not that"), "a whole number from 1 up, as 3"))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

/// How sure decisions must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Confidence(Percent);

impl Confidence {
    pub(super) fn get(self) -> Percent {
        self.0
    }
}

impl From<Percent> for Confidence {
    fn from(confidence: Percent) -> Self {
        Self(confidence)
    }
}

impl Text for Confidence {
    fn read(text: &str) -> Result<Self, Wrong> {
        let right = "one from 50% to 99.99%, as \"95%\"";
        let confidence = Percent::read(text).map_err(|wrong| Wrong::new(wrong.what, right))?;
        if (500_000..=999_900).contains(&confidence.ppm()) {
            Ok(Self(confidence))
        } else {
            Err(Wrong::new(format!("a confidence of {text} cannot be reached"), right))
        }
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

/// Whatever it says.
impl Text for String {
    fn read(text: &str) -> Result<Self, Wrong> {
        Ok(text.to_owned())
    }

    fn write(&self) -> String {
        self.clone()
    }
}

/// A value that is one of a few words.
trait Word: Copy + PartialEq + 'static {
    const WORDS: &'static [(&'static str, Self)];
}

impl<T: Word> Text for T {
    fn read(text: &str) -> Result<Self, Wrong> {
        if let Some((_, value)) = T::WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(*value);
        }
        let words: Vec<_> = T::WORDS.iter().map(|(word, _)| *word).collect();
        Err(unknown(text, &words))
    }

    fn write(&self) -> String {
        let word = T::WORDS.iter().find(|(_, value)| value == self);
        word.map(|(word, _)| (*word).to_owned()).unwrap_or_default()
    }
}

/// A word that is none of those that are known.
pub(super) fn unknown<T: AsRef<str>>(word: &str, known: &[T]) -> Wrong {
    let meant = nearest(word, known.iter().map(AsRef::as_ref));
    let meant = meant.map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default();
    Wrong::new(format!("`{word}` is not known here{meant}"), any_of(known))
}

impl Word for StageChoice {
    const WORDS: &'static [(&'static str, Self)] =
        &[("earned", Self::Earned), ("escalate", Self::Escalate), ("all", Self::All)];
}

impl Word for Inconclusive {
    const WORDS: &'static [(&'static str, Self)] = &[("fail", Self::Fail), ("warn", Self::Warn)];
}

impl Word for PolicyKind {
    const WORDS: &'static [(&'static str, Self)] = &[("confirm", Self::Confirm), ("simple", Self::Simple)];
}

impl Word for Risk {
    const WORDS: &'static [(&'static str, Self)] =
        &[("low", Self::Low), ("medium", Self::Medium), ("high", Self::High), ("critical", Self::Critical)];
}

impl Word for BackendChoice {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Self::Auto), ("docker", Self::Docker), ("process", Self::Process)];
}

/// A decimal number of at most so many places, in units of the last of them.
fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, "0"));
    if !is_digits(whole) || !is_digits(digits) || digits.len() > places {
        return None;
    }
    let unit = 10_u64.checked_pow(u32::try_from(places).ok()?)?;
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    whole.checked_add(format!("{digits:0<places$}").parse().ok()?)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
