//! Output that others have a part in: between a command that stops commands and one, with the same token, that ends that.
//!
//! The runner itself then takes nothing between the two for a command, however it is written, blanks or `##[` before it. All
//! of it goes through one pipe and this process, so that the order is certain, and what outlives the trials has no pipe to
//! write to. The token is drawn anew each time, and is only in this process and in the log.

use std::fs::File;
use std::io::{self, Read as _, Write};

/// A word that nobody can guess.
pub(super) fn token() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// Output in which there are no commands, until this is dropped.
#[derive(Debug)]
pub(crate) struct Quiet<W: Write> {
    output: W,
    /// None where nobody takes commands.
    token: Option<String>,
}

impl<W: Write> Quiet<W> {
    pub(crate) fn start(mut output: W, is_running: bool) -> io::Result<Self> {
        let token = if is_running { Some(token()?) } else { None };
        if let Some(token) = &token {
            writeln!(output, "::stop-commands::{token}")?;
            output.flush()?;
        }
        Ok(Self { output, token })
    }
}

impl<W: Write> Write for Quiet<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

impl<W: Write> Drop for Quiet<W> {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            // On a line of its own, whatever came before. Where nobody reads, nobody takes commands either.
            let _ = writeln!(self.output, "\n::{token}::");
            let _ = self.output.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_between_two_commands_of_one_token() {
        let mut written = Vec::new();
        let mut quiet = Quiet::start(&mut written, true).unwrap();
        quiet.write_all(b"::error::x\n ##[error]y").unwrap();
        drop(quiet);
        let text = String::from_utf8(written).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let token = lines[0].strip_prefix("::stop-commands::").unwrap();
        assert_eq!(token.len(), 32);
        assert_eq!(lines[1..], ["::error::x", " ##[error]y", &format!("::{token}::")]);
        let mut again = Vec::new();
        drop(Quiet::start(&mut again, true).unwrap());
        assert!(!String::from_utf8(again).unwrap().contains(token));
    }

    #[test]
    fn where_nobody_takes_commands_there_are_none() {
        let mut written = Vec::new();
        Quiet::start(&mut written, false).unwrap().write_all(b"x\n").unwrap();
        assert_eq!(written, b"x\n");
    }
}
