//! Ending processes with all that came of them.
//!
//! A process group does not hold everything: what a service starts may call `setsid`, as PostgreSQL's children do, and
//! may write over its environment, and the tag in it. What it cannot change is who its parent is. So descendants are
//! walked, and frozen as they are found, so that nothing is started meanwhile and no parent is gone before its children
//! have been seen; only then are they all killed.

use super::process::{self, Process, ProcessId, signal};
use crate::clock;
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

/// Between two looks at whether something is gone.
const POLL: Duration = Duration::from_millis(5);

/// How long processes may take to stop: one that waits for a disk does not.
const STOPS_WITHIN: Duration = Duration::from_millis(100);

/// Between two looks at whether they have.
const STOPS_POLL: Duration = Duration::from_millis(1);

/// Kills what `roots` finds, again at each look, with every group that one of these leads and all their descendants.
/// Returns when nothing of it was there for `looks` looks in a row.
pub(super) async fn kill(
    looks: u32,
    mut roots: impl FnMut() -> io::Result<Vec<ProcessId>>,
) -> io::Result<()> {
    let mut doomed = Doomed::default();
    let mut clean_looks = 0;
    while clean_looks < looks {
        let found = roots()?;
        doomed.forget_the_dead();
        if found.is_empty() && doomed.all.is_empty() {
            clean_looks += 1;
        } else {
            clean_looks = 0;
            let deadline = clock::now() + STOPS_WITHIN;
            while !doomed.freeze(&found, deadline)? {
                clock::sleep(STOPS_POLL).await;
            }
            doomed.kill()?;
        }
        if clean_looks < looks {
            clock::sleep(POLL).await;
        }
    }
    Ok(())
}

/// Kills this process, its group and all that descends from it, and does not wait until they are gone.
pub(crate) fn kill_now(root: ProcessId) -> io::Result<()> {
    if !root.is_alive() {
        return Ok(());
    }
    let mut doomed = Doomed::default();
    let deadline = clock::now() + STOPS_WITHIN;
    while !doomed.freeze(&[root], deadline)? {
        clock::block_until(clock::now() + STOPS_POLL);
    }
    doomed.kill()
}

/// What descends from this process and is not in its group: what has left it.
pub(crate) fn strays_of(root: ProcessId) -> io::Result<Vec<ProcessId>> {
    if !root.is_alive() {
        return Ok(Vec::new());
    }
    let all = process::all()?;
    let came_of_it = related(&[root], &BTreeSet::new(), &all);
    let strays = all.iter().filter(|process| process.group != root.pid && came_of_it.contains(&process.id));
    Ok(strays.map(|process| process.id).collect())
}

/// What is to be killed, as far as it is known.
#[derive(Debug, Default)]
struct Doomed {
    all: BTreeSet<ProcessId>,
    /// Those that SIGKILL was sent to: nothing comes of them any more.
    killed: BTreeSet<ProcessId>,
    stood_still: bool,
}

impl Doomed {
    fn forget_the_dead(&mut self) {
        self.all.retain(|id| id.is_alive());
        self.killed.retain(|id| self.all.contains(id));
    }

    /// One look at the roots and all that came of them: what is new is stopped. Whether it was the last that is needed.
    ///
    /// A process stops some time after it was told to, and may have a child until then: only a look that is made while all
    /// of them stand still says that there are no more. What does not stop until `deadline` is killed as it is.
    fn freeze(&mut self, roots: &[ProcessId], deadline: Instant) -> io::Result<bool> {
        let all = process::all()?;
        let new: Vec<_> = related(roots, &self.all, &all).difference(&self.all).copied().collect();
        if new.is_empty() && (self.stood_still || clock::now() > deadline) {
            self.stood_still = false;
            return Ok(true);
        }
        let is_awaited =
            |process: &&Process| self.all.contains(&process.id) && !self.killed.contains(&process.id);
        self.stood_still = new.is_empty() && all.iter().filter(is_awaited).all(Process::is_stopped);
        for id in new {
            signal(id, Signal::STOP)?;
            self.all.insert(id);
        }
        // Where all stand still, the next look is the one that counts.
        if self.stood_still { self.freeze(roots, deadline) } else { Ok(false) }
    }

    fn kill(&mut self) -> io::Result<()> {
        for &id in &self.all {
            signal(id, Signal::KILL)?;
            self.killed.insert(id);
        }
        Ok(())
    }
}

