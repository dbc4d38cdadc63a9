//! Standard gRPC services for unwired: health, reflection, error details.
