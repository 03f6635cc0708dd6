//! Experiments as ordinary tests, in targets that keep libtest's own harness.

use super::listing::{Entry, State, all_entries};
use super::session::Session;
use crate::experiment::Experiment;

/// Runs the stages of an experiment that the profile says, the smallest first, and panics with what the first came to that
/// did not pass.
///
/// `path` is the test's path, the crate's name included.
#[expect(clippy::panic, reason = "that is how an ordinary test fails")]
#[doc(hidden)]
pub fn run_as_test(define: fn() -> Experiment, path: &str) {
    let test_name = path.split_once("::").map_or(path, |(_, name)| name).to_owned();
    let failure = match Session::new(Some(test_name), is_told_live()) {
        Ok(session) => {
            let mut selected = all_entries(vec![define()], &session)
                .into_iter()
                .filter(|entry| entry.not_selected.is_none());
            selected.find_map(|entry| session.run(asked_for(entry)).err())
        }
        Err(error) => Some(error.to_string()),
    };
    if let Some(failure) = failure {
        panic!("{failure}");
    }
}

/// libtest captures only what the test's own thread prints by macro: whether the rest is wanted is asked here.
fn is_told_live() -> bool {
    let asked = std::env::args().any(|argument| argument == "--nocapture" || argument == "--no-capture");
    asked || std::env::var_os("RUST_TEST_NOCAPTURE").is_some_and(|value| value != "0")
}

/// What cannot be provided was left out where trials are listed; here it can only fail.
fn asked_for(mut entry: Entry) -> Entry {
    if let State::Lacking { required, .. } = &mut entry.state {
        *required = true;
    }
    entry
}
