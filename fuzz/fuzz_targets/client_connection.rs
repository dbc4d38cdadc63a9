#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unwired_fuzz::client_connection::run(data));
