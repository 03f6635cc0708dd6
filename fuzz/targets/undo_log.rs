//! An undo log, as a crash, a bad disk or another version may leave it.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chaos_harness::__fuzz::undo_log(data));
