//! A writer of log lines that shows nothing that is not to be shown.

use super::Redactor;
use std::io::{self, Write};
use tracing_subscriber::fmt::MakeWriter;

/// Writes whole events, as the console's layers do: no secret is spread over two writes.
#[derive(Debug, Clone)]
pub(crate) struct RedactingWriter<M> {
    inner: M,
    redactor: Redactor,
}

impl<M> RedactingWriter<M> {
    pub(crate) fn new(inner: M, redactor: Redactor) -> Self {
        Self { inner, redactor }
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for RedactingWriter<M> {
    type Writer = RedactingWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingWriter { inner: self.inner.make_writer(), redactor: self.redactor.clone() }
    }
}

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        self.inner.write_all(self.redactor.text(&text).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_whole_and_without_secrets() {
        let mut writer = RedactingWriter::new(Vec::new(), Redactor::new(["hunter2"], []));
        let event = b"said hunter2 to redis://:p@h\n";
        assert_eq!(writer.write(event).unwrap(), event.len());
        assert_eq!(writer.inner, b"said [redacted] to redis://:[redacted]@h\n");
    }
}
