//! Calls that a server has not acted on are made again, once, without anybody noticing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use unwired::transport::RuntimeHandle;
use unwired::{Code, Target};
use unwired_proto::grpc::testing::Empty;

use crate::serving::{client_to, tcp};
use crate::streams::{accept, listen, read_exact, read_preface, write_all};

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
async fn refusing(rt: &RuntimeHandle, refusals: usize) -> (Target, Arc<AtomicUsize>) {
    let (mut listener, address) = listen(rt).await;
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    rt.spawn(async move {
        let mut socket = accept(&mut listener).await.unwrap();
        read_preface(&mut socket).await.unwrap();
        write_all(&mut socket, &frame(4, 0, [0; 4], &[])).await.unwrap();
        write_all(&mut socket, &frame(4, 1, [0; 4], &[])).await.unwrap();
        let mut head = [0; 9];
        while read_exact(&mut socket, &mut head).await.is_ok() {
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            read_exact(&mut socket, &mut payload).await.unwrap();
            if head[3] != HEADERS {
                continue;
            }
            let stream = [head[5], head[6], head[7], head[8]];
            let answer = if counted.fetch_add(1, Ordering::SeqCst) < refusals {
                frame(RST_STREAM, 0, stream, &REFUSED_STREAM)
            } else {
                frame(HEADERS, 5, stream, NOT_FOUND)
            };
            write_all(&mut socket, &answer).await.unwrap();
        }
    });
    (tcp(address), requests)
}

pub async fn a_refused_call_is_made_again_once(rt: &RuntimeHandle) {
    for (refusals, code) in [(0, Code::NotFound), (1, Code::NotFound), (2, Code::Unavailable)] {
        let (target, requests) = refusing(rt, refusals).await;
        let client = client_to(rt, target);
        let status = client.empty_call(Empty {}).await.unwrap_err();
        assert_eq!(status.code(), code, "{status}");
        assert_eq!(requests.load(Ordering::SeqCst), 1 + refusals.min(1));
    }
}
