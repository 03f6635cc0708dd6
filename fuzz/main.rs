//! The fuzz targets, as one program: each is a call of what it fuzzes, and linking takes longer than compiling them.
#![no_main]

use std::env;
use std::sync::LazyLock;

/// The one that the variable `FUZZ_TARGET` names.
static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = env::var("FUZZ_TARGET").unwrap_or_default();
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.map_or_else(|| panic!("FUZZ_TARGET={name}: there is no such target"), |(_, target)| *target)
});

const TARGETS: [(&str, fn(&[u8])); 9] = [
    // Requests to the HTTP API: a first line with method and path, and a body after it. Several, each after an empty line.
    ("api", chaos_harness::__fuzz::api),
    // The environment: lines of `NAME=VALUE`.
    ("environment", chaos_harness::__fuzz::environment),
    // The lines of a journal.
    ("journal", chaos_harness::__fuzz::journal),
    // A lease, as a crash, a bad disk, another version or another program may leave it.
    ("lease", chaos_harness::__fuzz::lease),
    // States, events and evidence, as a merge, a bad disk, another version or another program may leave them.
    ("ledger", chaos_harness::__fuzz::ledger),
    // A stored plan, or a stored experiment.
    ("plan", chaos_harness::__fuzz::plan),
    // The list of proxies in a configuration file, and in `POST /populate`.
    ("proxies", chaos_harness::__fuzz::proxies),
    // `chaos.toml`.
    ("settings", chaos_harness::__fuzz::settings),
    // An undo log, as a crash, a bad disk or another version may leave it.
    ("undo_log", chaos_harness::__fuzz::undo_log),
];

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
