//! gRPC on any async runtime, client and server, over a sans-IO core.
