//! What the workspace's experiments need.

use super::check::Check;
use crate::cargo::Workspace;
use std::collections::BTreeSet;

pub(super) fn experiments(_workspace: Option<&Workspace>, _no_build: bool) -> (Vec<Check>, BTreeSet<String>) {
    (Vec::new(), BTreeSet::new())
}
