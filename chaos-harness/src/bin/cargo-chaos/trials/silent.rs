//! Trials that began and left no evidence: whatever ended them, they have no verdict.

use chaos_harness::ledger::Evidence;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The journals below the folder of all runs.
pub(super) fn journals(runs: &Path) -> BTreeSet<PathBuf> {
    let folders = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten();
    // `latest` is another name of one of them.
    let own = folders(runs).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let trials = own.flat_map(|run| folders(&run.path()).map(|trial| trial.path().join("journal.jsonl")));
    trials.filter(|journal| journal.is_file()).collect()
}

/// Whether one of these journals is of a trial that has no evidence.
pub(super) fn is_any(journals: &BTreeSet<PathBuf>, runs: &Path, evidence: &[Evidence]) -> bool {
    let told: BTreeSet<_> = evidence.iter().map(|evidence| runs.join(&evidence.journal)).collect();
    !journals.is_subset(&told)
}

#[cfg(test)]
mod tests {
    use super::super::sample::evidence;
    use super::*;
    use chaos_harness::experiment::Verdict;

    #[test]
    fn a_journal_that_no_evidence_names_is_of_a_silent_trial() {
        let runs = tempfile::tempdir().unwrap();
        let write = |trial: &str| {
            let folder = runs.path().join("run").join(trial);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("journal.jsonl"), "").unwrap();
        };
        write("told");
        std::os::unix::fs::symlink("run", runs.path().join("latest")).unwrap();
        fs::create_dir(runs.path().join("run/shop.chaos.slow")).unwrap();
        let mut told = evidence("slow::2_5_percent", Verdict::Inconclusive);
        told.journal = "run/told/journal.jsonl".to_owned();
        let found = journals(runs.path());
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!is_any(&found, runs.path(), std::slice::from_ref(&told)));
        write("silent");
        assert!(is_any(&journals(runs.path()), runs.path(), std::slice::from_ref(&told)));
        assert!(!is_any(&BTreeSet::new(), runs.path(), &[]));
    }
}
