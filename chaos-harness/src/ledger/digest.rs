//! A digest that is the same on every machine and in every release.

use super::text::stored_as_text;
use std::fmt;
use std::io;
use std::str::FromStr;

/// FNV-1a over 128 bits: it tells texts apart that differ by accident, and is no protection against who wants two to be the
/// same.
///
/// ```
/// use chaos_harness::ledger::{Digest, Hasher};
/// use std::io::Write as _;
///
/// let mut hasher = Hasher::new();
/// hasher.write_all(b"one, ")?;
/// hasher.write_all(b"two")?;
/// assert_eq!(hasher.digest(), Digest::of(b"one, two"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(u128);

stored_as_text!(Digest);

impl Digest {
    /// The digest of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.digest()
    }

    /// A digest that was made elsewhere.
    pub(crate) const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// It in 48 bits, which tell versions of the same thing apart. All of it has a part in them: its single bits are not worth
    /// the same.
    pub(super) const fn short(self) -> u64 {
        let folded = self.0 ^ (self.0 >> 48) ^ (self.0 >> 96);
        (folded & 0xffff_ffff_ffff) as u64
    }
}

/// Makes a [`Digest`] of what is written to it.
#[derive(Debug, Clone)]
pub struct Hasher(u128);

impl Hasher {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

    /// Nothing was written yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Self::OFFSET)
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut hash = self.0;
        for byte in bytes {
            hash = (hash ^ u128::from(*byte)).wrapping_mul(Self::PRIME);
        }
        self.0 = hash;
    }

    /// The digest of all that was written.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        Digest(self.0)
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// What is not a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a digest is written as 32 hexadecimal digits in lower case")]
pub struct ParseDigestError;

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 32 || !is_lower_hex(text) {
            return Err(ParseDigestError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| ParseDigestError)
    }
}

/// Whether it is written in the one way in which numbers of base 16 are written here.
pub(super) fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fnv_1a() {
        // From the reference implementation's list of test values.
        assert_eq!(Digest::of(b"").to_string(), "6c62272e07bb014262b821756295c58d");
        assert_eq!(Digest::of(b"a").to_string(), "d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(Digest::of(b"foobar").to_string(), "343e1662793c64bf6f0d3597ba446f18");
    }

    #[test]
    fn it_reads_back_as_it_is_written_and_in_no_other_way() {
        let text = Digest::of(b"a").to_string();
        assert_eq!(text.parse(), Ok(Digest::of(b"a")));
        for bad in ["", "0", &text[1..], &text.to_uppercase(), &format!("+{}", &text[1..])] {
            assert!(bad.parse::<Digest>().is_err(), "{bad}");
        }
    }
}
