//! Undo logs that nobody closed, and leases that nobody gave up: the next run puts right what a dead machine, or a killed
//! guard, left behind.

use super::lease::{self, LeaseError};
use super::perform::put_right;
use super::private;
use super::undo::UndoLog;
use super::watch::{Watch, watches};
use crate::causes::causes;
use futures::future::join_all;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

/// What a process left behind that ended without undoing, guard and all, and what became of it.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Leftover {
    /// What told of it: its undo log, the entry that should lead there, or the folder where trials note what they have in
    /// effect.
    pub told_by: PathBuf,
    /// How many things there were to be undone.
    pub open: usize,
    /// How many more there are that only a run in the container that did them can undo: from here its processes have other
    /// numbers. They are left to it.
    pub elsewhere: usize,
    /// Lines of the log that were damaged, or that this version does not understand.
    pub unreadable: Vec<String>,
    /// What could not be undone, and why: it is tried again each time.
    pub failures: Vec<String>,
}

impl Leftover {
    fn of(told_by: PathBuf) -> Self {
        Self { told_by, open: 0, elsewhere: 0, unreadable: Vec::new(), failures: Vec::new() }
    }

    /// Whether all of it is undone that can be from here, and all of it was understood.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        self.failures.is_empty() && self.unreadable.is_empty()
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let things = if self.open == 1 { "thing" } else { "things" };
        let undone = if self.is_undone() { "undone" } else { "NOT ALL UNDONE" };
        write!(f, "{undone}: ")?;
        if self.open + self.elsewhere > 0 {
            write!(f, "{} {things} of ", self.open)?;
        }
        write!(f, "{}", self.told_by.display())?;
        if self.elsewhere > 0 {
            write!(f, "; {} more left to runs in the container that did them", self.elsewhere)?;
        }
        for line in &self.unreadable {
            write!(f, "; not understood: {line}")?;
        }
        for failure in &self.failures {
            write!(f, "; {failure}")?;
        }
        Ok(())
    }
}

/// Undoes what earlier runs under this folder, `target/chaos`, left open, unless their process or its guard is still
/// there, or they are another user's; then gives up the leases of the dead. Each run does this before its first trial; the
/// command is `cargo chaos recover`.
///
/// ```no_run
/// for leftover in chaos_harness::safety::recover("target/chaos".as_ref())? {
///     println!("{leftover}");
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// The folder's entries cannot be read. What cannot be undone is no error here, but told of in what is returned.
pub fn recover(runs: &Path) -> io::Result<Vec<Leftover>> {
    recover_but(runs, &BTreeSet::new())
}

/// The same, but for what these undo logs, or folders of leases, tell of.
pub(crate) fn recover_but(runs: &Path, not: &BTreeSet<PathBuf>) -> io::Result<Vec<Leftover>> {
    let (abandoned, mut leftovers) = abandoned(runs, not)?;
    if !abandoned.is_empty() {
        leftovers.extend(put_logs_right(abandoned)?);
    }
    // Only now: a lease stands for what may be in effect for as long as there is a lock on its undo log.
    leftovers.extend(settle_leases(runs, not));
    Ok(leftovers)
}

fn put_logs_right(abandoned: Vec<Abandoned>) -> io::Result<Vec<Leftover>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let replay = move || runtime.block_on(join_all(abandoned.into_iter().map(put_log_right)));
    // A thread of its own: a runtime must not be started inside another.
    let replaying = thread::Builder::new().name("chaos-leftovers".to_owned()).spawn(replay)?;
    let put_right = replaying.join();
    let put_right =
        put_right.map_err(|_| io::Error::other("undoing what an earlier run left behind panicked"))?;
    Ok(put_right.into_iter().flatten().collect())
}

/// Gives up the leases of the dead; what stands in the way is told, but for what is another user's affair.
fn settle_leases(runs: &Path, not: &BTreeSet<PathBuf>) -> Option<Leftover> {
    let folder = lease::folder(runs);
    if not.contains(&folder) || private::is_of_others(&folder) {
        return None;
    }
    let error = lease::tidy_after_the_dead(runs).err()?;
    if matches!(&error, LeaseError::Io { path, .. } if private::is_of_others(path)) {
        return None;
    }
    Some(Leftover { failures: vec![causes(&error)], ..Leftover::of(folder) })
}

/// Undoes what is open in one log; what that came to, if there was anything to do or to say.
async fn put_log_right(Abandoned { watch, undo_log, log }: Abandoned) -> Option<Leftover> {
    let (open, elsewhere, unreadable) = (log.open().len(), log.elsewhere(), log.unreadable());
    let failures: Vec<_> = put_right(&log).await.iter().map(|failure| causes(failure)).collect();
    if failures.is_empty() && !log.is_for_others() {
        watch.end();
    }
    let is_worth_telling = open + elsewhere > 0 || !unreadable.is_empty();
    is_worth_telling.then_some(Leftover { told_by: undo_log, open, elsewhere, unreadable, failures })
}

/// A log that has lost its owner. While it is held here, no other run takes it.
struct Abandoned {
    watch: Watch,
    undo_log: PathBuf,
    log: UndoLog,
}

