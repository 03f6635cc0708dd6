//! How much there is: descriptors, ports, space, and time.

use super::check::Check;
use chaos_harness::ledger::Moment;
use rustix::process::{Resource, getrlimit};
use std::env;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// Descriptors of one connection through the proxy: the client's own, and two in the proxy.
const PER_CONNECTION: u64 = 3;
/// What a program has open before there is any connection.
const TO_BEGIN_WITH: u64 = 64;
/// Connections at once that experiments of ordinary size have.
const ENOUGH_CONNECTIONS: u64 = 300;
/// How long a port that was used stays taken, in seconds.
const TIME_WAIT: u64 = 60;
/// New connections in a second that experiments of ordinary size make.
const ENOUGH_IN_A_SECOND: u64 = 200;
/// Space that builds, logs and journals of a run take.
const ENOUGH_SPACE: u64 = 2 << 30;
/// Space without which not even a journal can be written.
const LEAST_SPACE: u64 = 64 << 20;

/// How many files and connections a test program may have open.
pub(super) fn descriptors() -> Check {
    let limit = getrlimit(Resource::Nofile);
    descriptors_of(limit.current, limit.maximum)
}

fn descriptors_of(soft: Option<u64>, hard: Option<u64>) -> Check {
    let told = |limit: Option<u64>| limit.map_or("no limit".to_owned(), |limit| limit.to_string());
    let found = format!("{} at once (ulimit -n), at most {} (ulimit -Hn)", told(soft), told(hard));
    let Some(soft) = soft else { return Check::ok("descriptors", found) };
    let connections = soft.saturating_sub(TO_BEGIN_WITH) / PER_CONNECTION;
    let effect = format!("a test program holds about {connections} connections through the proxy at once");
    if connections >= ENOUGH_CONNECTIONS {
        return Check::ok("descriptors", found).effect(effect);
    }
    let remedy = if hard.is_none_or(|hard| hard > soft) {
        format!("ulimit -n {}", hard.map_or(4096, |hard| hard.min(4096)))
    } else {
        "have the administrator raise the hard limit (limits.conf, or the container's --ulimit nofile)"
            .to_owned()
    };
    Check::limited("descriptors", found).effect(effect).remedy(remedy)
}

/// How many connections to one address there can be in a second.
pub(super) fn ports() -> Check {
    match fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok().and_then(|range| range_of(&range))
    {
        Some((first, last)) => ports_of(first, last),
        None => Check::ok("ports", "this system does not say which ports are given to clients"),
    }
}

fn range_of(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split_whitespace().map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn ports_of(first: u64, last: u64) -> Check {
    let count = (last + 1).saturating_sub(first);
    let in_a_second = count / TIME_WAIT;
    let found = format!("{count} for clients, {first} to {last}");
    let effect = format!("a load that opens a connection for each operation goes on at {in_a_second}/s");
    if in_a_second >= ENOUGH_IN_A_SECOND {
        Check::ok("ports", found).effect(effect)
    } else {
        let check = Check::limited("ports", found).effect(effect);
        check.remedy(
            "sysctl net.ipv4.ip_local_port_range='1024 65535', or keep connections open in the client",
        )
    }
}

/// Whether there is room for what builds and runs leave.
pub(super) fn space(folder: &Path) -> Check {
    // It may not have been made yet.
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/"));
    match rustix::fs::statvfs(there) {
        Ok(found) => space_of(there, found.f_bavail.saturating_mul(found.f_frsize)),
        Err(error) => Check::limited("space", format!("{}: {error}", there.display())),
    }
}

fn space_of(folder: &Path, free: u64) -> Check {
    let found = format!("{:.1} GiB free for {}", free as f64 / f64::from(1 << 30), folder.display());
    let remedy = "rm -r target/chaos removes the results of old runs, once `cargo chaos ps` shows none; CHAOS_TARGET_DIR names \
                  another place for new ones";
    if free >= ENOUGH_SPACE {
        Check::ok("space", found)
    } else if free >= LEAST_SPACE {
        Check::limited("space", found).effect("a build or a long run may not fit").remedy(remedy)
    } else {
        Check::missing("space", found).effect("no trial can write its journal").remedy(remedy).needed()
    }
}

/// Whether the clock is later than what has been.
pub(super) fn clock() -> Check {
    let program = env::current_exe().and_then(fs::metadata).and_then(|program| program.modified());
    let built = program.ok().and_then(|modified| modified.duration_since(SystemTime::UNIX_EPOCH).ok());
    let built = built.and_then(|built| u64::try_from(built.as_millis()).ok()).map(Moment::from_millis);
    clock_of(Moment::now(), built)
}

fn clock_of(now: Moment, built: Option<Moment>) -> Check {
    let found = now.in_minutes();
    match built.filter(|built| *built > now) {
        None => Check::ok("clock", found),
        Some(built) => {
            let found = format!("{found}, and this program is of {}", built.in_minutes());
            Check::limited("clock", found)
                .effect("dates of runs are wrong; what was earned is put in order all the same, and nothing is lost")
                .remedy("set the clock (timedatectl set-ntp true)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn few_descriptors_are_limited_and_say_what_can_be_had() {
        assert_eq!(descriptors_of(Some(1024), Some(4096)).state, State::Ok);
        assert_eq!(descriptors_of(None, None).state, State::Ok);
        let few = descriptors_of(Some(256), Some(1024));
        assert_eq!((few.state, few.remedy.as_deref()), (State::Limited, Some("ulimit -n 1024")));
        assert!(few.effect.unwrap().contains("about 64 connections"));
        assert!(descriptors_of(Some(256), Some(256)).remedy.unwrap().contains("administrator"));
    }

    #[test]
    fn few_ports_are_limited() {
        assert_eq!(range_of("32768\t60999\n"), Some((32768, 60999)));
        assert_eq!(range_of("x"), None);
        let usual = ports_of(32768, 60999);
        assert_eq!(usual.state, State::Ok);
        assert!(usual.effect.unwrap().contains("at 470/s"));
        assert_eq!(ports_of(60000, 60999).state, State::Limited);
    }

    #[test]
    fn space_is_needed_only_where_there_is_none() {
        assert_eq!(space_of(Path::new("/t"), 3 << 30).state, State::Ok);
        assert!(!space_of(Path::new("/t"), 1 << 30).is_in_the_way());
        assert!(space_of(Path::new("/t"), 1 << 20).is_in_the_way());
    }

    #[test]
    fn a_clock_before_the_program_was_built_is_wrong() {
        let at = Moment::from_millis;
        assert_eq!(clock_of(at(2), Some(at(1))).state, State::Ok);
        assert_eq!(clock_of(at(2), None).state, State::Ok);
        assert_eq!(clock_of(at(1), Some(at(60_001))).state, State::Limited);
    }
}
