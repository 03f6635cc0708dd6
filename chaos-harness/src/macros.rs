//! The attributes, documented here so that their examples can use the crate.

pub use chaos_macros::chaos_test;
pub use chaos_macros::system;
