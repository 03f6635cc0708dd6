//! What an experiment is called, across machines and runs.

use super::digest::Digest;
use super::text::stored_as_text;
use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::str::FromStr;

/// Longest file name, without what is put behind it: file systems take 255 bytes.
const LONGEST: usize = 200;

/// Longest part of an id.
const LONGEST_PART: usize = 1024;

/// The name of an experiment: its package, its test target, and its own name with the modules that it is in.
///
/// ```
/// use chaos_harness::ledger::ExperimentId;
///
/// let id = ExperimentId::new("shop", "chaos", "cart::slow_redis")?;
/// assert_eq!(id.to_string(), "shop::chaos::cart::slow_redis");
/// assert_eq!(id.to_string().parse(), Ok(id));
/// # Ok::<(), chaos_harness::ledger::ExperimentIdError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExperimentId {
    package: String,
    target: String,
    name: String,
}

stored_as_text!(ExperimentId);

/// What cannot be the name of an experiment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not the name of an experiment: {reason}; it is written `package::target::name`", .text.escape_debug())]
pub struct ExperimentIdError {
    text: String,
    reason: &'static str,
}

impl ExperimentId {
    /// The experiment `name` of a test target of a package.
    pub fn new(
        package: impl Into<String>,
        target: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<Self, ExperimentIdError> {
        let id = Self { package: package.into(), target: target.into(), name: name.into() };
        let error = |reason| Err(ExperimentIdError { text: id.to_string(), reason });
        for part in [&id.package, &id.target, &id.name] {
            if part.is_empty() {
                return error("a part of it is missing");
            }
            if part.len() > LONGEST_PART {
                return error("a part of it is longer than 1024 bytes");
            }
            if part.chars().any(char::is_control) {
                return error("it has control characters");
            }
        }
        // Else it would be read back as another one.
        if id.package.contains(':') || id.target.contains(':') {
            return error("its package and its target have no colon");
        }
        if id.name.starts_with(':') {
            return error("its name begins with a colon");
        }
        Ok(id)
    }

    /// Its package.
    #[must_use]
    pub fn package(&self) -> &str {
        &self.package
    }

    /// Its test target.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Its own name, with its modules: `cart::slow_redis`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of its files in a ledger, without what is put behind it: two experiments of a target never have the same.
    #[must_use]
    pub fn stem(&self) -> String {
        cut(file_name(&self.name))
    }

    /// The name of its folder of evidence: two experiments never have the same.
    #[must_use]
    pub fn folder(&self) -> String {
        cut(format!("{}.{}.{}", file_name(&self.package), file_name(&self.target), file_name(&self.name)))
    }

    /// The folder of its target in a ledger.
    pub(super) fn target_folder(&self) -> PathBuf {
        PathBuf::from(cut(file_name(&self.package))).join(cut(file_name(&self.target)))
    }
}

impl fmt::Display for ExperimentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}::{}", self.package, self.target, self.name)
    }
}

impl FromStr for ExperimentId {
    type Err = ExperimentIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.splitn(3, "::").collect::<Vec<_>>()[..] {
            [package, target, name] => Self::new(package, target, name),
            _ => Err(ExperimentIdError { text: text.to_owned(), reason: "a part of it is missing" }),
        }
    }
}

/// A name that every file system takes, and no other text has: `::` becomes a dot, and all but ASCII letters, digits, `_` and
/// `-` is percent-encoded.
pub(super) fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (index, part) in text.split("::").enumerate() {
        if index > 0 {
            name.push('.');
        }
        for byte in part.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => name.push(byte.into()),
                // Writing to a string cannot fail.
                _ => drop(write!(name, "%{byte:02X}")),
            }
        }
    }
    name
}

/// A tilde is in no name that was not cut.
pub(super) fn cut(mut name: String) -> String {
    if name.len() > LONGEST {
        let digest = Digest::of(name.as_bytes());
        name.truncate(LONGEST - 33);
        // Writing to a string cannot fail.
        let _ = write!(name, "~{digest}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(name: &str) -> ExperimentId {
        ExperimentId::new("shop", "chaos", name).unwrap()
    }

    #[test]
    fn its_files_are_named_after_it() {
        assert_eq!(id("cart::slow_redis").stem(), "cart.slow_redis");
        assert_eq!(id("cart.slow redis").stem(), "cart%2Eslow%20redis");
        assert_eq!(id("../../etc").stem(), "%2E%2E%2F%2E%2E%2Fetc");
        assert_eq!(id("cart::slow").folder(), "shop.chaos.cart.slow");
        assert_eq!(id("x").target_folder(), PathBuf::from("shop/chaos"));
        let odd = ExperimentId::new("..", "a/b", "x").unwrap();
        assert_eq!(odd.target_folder(), PathBuf::from("%2E%2E/a%2Fb"));
    }

    #[test]
    fn long_names_are_cut_and_still_differ() {
        let (one, other) = (id(&format!("{}1", "m".repeat(500))), id(&format!("{}2", "m".repeat(500))));
        assert!(one.stem().len() <= LONGEST && one.stem() != other.stem());
        assert!(one.stem().starts_with("mmm"));
    }

    #[test]
    fn what_is_no_name_is_told_with_the_form_of_one() {
        for bad in ["", "a", "a::b", "a::b::", "::b::c", "a::::c", "a::b:: :c\n", "a::b:::c"] {
            let error = bad.parse::<ExperimentId>().unwrap_err().to_string();
            assert!(error.contains("package::target::name"), "{error}");
        }
        assert!(ExperimentId::new("a:b", "c", "d").is_err());
    }

    proptest! {
        #[test]
        fn any_name_reads_back_and_no_two_share_a_file(
            (one, other) in ("[a.:%/é~]{1,6}", "[a.:%/é~]{1,6}"),
            parts in ("[a:.]{1,3}", "[b:.]{1,3}"),
        ) {
            let made = |name: &str| ExperimentId::new(parts.0.as_str(), parts.1.as_str(), name);
            if let (Ok(one), Ok(other)) = (made(&one), made(&other)) {
                prop_assert_eq!(one.to_string().parse(), Ok(one.clone()));
                prop_assert_eq!(one == other, one.stem() == other.stem());
                prop_assert_eq!(one == other, one.folder() == other.folder());
            }
        }
    }
}
