//! What keeps an experiment from doing harm.

pub(crate) mod breaker;

pub use breaker::Tripped;
