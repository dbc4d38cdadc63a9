//! Calls that a server has not acted on are made again, once, without anybody noticing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use unwired::Code;
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::service::within;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const REFUSED_STREAM: [u8; 4] = [0, 0, 0, 7];
/// `:status: 200`, `content-type: application/grpc`, `grpc-status: 5`.
const NOT_FOUND: &[u8] = b"\x88\x0f\x10\x10application/grpc\x00\x0bgrpc-status\x015";

fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// Refuses the first `refusals` requests and answers the others with NOT_FOUND. Counts requests.
async fn refusing(refusals: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(&frame(4, 0, [0; 4], &[])).await.unwrap();
        socket.write_all(&frame(4, 1, [0; 4], &[])).await.unwrap();
        let mut preface = [0; 24];
        socket.read_exact(&mut preface).await.unwrap();
        let mut head = [0; 9];
        while socket.read_exact(&mut head).await.is_ok() {
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            socket.read_exact(&mut payload).await.unwrap();
            if head[3] != HEADERS {
                continue;
            }
            let stream = [head[5], head[6], head[7], head[8]];
            let answer = if counted.fetch_add(1, Ordering::SeqCst) < refusals {
                frame(RST_STREAM, 0, stream, &REFUSED_STREAM)
            } else {
                frame(HEADERS, 5, stream, NOT_FOUND)
            };
            socket.write_all(&answer).await.unwrap();
        }
    });
    (address, requests)
}

#[tokio::test]
async fn a_refused_call_is_made_again_once() {
    for (refusals, code) in [(0, Code::NotFound), (1, Code::NotFound), (2, Code::Unavailable)] {
        let (address, requests) = refusing(refusals).await;
        let client =
            TestServiceClient::new(unwired_tokio::connect_lazy(format!("http://{address}")).unwrap());
        let status = within(client.empty_call(Empty {})).await.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
        assert_eq!(requests.load(Ordering::SeqCst), 1 + refusals.min(1));
    }
}
