//! Errors in one line.

use std::error::Error;

/// An error with its causes. What an error says of its cause itself is not said again.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("could not pay")]
    struct Top(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error("i/o: {0}")]
    struct Middle(#[source] io::Error);

    #[test]
    fn causes_are_told_once() {
        let top = Top(Middle(io::Error::other("connection refused")));
        assert_eq!(causes(&top), "could not pay: i/o: connection refused");
    }
}
