//! The memory that all connections of a proxy may hold together, beyond the little that each always may.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What all links together may hold: enough for six full delay lines.
const TOTAL_BYTES: usize = 256 << 20;

/// What is held in all.
#[derive(Debug, Default)]
pub(super) struct Budget {
    held: AtomicUsize,
}

impl Budget {
    /// Whether nobody may take more than its due.
    pub(super) fn is_spent(&self) -> bool {
        self.held.load(Relaxed) >= TOTAL_BYTES
    }

    /// What one link holds has changed.
    pub(super) fn settle(&self, before: usize, now: usize) {
        if now > before {
            self.held.fetch_add(now - before, Relaxed);
        } else if now < before {
            self.held.fetch_sub(before - now, Relaxed);
        }
    }
}
