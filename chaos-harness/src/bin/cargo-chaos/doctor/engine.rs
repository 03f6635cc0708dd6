//! The container engine, and images.

use super::check::Check;
use chaos_harness::system::{EngineReport, Obstacle, engine_report, image_report};
use std::collections::BTreeSet;

/// The engine, and what containers can be done to.
pub(super) fn engine() -> Vec<Check> {
    let EngineReport { address, facts } = engine_report();
    let facts = match facts {
        Ok(facts) => facts,
        Err(Obstacle { reason, remedy }) => {
            let check = Check::missing("engine", reason).remedy(remedy);
            return vec![
                check.effect("services in containers are left out, unless they have another way to run"),
            ];
        }
    };
    let groups =
        facts.cgroup_version.as_deref().map(|version| format!(", cgroup v{version}")).unwrap_or_default();
    let rootless = if facts.is_rootless { ", rootless" } else { "" };
    let found =
        format!("{} at {address}, API {}, on {}{groups}{rootless}", facts.version, facts.api, facts.system);
    let engine = Check::ok("engine", found);
    let cpu = if facts.limits_cpu {
        Check::ok("engine cpu", "it can limit a container's share of the processor")
            .effect("`starve_cpu` works on containers")
    } else {
        Check::limited("engine cpu", "it cannot limit a container's share of the processor")
            .effect("`starve_cpu` works on processes, not on containers")
            .remedy(if facts.is_rootless {
                "delegate the cpu controller to this user: systemctl edit user@.service, [Service] Delegate=cpu"
            } else {
                "a kernel with CONFIG_CFS_BANDWIDTH, and the cpu controller on"
            })
    };
    vec![engine, cpu]
}

/// The images that experiments name. Whether an experiment can do without one is known of each; one that was asked for
/// must be there.
pub(super) fn images(named: &BTreeSet<String>, needed: &[String]) -> Vec<Check> {
    let check = |image: &String| match image_report(image) {
        None => Check::ok("image", format!("{image} is there, or its registry answers")),
        Some(Obstacle { reason, remedy }) => {
            let check = Check::missing("image", format!("{image}: {reason}")).remedy(remedy);
            if needed.contains(image) { check.needed() } else { check }
        }
    };
    named.iter().map(check).collect()
}
