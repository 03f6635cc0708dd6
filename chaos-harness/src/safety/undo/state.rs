//! What the lines of an undo log come to.

use super::action::UndoAction;
use super::line::{Line, UndoId, Unread};
use crate::safety::process::ProcessId;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};

/// No line of ours is longer.
const LONGEST_LINE: u64 = 64 * 1024;

/// So many lines that say nothing are kept to be shown.
const SHOWN: usize = 20;

/// So much is open in no log of ours.
const MOST_OPEN: usize = 100_000;

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
    /// The first lines that were damaged, or that this version does not understand: a newer one may.
    pub(crate) unreadable: Vec<String>,
    /// The number of the next entry.
    pub(super) next: u64,
    /// Its last line lacks its end.
    pub(super) is_torn: bool,
}

impl LogState {
    /// Reads a log. `boot` is this start of the machine.
    ///
    /// What is not a log of ours ends in an error, or in unreadable lines, and never in more memory than the open
    /// entries of a real one take.
    pub(super) fn read(mut log: impl BufRead, boot: Option<&str>) -> io::Result<Self> {
        let mut state = Self::default();
        let mut rebooted = false;
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
                Ok(Line::Opened { boot: then, process }) => {
                    rebooted = then.is_some() && then.as_deref() != boot;
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
        }
        Ok(state)
    }

    fn complain(&mut self, why: &Unread, line: &[u8]) {
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
            Line::Undone { id } | Line::Kept { id } => {
                self.open.remove(&id);
            }
        }
        Ok(())
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("this is not an undo log: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[Line], boot: &str) -> LogState {
        let log: Vec<u8> = lines.iter().flat_map(|line| line.encode().unwrap()).collect();
        LogState::read(&log[..], Some(boot)).unwrap()
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
        let removal = UndoAction::RemoveContainers { trial: "t".to_owned() };
        let lines = [
            Line::Opened { boot: Some("before".to_owned()), process: Some(owner) },
            Line::Guarded { guard: owner },
            intent(0, removal.clone()),
            intent(1, kill(10)),
        ];
        let actions =
            |state: LogState| state.open.into_values().map(|entry| entry.action).collect::<Vec<_>>();
        let after = read(&lines, "after");
        assert_eq!((after.owner, after.guard), (None, None));
        assert_eq!(actions(after), std::slice::from_ref(&removal));
        let before = read(&lines, "before");
        assert_eq!((before.owner, before.guard), (Some(owner), Some(owner)));
        assert_eq!(actions(before), [removal, kill(10)]);
    }

    #[test]
    fn a_damaged_line_is_told_and_the_rest_is_read() {
        let mut log = intent(3, kill(10)).encode().unwrap();
        log.extend(b"0123 nonsense\n");
        log.extend(intent(4, kill(11)).encode().unwrap());
        let state = LogState::read(&log[..], None).unwrap();
        assert_eq!(state.open.keys().copied().collect::<Vec<_>>(), [UndoId(3), UndoId(4)]);
        assert_eq!(state.unreadable, ["damaged: 0123 nonsense"]);
        assert_eq!(state.next, 5);
    }

    #[test]
    fn what_is_no_log_is_refused_before_it_takes_memory() {
        let endless = io::BufReader::new(io::repeat(b'x'));
        let error = LogState::read(endless, None).unwrap_err();
        assert_eq!(error.to_string(), "this is not an undo log: a line is longer than 65536 bytes");
        let many: Vec<u8> = "x\n".repeat(10_000).into_bytes();
        assert_eq!(LogState::read(&many[..], None).unwrap().unreadable.len(), SHOWN);
    }
}
