//! States, events and evidence, as a merge, a bad disk, another version or another program may leave them.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaos_harness::__fuzz::ledger(data));
