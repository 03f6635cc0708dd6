//! Adding events to a ledger in a repository: by what is there, the events on top, and a push that is refused where someone
//! else was faster. Then all of it once more.

use super::command::EMAIL;
use super::remote::{Remote, check_branch};
use super::token::Token;
use super::tree::{Needed, Prefix};
use super::{GitError, jitter};
use chaos_harness::ledger::{Change, Changes, Event, Ledger};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

/// How often to try: with delays that grow to seconds, many more recorders at once than a repository has.
const MOST_TRIES: u32 = 60;

const TIP: &str = "refs/chaos/tip";
const BASE: &str = "refs/chaos/base";

/// Where a ledger lives in a repository.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// The branch has nothing else.
    Branch { branch: String },
    /// In a folder of the base; what is recorded is proposed on a branch that is made anew on its tip each time.
    Tree { base: String, path: String, branch: String },
}

/// What came of a push.
#[derive(Debug, Serialize)]
pub(crate) struct Pushed {
    pub(crate) changes: Changes,
    pub(crate) branch: String,
    /// The new commit, where there was anything to be pushed.
    pub(crate) commit: Option<String>,
    /// How often it was tried.
    pub(crate) tries: u32,
}

/// What is to be pushed, and over what.
struct Proposal {
    changes: Changes,
    commit: Option<String>,
    /// What the branch must be, where that may be overwritten.
    lease: Option<String>,
}

/// How a push ended that was not an error.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Taken,
    Outrun,
}

/// Adds events to the ledger of a remote. They are asked for on each try, since they may depend on what is there. With
/// `dry_run`, nothing is pushed.
pub(crate) fn push<E: From<GitError>>(
    remote: &str,
    token_env: Option<&str>,
    place: &Place,
    needed: &Needed,
    dry_run: bool,
    mut events: impl FnMut(&Ledger) -> Result<Vec<Event>, E>,
) -> Result<Pushed, E> {
    let branch = place.check()?;
    let token = token_env.map(Token::from_env).transpose().map_err(GitError::from)?;
    let remote = Remote::find(remote, token.as_ref())?;
    for tries in 1..=MOST_TRIES {
        let proposal = match place {
            Place::Branch { branch } => on_branch(&remote, branch, needed, &mut events)?,
            Place::Tree { base, path, branch } => {
                in_tree(&remote, (base, path, branch), needed, &mut events)?
            }
        };
        let Proposal { changes, commit, lease } = proposal;
        let pushed = |commit| Pushed { changes, branch: branch.to_owned(), commit, tries };
        let Some(commit) = commit else { return Ok(pushed(None)) };
        if dry_run {
            return Ok(pushed(None));
        }
        match send(&remote, branch, &commit, lease.as_deref())? {
            Answer::Taken => return Ok(pushed(Some(commit))),
            Answer::Outrun => jitter::wait(tries),
        }
    }
    Err(GitError::Outrun { branch: branch.to_owned(), remote: remote.shown(), tries: MOST_TRIES }.into())
}

impl Place {
    fn check(&self) -> Result<&str, GitError> {
        match self {
            Self::Branch { branch } => check_branch(branch).map(|()| branch.as_str()),
            Self::Tree { base, branch, .. } if base == branch => Err(GitError::OwnBase(base.clone())),
            Self::Tree { base, branch, .. } => {
                check_branch(base)?;
                check_branch(branch)?;
                Ok(branch)
            }
        }
    }
}

fn on_branch<E: From<GitError>>(
    remote: &Remote,
    branch: &str,
    needed: &Needed,
    events: &mut impl FnMut(&Ledger) -> Result<Vec<Event>, E>,
) -> Result<Proposal, E> {
    let (git, prefix) = (remote.git(), Prefix::default());
    let tip = remote.fetch(branch, TIP)?;
    git.start_from(tip.as_deref())?;
    if !git.is_ledger()? {
        return Err(GitError::NotALedger { branch: branch.to_owned(), remote: remote.shown() }.into());
    }
    let folder = git.empty_folder("ledger")?;
    let ledger = git.ledger(&prefix, needed, &folder)?;
    let changes = ledger.append(events(&ledger)?).map_err(GitError::from)?;
    if changes.changed.is_empty() {
        return Ok(Proposal { changes, commit: None, lease: None });
    }
    let written = files(&ledger, &changes);
    let commit = git.commit(tip.as_deref(), &prefix, (&folder, &written), &message(&changes))?;
    Ok(Proposal { changes, commit: Some(commit), lease: None })
}

