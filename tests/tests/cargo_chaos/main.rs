//! `cargo chaos proxy` and `cargo chaos toxic`, end to end: the commands, the server, and its limits.
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod access;
mod commands;
mod crowds;
mod mistakes;
mod runs;
mod serving;
