//! A client and a server of gRPC, and applications that do anything in any order: the property of `core/tests/grpc`, with
//! operations of the fuzzer's choice.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../core/tests/grpc/operations/mod.rs"]
mod operations;

fuzz_target!(|operations: &[u8]| operations::run(operations));
