//! Requests to the HTTP API: a first line with method and path, and a body after it. Several, each after an empty line.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaos_harness::__fuzz::api(data));
