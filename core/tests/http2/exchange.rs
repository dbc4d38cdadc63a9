//! Whole exchanges between two connections.

use bytes::Bytes;
use unwired_core::http2::Event;

use crate::pair::{Pair, request, response, send, trailers};

#[test]
fn a_request_and_its_response_cross_at_any_chunk_size() {
    for chunk in [1, 2, 3, 7, 9, 10, 64, usize::MAX] {
        let mut pair = Pair::new();
        pair.chunk = chunk;
        let (call, served) = pair.open(false);
        assert_eq!(pair.server.conn.take_fields(served), Some(request()));
        pair.client.conn.send_data(call, b"head", Bytes::from_static(b"body"), true).unwrap();
        pair.settle();
        assert_eq!(pair.server.take_data(served), b"headbody");
        pair.server.conn.send_headers(served, response(), false).unwrap();
        pair.server.conn.send_data(served, &[], Bytes::from(vec![7; 5000]), false).unwrap();
        pair.server.conn.send_trailers(served, trailers()).unwrap();
        pair.settle();
        assert_eq!(pair.client.conn.take_fields(call), Some(response()));
        assert_eq!(pair.client.conn.take_fields(call), Some(trailers()));
        assert_eq!(pair.client.take_data(call), vec![7; 5000]);
        assert_eq!(
            pair.server.heard(),
            [
                Event::Settings,
                Event::Headers { stream: served, end_stream: false },
                Event::Data { stream: served, end_stream: true },
                Event::Finished { stream: served },
            ]
        );
        assert_eq!(
            pair.client.heard(),
            [
                Event::Settings,
                Event::Headers { stream: call, end_stream: false },
                Event::Data { stream: call, end_stream: false },
                Event::Trailers { stream: call },
                Event::Finished { stream: call },
            ]
        );
        pair.client.conn.release(call);
        pair.server.conn.release(served);
        assert_eq!((pair.client.conn.active_streams(), pair.server.conn.active_streams()), (0, 0));
    }
}

#[test]
fn ten_mebibytes_pass_through_a_window_of_64_kibibytes() {
    let mut pair = Pair::new();
    let (call, served) = pair.open(false);
    let mut data = Bytes::from_iter((0..10 << 20).map(|n: u32| (n % 251) as u8));
    let whole = data.clone();
    let mut received = Vec::new();
    while received.len() < whole.len() {
        send(&mut pair.client.conn, call, &mut data, true);
        pair.settle();
        received.extend(pair.server.take_data(served));
    }
    assert_eq!(received, whole);
}
