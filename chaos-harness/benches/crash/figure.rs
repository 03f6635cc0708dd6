//! What was measured, beside what it should be.

use std::fmt;

/// What a value is measured against.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// There must be none: one fails the run.
    None,
    Below(f64),
    AtMost(f64),
}

/// A measured value and its target: the last lines of the output.
pub(crate) struct Figure {
    name: String,
    /// Without one, the note says why there is none.
    value: Option<f64>,
    unit: &'static str,
    goal: Goal,
    note: String,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) -> Self {
        Self { name: name.into(), value: Some(value), unit, goal, note: String::new() }
    }

    /// One that could not be measured.
    pub(crate) fn skipped(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), value: None, unit: "", goal: Goal::None, note: why.into() }
    }

    /// One of samples, of which there may be none.
    pub(crate) fn of_samples(name: &str, value: Option<f64>, unit: &'static str, goal: Goal) -> Self {
        value.map_or_else(
            || Self::skipped(name, "there are no samples"),
            |value| Self::new(name, value, unit, goal),
        )
    }

    /// Says something beside the value.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        if self.value.is_none() { self } else { Self { note: note.into(), ..self } }
    }

    /// Whether it lets the run pass: a leftover does not, a slow undo does.
    pub(crate) fn may_pass(&self) -> bool {
        !matches!(self.goal, Goal::None) || self.value.is_none_or(|value| value == 0.0)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, unit, goal, note } = self;
        let Some(value) = value else { return write!(f, "figure {name} skipped: {note}") };
        let told = match goal {
            Goal::None => format!("figure {name} = {value} {unit} (target 0) {}", mark(*value == 0.0)),
            Goal::Below(most) => {
                format!("figure {name} = {value:.3} {unit} (target < {most}) {}", mark(value < most))
            }
            Goal::AtMost(most) => {
                format!("figure {name} = {value:.3} {unit} (target <= {most}) {}", mark(value <= most))
            }
        };
        f.write_str(&told)?;
        if note.is_empty() { Ok(()) } else { write!(f, " ({note})") }
    }
}

fn mark(is_met: bool) -> &'static str {
    if is_met { "ok" } else { "short" }
}

/// `None` of no values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { f64::midpoint(values[middle - 1], upper) })
}

/// `None` of no values.
pub(crate) fn worst(values: &[f64]) -> Option<f64> {
    values.iter().copied().reduce(f64::max)
}
