//! Whole systems, started and harmed for real.

#[cfg(feature = "docker")]
mod containers;
mod faults;
mod fixture;
mod starting;
