#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unwired_fuzz::call_pair::run(data));
