//! The environment: lines of `NAME=VALUE`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaos_harness::__fuzz::environment(data));