/// The roots, the members of groups that they lead, the doomed, and what descends from any of these.
fn related(roots: &[ProcessId], doomed: &BTreeSet<ProcessId>, all: &[Process]) -> BTreeSet<ProcessId> {
    let mut children: BTreeMap<u32, Vec<ProcessId>> = BTreeMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process.id);
    }
    // Only while they are there: the number of one that is gone may be another group's.
    let there: BTreeSet<_> =
        all.iter().filter(|process| roots.contains(&process.id)).map(|process| process.id.pid).collect();
    let first =
        all.iter().filter(|process| there.contains(&process.id.pid) || there.contains(&process.group));
    let first = first.chain(all.iter().filter(|process| doomed.contains(&process.id)));
    let mut reached: BTreeSet<_> = first.map(|process| process.id).collect();
    let mut next: Vec<_> = reached.iter().copied().collect();
    while let Some(parent) = next.pop() {
        let born = children.get(&parent.pid).into_iter().flatten();
        next.extend(born.copied().filter(|child| reached.insert(*child)));
    }
    let this = std::process::id();
    reached.retain(|id| id.pid > 1 && id.pid != this);
    reached
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safety::victim;
    use proptest::prelude::*;
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    use std::process::{Command, Stdio};

    /// A process that left its parent's group and session and wrote over its environment is found by descent.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn what_left_the_session_and_lost_its_tag_is_killed_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("pids");
        let script = "setsid env -i sh -c 'echo $$ >> \"$0\"; sleep 1000' \"$0\" & wait";
        let mut root = Command::new("sh")
            .args(["-c", script])
            .arg(&note)
            .process_group(0)
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let read = || std::fs::read_to_string(&note).unwrap_or_default();
        victim::wait_until("the child has left", || read().ends_with('\n'));
        let child: u32 = read().trim().parse().unwrap();
        let all = process::all().unwrap();
        let of = |pid| all.iter().find(|process| process.id.pid == pid).copied().unwrap();
        assert_eq!(of(child).group, child, "it leads a group of its own");

        let id = of(root.id()).id;
        let strays = strays_of(id).unwrap();
        assert!(strays.contains(&of(child).id) && !strays.contains(&id), "{strays:?}");
        kill(1, || Ok(if id.is_alive() { vec![id] } else { Vec::new() })).await.unwrap();
        assert_eq!(root.wait().unwrap().signal(), Some(9));
        assert!(!of(child).id.is_alive());
    }

    fn id(pid: u32) -> ProcessId {
        ProcessId { pid, started: u64::from(pid) }
    }

    fn process(pid: u32, parent: u32, group: u32) -> Process {
        Process { id: id(pid), parent, group, state: 'S' }
    }

    #[test]
    fn members_and_their_descendants_are_related_and_neighbours_are_not() {
        let all = [
            process(1, 0, 1),
            process(10, 1, 10),
            process(11, 10, 10),
            process(12, 1, 10),
            process(13, 12, 13),
            process(14, 13, 14),
            process(20, 1, 20),
        ];
        let found = related(&[id(10)], &BTreeSet::new(), &all);
        assert_eq!(found.into_iter().map(|id| id.pid).collect::<Vec<_>>(), [10, 11, 12, 13, 14]);
        // A root that is gone leaves what was seen of it.
        let doomed = BTreeSet::from([id(13)]);
        let found = related(&[id(99)], &doomed, &all);
        assert_eq!(found.into_iter().map(|id| id.pid).collect::<Vec<_>>(), [13, 14]);
        let later = BTreeSet::from([ProcessId { pid: 13, started: 99 }]);
        assert!(related(&[], &later, &all).is_empty(), "that one has the number of a dead one");
        let root = ProcessId { pid: 20, started: 99 };
        assert!(related(&[root], &BTreeSet::new(), &all).is_empty(), "so has that root");
    }

    proptest! {
        /// Whatever the table says, even a circle, the walk ends, and never reaches init or this process.
        #[test]
        fn the_walk_ends(pairs in prop::collection::vec((0_u32..20, 0_u32..20), 0..40), root in 0_u32..20) {
            let mut all: Vec<_> = pairs.into_iter().map(|(pid, parent)| process(pid, parent, pid)).collect();
            all.push(process(std::process::id(), root, root));
            let found = related(&[id(root)], &BTreeSet::new(), &all);
            prop_assert!(found.iter().all(|id| id.pid > 1 && id.pid != std::process::id()));
        }
    }
}
