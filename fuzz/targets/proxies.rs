//! The list of proxies in a configuration file, and in `POST /populate`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaos_harness::__fuzz::proxies(data));
