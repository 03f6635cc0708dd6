//! What toxics that hold bytes back have in common.

use super::Removal;
use crate::proxy::chunk::Queue;

/// What is taken in before the sender is held back, as an unanswering network would do once its buffers are full.
pub(super) const ROOM: usize = 96 << 10;

/// Lets everything that waits go on, in order.
pub(super) fn release(mut waiting: Queue) -> Removal {
    Removal::Release(std::iter::from_fn(|| waiting.pop()).collect())
}
