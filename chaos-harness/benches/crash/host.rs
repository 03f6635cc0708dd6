//! What other programs say of this machine: the container engine, and the kernel's network.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

/// Queueing disciplines that the kernel gives links by itself.
const USUAL_QUEUES: [&str; 6] = ["noqueue", "mq", "pfifo_fast", "fq_codel", "fq", "pfifo"];

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether there is an engine with the image of the experiments, and a library that uses it.
pub(crate) fn has_engine() -> bool {
    cfg!(feature = "docker") && output("docker", &["image", "inspect", "redis:7"]).is_some()
}

/// Containers, networks and volumes that carry this token in a label, and those of these volumes that are there.
///
/// The token is no argument: a process that carried it would be found as a leftover itself.
pub(crate) fn of_engine(token: &str, volumes: &BTreeSet<String>) -> Vec<String> {
    let labelled = |kind: &str, arguments: &[&str]| -> Vec<String> {
        let lines = output("docker", arguments).unwrap_or_else(|| format!("no answer about {token}\n"));
        lines.lines().filter(|line| line.contains(token)).map(|line| format!("{kind} {line}")).collect()
    };
    let mut left =
        labelled("container", &["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Status}} {{.Labels}}"]);
    if left.is_empty() {
        left.extend(labelled("network", &["network", "ls", "--format", "{{.Name}} {{.Labels}}"]));
        left.extend(labelled("volume", &["volume", "ls", "--format", "{{.Name}} {{.Labels}}"]));
        if !volumes.is_empty() {
            let there = output("docker", &["volume", "ls", "--quiet"]).unwrap_or_default();
            left.extend(
                there.lines().filter(|name| volumes.contains(*name)).map(|name| format!("volume {name}")),
            );
        }
    }
    left
}

/// The volumes of the containers that carry this token in a label, also those that carry none themselves.
pub(crate) fn volumes(token: &str) -> Vec<String> {
    let lines = output("docker", &["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Labels}}"])
        .unwrap_or_default();
    let ids = lines.lines().filter(|line| line.contains(token)).filter_map(|line| line.split(' ').next());
    let mut arguments = vec!["inspect", "--format", "{{range .Mounts}}{{.Name}}\n{{end}}"];
    arguments.extend(ids);
    if arguments.len() == 3 {
        return Vec::new();
    }
    let names = output("docker", &arguments).unwrap_or_default();
    names.lines().filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// What a variable that names what must be there says, as `CHAOS_REQUIRE=docker`.
pub(crate) fn required() -> Option<String> {
    std::env::var("CHAOS_REQUIRE").ok().filter(|what| !what.trim().is_empty())
}

/// Rules of the network that nobody has by default, by those programs that could be asked for them.
pub(crate) struct NetworkRules(BTreeMap<&'static str, BTreeSet<String>>);

/// The programs, and how each is asked.
const INSTRUMENTS: [(&str, &[&str]); 4] =
    [("tc", &["qdisc", "show"]), ("nft", &["list", "ruleset"]), ("iptables-save", &[]), ("ip", &["link"])];

impl NetworkRules {
    /// Those of now: others may be making containers meanwhile, with links and rules of their own.
    pub(crate) fn read() -> Self {
        let unusual = |program: &str, line: &str| match program {
            "tc" => line.split(' ').nth(1).is_some_and(|kind| !USUAL_QUEUES.contains(&kind)),
            _ => line.contains("chaos"),
        };
        let read = INSTRUMENTS.iter().filter_map(|&(program, arguments)| {
            let text = output(program, arguments)?;
            let rules = text.lines().filter(|line| unusual(program, line));
            Some((program, rules.map(|line| line.trim().to_owned()).collect()))
        });
        Self(read.collect())
    }

    /// Whether there is no program to ask.
    pub(crate) fn are_unknown(&self) -> bool {
        self.0.is_empty()
    }

    /// What is here and was not there `before`, where both are known.
    pub(crate) fn since<'a>(&'a self, before: &'a Self) -> Vec<&'a String> {
        let both = self.0.iter().filter_map(|(program, rules)| Some((rules, before.0.get(program)?)));
        both.flat_map(|(rules, before)| rules.difference(before)).collect()
    }

    /// Which programs answered both times, and which did not.
    pub(crate) fn asked(&self, before: &Self) -> (Vec<&'static str>, Vec<&'static str>) {
        let programs = INSTRUMENTS.iter().map(|(program, _)| *program);
        programs.partition(|program| self.0.contains_key(program) && before.0.contains_key(program))
    }
}
