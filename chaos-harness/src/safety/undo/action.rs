//! What can be undone, as plain data: a process with none of the test's memory can do it.

use crate::engine_address::EngineAddress;
use crate::safety::process::Namespace;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// What must be undone. Each is safe to do twice, and to something that is already gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UndoAction {
    /// Kill every process that carries this tag in its environment (`CHAOS_TRIAL`), and all that descend from one.
    /// Written before the first is started.
    KillTagged { trial: String },
    /// Kill this process, its group and its descendants. The start time tells it from a later one of the same number.
    KillProcess { pid: u32, started: u64 },
    /// Let this process go on.
    ResumeProcess { pid: u32, started: u64 },
    /// Give this process its limit of address space back.
    RestoreAddressSpace { pid: u32, started: u64, soft: Option<u64>, hard: Option<u64> },
    /// Remove every container, network and volume of this engine with the label `chaos.trial` of this value. Written before
    /// the first is created.
    RemoveContainers { engine: EngineAddress, trial: String },
    /// Let this container go on, if it has the label `chaos.trial` of this value.
    UnpauseContainer { engine: EngineAddress, id: String, trial: String },
    /// Give this container its CPU quota back, if it has the label.
    RestoreCpuQuota { engine: EngineAddress, id: String, trial: String, quota: i64, period: i64 },
    /// Delete this proxy of the Toxiproxy server whose API is there. Written before it is made, under a name that no
    /// other run gives.
    DeleteProxy { server: SocketAddr, name: String },
}

impl UndoAction {
    /// In which namespace it means what it says, and something else in another one; none for what is the same everywhere.
    pub(super) fn lives_in(&self) -> Option<Namespace> {
        match self {
            Self::KillTagged { .. }
            | Self::KillProcess { .. }
            | Self::ResumeProcess { .. }
            | Self::RestoreAddressSpace { .. } => Some(Namespace::Processes),
            Self::DeleteProxy { .. } => Some(Namespace::Network),
            Self::RemoveContainers { .. } | Self::UnpauseContainer { .. } | Self::RestoreCpuQuota { .. } => {
                None
            }
        }
    }

    /// Whether it names a process by its number, which means nothing once the machine was restarted.
    pub(super) fn names_a_process(&self) -> bool {
        match self {
            Self::KillProcess { .. } | Self::ResumeProcess { .. } | Self::RestoreAddressSpace { .. } => true,
            Self::KillTagged { .. }
            | Self::RemoveContainers { .. }
            | Self::UnpauseContainer { .. }
            | Self::RestoreCpuQuota { .. }
            | Self::DeleteProxy { .. } => false,
        }
    }
}

impl fmt::Display for UndoAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KillTagged { trial } => write!(f, "kill the processes of trial {trial}"),
            Self::KillProcess { pid, .. } => write!(f, "kill process {pid}"),
            Self::ResumeProcess { pid, .. } => write!(f, "resume process {pid}"),
            Self::RestoreAddressSpace { pid, .. } => write!(f, "lift the memory limit of process {pid}"),
            Self::RemoveContainers { trial, .. } => write!(f, "remove the containers of trial {trial}"),
            Self::UnpauseContainer { id, .. } => write!(f, "unpause container {id}"),
            Self::RestoreCpuQuota { id, .. } => write!(f, "restore the CPU quota of container {id}"),
            Self::DeleteProxy { server, name } => {
                write!(f, "delete the proxy {name} of the Toxiproxy at {server}")
            }
        }
    }
}