/// The logs that have lost their owners, and what is to be told of those that cannot be read.
fn abandoned(runs: &Path, not: &BTreeSet<PathBuf>) -> io::Result<(Vec<Abandoned>, Vec<Leftover>)> {
    let (mut abandoned, mut unread) = (Vec::new(), Vec::new());
    for watch in watches(runs)? {
        let undo_log = match watch.undo_log() {
            Ok(undo_log) => undo_log,
            // Taken out by its owner meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                let failures = vec![error.to_string()];
                unread.push(Leftover { failures, ..Leftover::of(watch.path().to_owned()) });
                continue;
            }
        };
        if not.contains(&undo_log) {
            continue;
        }
        match UndoLog::take_over(&undo_log) {
            Ok(Some(log)) => abandoned.push(Abandoned { watch, undo_log, log }),
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Told once: there will never be more to say.
                watch.end();
                let why = "it was deleted before all was undone, and what it told of is not known any more";
                unread.push(Leftover { failures: vec![why.to_owned()], ..Leftover::of(undo_log) });
            }
            // Their next run sees to it.
            Err(_) if private::is_of_others(&undo_log) => {}
            Err(error) => {
                let failures = vec![format!("it cannot be read: {error}")];
                unread.push(Leftover { failures, ..Leftover::of(undo_log) });
            }
        }
    }
    Ok((abandoned, unread))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::in_use;
    use crate::safety::lease::{Leases, Limits, Request};
    use crate::safety::process::process_start_time;
    use crate::safety::undo::UndoAction;
    use crate::safety::victim::wait_until;
    use crate::safety::watch::tests::log_of;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    #[tokio::test]
    async fn what_the_dead_left_is_undone_and_what_the_living_hold_is_not() {
        let root = tempfile::tempdir().unwrap();
        let sleeper = || Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let (mut left, mut held) = (sleeper(), sleeper());
        let (dead, dead_path, dead_watch) = log_of(root.path(), "dead");
        let (alive, _, alive_watch) = log_of(root.path(), "alive");
        for (log, child) in [(&dead, &left), (&alive, &held)] {
            let started = process_start_time(child.id()).unwrap();
            log.record(UndoAction::KillProcess { pid: child.id(), started }).unwrap();
        }
        drop(dead);

        let leftovers = recover(root.path()).unwrap();
        assert_eq!(leftovers.len(), 1);
        assert_eq!(leftovers[0].told_by, dead_path);
        assert_eq!((leftovers[0].open, leftovers[0].failures.len()), (1, 0));
        left.wait().unwrap();
        assert_eq!(held.try_wait().unwrap(), None);
        assert!(dead_watch.undo_log().is_err());
        assert!(alive_watch.undo_log().is_ok());

        assert!(recover(root.path()).unwrap().is_empty(), "done once");
        held.kill().unwrap();
        held.wait().unwrap();
    }

    #[test]
    fn what_cannot_be_undone_is_tried_again_by_the_next_run() {
        let root = tempfile::tempdir().unwrap();
        let (log, _, _) = log_of(root.path(), "stubborn");
        log.record(UndoAction::KillProcess { pid: 1, started: process_start_time(1).unwrap() }).unwrap();
        drop(log);
        for _ in 0..2 {
            assert_eq!(recover(root.path()).unwrap()[0].failures.len(), 1);
        }
    }

    #[test]
    fn a_deleted_run_leaves_no_entry() {
        let root = tempfile::tempdir().unwrap();
        let (log, _, watch) = log_of(root.path(), "deleted");
        drop(log);
        fs::remove_dir_all(root.path().join("run")).unwrap();
        let told = recover(root.path()).unwrap();
        assert!(told[0].to_string().contains("it was deleted before all was undone"), "{}", told[0]);
        assert!(watch.undo_log().is_err());
        assert!(recover(root.path()).unwrap().is_empty(), "told once");
    }

    #[test]
    fn a_log_that_cannot_be_read_is_told_and_kept() {
        let root = tempfile::tempdir().unwrap();
        let (log, path, watch) = log_of(root.path(), "endless");
        drop(log);
        fs::write(&path, "x".repeat(100_000)).unwrap();
        for _ in 0..2 {
            let told = recover(root.path()).unwrap();
            assert!(!told[0].is_undone() && told[0].to_string().contains("is longer than"), "{}", told[0]);
            let seen = &in_use(root.path()).unwrap()[0];
            assert!(seen.unreadable[0].contains("is longer than"), "{seen:?}");
        }
        assert!(watch.undo_log().is_ok());
        assert!(recover_but(root.path(), &BTreeSet::from([path])).unwrap().is_empty(), "tried already");
    }

    #[test]
    fn what_a_newer_version_wrote_is_left_to_it() {
        let root = tempfile::tempdir().unwrap();
        let (log, path, watch) = log_of(root.path(), "newer");
        drop(log);
        let newer = r#"{"Healed":{"id":4}}"#;
        let line = format!("{:08x} {newer}\n", crc32fast::hash(newer.as_bytes()));
        fs::write(&path, line).unwrap();
        for _ in 0..2 {
            let told = recover(root.path()).unwrap();
            assert!(told[0].to_string().contains("not understood: of another version"), "{}", told[0]);
        }
        assert!(watch.undo_log().is_ok());
    }

    #[test]
    fn what_another_container_did_is_left_to_it_and_shown() {
        use crate::safety::process::{Namespace, is_namespace_over};

        let root = tempfile::tempdir().unwrap();
        let (log, path, watch) = log_of(root.path(), "theirs");
        drop(log);
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let kill =
            UndoAction::KillProcess { pid: child.id(), started: process_start_time(child.id()).unwrap() };
        let kill = serde_json::to_string(&kill).unwrap();
        let lines = [
            r#"{"Opened":{"boot":null,"process":null,"pid_namespace":1,"net_namespace":null}}"#.to_owned(),
            format!(r#"{{"Intent":{{"id":0,"trial":null,"action":{kill}}}}}"#),
        ];
        let text = lines.map(|line| format!("{:08x} {line}\n", crc32fast::hash(line.as_bytes())));
        fs::write(&path, text.concat()).unwrap();

        // Where all processes of the machine are seen, it is known that there is no such container.
        let is_known = is_namespace_over(Namespace::Processes, 1);
        let seen = in_use(root.path()).unwrap().remove(0);
        assert_eq!((seen.open.len(), seen.elsewhere.len()), (0, usize::from(!is_known)));
        let told = recover(root.path()).unwrap();
        assert_eq!(told.len(), usize::from(!is_known));
        assert!(told.iter().all(|leftover| leftover.is_undone() && leftover.elsewhere == 1), "{told:?}");
        assert_eq!(watch.undo_log().is_ok(), !is_known);
        assert_eq!(child.try_wait().unwrap(), None, "that number is another process here");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn an_entry_that_leads_out_of_the_folder_is_not_followed() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let (log, path, _) = log_of(outside.path(), "forged");
        let started = process_start_time(child.id()).unwrap();
        log.record(UndoAction::KillProcess { pid: child.id(), started }).unwrap();
        drop(log);
        fs::create_dir(root.path().join("run")).unwrap();
        fs::create_dir(root.path().join("open")).unwrap();
        // By the entry itself, and by a link in the place of the log.
        symlink(&path, root.path().join("open/absolute")).unwrap();
        symlink(&path, root.path().join("run/forged.log")).unwrap();
        symlink("../run/forged.log", root.path().join("open/relative")).unwrap();
        let told = recover(root.path()).unwrap();
        assert_eq!(told.iter().filter(|leftover| !leftover.is_undone()).count(), 2, "{told:?}");
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn a_folder_without_runs_has_no_leftovers() {
        let root = tempfile::tempdir().unwrap();
        let never = root.path().join("never/used");
        assert!(recover(&never).unwrap().is_empty() && in_use(&never).unwrap().is_empty());
    }

    #[tokio::test]
    async fn leases_of_the_dead_are_given_up_and_those_of_the_living_are_not() {
        let root = tempfile::tempdir().unwrap();
        let leases = Leases::new(root.path(), "run", Limits::default());
        let second = Duration::from_secs(1);
        let request = Request {
            trial: "t".to_owned(),
            faults: vec!["down on db".to_owned()],
            touched: Vec::new(),
            least: second,
            most: second,
        };
        let folder = lease::folder(root.path());
        let left = || {
            let paths = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            paths.filter(|path| path.extension().is_some_and(|extension| extension == "lease")).count()
        };
        // A child that another test is starting may still hold a copy of what is dropped here.
        let recovered = |expected| {
            wait_until("leases are given up", || {
                assert!(recover(root.path()).unwrap().is_empty());
                left() == expected
            });
        };
        let (dead, dead_path, _) = log_of(root.path(), "dead");
        let (alive, alive_path, _) = log_of(root.path(), "alive");
        // Nothing is open in the logs, as after a crash between the last undo and the end of the lease.
        drop(leases.acquire(&request, &dead_path).await.unwrap());
        drop(leases.acquire(&request, &alive_path).await.unwrap());
        drop(dead);
        recovered(1);
        assert!(recover(root.path()).unwrap().is_empty() && left() == 1, "the other log is held");

        // One that cannot be read keeps no other.
        for damaged in ["0-0", "9999999-0"] {
            fs::write(folder.join(damaged).with_extension("lease"), "nonsense").unwrap();
        }
        drop(alive);
        wait_until("the other lease is given up, too", || {
            let told = recover(root.path()).unwrap().remove(0);
            assert!(!told.is_undone() && told.to_string().contains("-0.lease cannot be read"), "{told}");
            left() == 2
        });
        assert!(
            recover_but(root.path(), &BTreeSet::from([folder.clone()])).unwrap().is_empty(),
            "told already"
        );
    }

    #[test]
    fn a_log_with_nothing_open_is_no_leftover() {
        let root = tempfile::tempdir().unwrap();
        let (log, _, watch) = log_of(root.path(), "clean");
        drop(log);
        assert!(recover(root.path()).unwrap().is_empty());
        assert!(watch.undo_log().is_err());
    }
}
