//! The workflows and actions in `.github`, and what `cargo chaos init` writes for others: what can be told of them here, where
//! GitHub does not run them. Their scripts are run.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "what goes wrong in a test fails it")]

mod calls;
mod demotions;
mod file;
mod form;
mod nextest;
mod permissions;
mod scripts;
