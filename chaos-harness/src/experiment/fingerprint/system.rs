//! The services of an experiment: without secrets, and without what is only so on one machine.

use super::canonical::Canonical;
use crate::redact;
use crate::system::{Provider, ProviderKind, Ready, ServiceSpec, SystemSpec};
use std::borrow::Cow;

/// Writes down the services and what provides them. What a system is called is no more than a name.
pub(super) fn services(system: &SystemSpec, canonical: &mut Canonical) {
    let SystemSpec { name: _, services } = system;
    canonical.list(services, |service, canonical| {
        let ServiceSpec { name, providers, after } = service;
        canonical.word(name.as_str());
        canonical.list(providers, provider);
        canonical.list(after, |other, canonical| {
            canonical.word(other.as_str());
        });
    });
}

fn provider(provider: &Provider, canonical: &mut Canonical) {
    let Provider { kind, replicas, env, ready, ready_within: _ } = provider;
    match kind {
        ProviderKind::Container { image, port, command } => {
            canonical.word("container").word(image).number(*port);
            canonical.list(&redact::words(command), |word, canonical| {
                canonical.word(&portable(word));
            });
        }
        ProviderKind::Command { line } => {
            canonical.word("process");
            command_line(line, canonical);
        }
        ProviderKind::CargoBin { name, args, built: _ } => {
            canonical.word("cargo_bin").word(name);
            command_line(args, canonical);
        }
        ProviderKind::External { address, allows_faults } => {
            canonical.word("external").word(&redact::text(address)).number(u8::from(*allows_faults));
        }
    }
    canonical.number(*replicas);
    canonical.list(env, |variable, canonical| {
        canonical.word(variable.name()).word(&portable(&variable.shown()));
    });
    match ready {
        Ready::Tcp => canonical.word("tcp"),
        Ready::Http { path } => canonical.word("http").word(path),
        Ready::Log { text } => canonical.word("log").word(text),
    };
}

fn command_line(line: &str, canonical: &mut Canonical) {
    // One that cannot be split cannot be run either.
    let split = shell_words::split(line).unwrap_or_default();
    canonical.list(&redact::words(&split), |word, canonical| {
        canonical.word(&portable(word));
    });
}

/// A word in which a path from the root is no more than its last name: `/home/me/shop/target/debug/cart` is the same
/// program as one that is built elsewhere. Behind an equals sign as well, as in `--config=/etc/redis.conf`.
fn portable(word: &str) -> Cow<'_, str> {
    let last =
        |path: &str| path.trim_end_matches('/').rsplit_once('/').map_or(0, |(folders, _)| folders.len() + 1);
    match word.split_once("=/") {
        _ if word.starts_with('/') => Cow::Borrowed(&word[last(word)..]),
        Some((option, path)) => Cow::Owned(format!("{option}={}", &path[last(path)..])),
        None => Cow::Borrowed(word),
    }
}

#[cfg(test)]
mod tests {
    use super::portable;

    #[test]
    fn a_path_from_the_root_is_its_last_name() {
        for (word, expected) in [
            ("/home/me/target/debug/cart", "cart"),
            ("/home/me/data/", "data/"),
            ("--config=/etc/redis.conf", "--config=redis.conf"),
            ("/", "/"),
            ("--dir=/data", "--dir=data"),
            ("redis-server", "redis-server"),
            ("fixtures/redis.conf", "fixtures/redis.conf"),
            ("http://shop/cart", "http://shop/cart"),
            ("--to=http://shop/cart", "--to=http://shop/cart"),
        ] {
            assert_eq!(portable(word), expected, "{word}");
        }
    }
}
