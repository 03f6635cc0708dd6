//! What is wrong with a system as it is written down: found when trials are listed, before anything is started.

use super::template::{self, placeholders, texts};
use super::{Provider, ProviderKind, Ready, ServiceName, SystemSpec};
use crate::redact;
use crate::secret::MASK;
use std::collections::{BTreeMap, BTreeSet};

/// A mistake in the definition of a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("service `{service}`: {mistake}")]
pub(crate) struct SpecError {
    pub(crate) service: ServiceName,
    pub(crate) mistake: Mistake,
}

/// What is wrong with a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mistake {
    #[error("nothing provides it: give it a container, a process, a binary or an address")]
    NoProvider,
    #[error("the system has two services of this name")]
    DuplicateName,
    #[error("`{{port}}` stands for an instance's own port: call the service something else")]
    ReservedName,
    #[error(
        "a name begins with a letter and has only letters, digits, `_` and `-`, so that `{{{0}}}` can stand for it"
    )]
    BadName(ServiceName),
    #[error("container {image} has no port: say which port it listens on inside, as in `.port(6379)`")]
    NoPort { image: String },
    #[error(
        "process `{}` is not told its port: put `{{port}}` where the port belongs, in the line or in a variable",
        redact::line(line)
    )]
    NoPortPlaceholder { line: String },
    #[error("`{}` cannot be split into words: a quote is left open", redact::line(line))]
    OpenQuote { line: String },
    #[error("a process needs a program to run")]
    EmptyLine,
    #[error("0 replicas: a service has at least one instance")]
    NoReplicas,
    #[error("`{name}` is not an environment variable: write `NAME=value`")]
    BadVariable { name: String },
    #[error(
        "{what} holds `[redacted]`: it was stored without its secrets, and cannot be run so; write them in again"
    )]
    Redacted { what: String },
    #[error("it comes after `{0}`, which the system does not have")]
    UnknownAfter(ServiceName),
    #[error("`{{{0}}}` names no service of the system")]
    UnknownPlaceholder(String),
    #[error(
        "readiness by log line of something that is already running: its log is not seen here; use tcp or http"
    )]
    LogOfExternal,
    #[error("the path `{0}` to ask for does not begin with a slash")]
    BadPath(String),
    #[error("services wait for each other in a circle: {0}")]
    Circle(String),
}

/// Everything that is wrong with `spec`.
pub(crate) fn check(spec: &SystemSpec) -> Vec<SpecError> {
    let names: BTreeSet<&ServiceName> = spec.services.iter().map(|service| &service.name).collect();
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for service in &spec.services {
        let mut found = Vec::new();
        if service.name.as_str() == template::PORT {
            found.push(Mistake::ReservedName);
        }
        if !is_name(service.name.as_str()) {
            found.push(Mistake::BadName(service.name.clone()));
        }
        if !seen.insert(&service.name) {
            found.push(Mistake::DuplicateName);
        }
        if service.providers.is_empty() {
            found.push(Mistake::NoProvider);
        }
        for provider in &service.providers {
            check_provider(provider, &names, &mut found);
        }
        for after in service.after.iter().filter(|after| !names.contains(after)) {
            found.push(Mistake::UnknownAfter(after.clone()));
        }
        errors.extend(found.into_iter().map(|mistake| SpecError { service: service.name.clone(), mistake }));
    }
    errors.extend(circle(spec));
    errors
}

