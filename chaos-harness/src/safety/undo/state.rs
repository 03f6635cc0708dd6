//! What the lines of an undo log come to.

use super::action::UndoAction;
use super::line::{Line, UndoId, Unread};
use crate::safety::process::{Namespace, ProcessId, boot_id, is_namespace_over, namespace};
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};

/// No line of ours is longer.
const LONGEST_LINE: u64 = 64 * 1024;

/// So many lines that say nothing are kept to be shown.
const SHOWN: usize = 20;

/// So much is open in no log of ours.
const MOST_OPEN: usize = 100_000;

/// Where a log is read.
#[derive(Debug)]
pub(super) struct Here {
    /// This start of the machine.
    boot: Option<String>,
    pid_namespace: Option<u64>,
    net_namespace: Option<u64>,
    /// Whether it is known that no process is in a namespace any more.
    is_over: fn(Namespace, u64) -> bool,
}

impl Here {
    pub(super) fn now() -> Self {
        Self {
            boot: boot_id(),
            pid_namespace: namespace(Namespace::Processes),
            net_namespace: namespace(Namespace::Network),
            is_over: is_namespace_over,
        }
    }

    /// The first line of a log that is written here.
    pub(super) fn opened(self) -> Line {
        let Self { boot, pid_namespace, net_namespace, .. } = self;
        Line::Opened { boot, process: ProcessId::this(), pid_namespace, net_namespace }
    }
}

/// How far an entry has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It may have been done.
    Intended,
    /// It has been done.
    Applied,
}

/// Something that is still to be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OpenEntry {
    /// The trial that did it.
    pub(crate) trial: Option<String>,
    pub(crate) action: UndoAction,
    pub(crate) progress: Progress,
}

/// What a log says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LogState {
    /// The process that wrote it.
    pub(crate) owner: Option<ProcessId>,
    /// The process that watches over it.
    pub(crate) guard: Option<ProcessId>,
    /// What is still to be undone, oldest first.
    pub(crate) open: BTreeMap<UndoId, OpenEntry>,
    /// What is still to be undone, and only from a container that is another one than this: from here its numbers and
    /// addresses mean something else.
    pub(crate) elsewhere: BTreeMap<UndoId, OpenEntry>,
    /// The first lines that were damaged, or that this version does not understand.
    pub(crate) unreadable: Vec<String>,
    /// Whether one of them may be understood by another version.
    pub(crate) is_newer: bool,
    /// The number of the next entry.
    pub(super) next: u64,
    /// Its last line lacks its end.
    pub(super) is_torn: bool,
}

impl LogState {
    /// Reads a log.
    ///
    /// What is not a log of ours ends in an error, or in unreadable lines, and never in more memory than the open
    /// entries of a real one take.
    pub(super) fn read(mut log: impl BufRead, here: &Here) -> io::Result<Self> {
        let mut state = Self::default();
        let mut rebooted = false;
        let mut moved = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            if log.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            state.is_torn = line.pop_if(|last| *last == b'\n').is_none();
            if state.is_torn && line.len() as u64 == LONGEST_LINE {
                return Err(invalid(&format!("a line is longer than {LONGEST_LINE} bytes")));
            }
            match Line::decode(&line) {
                Ok(Line::Opened { boot, process, pid_namespace, net_namespace }) => {
                    rebooted = boot.is_some() && boot != here.boot;
                    moved = moved_from(pid_namespace, net_namespace, here);
                    state.owner = process;
                }
                Ok(line) => state.apply(line)?,
                // A last line without its end was torn: it was never durable, so nothing was done on the strength of it.
                Err(Unread::Damaged) if line.is_empty() || state.is_torn => {}
                Err(why) => state.complain(&why, &line),
            }
        }
        if rebooted {
            state.open.retain(|_, entry| !entry.action.names_a_process());
            (state.owner, state.guard) = (None, None);
        } else {
            for (kind, then) in moved {
                state.moved(kind, (here.is_over)(kind, then));
            }
        }
        Ok(state)
    }

    /// Takes out what means something else here, since the log was written in another namespace. Nothing of it is left
    /// where that one is over.
    fn moved(&mut self, kind: Namespace, is_over: bool) {
        let (theirs, open): (BTreeMap<_, _>, _) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|(_, entry)| entry.action.lives_in() == Some(kind));
        self.open = open;
        if !is_over {
            self.elsewhere.extend(theirs);
        }
        if kind == Namespace::Processes {
            (self.owner, self.guard) = (None, None);
        }
    }

    fn complain(&mut self, why: &Unread, line: &[u8]) {
        self.is_newer |= *why == Unread::Newer;
        if self.unreadable.len() < SHOWN {
            let why = match why {
                Unread::Damaged => "damaged",
                Unread::Newer => "of another version",
            };
            let line = String::from_utf8_lossy(&line[..line.len().min(200)]);
            self.unreadable.push(format!("{why}: {}", line.escape_debug()));
        }
    }

    /// Takes a line that is in the log.
    pub(super) fn apply(&mut self, line: Line) -> io::Result<()> {
        match line {
            Line::Opened { .. } => {}
            Line::Guarded { guard } => self.guard = Some(guard),
            Line::Intent { id, trial, action } => {
                self.next = self.next.max(id.0.saturating_add(1));
                self.open.insert(id, OpenEntry { trial, action, progress: Progress::Intended });
                if self.open.len() > MOST_OPEN {
                    return Err(invalid(&format!("more than {MOST_OPEN} entries are open")));
                }
            }
            Line::Applied { id } => {
                if let Some(entry) = self.open.get_mut(&id) {
                    entry.progress = Progress::Applied;
                }
            }
            Line::Undone { id } => {
                self.open.remove(&id);
            }
        }
        Ok(())
    }
}

