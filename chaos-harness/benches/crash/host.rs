//! What other programs say of this machine: the container engine, and the kernel's network.

use std::collections::BTreeSet;
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

/// Rules of the network that nobody has by default: others may be making containers meanwhile, with links and rules of
/// their own.
pub(crate) fn network_rules() -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    let queue = |line: &str| line.split(' ').nth(1).map(str::to_owned);
    for line in output("tc", &["qdisc", "show"]).unwrap_or_default().lines() {
        if queue(line).is_some_and(|kind| !USUAL_QUEUES.contains(&&*kind)) {
            rules.insert(line.trim().to_owned());
        }
    }
    let ours: [(&str, &[&str]); 3] =
        [("nft", &["list", "ruleset"]), ("iptables-save", &[]), ("ip", &["link"])];
    for (program, arguments) in ours {
        let text = output(program, arguments).unwrap_or_default();
        rules.extend(text.lines().filter(|line| line.contains("chaos")).map(|line| line.trim().to_owned()));
    }
    rules
}
