//! What was measured, beside what it should be.

use std::fmt;

/// What a value is measured against.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// There must be none: one fails the run.
    None,
    Below(f64),
    AtMost(f64),
    /// It is only told.
    Any,
}

/// A measured value and its target: the last lines of the output.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) goal: Goal,
    pub(crate) note: String,
}

impl Figure {
    /// Whether it lets the run pass: what was lost does not, what is slow does.
    pub(crate) fn may_pass(&self) -> bool {
        !matches!(self.goal, Goal::None) || self.value == 0.0
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, unit, goal, note } = self;
        let mark = |is_met: bool| if is_met { "ok" } else { "short" };
        match goal {
            Goal::None => write!(f, "figure {name} = {value} {unit} (target 0) {}", mark(*value == 0.0))?,
            Goal::Below(most) => {
                write!(f, "figure {name} = {value:.2} {unit} (target < {most}) {}", mark(value < most))?;
            }
            Goal::AtMost(most) => {
                write!(f, "figure {name} = {value:.2} {unit} (target <= {most}) {}", mark(value <= most))?;
            }
            Goal::Any => write!(f, "figure {name} = {value:.2} {unit} (no target)")?,
        }
        if note.is_empty() { Ok(()) } else { write!(f, " ({note})") }
    }
}
