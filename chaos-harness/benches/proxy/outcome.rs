//! What a measurement comes to: a value, or why there is none.

/// A value, or why it could not be measured.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
