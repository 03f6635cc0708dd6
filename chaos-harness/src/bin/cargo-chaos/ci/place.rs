//! Where the ledger is that a run reads.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

/// The branch where none is named.
const USUAL_BRANCH: &str = "chaos-ledger";

/// Where the ledger is, as the command line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LedgerPlace {
    /// In the tree, where chaos.toml says.
    Tree,
    /// On a branch of its own.
    Branch(String),
    /// In a folder here.
    Folder(PathBuf),
}

impl FromStr for LedgerPlace {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "tree" => Self::Tree,
            "branch" => Self::Branch(USUAL_BRANCH.to_owned()),
            other => match other.strip_prefix("branch=") {
                Some(name) => Self::Branch(name.to_owned()),
                None => Self::Folder(other.into()),
            },
        })
    }
}

/// The ledger that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LedgerSource {
    /// That of the tree that is checked out: nobody proposes it.
    Here,
    /// A folder here.
    Folder(PathBuf),
    /// A branch that has nothing else.
    Branch(String),
    /// The tree of the branch that a change goes to.
    Base(String),
}

impl LedgerPlace {
    /// What of it is read for this event, of which the base is given: what goes to another branch never proves itself.
    pub(super) fn source(&self, base: Option<String>) -> LedgerSource {
        match self {
            Self::Folder(folder) => LedgerSource::Folder(folder.clone()),
            Self::Branch(branch) => LedgerSource::Branch(branch.clone()),
            Self::Tree => base.map_or(LedgerSource::Here, LedgerSource::Base),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_or_a_folder() {
        let place = |text: &str| text.parse::<LedgerPlace>().unwrap();
        assert_eq!(place("tree"), LedgerPlace::Tree);
        assert_eq!(place("branch"), LedgerPlace::Branch("chaos-ledger".to_owned()));
        assert_eq!(place("branch=proofs/v2"), LedgerPlace::Branch("proofs/v2".to_owned()));
        assert_eq!(place("./tree"), LedgerPlace::Folder("./tree".into()));
    }

    #[test]
    fn a_change_reads_the_tree_of_its_base_and_all_else_its_own() {
        let base = || Some("main".to_owned());
        assert_eq!(LedgerPlace::Tree.source(base()), LedgerSource::Base("main".to_owned()));
        assert_eq!(LedgerPlace::Tree.source(None), LedgerSource::Here);
        let branch = LedgerPlace::Branch("b".to_owned());
        assert_eq!(branch.source(base()), LedgerSource::Branch("b".to_owned()));
    }
}
