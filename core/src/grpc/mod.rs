//! gRPC over stream events: messages, metadata, status, deadlines, compression.
