//! The log of an instance: one file, written by the instance itself or by a stream of its container's log.

use crate::safety::private;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// How many lines of a log an error shows.
pub(crate) const SHOWN_LINES: usize = 20;

/// How much of a log's end is read in search of its last lines.
const TAIL_BYTES: u64 = 64 * 1024;

/// The log file of one instance. Restarts append to it.
#[derive(Debug, Clone)]
pub(crate) struct LogFile(PathBuf);

impl LogFile {
    /// An empty log for the instance `label` in `folder`, which is made where it is missing.
    pub(crate) fn create(folder: &Path, label: &str) -> io::Result<Self> {
        private::create_dir_all(folder)?;
        let path = folder.join(format!("{label}.log"));
        private::create(&path)?;
        Ok(Self(path))
    }

    /// The file, open so that each write goes to its end.
    pub(crate) fn append(&self) -> io::Result<File> {
        private::append(&self.0)
    }

    /// The last `count` lines. An unreadable log has none: this is for messages, which come out without it too.
    pub(crate) fn tail(&self, count: usize) -> LogTail {
        LogTail(self.read_tail(count).unwrap_or_default())
    }

    fn read_tail(&self, count: usize) -> io::Result<Vec<String>> {
        let mut file = File::open(&self.0)?;
        let length = file.metadata()?.len();
        let start = length.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        // The first line is cut off where reading did not begin at the file's start.
        let lines: Vec<_> = text.lines().skip(usize::from(start > 0)).collect();
        Ok(lines[lines.len().saturating_sub(count)..].iter().map(|line| (*line).to_owned()).collect())
    }

    /// Watches what is written from now on.
    pub(crate) fn watch(&self) -> io::Result<LogWatch> {
        let mut file = File::open(&self.0)?;
        file.seek(SeekFrom::End(0))?;
        Ok(LogWatch { file, line: Vec::new(), found: false })
    }
}

/// A look-out for a line of a log.
#[derive(Debug)]
pub(crate) struct LogWatch {
    file: File,
    /// The line that is not complete yet.
    line: Vec<u8>,
    found: bool,
}

impl LogWatch {
    /// Whether a line with `text` has been written since the watch began. Reads on from where it last stopped.
    pub(crate) fn has_seen(&mut self, text: &str) -> io::Result<bool> {
        if self.found {
            return Ok(true);
        }
        self.file.read_to_end(&mut self.line)?;
        self.found = String::from_utf8_lossy(&self.line).lines().any(|line| line.contains(text));
        let complete = self.line.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.line.drain(..complete);
        Ok(self.found)
    }
}

/// The end of a log, as messages show it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LogTail(Vec<String>);

impl LogTail {
    pub(crate) fn lines(self) -> Vec<String> {
        self.0
    }

    pub(crate) fn contains(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.0.iter().any(|line| line.to_lowercase().contains(&text))
    }
}

impl fmt::Display for LogTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            0 => f.write_str("\n  its log is empty")?,
            1 => f.write_str("\n  the last line of its log:")?,
            count => write!(f, "\n  the last {count} lines of its log:")?,
        }
        self.0.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_tail_has_the_last_lines_and_never_half_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile::create(folder.path(), "redis").unwrap();
        assert_eq!(log.tail(3).to_string(), "\n  its log is empty");
        let mut file = log.append().unwrap();
        for number in 0..20_000 {
            writeln!(file, "line {number}").unwrap();
        }
        assert_eq!(log.tail(2).lines(), ["line 19998", "line 19999"]);
        let all = log.tail(usize::MAX).lines();
        assert!(all.iter().all(|line| line.starts_with("line ")), "first: {}", all[0]);
    }

    #[test]
    fn a_watch_sees_only_what_is_written_after_it_began() {
        let folder = tempfile::tempdir().unwrap();
        let log = LogFile::create(folder.path(), "redis").unwrap();
        let mut file = log.append().unwrap();
        writeln!(file, "ready").unwrap();
        let mut watch = log.watch().unwrap();
        assert!(!watch.has_seen("ready").unwrap());
        write!(file, "now rea").unwrap();
        assert!(!watch.has_seen("ready").unwrap());
        writeln!(file, "dy to go").unwrap();
        assert!(watch.has_seen("ready").unwrap());
    }
}
