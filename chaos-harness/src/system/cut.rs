//! Cutting short the start of a system, once one instance of it has failed.

use super::error::SystemError;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Shared by everything that is being started together: the first failure ends the others' waiting, so that they take
/// down what they have started themselves.
#[derive(Debug, Clone)]
pub(super) struct Cut(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    happened: watch::Sender<bool>,
    first: Mutex<Option<SystemError>>,
}

impl Cut {
    pub(super) fn new() -> Self {
        Self(Arc::new(Inner { happened: watch::Sender::new(false), first: Mutex::new(None) }))
    }

    /// Ends the start. Only the first failure is kept: those after it are its consequences.
    pub(super) fn fail(&self, error: SystemError) {
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.0.happened.send_replace(true);
    }

    /// Waits until the start is cut short.
    pub(super) async fn happened(&self) {
        // The sender lives as long as `self`.
        let _ = self.0.happened.subscribe().wait_for(|happened| *happened).await;
    }

    pub(super) fn has_happened(&self) -> bool {
        *self.0.happened.borrow()
    }

    /// The failure that cut it short.
    pub(super) fn take(&self) -> Option<SystemError> {
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
