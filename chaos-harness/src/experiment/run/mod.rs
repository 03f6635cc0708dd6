//! The lifecycle of one trial: start, baseline, inject, turbulence, undo, recovery, conclude.
//!
//! One runner serves every experiment: it takes the plan and boxed futures, so that another experiment costs no more
//! code than its own body.

mod console;
mod effect;
mod embedded;
#[cfg(feature = "external-toxiproxy")]
mod external;
mod injector;
mod lease;
mod live_logs;
mod routes;
mod steps;
mod traffic;
mod trial;
mod user_code;

pub(crate) use lease::refuse;
pub(crate) use trial::{Setup, run};
