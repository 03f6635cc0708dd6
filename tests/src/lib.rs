//! What the end-to-end tests share: a small system to experiment on, and the running of test programs.

pub mod echo;
pub mod program;
pub mod trial;
pub mod wait;
