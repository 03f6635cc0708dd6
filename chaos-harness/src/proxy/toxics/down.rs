//! The service is not there. Where all connections are meant, the route stops listening as well.

use super::{Effect, Meeting};
use crate::proxy::chunk::Ending;
use std::time::Duration;

pub(super) fn effect(meeting: Meeting) -> Effect {
    let ending = match meeting {
        Meeting::Live => Ending::Fin,
        // The nearest to a refusal that can be done to one connection of a port that listens for others.
        Meeting::New => Ending::Reset,
    };
    Effect { shape: None, end: Some((Duration::ZERO, ending)) }
}
