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
    value: f64,
    unit: &'static str,
    goal: Goal,
    note: String,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) -> Self {
        Self { name: name.into(), value, unit, goal, note: String::new() }
    }

    /// Says something beside the value.
    pub(crate) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    /// Whether it lets the run pass: a leftover does not, a slow undo does.
    pub(crate) fn may_pass(&self) -> bool {
        !matches!(self.goal, Goal::None) || self.value == 0.0
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, unit, goal, note } = self;
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

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match (values.len(), values.len() / 2) {
        (0, _) => f64::NAN,
        (count, middle) if count % 2 == 1 => values[middle],
        (_, middle) => f64::midpoint(values[middle - 1], values[middle]),
    }
}

pub(crate) fn worst(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NAN, f64::max)
}
