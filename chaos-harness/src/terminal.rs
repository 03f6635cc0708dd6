//! What the harness says on standard error. The one place that prints, beside the console of each trial, so that nothing is
//! printed that is not to be shown.

use crate::redact::{self, Redactor};
use std::fmt;
use std::io::{self, Write as _};

/// Says something that no trial's secrets can be part of.
pub(crate) fn tell(text: impl fmt::Display) {
    print(&redact::text(&text.to_string()));
}

/// Says something that no trial's secrets can be part of, and not into what a test runner captures: it is of use only now.
#[expect(clippy::disallowed_methods, reason = "secrets are taken out here")]
pub(crate) fn tell_at_once(text: impl fmt::Display) {
    // Nobody to read it: no harm.
    drop(writeln!(io::stderr(), "{}", redact::text(&text.to_string())));
}

/// Says something of a trial.
pub(crate) fn tell_of(redactor: &Redactor, text: impl fmt::Display) {
    print(&redactor.text(&text.to_string()));
}

#[expect(clippy::print_stderr, reason = "a test runner captures what this macro prints, and nothing else")]
fn print(text: &str) {
    eprintln!("{}", text.trim_end_matches('\n'));
}
