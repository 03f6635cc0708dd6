//! Metrics as text.

use std::fmt::{Display, Write};

/// Whether values only grow.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// A metric with all its series.
pub(super) struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    series: String,
}

impl Family {
    pub(super) fn new(name: &'static str, help: &'static str, kind: Kind) -> Self {
        Self { name, help, kind, series: String::new() }
    }

    /// Adds a series.
    pub(super) fn add(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Writing to a string cannot fail.
        let _ = writeln!(self.series, "{}{labels} {value}", self.name);
    }

    /// Prints it behind `text`; nothing where it has no series.
    pub(super) fn print(&self, text: &mut String) {
        let Self { name, help, series, .. } = self;
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        if !series.is_empty() {
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{series}");
        }
    }
}

fn escape(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_label() {
        let mut family = Family::new("bytes", "Bytes.", Kind::Counter);
        family.add(&[("proxy", "a\"} 1\nb\\")], 2);
        let mut text = String::new();
        family.print(&mut text);
        assert_eq!(text, "# HELP bytes Bytes.\n# TYPE bytes counter\nbytes{proxy=\"a\\\"} 1\\nb\\\\\"} 2\n");
    }
}
