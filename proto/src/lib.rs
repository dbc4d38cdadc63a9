//! The .proto files of the examples and of the interoperability services, and their generated code.
//!
//! The files lie in `proto/` of this crate. What is generated from them is checked in, so that who uses this crate builds no
//! generator; a test of `unwired-build` holds the two together.

#![allow(missing_docs, reason = "generated from .proto files, where not everything has a comment")]

/// The greeter: `helloworld.proto`.
pub mod helloworld {
    include!("generated/helloworld.rs");
}

/// Distances in a plane: `displacement.proto`.
pub mod my_package {
    include!("generated/my_package.rs");
}

/// Features on their way: `feed.proto`.
pub mod feed {
    include!("generated/feed.rs");
}

/// Greetings in all four kinds of method: `hello_service.proto`, which has no package.
pub mod hello_service {
    include!("generated/_.rs");
}

/// A store of items: `inventory.proto`.
pub mod inventory {
    include!("generated/inventory.rs");
}

/// The route guide: `route_guide.proto`.
pub mod routeguide {
    include!("generated/routeguide.rs");
}

/// Packages of gRPC itself.
pub mod grpc {
    /// The services of the interoperability suite: `grpc/testing/test.proto`.
    pub mod testing {
        include!("generated/grpc.testing.rs");
    }
}

/// The descriptors of all these files, as an encoded `google.protobuf.FileDescriptorSet`, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptors.bin");
