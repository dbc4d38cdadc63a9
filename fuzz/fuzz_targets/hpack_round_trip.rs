#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unwired_fuzz::hpack_round_trip::run(data));
