//! A lease, as a crash, a bad disk, another version or another program may leave it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaos_harness::__fuzz::lease(data));
