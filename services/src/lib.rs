//! Standard gRPC services for unwired: health, reflection, error details.
//!
//! Each is added to a server as any other service; begin with [`health::HealthReporter`], [`reflection::builder`] and
//! [`error_details::StatusExt`]. There are no features.
//!
//! The .proto files lie in `proto/` of this crate, and what is generated from them is checked in: [`pb`].

#![warn(clippy::missing_errors_doc, clippy::missing_panics_doc)]
// Nothing a peer sends may panic. Where one of these is allowed, its reason is the proof that it cannot happen.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)
)]

pub mod error_details;
pub mod health;
pub mod reflection;

/// Messages, stubs and traits as they were generated, in modules nested as the packages of protobuf are.
#[allow(missing_docs, reason = "generated from .proto files, where not everything has a comment")]
pub mod pb {
    /// Packages of gRPC itself.
    pub mod grpc {
        /// `grpc/health`.
        pub mod health {
            /// Whether a server, or one of its services, is ready for calls: `grpc/health/v1/health.proto`.
            pub mod v1 {
                include!("generated/grpc.health.v1.rs");
            }
        }

        /// `grpc/reflection`.
        pub mod reflection {
            /// What a server offers: `grpc/reflection/v1/reflection.proto`.
            pub mod v1 {
                include!("generated/grpc.reflection.v1.rs");
            }

            /// The same, as older tools ask for it: `grpc/reflection/v1alpha/reflection.proto`.
            pub mod v1alpha {
                include!("generated/grpc.reflection.v1alpha.rs");
            }
        }
    }

    /// Packages of `google`.
    pub mod google {
        /// Rich errors: `google/rpc/status.proto` and `google/rpc/error_details.proto`.
        pub mod rpc {
            include!("generated/google.rpc.rs");
        }
    }

    /// The descriptors of all these files, as an encoded `google.protobuf.FileDescriptorSet`, for reflection.
    pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptors.bin");
}