fn check_provider(provider: &Provider, names: &BTreeSet<&ServiceName>, found: &mut Vec<Mistake>) {
    match &provider.kind {
        ProviderKind::Container { image, port, command } => {
            if *port == 0 {
                found.push(Mistake::NoPort { image: image.clone() });
            }
            // A command that could not be split was kept as one word.
            for word in command.iter().filter(|_| command.len() == 1) {
                if shell_words::split(word).is_err() {
                    found.push(Mistake::OpenQuote { line: word.clone() });
                }
            }
        }
        ProviderKind::Command { line } => {
            match shell_words::split(line) {
                Err(_) => found.push(Mistake::OpenQuote { line: line.clone() }),
                Ok(words) if words.is_empty() => found.push(Mistake::EmptyLine),
                Ok(_) => {}
            }
            if !placeholders(provider).any(|name| name == template::PORT) {
                found.push(Mistake::NoPortPlaceholder { line: line.clone() });
            }
        }
        ProviderKind::CargoBin { args, .. } => {
            if shell_words::split(args).is_err() {
                found.push(Mistake::OpenQuote { line: args.clone() });
            }
        }
        ProviderKind::External { .. } => {
            if matches!(provider.ready, Ready::Log { .. }) {
                found.push(Mistake::LogOfExternal);
            }
        }
    }
    if provider.replicas == 0 {
        found.push(Mistake::NoReplicas);
    }
    if let Ready::Http { path } = &provider.ready
        && !path.starts_with('/')
    {
        found.push(Mistake::BadPath(path.clone()));
    }
    for variable in &provider.env {
        let name = variable.name();
        if name.is_empty()
            || name.contains(|letter: char| letter.is_whitespace() || matches!(letter, '=' | '\0'))
        {
            found.push(Mistake::BadVariable { name: name.to_owned() });
        }
        if variable.template().contains(MASK) {
            found.push(Mistake::Redacted { what: format!("the variable `{name}`") });
        }
    }
    if texts(&provider.kind).iter().any(|text| text.contains(MASK)) {
        found.push(Mistake::Redacted { what: provider.to_string() });
    }
    for name in placeholders(provider).filter(|name| *name != template::PORT) {
        if !names.contains(&ServiceName::from(name)) {
            found.push(Mistake::UnknownPlaceholder(name.to_owned()));
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
}

/// The services that must be ready before one that is provided so.
pub(crate) fn needs(after: &[ServiceName], providers: &[Provider]) -> BTreeSet<ServiceName> {
    let named = providers.iter().flat_map(placeholders).filter(|name| *name != template::PORT);
    after.iter().cloned().chain(named.map(ServiceName::from)).collect()
}

/// One circle of services that wait for each other, where there is one.
fn circle(spec: &SystemSpec) -> Option<SpecError> {
    let mut waiting: BTreeMap<_, _> = spec
        .services
        .iter()
        .map(|service| (service.name.clone(), needs(&service.after, &service.providers)))
        .collect();
    // What waits for nothing that is left can be started: take it out until nothing more can.
    loop {
        let names: BTreeSet<_> = waiting.keys().cloned().collect();
        let before = waiting.len();
        waiting.retain(|_, needs| needs.iter().any(|need| names.contains(need)));
        if waiting.len() == before {
            break;
        }
    }
    // Whatever is left waits for something that is left, so a walk along it comes back on itself.
    let mut path = vec![waiting.keys().next()?.clone()];
    loop {
        let next = waiting.get(path.last()?)?.iter().find(|need| waiting.contains_key(need))?.clone();
        let start = path.iter().position(|passed| *passed == next);
        path.push(next);
        if let Some(start) = start {
            let steps: Vec<_> = path[start..].iter().map(ServiceName::as_str).collect();
            let mistake = Mistake::Circle(steps.join(" waits for "));
            return Some(SpecError { service: path[start].clone(), mistake });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{ServiceSpec, Source, cargo_bin, container, external, process};

    fn system(services: impl IntoIterator<Item = (&'static str, Source)>) -> SystemSpec {
        let services = services.into_iter().map(|(name, source)| ServiceSpec {
            name: name.into(),
            providers: source.providers,
            after: source.after,
        });
        SystemSpec { name: "shop".into(), services: services.collect() }
    }

    fn mistakes(services: impl IntoIterator<Item = (&'static str, Source)>) -> Vec<Mistake> {
        check(&system(services)).into_iter().map(|error| error.mistake).collect()
    }

    #[test]
    fn a_sound_system_has_no_mistakes() {
        let redis = container("redis:7").port(6379).or(process("redis-server --port {port} --save ''"));
        let inventory = cargo_bin("inventory").replicas(10).env("REDIS=redis://{redis}").after("redis");
        let shop = container("shop:1").port(80).env("REDIS={redis}");
        let gateway = process("gateway").env("LISTEN=127.0.0.1:{port}").or(external("localhost:80"));
        let services =
            [("redis", redis), ("inventory", inventory.into()), ("shop", shop.into()), ("gateway", gateway)];
        assert_eq!(mistakes(services), []);
    }

    #[test]
    fn each_mistake_is_found() {
        let container_without_port = mistakes([("a", container("redis:7").into())]);
        assert_eq!(container_without_port, [Mistake::NoPort { image: "redis:7".into() }]);
        let line = "redis-server".to_owned();
        assert_eq!(mistakes([("a", process("redis-server").into())]), [Mistake::NoPortPlaceholder { line }]);
        let line = "run '{port}".to_owned();
        assert_eq!(mistakes([("a", process("run '{port}").into())]), [Mistake::OpenQuote { line }]);
        let line = "serve '".to_owned();
        let open = container("redis:7").port(1).command("serve '");
        assert_eq!(mistakes([("a", open.into())]), [Mistake::OpenQuote { line }]);
        assert_eq!(mistakes([("a", cargo_bin("a").replicas(0).into())]), [Mistake::NoReplicas]);
        let name = "two words".to_owned();
        assert_eq!(
            mistakes([("a", cargo_bin("a").env("two words=1").into())]),
            [Mistake::BadVariable { name }]
        );
        assert_eq!(mistakes([("a", cargo_bin("a").after("b").into())]), [Mistake::UnknownAfter("b".into())]);
        assert_eq!(
            mistakes([("a", cargo_bin("a").args("--to {b}").into())]),
            [Mistake::UnknownPlaceholder("b".into())]
        );
        let twice = [("a", cargo_bin("a").into()), ("a", cargo_bin("b").into())];
        assert_eq!(mistakes(twice), [Mistake::DuplicateName]);
        assert_eq!(mistakes([("port", cargo_bin("a").into())]), [Mistake::ReservedName]);
    }

    #[test]
    fn a_circle_is_named_by_its_services_only() {
        let services = [
            ("a", cargo_bin("a").after("b").into()),
            ("b", cargo_bin("b").env("C={c}").into()),
            ("c", cargo_bin("c").after("b").into()),
        ];
        let errors = check(&system(services));
        assert_eq!(errors.len(), 1);
        assert_eq!(
            errors[0].to_string(),
            "service `b`: services wait for each other in a circle: b waits for c waits for b"
        );
        let own = mistakes([("a", cargo_bin("a").after("a").into())]);
        assert_eq!(own, [Mistake::Circle("a waits for a".into())]);
    }
}
