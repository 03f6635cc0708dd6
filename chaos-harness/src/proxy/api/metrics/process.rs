//! What the process uses, under the names that Prometheus' clients share.

use super::exposition::{Family, Kind};
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};
use tokio::runtime::Handle;

/// What could be found out: where there is no `/proc`, only the runtime's.
pub(super) fn families(runtime: &Handle) -> Vec<Family> {
    let metrics = runtime.metrics();
    let mut families = vec![
        of("chaos_runtime_tasks", "Tasks alive on the proxy's threads.", metrics.num_alive_tasks() as f64),
        of("chaos_runtime_workers", "Threads of the proxy.", metrics.num_workers() as f64),
    ];
    if let Some(limit) = getrlimit(Resource::Nofile).current {
        families.push(of("process_max_fds", "Maximum number of open file descriptors.", limit as f64));
    }
    // The directory's own descriptor is not counted.
    if let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") {
        let open = descriptors.count().saturating_sub(1);
        families.push(of("process_open_fds", "Number of open file descriptors.", open as f64));
    }
    if let Some(used) = std::fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Used::read) {
        let mut seconds = Family::new(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            Kind::Counter,
        );
        seconds.add(&[], used.ticks as f64 / clock_ticks_per_second() as f64);
        families.extend([
            seconds,
            of("process_threads", "Number of threads.", used.threads as f64),
            of("process_virtual_memory_bytes", "Virtual memory size in bytes.", used.virtual_bytes as f64),
            of(
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
                used.resident_pages as f64 * page_size() as f64,
            ),
        ]);
    }
    families
}

fn of(name: &'static str, help: &'static str, value: f64) -> Family {
    let mut family = Family::new(name, help, Kind::Gauge);
    family.add(&[], value);
    family
}

/// What Linux says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Used {
    ticks: u64,
    threads: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Used {
    /// Reads `/proc/…/stat`: its second field is a name in parentheses, in which anything can stand.
    fn read(stat: &str) -> Option<Self> {
        let (_, after_name) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        // The manual counts from 1, and the first after the name is the third.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            ticks: field(14)? + field(15)?,
            threads: field(20)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Used;

    #[test]
    fn a_process_with_a_parenthesis_in_its_name_is_read() {
        let stat = "7 (a) b 1) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 6 0 99 8192000 512 1 2 3";
        let used = Used { ticks: 300, threads: 6, virtual_bytes: 8_192_000, resident_pages: 512 };
        assert_eq!(Used::read(stat), Some(used));
        assert_eq!(Used::read("7 (a"), None);
    }
}
