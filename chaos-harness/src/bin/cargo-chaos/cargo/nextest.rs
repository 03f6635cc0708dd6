//! Whether nextest is there, and which.

use super::cargo;
use std::process::Stdio;

/// A nextest that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nextest {
    pub(crate) version: (u32, u32, u32),
}

impl Nextest {
    /// What ends when there was nothing to run.
    pub(crate) const NO_TESTS_RUN: i32 = 4;

    /// The one that cargo finds.
    pub(crate) fn find() -> Option<Self> {
        let mut command = cargo();
        // cargo itself says on standard error that there is none.
        command.args(["nextest", "--version"]).stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().ok().filter(|output| output.status.success())?;
        version(&String::from_utf8_lossy(&output.stdout)).map(|version| Self { version })
    }
}

/// `cargo-nextest 0.9.143 (60fa45f63 2026-08-04)`, and lines that say the same at more length.
fn version(text: &str) -> Option<(u32, u32, u32)> {
    let word = text.lines().next()?.strip_prefix("cargo-nextest ")?.split_whitespace().next()?;
    let plain = word.split(['-', '+']).next()?;
    let mut numbers = plain.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_as_nextest_says_them() {
        assert_eq!(
            version("cargo-nextest 0.9.143 (60fa45f63 2026-08-04)\nrelease: 0.9.143\n"),
            Some((0, 9, 143))
        );
        assert_eq!(version("cargo-nextest 0.10.0-rc.1\n"), Some((0, 10, 0)));
        assert_eq!(version("cargo-nextest\n"), None);
        assert_eq!(version(""), None);
    }
}
