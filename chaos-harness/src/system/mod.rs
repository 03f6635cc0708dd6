//! Services, the backends that run them, and the routes that lead to them.

mod availability;
mod check;
mod cut;
mod definition;
#[cfg(feature = "docker")]
mod docker;
mod error;
mod external;
mod instance;
mod log;
mod name;
mod process;
mod program;
mod ready;
mod running;
mod service;
mod spec;
mod template;
#[cfg(test)]
mod tests;
mod variable;

pub use availability::ChosenService;
pub(crate) use availability::{Availability, BackendChoice, Unavailable, choose};
#[doc(hidden)]
pub use availability::{EngineFacts, EngineReport, Obstacle, engine_report, image_report};
pub(crate) use check::{SpecError, check};
pub(crate) use definition::{ErasedSystem, SystemValue};
pub use definition::{System, SystemBuilder};

#[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
pub(crate) use docker::name_and_tag;
pub(crate) use error::SystemError;
pub(crate) use instance::{Effect, Instance, InstanceState};
pub(crate) use instance::{NotAllowed, may_be_touched, supports};
pub use name::ServiceName;
#[cfg(all(feature = "docker", feature = "external-toxiproxy"))]
pub(crate) use process::ReservedPort;
pub(crate) use running::{NotStarted, Routes, RunningSystem, StartContext, start};
pub use service::{Service, Services, UnknownService};
pub use spec::{CargoBin, Command, Container, External, Source};
pub use spec::{Provider, ProviderKind, Ready, ServiceSpec, SystemSpec};
pub use spec::{cargo_bin, container, external, process};
pub(crate) use template::placeholders;
pub use variable::Variable;
