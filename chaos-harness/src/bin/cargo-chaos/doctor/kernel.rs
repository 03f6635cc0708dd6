//! Privileges, and what of the kernel faults are made with.

use super::check::Check;
use crate::child::output_within;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// How long a probe may take.
const PROBE_LIMIT: Duration = Duration::from_secs(3);
/// The bit of `CAP_NET_ADMIN`.
const NET_ADMIN: u32 = 12;

/// Who runs this, and what they may do.
pub(super) fn privileges() -> Check {
    let user = rustix::process::geteuid();
    let who = if user.is_root() { "root".to_owned() } else { format!("user {}", user.as_raw()) };
    let net_admin = match may_administer_network() {
        Some(true) => ", CAP_NET_ADMIN",
        Some(false) => ", no CAP_NET_ADMIN",
        None => "",
    };
    let ptrace = match fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope") {
        Ok(scope) => format!(", ptrace scope {}", scope.trim()),
        Err(_) => String::new(),
    };
    let check = Check::ok("privileges", format!("{who}{net_admin}{ptrace}"));
    if user.is_root() {
        return check
            .effect("every fault works; some servers, PostgreSQL for one, refuse to be started by root");
    }
    check.effect("every fault works: none needs more than a user has")
}

fn may_administer_network() -> Option<bool> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let bits = u64::from_str_radix(effective.trim(), 16).ok()?;
    Some(bits & (1 << NET_ADMIN) != 0)
}

/// Whether the kernel delays and loses packets: tried in a network of its own.
pub(super) fn netem() -> Check {
    let without = "latency, bandwidth and every other fault work without it, in the proxy; only faults of your own that call \
                   `tc` need it";
    if !cfg!(target_os = "linux") {
        return Check::ok("netem", "not of this system").effect(without);
    }
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]);
    let said = match output_within(command, PROBE_LIMIT) {
        Ok(output) if output.status.success() => {
            return Check::ok("netem", "packets can be delayed and lost");
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let check = Check::limited("netem", format!("cannot be used: {said}")).effect(without);
    if said.contains("qdisc kind is unknown") || said.contains("not found") {
        check.remedy("modprobe sch_netem, on a kernel that has it (CONFIG_NET_SCH_NETEM)")
    } else {
        check.remedy(
            "`unshare` and `tc` (Debian: apt-get install util-linux iproute2), and root or user namespaces",
        )
    }
}

/// What `starve_cpu` and `limit_memory` need of this machine itself.
pub(super) fn cgroups() -> Check {
    let works = if cfg!(target_os = "linux") {
        "`starve_cpu` (by freezing in turns) and `limit_memory` (by the address space) work on processes, and need none"
    } else {
        "`starve_cpu` works on processes; `limit_memory` needs Linux"
    };
    let root = Path::new("/sys/fs/cgroup");
    let found = if let Ok(controllers) = fs::read_to_string(root.join("cgroup.controllers")) {
        format!("v2, with {}", controllers.trim())
    } else if root.join("cpu").is_dir() || root.join("memory").is_dir() {
        let has = |controller: &str| root.join(controller).is_dir();
        let writable = |controller: &str| {
            rustix::fs::access(root.join(controller), rustix::fs::Access::WRITE_OK).is_ok()
        };
        let told = ["cpu", "memory"].map(|controller| match (has(controller), writable(controller)) {
            (true, true) => format!("{controller} (writable)"),
            (true, false) => format!("{controller} (read-only)"),
            (false, _) => format!("no {controller}"),
        });
        format!("v1, with {}", told.join(", "))
    } else {
        "none".to_owned()
    };
    let check = if cfg!(target_os = "linux") { Check::ok } else { Check::limited };
    check("cgroups", found).effect(works)
}
