//! The routes of one trial, where toxics go: whichever proxy it is.

use super::traffic::Passed;
use crate::BoxError;
use crate::blast_radius::Reach;
use crate::proxy::ToxicSpec;
use crate::safety::{Attempt, Undone};
use crate::system::Routes;
use async_trait::async_trait;

/// Routes that take toxics. Each is called by the label of the instance that it leads to.
#[async_trait]
pub(super) trait ToxicRoutes: Routes {
    /// Puts a toxic on a route: it is in force on return.
    async fn add(&self, label: &str, spec: ToxicSpec) -> Result<(), BoxError>;

    /// Takes a toxic off a route, if it is there: one that was refused never was. Where it stays the route is closed.
    async fn remove(&self, label: &str, toxic: &str) -> Result<Undone, BoxError>;

    /// The proof that a toxic on these routes met the workload, or what is missing from it.
    async fn effect(&self, reach: &Reach, labels: &[&str], toxic: &str) -> Result<String, BoxError>;

    /// What passed through a route so far, and what this toxic did there, as far as it is counted.
    async fn passed(&self, label: &str, toxic: &str) -> Passed;

    /// Undoes what the routes left outside of this process, and tells what could not be undone.
    async fn close(&self) -> Vec<Attempt>;
}
