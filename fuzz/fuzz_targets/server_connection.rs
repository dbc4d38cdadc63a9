#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| unwired_fuzz::server_connection::run(data));
