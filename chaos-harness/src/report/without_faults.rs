//! What there is to say of a workload that was to run alone.

use super::Report;
use crate::units::show_duration;
use std::fmt;

/// What the phases of a trial under `CHAOS_NO_FAULT` measured. There was no fault to hold anything against.
#[derive(Debug, Clone, Copy)]
pub struct WithoutFaults<'a>(pub &'a Report);

impl fmt::Display for WithoutFaults<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { trial, phases, took, .. } = self.0;
        writeln!(f, "ran without faults (CHAOS_NO_FAULT): {trial} [{}]", show_duration(*took))?;
        for report in phases {
            let lasted = show_duration(report.lasted);
            writeln!(f, "  {:<11} {lasted}: {}", report.phase.to_string(), report.summary)?;
        }
        Ok(())
    }
}
