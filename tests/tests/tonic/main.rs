//! `tonic` as the other end of a call, as client and as server: all four kinds, over real sockets.

mod our_client;
mod our_server;
mod tonic_client;
mod tonic_client_of_mount;
mod tonic_server;

/// What `tonic-prost-build` makes of `grpc/testing/test.proto`.
#[allow(missing_docs, unreachable_pub, clippy::use_self, clippy::wildcard_imports)]
mod stubs {
    tonic::include_proto!("grpc.testing");
}

use bytes::Bytes;

/// Metadata that a server gives back before its first message.
const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
/// Metadata that a server gives back behind its last message.
const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

/// More than any message of these tests.
const MESSAGE_LIMIT: usize = 16 << 20;

/// Lengths of payloads around what changes how they travel: a frame, a window, the default limit of a message.
const LENGTHS: [usize; 9] = [0, 1, 1_000, 16_379, 16_384, 65_535, 65_536, (4 << 20) - 100, 10 << 20];

/// Bytes that show when a piece is lost, doubled or out of order, and that do not compress well.
fn noise(length: usize) -> Bytes {
    (0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
