//! Writing pieces that must stay pieces: many in one call to the system, each as a message of its own.

use std::io::{self, IoSlice};
use std::task::{Context, Poll};
use tokio::net::TcpStream;

/// Writes the pieces in order, as far as the peer takes them; how many bytes that was.
#[cfg(target_os = "linux")]
pub(super) fn poll_write(
    cx: &mut Context<'_>,
    to: &TcpStream,
    pieces: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    use rustix::io::retry_on_intr;
    use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, sendmmsg};
    use tokio::io::Interest;

    loop {
        std::task::ready!(to.poll_write_ready(cx))?;
        let mut nothing: Vec<_> = pieces.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let headers = pieces.iter().map(std::slice::from_ref).zip(&mut nothing);
        let mut messages: Vec<_> = headers.map(|(piece, nothing)| MMsgHdr::new(piece, nothing)).collect();
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let sent = to.try_io(Interest::WRITABLE, || {
            let sent = retry_on_intr(|| sendmmsg(to, &mut messages, flags))?;
            Ok(messages[..sent].iter().map(MMsgHdr::bytes_sent).sum())
        });
        match sent {
            // Not ready after all: asking again registers for the wake-up.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return Poll::Ready(sent),
        }
    }
}

/// Writes the first piece, as far as the peer takes it; how many bytes that was.
#[cfg(not(target_os = "linux"))]
pub(super) fn poll_write(
    cx: &mut Context<'_>,
    to: &TcpStream,
    pieces: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let Some(first) = pieces.first() else { return Poll::Ready(Ok(0)) };
    loop {
        std::task::ready!(to.poll_write_ready(cx))?;
        match to.try_write(first) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return Poll::Ready(sent),
        }
    }
}
