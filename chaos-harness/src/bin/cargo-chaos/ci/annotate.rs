//! What is shown beside the change: each trial that was not upheld, where its experiment is written.

use crate::github::{Annotation, Level, Place};
use crate::trials::observed;
use chaos_harness::experiment::Verdict;
use chaos_harness::ledger::Evidence;
use std::path::{Component, Path, PathBuf};

/// Annotations of these trials, in their order.
pub(super) fn annotate(evidence: &[Evidence], repository: &Repository) -> Vec<Annotation> {
    evidence.iter().filter_map(|one| annotation(one, repository)).collect()
}

fn annotation(one: &Evidence, repository: &Repository) -> Option<Annotation> {
    let level = match one.verdict {
        Verdict::Upheld => return None,
        Verdict::Refuted | Verdict::Error => Level::Error,
        Verdict::Inconclusive | Verdict::Unsteady | Verdict::Halted => Level::Warning,
    };
    let place = repository.file(&one.location.file).map(|file| Place { file, line: one.location.line });
    let title = format!("{}: {}", one.verdict, one.trial);
    let parts =
        [one.why.clone(), observed(one), format!("seed {}", one.seed), format!("run again: {}", one.rerun)];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    Some(Annotation { level, place, title, message: parts.join("\n") })
}

/// Where the repository is, and where in it this is called.
#[derive(Debug)]
pub(super) struct Repository {
    root: Option<PathBuf>,
    here: PathBuf,
}

impl Repository {
    pub(super) fn around(here: PathBuf, workspace: Option<PathBuf>) -> Self {
        let root = workspace
            .or_else(|| here.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned));
        Self { root, here }
    }

    /// A source file, from the root of the repository. Experiments say it from the root of their workspace, which is here or
    /// above.
    fn file(&self, said: &str) -> Option<String> {
        let said = Path::new(said);
        if said.as_os_str().is_empty() {
            return None;
        }
        let root = self.root.as_deref().unwrap_or(&self.here);
        let found = self.here.ancestors().map(|folder| folder.join(said)).find(|path| path.is_file());
        let inside = match &found {
            Some(found) => found.strip_prefix(root).ok()?,
            // Nothing is checked out: it is as the workspace is the repository.
            None => said,
        };
        let is_plain = inside.components().all(|part| matches!(part, Component::Normal(_)));
        is_plain.then(|| inside.to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trials::sample::evidence;
    use std::fs;

    #[test]
    fn each_trial_that_was_not_upheld_is_shown_where_it_is_written() {
        let nowhere = Repository { root: None, here: "/nonexistent".into() };
        let all = [Verdict::Refuted, Verdict::Unsteady, Verdict::Upheld]
            .map(|verdict| evidence("cart::slow_redis::2_5_percent", verdict));
        let lines: Vec<_> = annotate(&all, &nowhere).iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        ::error file=tests/chaos.rs,line=7,title=refuted%3A cart%3A%3Aslow_redis%3A%3A2_5_percent::p99 < 500ms: observed 801ms%0Ap99 < 500ms: 801ms (not held); error_rate < 1%25: nothing (undecided)%0Aseed 0xc0ffee%0Arun again: CHAOS_SEED=0xc0ffee cargo test -p shop
        ::warning file=tests/chaos.rs,line=7,title=unsteady%3A cart%3A%3Aslow_redis%3A%3A2_5_percent::p99 < 500ms: observed 801ms%0Ap99 < 500ms: 801ms (not held); error_rate < 1%25: nothing (undecided)%0Aseed 0xc0ffee%0Arun again: CHAOS_SEED=0xc0ffee cargo test -p shop
        "#);
    }

    #[test]
    fn files_are_named_from_the_root_of_the_repository() {
        let root = tempfile::tempdir().unwrap();
        let workspace = root.path().join("rust");
        fs::create_dir_all(workspace.join("shop/tests")).unwrap();
        fs::write(workspace.join("shop/tests/chaos.rs"), "").unwrap();
        fs::create_dir(root.path().join(".git")).unwrap();
        let from = |here: PathBuf| Repository::around(here, None).file("shop/tests/chaos.rs");
        assert_eq!(from(workspace.clone()).as_deref(), Some("rust/shop/tests/chaos.rs"));
        assert_eq!(from(workspace.join("shop")).as_deref(), Some("rust/shop/tests/chaos.rs"));

        let checked_out = Repository::around(workspace.clone(), Some(root.path().to_owned()));
        let absolute = workspace.join("shop/tests/chaos.rs");
        assert_eq!(checked_out.file(absolute.to_str().unwrap()).as_deref(), Some("rust/shop/tests/chaos.rs"));
    }

    #[test]
    fn what_is_not_in_the_repository_has_no_place() {
        let root = tempfile::tempdir().unwrap();
        let repository = Repository::around(root.path().to_owned(), Some(root.path().to_owned()));
        assert_eq!(repository.file("tests/not_checked_out.rs").as_deref(), Some("tests/not_checked_out.rs"));
        for elsewhere in ["", "../x.rs", "/etc/hosts", "/nonexistent/x.rs"] {
            assert_eq!(repository.file(elsewhere), None, "{elsewhere}");
        }
    }
}
