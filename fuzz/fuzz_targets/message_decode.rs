#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unwired_fuzz::message_decode::run(data));
