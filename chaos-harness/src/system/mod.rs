//! Services, the backends that run them, and the routes that lead to them.

mod definition;
mod name;
mod service;
mod spec;

pub(crate) use definition::{ErasedSystem, SystemValue};
pub use definition::{System, SystemBuilder};
pub use name::ServiceName;
pub use service::{Service, Services, UnknownService};
pub use spec::{CargoBin, Command, Container, External, Source};
pub use spec::{Provider, ProviderKind, Ready, ServiceSpec, SystemSpec};
pub use spec::{cargo_bin, container, external, process};
