//! The .proto files of the examples and of the interoperability services, and their generated code.
