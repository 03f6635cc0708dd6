//! Placeholders in command lines and environment variables: `{port}` and `{SERVICE}`.

use super::{Provider, ProviderKind, ServiceName, Variable};
use std::collections::BTreeMap;

/// The placeholder for an instance's own port.
pub(crate) const PORT: &str = "port";

/// What placeholders stand for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Values<'a> {
    /// The instance's own port.
    pub(crate) port: u16,
    /// The routes to the services that are ready, as `host:port`: as whoever is started reaches them.
    pub(crate) routes: &'a BTreeMap<ServiceName, String>,
}

/// `text` with its placeholders filled in. Braces that hold no known name stay as they are: JSON has them too, and
/// that every name is known was checked when trials were listed.
pub(crate) fn fill(text: &str, values: Values<'_>) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Name(PORT) => values.port.to_string(),
            Piece::Name(name) => values
                .routes
                .get(&ServiceName::from(name))
                .map_or_else(|| format!("{{{name}}}"), Clone::clone),
        })
        .collect()
}

/// The placeholders of one provider, `{port}` among them.
pub(crate) fn placeholders(provider: &Provider) -> impl Iterator<Item = &str> {
    let env = provider.env.iter().map(Variable::template);
    texts(&provider.kind).into_iter().chain(env).flat_map(pieces).filter_map(|piece| match piece {
        Piece::Name(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The texts of a command.
pub(crate) fn texts(kind: &ProviderKind) -> Vec<&str> {
    match kind {
        ProviderKind::Container { command, .. } => command.iter().map(String::as_str).collect(),
        ProviderKind::Command { line } => vec![line],
        ProviderKind::CargoBin { args, .. } => vec![args],
        ProviderKind::External { .. } => Vec::new(),
    }
}

#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn pieces(mut text: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        if let Some((name, rest)) = leading_name(text) {
            text = rest;
            return Some(Piece::Name(name));
        }
        // Up to the next brace that begins a placeholder.
        let end = text
            .char_indices()
            .skip(1)
            .find(|(at, _)| leading_name(&text[*at..]).is_some())
            .map_or(text.len(), |(at, _)| at);
        let (head, rest) = text.split_at(end);
        text = rest;
        Some(Piece::Text(head))
    })
}

/// The name in braces that `text` begins with, and what follows it.
fn leading_name(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('{')?;
    // No further than the name goes: a text of many braces is looked through once, and not once for each.
    let end = text.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-'))?;
    let (name, rest) = text.split_at(end);
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    Some((name, rest.strip_prefix('}')?)).filter(|_| starts_well)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn routes() -> BTreeMap<ServiceName, String> {
        [(ServiceName::from("redis"), "127.0.0.1:4000".to_owned())].into()
    }

    #[test]
    fn placeholders_are_filled_and_other_braces_are_left() {
        let routes = routes();
        let values = Values { port: 7000, routes: &routes };
        assert_eq!(fill("--port {port} --redis={redis}", values), "--port 7000 --redis=127.0.0.1:4000");
        assert_eq!(fill(r#"{"a": {redis}}"#, values), r#"{"a": 127.0.0.1:4000}"#);
        assert_eq!(fill("{{port}} {} {9} {", values), "{7000} {} {9} {");
    }

    proptest! {
        #[test]
        fn text_without_placeholders_is_unchanged(text in "[^{]*") {
            let routes = routes();
            prop_assert_eq!(fill(&text, Values { port: 1, routes: &routes }), text);
        }

        #[test]
        fn pieces_join_to_the_text(text in r"[a-z{} ]*") {
            let joined: String = pieces(&text).map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Name(name) => format!("{{{name}}}"),
            }).collect();
            prop_assert_eq!(joined, text);
        }
    }
}
