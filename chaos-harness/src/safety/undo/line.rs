//! One line of an undo log: a checksum and a JSON object.
//!
//! `f729e62f {"Undone":{"id":4}}`: the CRC-32 of the object's text in eight hexadecimal digits, a space, the object. A
//! line whose checksum does not fit was damaged; one that fits and cannot be read was written by another version.

use super::action::UndoAction;
use crate::safety::process::ProcessId;
use serde::{Deserialize, Serialize};
use std::io;

/// An entry of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct UndoId(pub(super) u64);

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Line {
    /// Who wrote the log, and where.
    Opened {
        /// The machine as it was started then.
        boot: Option<String>,
        process: Option<ProcessId>,
        /// The namespaces that the process was in.
        pid_namespace: Option<u64>,
        net_namespace: Option<u64>,
    },
    /// The guard that watches over it: the last one named.
    Guarded { guard: ProcessId },
    /// Something is about to be done, and this undoes it.
    Intent { id: UndoId, trial: Option<String>, action: UndoAction },
    /// It has been done.
    Applied { id: UndoId },
    /// It has been undone.
    Undone { id: UndoId },
}

/// Why a line says nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is not what was written.
    Damaged,
    /// It is what was written, and this version does not understand it.
    Newer,
}

/// Digits of a checksum.
const DIGITS: usize = 8;

impl Line {
    /// The line with its end.
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let object = serde_json::to_vec(self)?;
        let mut line = format!("{:0DIGITS$x} ", crc32fast::hash(&object)).into_bytes();
        line.extend(object);
        line.push(b'\n');
        Ok(line)
    }

    /// Reads a line without its end.
    pub(super) fn decode(line: &[u8]) -> Result<Self, Unread> {
        let (checksum, object) = line.split_at_checked(DIGITS + 1).ok_or(Unread::Damaged)?;
        let checksum = checksum.strip_suffix(b" ").and_then(|digits| str::from_utf8(digits).ok());
        // The very digits, not their value: `+` and capitals are not what was written.
        if checksum != Some(&format!("{:0DIGITS$x}", crc32fast::hash(object))) {
            return Err(Unread::Damaged);
        }
        serde_json::from_slice(object).map_err(|_| Unread::Newer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn intent(trial: &str) -> Line {
        let action = UndoAction::KillTagged { trial: trial.to_owned() };
        Line::Intent { id: UndoId(7), trial: Some(trial.to_owned()), action }
    }

    #[test]
    fn a_line_is_a_checksum_and_an_object() {
        let line = Line::Undone { id: UndoId(4) }.encode().unwrap();
        assert_eq!(String::from_utf8(line).unwrap(), "f729e62f {\"Undone\":{\"id\":4}}\n");
    }

    #[test]
    fn a_line_of_a_newer_version_is_told_from_a_damaged_one() {
        let newer = br#"{"Healed":{"id":4}}"#;
        let line = [format!("{:08x} ", crc32fast::hash(newer)).as_bytes(), newer].concat();
        assert_eq!(Line::decode(&line), Err(Unread::Newer));
        assert_eq!(Line::decode(newer), Err(Unread::Damaged));
        assert_eq!(Line::decode(b""), Err(Unread::Damaged));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else(trial in "[a-z\"\\\\\né∆: ]{0,12}", at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let written = intent(&trial).encode().unwrap();
            let line = written.strip_suffix(b"\n").unwrap();
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(Line::decode(line), Ok(intent(&trial)));

            let mut damaged = line.to_vec();
            damaged[at.index(line.len())] ^= 1 << bit;
            prop_assert_eq!(Line::decode(&damaged), Err(Unread::Damaged));
            let torn = &line[..at.index(line.len())];
            prop_assert_eq!(Line::decode(torn), Err(Unread::Damaged));
        }
    }
}
