//! Code from .proto files for unwired, without protoc.
