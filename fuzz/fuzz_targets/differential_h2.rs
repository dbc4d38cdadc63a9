#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unwired_fuzz::differential_h2::run(data));
