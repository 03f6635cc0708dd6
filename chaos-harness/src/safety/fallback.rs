//! Undoing by a ladder: the mildest way first, a harder one where it fails or takes too long.

use crate::BoxError;
use crate::causes::causes;
use crate::units::show_duration;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// One way to undo something, and how long it may take. A ladder is a list of these, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rung<W> {
    /// Shown as what is done, of `it`: `unpause it`.
    pub(crate) way: W,
    pub(crate) within: Duration,
}

/// How something was undone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what was destroyed must be told"]
pub(crate) enum Undone {
    /// By the mildest way: it is as it was.
    AsMeant,
    /// By a harder one: what the fault was on is no longer there.
    ByForce(Forced),
}

/// Something that was undone only by a harder way than was meant: it was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forced {
    /// What was to be undone.
    pub what: String,
    /// The milder ways, in the order in which they were tried.
    pub tried: Vec<Attempt>,
    /// What was done instead.
    pub instead: String,
}

/// A way to undo something that did not lead there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was asked for.
    pub way: String,
    /// Why it was not done.
    pub why: String,
}

/// No way led there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub(crate) struct Stuck(pub(crate) Vec<Attempt>);

/// Undoes `what`: tries the ways in order until one succeeds.
///
/// A way that is given up is dropped in the middle. Each must therefore leave alone what is right already, and what is
/// gone.
pub(crate) async fn climb<'a, W: Copy + fmt::Display>(
    what: &str,
    rungs: &[Rung<W>],
    take: impl Fn(W) -> BoxFuture<'a, Result<(), BoxError>>,
) -> Result<Undone, Stuck> {
    let mut tried = Vec::new();
    for &Rung { way, within } in rungs {
        let why = match tokio::time::timeout(within, take(way)).await {
            Ok(Ok(())) if tried.is_empty() => return Ok(Undone::AsMeant),
            Ok(Ok(())) => {
                let forced = Forced { what: what.to_owned(), tried, instead: way.to_string() };
                tracing::warn!("{forced}");
                return Ok(Undone::ByForce(forced));
            }
            Ok(Err(error)) => causes(&*error),
            Err(_) => format!("not done within {}", show_duration(within)),
        };
        tried.push(Attempt { way: way.to_string(), why });
    }
    Err(Stuck(tried))
}

fn list(tried: &[Attempt]) -> String {
    tried.iter().map(Attempt::to_string).collect::<Vec<_>>().join("; ")
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.way, self.why)
    }
}

impl fmt::Display for Forced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: had to {}; {}", self.what, self.instead, list(&self.tried))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Mutex;

    /// What a way comes to.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Way {
        Helps,
        Fails,
        Hangs,
    }

    impl fmt::Display for Way {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{self:?}")
        }
    }

    fn way() -> impl Strategy<Value = Way> {
        prop_oneof![Just(Way::Helps), Just(Way::Fails), Just(Way::Hangs)]
    }

    const WITHIN: Duration = Duration::from_millis(5);

    proptest! {
        // Each way that hangs is waited for.
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The first way that helps ends it; all before it are told with the reason, and none after it is tried.
        #[test]
        fn the_first_way_that_helps_is_the_last_that_is_tried(ways in prop::collection::vec(way(), 0..6)) {
            let rungs: Vec<_> = ways.iter().map(|&way| Rung { way, within: WITHIN }).collect();
            let taken = Mutex::new(Vec::new());
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            let climbing = climb("it", &rungs, |way| {
                taken.lock().unwrap().push(way);
                Box::pin(async move {
                    match way {
                        Way::Helps => Ok(()),
                        Way::Fails => Err("no".into()),
                        Way::Hangs => std::future::pending().await,
                    }
                })
            });
            let outcome = runtime.block_on(climbing);

            let helps = ways.iter().position(|way| *way == Way::Helps);
            prop_assert_eq!(&*taken.lock().unwrap(), &ways[..helps.map_or(ways.len(), |at| at + 1)]);
            let failed = &ways[..helps.unwrap_or(ways.len())];
            let tried: Vec<_> = failed.iter().map(|way| Attempt {
                way: way.to_string(),
                why: if *way == Way::Hangs { "not done within 5ms" } else { "no" }.to_owned(),
            }).collect();
            match helps {
                Some(0) => prop_assert_eq!(outcome, Ok(Undone::AsMeant)),
                Some(_) => prop_assert_eq!(outcome, Ok(Undone::ByForce(Forced {
                    what: "it".to_owned(), tried, instead: "Helps".to_owned(),
                }))),
                None => prop_assert_eq!(outcome, Err(Stuck(tried))),
            }
        }
    }

    #[test]
    fn what_was_done_by_force_is_told_with_what_was_tried() {
        let forced = Forced {
            what: "container 7".to_owned(),
            tried: vec![Attempt { way: "unpause it".to_owned(), why: "not done within 5s".to_owned() }],
            instead: "kill it".to_owned(),
        };
        assert_eq!(
            forced.to_string(),
            "container 7: had to kill it; could not unpause it: not done within 5s"
        );
    }
}
