//! The toxics that are measured, as commands to a part.

use crate::outcome::Outcome;
use std::fmt;

/// A toxic on the way from the service to the client.
#[derive(Clone, Copy)]
pub(crate) enum Toxic {
    Latency {
        milliseconds: u64,
    },
    /// In KB/s, of 1,000 bytes.
    Bandwidth {
        rate: u64,
    },
    Slicer {
        average: u64,
    },
}

impl Toxic {
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Bandwidth { .. } => "bandwidth",
            Self::Slicer { .. } => "slicer",
        }
    }

    pub(super) fn parse(words: &[&str]) -> Outcome<Self> {
        match words {
            ["latency", value] => Ok(Self::Latency { milliseconds: value.parse()? }),
            ["bandwidth", value] => Ok(Self::Bandwidth { rate: value.parse()? }),
            ["slicer", value] => Ok(Self::Slicer { average: value.parse()? }),
            _ => Err("there is no such toxic".into()),
        }
    }
}

impl fmt::Display for Toxic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Latency { milliseconds: value }
        | Self::Bandwidth { rate: value }
        | Self::Slicer { average: value }) = self;
        f.pad(&format!("{} {value}", self.kind()))
    }
}
