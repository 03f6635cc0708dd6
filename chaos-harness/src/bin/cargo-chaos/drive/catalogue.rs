//! The types of toxics, and the attributes that each has.

use std::fmt::Write as _;
use std::sync::LazyLock;

/// A type of toxic.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) attributes: &'static [Attribute],
    /// Whether Toxiproxy itself has no such type.
    pub(super) is_ours: bool,
    does: &'static str,
}

/// An attribute of a type.
#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// Whether a toxic without it means nothing, or something that hardly anyone wants.
    pub(super) is_needed: bool,
}

const fn needed(name: &'static str, unit: &'static str) -> Attribute {
    Attribute { name, unit, is_needed: true }
}

const fn optional(name: &'static str, unit: &'static str) -> Attribute {
    Attribute { name, unit, is_needed: false }
}

const fn kind(name: &'static str, does: &'static str, attributes: &'static [Attribute]) -> Kind {
    Kind { name, attributes, is_ours: false, does }
}

const fn ours(name: &'static str, does: &'static str, attributes: &'static [Attribute]) -> Kind {
    Kind { name, attributes, is_ours: true, does }
}

/// All types: those of Toxiproxy first.
pub(super) const KINDS: [Kind; 13] = [
    kind("latency", "delays data", &[needed("latency", "ms"), optional("jitter", "ms")]),
    kind("bandwidth", "holds data to a rate", &[needed("rate", "KB/s")]),
    kind("slow_close", "delays the end of a connection", &[needed("delay", "ms")]),
    kind("timeout", "drops data, and closes (0: never)", &[needed("timeout", "ms")]),
    kind("reset_peer", "resets a connection", &[optional("timeout", "ms")]),
    kind(
        "slicer",
        "cuts data into small pieces",
        &[needed("average_size", "B"), optional("size_variation", "B"), optional("delay", "µs")],
    ),
    kind("limit_data", "closes after so much data", &[needed("bytes", "B")]),
    kind("down", "closes all, and refuses", &[]),
    ours("burst", "holds data for on, passes it for off", &[needed("on", "ms"), needed("off", "ms")]),
    ours("stall", "holds data after so much of it", &[needed("bytes", "B"), optional("hold", "ms")]),
    ours(
        "limit_connections",
        "lets only so many be open",
        &[needed("connections", "a count"), optional("wait", "ms")],
    ),
    ours("refuse_connections", "refuses new connections", &[]),
    ours("delay_connections", "delays new connections", &[needed("delay", "ms"), optional("jitter", "ms")]),
];

impl Kind {
    /// The type of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// The attributes with their units, and which of them may be left out.
    pub(super) fn signature(&self) -> String {
        let attribute = |attribute: &Attribute| {
            let Attribute { name, unit, is_needed } = attribute;
            if *is_needed { format!("{name} ({unit})") } else { format!("[{name} ({unit})]") }
        };
        self.attributes.iter().map(attribute).collect::<Vec<_>>().join(", ")
    }
}

/// The types as the help shows them.
pub(crate) static KINDS_HELP: LazyLock<String> = LazyLock::new(|| {
    let mut help = "Types, their attributes, and [those that may be left out]:\n".to_owned();
    for kind in &KINDS {
        let mark = if kind.is_ours { "*" } else { "" };
        let name = format!("{}{mark}", kind.name);
        // Writing to a string cannot fail.
        let _ = write!(help, "  {name:<20} {:<38} {}", kind.does, kind.signature());
        help.truncate(help.trim_end().len());
        help.push('\n');
    }
    help + "  * beyond Toxiproxy: `cargo chaos proxy` has it, other servers do not"
});
