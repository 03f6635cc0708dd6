//! A real RST to both peers, also on a connection that is idle.

use super::Effect;
use crate::proxy::chunk::Ending;
use std::time::Duration;

pub(super) fn effect(after: Duration) -> Effect {
    Effect { shape: None, end: Some((after, Ending::Reset)) }
}
