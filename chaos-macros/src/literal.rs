//! Literals with units, read by exact decimal arithmetic: `1.5s` is 1,500,000,000 ns, without a detour through floats.

use crate::suggest;
use proc_macro2::Literal;

/// A literal that begins with a digit: a number, and what is written directly after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Number {
    text: String,
    /// Without underscores.
    digits: String,
    unit: String,
}

/// An amount, in the smallest step of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    Nanoseconds(u64),
    PartsPerMillion(u32),
    PerThousandSeconds(u64),
    Bytes(u64),
    BytesPerSecond(u64),
    /// A multiple, in millionths.
    Factor(u64),
}

const TIME: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const SIZE: [(&str, u128); 7] = [
    ("B", 1),
    ("kB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

/// In bytes: networks count bits, but only per second.
const BITS: [(&str, u128); 3] = [("kbit", 125), ("Mbit", 125_000), ("Gbit", 125_000_000)];

/// Suffixes that make a Rust number, not an amount.
const RUST: [&str; 14] =
    ["u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64"];

fn scale_of(unit: &str, table: &[(&str, u128)]) -> Option<u128> {
    table.iter().find(|(name, _)| *name == unit).map(|(_, scale)| *scale)
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl Number {
    /// The number that `literal` is; none for strings and the like.
    pub(crate) fn read(literal: &Literal) -> Option<Self> {
        let text = literal.to_string();
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        let mut end = 0;
        for (at, character) in text.char_indices() {
            if !(character.is_ascii_digit() || character == '_' || character == '.') {
                break;
            }
            end = at + character.len_utf8();
        }
        let digits = text[..end].replace('_', "");
        let unit = text[end..].to_owned();
        Some(Self { text, digits, unit })
    }

    /// As it is written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is an ordinary Rust number: `10`, `0.5`, `7u64`, `0xff`, `1e3`.
    pub(crate) fn is_bare(&self) -> bool {
        self.unit.is_empty()
            || RUST.contains(&self.unit.as_str())
            || self.is_radix()
                && self.unit[1..].chars().all(|digit| digit.is_ascii_hexdigit() || digit == '_')
            || self.is_exponent()
                && self.unit[1..].chars().all(|digit| digit.is_ascii_digit() || "+-_".contains(digit))
    }

    fn is_radix(&self) -> bool {
        self.digits == "0" && self.unit.starts_with(['x', 'o', 'b']) && self.unit.len() > 1
    }

    fn is_exponent(&self) -> bool {
        let mut rest = self.unit.chars();
        matches!(rest.next(), Some('e' | 'E'))
            && rest.next().is_some_and(|next| next.is_ascii_digit() || "+-".contains(next))
    }

    /// Whether it is a multiple: `2x`.
    pub(crate) fn is_factor(&self) -> bool {
        self.unit == "x"
    }

    /// The amount, by the unit that is part of the literal.
    pub(crate) fn quantity(&self) -> Result<Quantity, String> {
        if let Some(scale) = scale_of(&self.unit, &TIME) {
            return Ok(Quantity::Nanoseconds(self.in_steps(scale, "1ns")?));
        }
        if let Some(scale) = scale_of(&self.unit, &SIZE) {
            return Ok(Quantity::Bytes(self.in_steps(scale, "1B")?));
        }
        if self.is_factor() {
            return Ok(Quantity::Factor(self.in_steps(1_000_000, "0.000001x")?));
        }
        if scale_of(&self.unit, &BITS).is_some() {
            return Err(format!(
                "`{0}` is not an amount of data: write `{0}/s` for a rate, or bytes",
                self.text
            ));
        }
        Err(self.unknown_unit())
    }

    /// The amount of data per second, where `/s` follows.
    pub(crate) fn per_second(&self) -> Result<Quantity, String> {
        if self.unit.is_empty() {
            return Ok(Quantity::PerThousandSeconds(self.in_steps(1_000, "0.001/s")?));
        }
        let scale = scale_of(&self.unit, &SIZE).or_else(|| scale_of(&self.unit, &BITS));
        if let Some(scale) = scale {
            return Ok(Quantity::BytesPerSecond(self.in_steps(scale, "1B/s")?));
        }
        if scale_of(&self.unit, &TIME).is_some() || self.is_factor() {
            return Err(format!("`{}` per second is no rate: write `200/s` or `64KiB/s`", self.text));
        }
        Err(self.unknown_unit())
    }

    /// The share, where `%` follows.
    pub(crate) fn percent(&self) -> Result<Quantity, String> {
        if !self.unit.is_empty() {
            return Err(format!("`{}` is no percentage: it has another unit before its `%`", self.text));
        }
        let ppm: u64 = self.in_steps(10_000, "0.0001%")?;
        match u32::try_from(ppm) {
            Ok(ppm @ 0..=1_000_000) => Ok(Quantity::PartsPerMillion(ppm)),
            _ => Err(format!("`{}%` is more than the whole: a percentage is at most `100%`", self.text)),
        }
    }

    /// The number in steps, `scale` of which make one unit. The parts on either side of the point are scaled each on
    /// its own and in lowest terms, so that many digits do not overflow: `0.000000000931322574615478515625GiB` is one
    /// byte.
    fn in_steps(&self, scale: u128, smallest: &str) -> Result<u64, String> {
        let too_large = || format!("`{}` is too large", self.text);
        let too_fine = || format!("`{}` is finer than the smallest step, `{smallest}`", self.text);
        let (whole, fraction) = self.digits.split_once('.').unwrap_or((&self.digits, ""));
        let whole: u128 = whole.parse().map_err(|_| too_large())?;
        let whole = whole.checked_mul(scale).ok_or_else(too_large)?;

        let fraction = fraction.trim_end_matches('0');
        let digits: u128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| too_fine())? };
        let places = u32::try_from(fraction.len()).map_err(|_| too_fine())?;
        let parts = 10_u128.checked_pow(places).ok_or_else(too_fine)?;
        let common = gcd(scale, parts);
        let part = digits.checked_mul(scale / common).ok_or_else(too_fine)?;
        if part % (parts / common) != 0 {
            return Err(too_fine());
        }
        let steps = whole.checked_add(part / (parts / common)).ok_or_else(too_large)?;
        u64::try_from(steps).map_err(|_| too_large())
    }

    fn unknown_unit(&self) -> String {
        let Self { text, digits, unit } = self;
        match unit.as_str() {
            "m" => {
                return format!(
                    "`{text}` could be minutes or milliseconds: write `{digits}min` or `{digits}ms`"
                );
            }
            "rps" | "ops" | "qps" | "Hz" => {
                return format!("unknown unit `{unit}` in `{text}`: write `{digits}/s`");
            }
            "pct" | "percent" => return format!("unknown unit `{unit}` in `{text}`: write `{digits}%`"),
            _ if self.is_radix() || self.is_exponent() => {
                return format!(
                    "`{text}`: write a number with a unit in plain decimal, as in `1500ms` or `1.5s`"
                );
            }
            _ => {}
        }
        let known =
            || TIME.iter().chain(&SIZE).chain(&BITS).map(|(name, _)| *name).filter(|name| name.is_ascii());
        let advice = match suggest::nearest(unit, known()) {
            // One letter is near every other letter.
            Some(meant) if unit.chars().count() > 1 => format!("did you mean `{digits}{meant}`?"),
            _ => format!("known are {}, and `%`, `/s` and `x`", suggest::quoted(known())),
        };
        format!("unknown unit `{unit}` in `{text}`: {advice}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number(text: &str) -> Number {
        let literal = text.parse().unwrap_or_else(|_| panic!("`{text}` is not a literal"));
        Number::read(&literal).unwrap()
    }

    fn quantity(text: &str) -> Result<Quantity, String> {
        number(text).quantity()
    }

    #[test]
    fn amounts_are_exact() {
        assert_eq!(quantity("500ms"), Ok(Quantity::Nanoseconds(500_000_000)));
        assert_eq!(quantity("1.5s"), Ok(Quantity::Nanoseconds(1_500_000_000)));
        assert_eq!(quantity("5min"), Ok(Quantity::Nanoseconds(300_000_000_000)));
        assert_eq!(quantity("2h"), Ok(Quantity::Nanoseconds(7_200_000_000_000)));
        assert_eq!(quantity("250us"), Ok(Quantity::Nanoseconds(250_000)));
        assert_eq!(quantity("100ns"), Ok(Quantity::Nanoseconds(100)));
        assert_eq!(quantity("1_000ms"), Ok(Quantity::Nanoseconds(1_000_000_000)));
        // Both characters that look like a micro sign.
        assert_eq!(quantity("5\u{b5}s"), Ok(Quantity::Nanoseconds(5_000)));
        assert_eq!(quantity("5\u{3bc}s"), Ok(Quantity::Nanoseconds(5_000)));
        assert_eq!(quantity("64KiB"), Ok(Quantity::Bytes(65_536)));
        assert_eq!(quantity("0.000000000931322574615478515625GiB"), Ok(Quantity::Bytes(1)));
        assert_eq!(quantity("10MB"), Ok(Quantity::Bytes(10_000_000)));
        assert_eq!(quantity("2x"), Ok(Quantity::Factor(2_000_000)));
        assert_eq!(number("0.1").percent(), Ok(Quantity::PartsPerMillion(1_000)));
        assert_eq!(number("100").percent(), Ok(Quantity::PartsPerMillion(1_000_000)));
        assert_eq!(number("200").per_second(), Ok(Quantity::PerThousandSeconds(200_000)));
        assert_eq!(number("0.5").per_second(), Ok(Quantity::PerThousandSeconds(500)));
        assert_eq!(number("64KiB").per_second(), Ok(Quantity::BytesPerSecond(65_536)));
        assert_eq!(number("10Mbit").per_second(), Ok(Quantity::BytesPerSecond(1_250_000)));
    }

    #[test]
    fn what_is_no_amount_says_what_would_be() {
        let says = |result: Result<Quantity, String>, part: &str| {
            let message = result.unwrap_err();
            assert!(message.contains(part), "`{message}` does not say `{part}`");
        };
        says(quantity("5m"), "write `5min` or `5ms`");
        says(quantity("500mss"), "did you mean `500ms`?");
        says(quantity("5d"), "known are `ns`");
        says(quantity("1h30m"), "unknown unit `h30m`");
        says(quantity("200rps"), "write `200/s`");
        says(quantity("0.1ns"), "finer than the smallest step, `1ns`");
        says(quantity("0xFFms"), "plain decimal");
        says(quantity("1e3s"), "plain decimal");
        says(quantity("10Mbit"), "write `10Mbit/s`");
        says(quantity("99999999999999999999h"), "too large");
        says(number("101").percent(), "at most `100%`");
        says(number("100.0001").percent(), "at most `100%`");
        says(number("0.00001").percent(), "finer than the smallest step, `0.0001%`");
        says(number("5ms").per_second(), "no rate");
    }

    #[test]
    fn a_rust_number_is_bare_and_an_amount_is_not() {
        for bare in ["10", "0.5", "7u64", "0xC0FFEE", "1e3", "1_000", "0b101"] {
            assert!(number(bare).is_bare(), "{bare}");
        }
        for amount in ["10ms", "2x", "0xFFms", "1e3s", "5m"] {
            assert!(!number(amount).is_bare(), "{amount}");
        }
    }

    /// Writes `steps` as a decimal of `unit`, which has `scale` steps: digit by digit, the way one does it by hand.
    fn print(steps: u64, scale: u128) -> String {
        let (whole, mut rest) = (u128::from(steps) / scale, u128::from(steps) % scale);
        let mut text = whole.to_string();
        if rest > 0 {
            text.push('.');
        }
        while rest > 0 {
            rest *= 10;
            text.push_str(&(rest / scale).to_string());
            rest %= scale;
        }
        text
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(steps: u64, unit in prop::sample::select(vec!["ns", "us", "ms", "s"])) {
            let scale = scale_of(unit, &TIME).unwrap();
            let text = format!("{}{unit}", print(steps, scale));
            prop_assert_eq!(quantity(&text), Ok(Quantity::Nanoseconds(steps)));
        }

        #[test]
        fn sizes_read_back(steps: u64, (unit, scale) in prop::sample::select(SIZE.to_vec())) {
            let text = format!("{}{unit}", print(steps, scale));
            prop_assert_eq!(quantity(&text), Ok(Quantity::Bytes(steps)));
        }

        #[test]
        fn shares_read_back_up_to_the_whole(ppm in 0_u32..2_000_000) {
            let read = number(&print(u64::from(ppm), 10_000)).percent();
            prop_assert_eq!(read.ok(), (ppm <= 1_000_000).then_some(Quantity::PartsPerMillion(ppm)));
        }

        #[test]
        fn no_digits_and_letters_panic(text in "[0-9][0-9_]{0,30}(\\.[0-9]{1,30})?[a-zA-Z]{0,4}") {
            if let Ok(literal) = text.parse() && let Some(number) = Number::read(&literal) {
                let _ = (number.is_bare(), number.quantity(), number.per_second(), number.percent());
            }
        }
    }
}