fn in_tree<E: From<GitError>>(
    remote: &Remote,
    (base, path, branch): (&str, &str, &str),
    needed: &Needed,
    events: &mut impl FnMut(&Ledger) -> Result<Vec<Event>, E>,
) -> Result<Proposal, E> {
    let (git, prefix) = (remote.git(), Prefix::new(path)?);
    let no_base = || GitError::NoBase { remote: remote.shown(), branch: base.to_owned() };
    let base_tip = remote.fetch(base, BASE)?.ok_or_else(no_base)?;
    let tip = remote.fetch(branch, TIP)?;
    // What was proposed before, and is not merged yet.
    let mut proposed = Vec::new();
    if let Some(tip) = &tip {
        let author = git.header(tip, "author")?;
        if !author.contains(&format!("<{EMAIL}>")) {
            let (branch, remote) = (branch.to_owned(), remote.shown());
            // Without when.
            let author = author.rsplit_once('>').map_or(author.clone(), |(who, _)| format!("{who}>"));
            return Err(GitError::NotOurs { branch, remote, author }.into());
        }
        if git.tree_at(tip, &prefix)? != git.tree_at(&base_tip, &prefix)? {
            git.start_from(Some(tip))?;
            let ledger = git.ledger(&prefix, &Needed::All, &git.empty_folder("proposed")?)?;
            proposed = ledger.all_events().map_err(GitError::from)?;
        }
    }
    let needed = needed.and(proposed.iter().map(|event| event.experiment().clone()));
    git.start_from(Some(&base_tip))?;
    let folder = git.empty_folder("ledger")?;
    let ledger = git.ledger(&prefix, &needed, &folder)?;
    let before = ledger.append(proposed).map_err(GitError::from)?;
    let mut written = files(&ledger, &before);
    let changes = ledger.append(events(&ledger)?).map_err(GitError::from)?;
    written.extend(files(&ledger, &changes));
    written.sort_unstable();
    written.dedup();
    // Nothing is left to be proposed where all was merged.
    if written.is_empty() {
        return Ok(Proposal { changes, commit: None, lease: None });
    }
    let message = message(&both(before, &changes));
    let commit = git.commit(Some(&base_tip), &prefix, (&folder, &written), &message)?;
    if let Some(tip) = &tip
        && git.tree_at(tip, &Prefix::default())? == git.tree_at(&commit, &Prefix::default())?
        && git.header(tip, "parent")? == base_tip
    {
        return Ok(Proposal { changes, commit: None, lease: None });
    }
    Ok(Proposal { changes, commit: Some(commit), lease: Some(tip.unwrap_or_default()) })
}

/// The files that were written.
fn files(ledger: &Ledger, changes: &Changes) -> Vec<PathBuf> {
    if changes.changed.is_empty() {
        return Vec::new();
    }
    let of_experiments = changes.changed.iter().flat_map(|change| ledger.files(&change.after.experiment));
    let about = Ledger::ABOUT.iter().map(|name| ledger.folder().join(name));
    of_experiments.chain(about).filter(|path| path.exists()).collect()
}

/// Two changes as one.
fn both(mut first: Changes, second: &Changes) -> Changes {
    for change in &second.changed {
        let same = |other: &&mut Change| other.after.experiment == change.after.experiment;
        match first.changed.iter_mut().find(same) {
            Some(other) => {
                other.after = change.after.clone();
                other.added += change.added;
            }
            None => first.changed.push(change.clone()),
        }
    }
    first
}

/// What a commit says of itself.
fn message(changes: &Changes) -> String {
    let added: usize = changes.changed.iter().map(|change| change.added).sum();
    let experiments = changes.changed.len();
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    let mut text = format!(
        "Record {added} event{} of {experiments} experiment{}\n\n",
        plural(added),
        plural(experiments)
    );
    for change in &changes.changed {
        let before = change.before.as_ref().map_or(1, |before| before.earned.number);
        let after = change.after.earned.number;
        if before != after {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}: stage {before} to {after}", change.after.experiment);
        }
    }
    text
}

/// Pushes a commit: onto what it was made of, or in the place of what the lease says is there.
fn send(remote: &Remote, branch: &str, commit: &str, lease: Option<&str>) -> Result<Answer, GitError> {
    let refspec = format!("{commit}:refs/heads/{branch}");
    let lease = lease.map(|tip| format!("--force-with-lease=refs/heads/{branch}:{tip}"));
    let mut arguments = vec!["push", "--porcelain", "--no-verify"];
    arguments.extend(lease.as_deref());
    arguments.extend(["--", &remote.url, &refspec]);
    let Err(said) = remote.git().attempt(arguments, &[])? else { return Ok(Answer::Taken) };
    // `!\t<from>:<to>\t[rejected] (fetch first)`
    let refused = said.output.lines().find_map(|line| line.strip_prefix("!\t"));
    let reason = refused.and_then(|line| line.split('\t').nth(1)).unwrap_or_default();
    if is_outrun(reason) {
        return Ok(Answer::Outrun);
    }
    let said = [said.errors.as_str(), reason].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    Err(GitError::Push { branch: branch.to_owned(), remote: remote.shown(), said: said.join("\n") })
}

/// Whether a push was refused because the branch is not what it was.
fn is_outrun(reason: &str) -> bool {
    let says = |signs: &[&str]| signs.iter().any(|sign| reason.contains(sign));
    let is_other =
        ["fetch first", "non-fast-forward", "stale info", "already exists", "failed to update ref"];
    // Where it cannot ever be locked, another try will not do.
    says(&is_other) || says(&["cannot lock ref"]) && !says(&["ermission denied", "Read-only"])
}

#[cfg(test)]
mod tests {
    use super::is_outrun;

    #[test]
    fn only_who_was_outrun_tries_again() {
        for reason in [
            "[rejected] (fetch first)",
            "[rejected] (non-fast-forward)",
            "[rejected] (stale info)",
            "[remote rejected] (cannot lock ref 'refs/heads/x': is at 1 but expected 2)",
            "[remote rejected] (failed to update ref)",
            "[remote rejected] (reference already exists)",
        ] {
            assert!(is_outrun(reason), "{reason}");
        }
        for reason in [
            "[remote rejected] (pre-receive hook declined)",
            "[remote rejected] (protected branch hook declined)",
            "[remote rejected] (cannot lock ref 'refs/heads/x': Unable to create 'x.lock': Permission denied)",
            "",
        ] {
            assert!(!is_outrun(reason), "{reason}");
        }
    }
}
