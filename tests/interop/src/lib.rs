//! gRPC's own interoperability suite: the cases that a client asserts, and the server that they are asserted of.
//!
//! The cases and their numbers are those of `doc/interop-test-descriptions.md` in `grpc/grpc`; what only runs in a cloud is
//! not here. Everything is written against [`unwired`] alone, so that it runs on any adapter and in simulated time; the
//! programs `interop_client` and `interop_server` take the runtime from their command line. [`mixed_load`] is ours.

pub mod bad_server;
pub mod cases;
pub mod flags;
pub mod mixed_load;
pub mod server;
