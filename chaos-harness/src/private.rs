//! What expanded attributes call. Not for use by hand: it changes without notice.

use crate::BoxError;
use crate::experiment::{Experiment, Location};
use crate::ledger::Digest;
use crate::system::System;
use crate::units::{Percent, Share};

pub use crate::harness::{Registration, run_as_test};
pub use inventory;

/// What an async function returns: an expansion need not name its types.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whether it succeeded",
    label = "not a `Result`",
    note = "return a `Result`, as in `-> Result<()>`"
)]
pub trait Outcome {
    /// The value of a success.
    type Value;

    /// The outcome with its error as the harness keeps it.
    fn into_result(self) -> Result<Self::Value, BoxError>;
}

impl<T, E: Into<BoxError>> Outcome for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// The name of an experiment: the path of its function without the crate.
#[must_use]
pub fn experiment_name(module_path: &str, function: &str) -> String {
    match module_path.split_once("::") {
        Some((_, modules)) => format!("{modules}::{function}"),
        None => function.to_owned(),
    }
}

/// Where an experiment is written.
#[must_use]
pub fn location(module_path: &str, package: Option<&str>, file: &str, line: u32) -> Location {
    let target = module_path.split("::").next().unwrap_or_default();
    Location {
        package: package.unwrap_or_default().to_owned(),
        target: target.to_owned(),
        file: file.to_owned(),
        line,
    }
}

/// The digest of a body, called while the program is compiled.
#[must_use]
pub const fn digest(body: u128) -> Digest {
    Digest::from_bits(body)
}

/// The share that a literal says, called while the program is compiled.
#[must_use]
pub const fn share(literal: Percent) -> Share {
    Share::checked(literal)
}

/// What stands in for an experiment whose attribute has an error, so that rustc checks the rest of it all the same.
pub fn unfinished<S>(_system: S) -> Experiment {
    let system = System::new("unfinished").start(|_| async { Ok::<_, BoxError>(()) });
    Experiment::new("unfinished", system, |_| async { Ok::<_, BoxError>(()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_is_named_after_its_path_in_the_crate() {
        assert_eq!(experiment_name("chaos", "survives"), "survives");
        assert_eq!(experiment_name("chaos::cart::redis", "survives"), "cart::redis::survives");
    }

    #[test]
    fn the_target_is_the_crate() {
        let found = location("chaos::cart", Some("shop"), "tests/chaos.rs", 7);
        let expected = Location {
            package: "shop".into(),
            target: "chaos".into(),
            file: "tests/chaos.rs".into(),
            line: 7,
        };
        assert_eq!(found, expected);
    }
}
