//! A client and a server of gRPC, and applications that do anything in any order: the property of `core/tests/grpc`, with
//! operations of the fuzzer's choice.
//!
//! Each call ends once, all of them end, what is received was sent, and nothing is left.
//!
//! Input: operations, an octet each.

#[path = "../../core/tests/grpc/operations/mod.rs"]
mod operations;

/// Runs one input.
pub fn run(data: &[u8]) {
    operations::run(data);
}
