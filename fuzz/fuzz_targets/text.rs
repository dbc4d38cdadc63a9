#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unwired_fuzz::text::run(data));