/// The namespaces that a log was written in and that are not the ones here.
fn moved_from(pids: Option<u64>, net: Option<u64>, here: &Here) -> Vec<(Namespace, u64)> {
    let then =
        [(Namespace::Processes, pids, here.pid_namespace), (Namespace::Network, net, here.net_namespace)];
    let moved = then.into_iter().filter_map(|(kind, then, now)| Some((kind, then?, now?)));
    moved.filter(|(_, then, now)| then != now).map(|(kind, then, _)| (kind, then)).collect()
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("this is not an undo log: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here(boot: &str) -> Here {
        Here {
            boot: Some(boot.to_owned()),
            pid_namespace: Some(1),
            net_namespace: Some(2),
            is_over: |_, namespace| namespace == 99,
        }
    }

    fn read(lines: &[Line], boot: &str) -> LogState {
        let log: Vec<u8> = lines.iter().flat_map(|line| line.encode().unwrap()).collect();
        LogState::read(&log[..], &here(boot)).unwrap()
    }

    fn opened(boot: &str, pid_namespace: u64, net_namespace: u64) -> Line {
        let process = Some(ProcessId { pid: 9, started: 1 });
        let (pid_namespace, net_namespace) = (Some(pid_namespace), Some(net_namespace));
        Line::Opened { boot: Some(boot.to_owned()), process, pid_namespace, net_namespace }
    }

    fn removal() -> UndoAction {
        let engine = crate::engine_address::EngineAddress::Unix("/run/docker.sock".into());
        UndoAction::RemoveContainers { engine, trial: "t".to_owned() }
    }

    fn actions(entries: BTreeMap<UndoId, OpenEntry>) -> Vec<UndoAction> {
        entries.into_values().map(|entry| entry.action).collect()
    }

    fn intent(id: u64, action: UndoAction) -> Line {
        Line::Intent { id: UndoId(id), trial: None, action }
    }

    fn kill(pid: u32) -> UndoAction {
        UndoAction::KillProcess { pid, started: 1 }
    }

    #[test]
    fn process_numbers_mean_nothing_after_a_restart_of_the_machine() {
        let owner = ProcessId { pid: 9, started: 1 };
        let lines = [
            // The numbers of namespaces mean nothing either.
            opened("before", 7, 8),
            Line::Guarded { guard: owner },
            intent(0, removal()),
            intent(1, kill(10)),
        ];
        let after = read(&lines, "after");
        assert_eq!((after.owner, after.guard), (None, None));
        assert!(after.elsewhere.is_empty());
        assert_eq!(actions(after.open), [removal()]);

        let lines = [opened("before", 1, 2), lines[1].clone(), lines[2].clone(), lines[3].clone()];
        let before = read(&lines, "before");
        assert_eq!((before.owner, before.guard), (Some(owner), Some(owner)));
        assert_eq!(actions(before.open), [removal(), kill(10)]);
    }

    #[test]
    fn numbers_and_addresses_of_another_container_are_left_to_it() {
        let server = "127.0.0.1:8474".parse().unwrap();
        let delete = UndoAction::DeleteProxy { server, name: "p".to_owned() };
        let in_namespaces = |pids: u64, net: u64| {
            let lines = [
                opened("now", pids, net),
                intent(0, removal()),
                intent(1, kill(10)),
                intent(2, delete.clone()),
            ];
            read(&lines, "now")
        };
        let other = in_namespaces(7, 8);
        assert_eq!((other.owner, other.guard), (None, None), "those numbers, too");
        assert_eq!(actions(other.open), [removal()]);
        assert_eq!(actions(other.elsewhere), [kill(10), delete.clone()]);

        let over = in_namespaces(99, 2);
        assert_eq!(actions(over.open), [removal(), delete.clone()]);
        assert!(over.elsewhere.is_empty(), "no process of it is left");
    }

    #[test]
    fn a_damaged_line_is_told_and_the_rest_is_read() {
        let mut log = intent(3, kill(10)).encode().unwrap();
        log.extend(b"0123 nonsense\n");
        log.extend(intent(4, kill(11)).encode().unwrap());
        let state = LogState::read(&log[..], &here("now")).unwrap();
        assert_eq!(state.open.keys().copied().collect::<Vec<_>>(), [UndoId(3), UndoId(4)]);
        assert_eq!(state.unreadable, ["damaged: 0123 nonsense"]);
        assert_eq!(state.next, 5);
        assert!(!state.is_newer);
        let newer = br#"{"Healed":{"id":4}}"#;
        let line = [format!("{:08x} ", crc32fast::hash(newer)).as_bytes(), newer, b"\n"].concat();
        assert!(LogState::read(&line[..], &here("now")).unwrap().is_newer);
    }

    #[test]
    fn what_is_no_log_is_refused_before_it_takes_memory() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let error = LogState::read(endless, &here("now")).unwrap_err();
        assert_eq!(error.to_string(), "this is not an undo log: a line is longer than 65536 bytes");
        let many: Vec<u8> = "x\n".repeat(10_000).into_bytes();
        assert_eq!(LogState::read(&many[..], &here("now")).unwrap().unreadable.len(), SHOWN);
    }
}
