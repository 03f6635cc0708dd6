//! What can be seen of a route's use without asking whoever uses it.

use std::collections::BTreeMap;

/// What can be seen of a route's use without asking whoever uses it.
#[derive(Debug, Clone, Default)]
pub(super) struct Traffic {
    /// The connections in this machine's table, and whether they are open; `None` where it cannot be read.
    pub(super) connections: Option<BTreeMap<String, bool>>,
    /// By the server's metrics, where it has them.
    pub(super) bytes: Option<f64>,
}

impl Traffic {
    /// How many connections were there, open or just ended.
    pub(super) fn connections(&self) -> usize {
        self.connections.as_ref().map_or(0, BTreeMap::len)
    }

    /// How many connections were open at some time since `before`.
    pub(super) fn connections_since(&self, before: &Self) -> usize {
        let had_ended = |client: &String| {
            before.connections.as_ref().and_then(|connections| connections.get(client)) == Some(&false)
        };
        let connections = self.connections.iter().flatten();
        connections.filter(|(client, open)| **open || !had_ended(client)).count()
    }

    pub(super) fn bytes_since(&self, before: &Self) -> f64 {
        self.bytes.unwrap_or_default() - before.bytes.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen<const N: usize>(connections: [(&str, bool); N], bytes: Option<f64>) -> Traffic {
        let connections = connections.into_iter().map(|(client, open)| (client.to_owned(), open));
        Traffic { connections: Some(connections.collect()), bytes }
    }

    #[test]
    fn what_had_ended_before_is_not_counted_again() {
        let before = seen([("kept", true), ("ended_since", true), ("ended", false)], Some(100.0));
        let now =
            seen([("kept", true), ("ended_since", false), ("ended", false), ("new", false)], Some(130.0));
        assert_eq!(now.connections_since(&before), 3);
        assert!((now.bytes_since(&before) - 30.0).abs() < 0.5);
        assert_eq!(before.connections(), 3);
        // A port may be used again.
        assert_eq!(seen([("ended", true)], None).connections_since(&before), 1);
    }

    #[test]
    fn where_nothing_can_be_seen_nothing_is() {
        assert_eq!(Traffic::default().connections_since(&Traffic::default()), 0);
    }
}
