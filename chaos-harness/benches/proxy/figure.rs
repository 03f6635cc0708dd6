//! What was measured, beside what it should be.

use crate::statistic::{interval, median};
use std::fmt;

/// What a value is measured against.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

/// A measured value and its target: the last lines of the output.
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
    interval: Option<(f64, f64)>,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) -> Self {
        Self { name: name.into(), value, unit, goal, interval: None }
    }

    /// The median of `values`, with its interval.
    pub(crate) fn median(name: impl Into<String>, values: &[f64], unit: &'static str, goal: Goal) -> Self {
        Self { interval: Some(interval(values)), ..Self::new(name, median(values), unit, goal) }
    }

    pub(crate) fn is_met(&self) -> bool {
        match self.goal {
            Goal::AtLeast(least) => self.value >= least,
            Goal::AtMost(most) => self.value <= most,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "figure {} = {:.3} {}", self.name, self.value, self.unit)?;
        if let Some((low, high)) = self.interval {
            write!(f, " [{low:.3}, {high:.3}]")?;
        }
        match self.goal {
            Goal::AtLeast(least) => write!(f, " (target >= {least})")?,
            Goal::AtMost(most) => write!(f, " (target <= {most})")?,
        }
        write!(f, " {}", if self.is_met() { "ok" } else { "short" })
    }
}
