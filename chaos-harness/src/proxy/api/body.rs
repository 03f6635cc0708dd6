//! The bodies of requests, bounded in size, in time and all together.

use super::answer::Refusal;
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::body::{Body as HttpBody, Bytes};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Thousands of proxies fit.
pub(super) const LARGEST: usize = 8 << 20;
/// What all requests that are read or carried out hold together.
const ALL_TOGETHER: usize = 64 << 20;
/// How long a body may take.
const WITHIN: Duration = Duration::from_secs(15);

/// Reads bodies.
#[derive(Debug)]
pub(super) struct Bodies {
    /// A permit for each byte.
    room: Arc<Semaphore>,
}

/// A whole body. Its room is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Bodies {
    pub(super) fn new() -> Self {
        Self { room: Arc::new(Semaphore::new(ALL_TOGETHER)) }
    }

    /// The whole body. One that does not come takes no room from others.
    pub(super) async fn read<B>(&self, body: B) -> Result<Body, Refusal>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        if body.size_hint().lower() > LARGEST as u64 {
            return Err(too_large());
        }
        tokio::time::timeout(WITHIN, self.collect(body)).await.unwrap_or_else(|_| {
            let text = format!("request body not complete after {} s", WITHIN.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, text))
        })
    }

    async fn collect<B>(&self, mut body: B) -> Result<Body, Refusal>
    where
        B: HttpBody<Data = Bytes> + Unpin,
    {
        let mut bytes = Vec::new();
        let mut held: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::bad_body("unexpected EOF"))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > LARGEST {
                return Err(too_large());
            }
            let taken = self.take(data.len())?;
            match &mut held {
                Some(held) => held.merge(taken),
                None => held = Some(taken),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Body { bytes, _room: held })
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Refusal> {
        let full = || {
            let text = format!("request bodies of {ALL_TOGETHER} bytes are being read already: try again");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, text)
        };
        let permits = u32::try_from(bytes).map_err(|_| full())?;
        Arc::clone(&self.room).try_acquire_many_owned(permits).map_err(|_| full())
    }
}

fn too_large() -> Refusal {
    let text = format!("request body too large: it can have {LARGEST} bytes at most");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;
    use http_body_util::Full;

    fn read(bodies: &Bodies, length: usize) -> Result<Body, Refusal> {
        bodies.collect(Full::new(Bytes::from(vec![b' '; length]))).now_or_never().expect("it is all there")
    }

    #[test]
    fn all_bodies_together_have_their_room_and_it_is_free_again_when_they_are_dropped() {
        let bodies = Bodies::new();
        let mut held: Vec<_> = (0..8).map(|_| read(&bodies, LARGEST)).collect();
        assert!(held.iter().all(Result::is_ok));
        let refused = read(&bodies, 100).expect_err("there is no room");
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        held.pop();
        assert_eq!(read(&bodies, LARGEST).expect("there is room again").len(), LARGEST);
    }
}
