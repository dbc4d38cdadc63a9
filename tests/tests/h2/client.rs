//! `h2` calls our server.

use std::future::poll_fn;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Reason, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinHandle, JoinSet};
use unwired_core::Instant;
use unwired_core::http2::{Config, Connection, Initiator};
use unwired_tests::exchange::{Exchange, Server};
use unwired_tests::pump::{self, Handle, soon};

use super::{noise, receive, send};

/// Our server behind a pipe, and what it sees.
struct Rig {
    client: SendRequest<Bytes>,
    peer: JoinHandle<Result<(), h2::Error>>,
    server: Handle<Server>,
    seen: UnboundedReceiver<Exchange>,
    ended: JoinHandle<std::io::Result<()>>,
}

async fn rig(config: Config, peer: &h2::client::Builder, pipe: usize) -> Rig {
    let (near, far) = tokio::io::duplex(pipe);
    let (app, seen) = Server::new();
    let (server, ended) = pump::spawn(Connection::server(config, Instant::ZERO), app, near);
    let (client, connection) = soon(peer.handshake(far)).await.unwrap();
    Rig { client, peer: tokio::spawn(connection), server, seen, ended }
}

async fn default_rig() -> Rig {
    rig(Config::default(), &h2::client::Builder::new(), 64 << 10).await
}

fn request(path: &str) -> Request<()> {
    Request::post(format!("http://localhost{path}")).body(()).unwrap()
}

/// One request and all of its answer.
async fn exchange(
    client: &SendRequest<Bytes>,
    request: Request<()>,
    body: Bytes,
    trailers: Option<HeaderMap>,
) -> Result<(Response<()>, Bytes, Option<HeaderMap>), h2::Error> {
    let mut client = client.clone().ready().await?;
    let end_stream = body.is_empty() && trailers.is_none();
    let (response, mut stream) = client.send_request(request, end_stream)?;
    let sending = async { if end_stream { Ok(()) } else { send(&mut stream, body, trailers).await } };
    let receiving = async {
        let (head, mut stream) = response.await?.into_parts();
        let (body, trailers) = receive(&mut stream).await?;
        Ok((Response::from_parts(head, ()), body, trailers))
    };
    let (sent, received) = tokio::join!(sending, receiving);
    sent?;
    received
}

#[tokio::test]
async fn bodies_of_any_length_come_back_whole() {
    let mut rig = default_rig().await;
    for length in [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 1 << 20, 10 << 20] {
        let body = noise(length);
        let (response, echo, trailers) =
            soon(exchange(&rig.client, request("/echo"), body.clone(), None)).await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(echo == body, "{length} bytes came back changed");
        assert_eq!(trailers.unwrap()["x-length"], length.to_string());
        assert_eq!(rig.seen.recv().await.unwrap().reset, None);
    }
}

#[tokio::test]
async fn small_windows_and_a_narrow_pipe_only_slow_it_down() {
    let mut config = Config::default();
    config.initial_window = 1_000;
    config.bdp = false;
    let rig =
        rig(config, h2::client::Builder::new().initial_window_size(777).max_frame_size(16_384), 100).await;
    let body = noise(200_000);
    let (_, echo, _) = soon(exchange(&rig.client, request("/echo"), body.clone(), None)).await.unwrap();
    assert!(echo == body);
}

#[tokio::test]
async fn trailers_and_fields_go_both_ways() {
    let mut rig = default_rig().await;
    let mut head = request("/echo");
    head.headers_mut().append("x-many", "one".parse().unwrap());
    head.headers_mut().append("x-many", "two".parse().unwrap());
    head.headers_mut().append("cookie", "a=1".parse().unwrap());
    let trailers: HeaderMap = [("x-sum".parse().unwrap(), "17".parse().unwrap())].into_iter().collect();
    let (response, _, came) =
        soon(exchange(&rig.client, head, noise(10), Some(trailers.clone()))).await.unwrap();
    assert_eq!(response.headers().get_all("x-many").iter().collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(came, Some(trailers));
    let seen = rig.seen.recv().await.unwrap();
    assert_eq!(seen.field("cookie"), Some("a=1"));
    assert_eq!(seen.trailers.unwrap().get(b"x-sum"), Some(&b"17"[..]));
}

/// RFC 7541: a thousand blocks through tables that grow, evict and repeat.
#[tokio::test]
async fn compression_tables_stay_in_step() {
    let rig = rig(Config::default(), h2::client::Builder::new().header_table_size(200), 64 << 10).await;
    for i in 0..1_000 {
        let mut head = request("/echo");
        for name in ["x-a", "x-b", "x-c"] {
            let value = format!("{name}{}", i * name.len() % 7).repeat(i % 9);
            head.headers_mut().insert(name, value.parse().unwrap());
        }
        let sent = head.headers().clone();
        let (response, _, _) = soon(exchange(&rig.client, head, Bytes::new(), None)).await.unwrap();
        assert_eq!(response.headers(), &sent);
    }
}

/// RFC 9113 §6.10: more fields than a frame holds.
#[tokio::test]
async fn long_heads_go_on_in_continuation_frames() {
    let mut config = Config::default();
    config.limits.max_header_list_size = 60_000;
    config.limits.max_header_block_wire = 60_000;
    let rig = rig(config, h2::client::Builder::new().max_header_list_size(60_000), 64 << 10).await;
    let mut head = request("/echo");
    for i in 0..40 {
        let name = http::HeaderName::try_from(format!("x-{i}")).unwrap();
        head.headers_mut().insert(name, "long".repeat(250).parse().unwrap());
    }
    let sent = head.headers().clone();
    let (response, _, _) = soon(exchange(&rig.client, head, Bytes::new(), None)).await.unwrap();
    assert_eq!(response.headers(), &sent);
}

/// RFC 9113 §5.1.2: a client that keeps to the advertised number is never refused.
#[tokio::test]
async fn a_thousand_requests_at_once_are_all_answered() {
    let rig = default_rig().await;
    let mut calls = JoinSet::new();
    for i in 0..1_000 {
        let client = rig.client.clone();
        calls.spawn(async move {
            let body = noise(i * 7);
            let (_, echo, _) = exchange(&client, request("/echo"), body.clone(), None).await?;
            assert!(echo == body);
            Ok::<_, h2::Error>(())
        });
    }
    for call in soon(calls.join_all()).await {
        call.unwrap();
    }
}

#[tokio::test]
async fn an_early_answer_ends_with_no_error() {
    let mut rig = default_rig().await;
    let mut client = rig.client.clone().ready().await.unwrap();
    let (response, mut stream): (_, SendStream<Bytes>) =
        client.send_request(request("/early"), false).unwrap();
    let (body, _) = soon(receive(&mut response.await.unwrap().into_body())).await.unwrap();
    assert_eq!(body, "enough");
    // RFC 9113 §8.1: the rest of the request is not wanted.
    assert_eq!(soon(poll_fn(|cx| stream.poll_reset(cx))).await.unwrap(), Reason::NO_ERROR);
    assert_eq!(rig.seen.recv().await.unwrap().reset, None);
}

#[tokio::test]
async fn resets_tell_their_reason_both_ways() {
    let mut rig = default_rig().await;
    let refused = soon(exchange(&rig.client, request("/refuse"), Bytes::new(), None)).await.unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::REFUSED_STREAM));
    assert!(refused.is_remote());

    let mut client = rig.client.clone().ready().await.unwrap();
    let (_response, mut stream) = client.send_request(request("/hold"), false).unwrap();
    stream.send_reset(Reason::CANCEL);
    let error = soon(rig.seen.recv()).await.unwrap().reset.unwrap();
    assert_eq!((error.reason, error.by), (unwired_core::http2::Reason::CANCEL, Initiator::Peer));

    // Neither touched the connection.
    soon(exchange(&rig.client, request("/echo"), Bytes::new(), None)).await.unwrap();
}

#[tokio::test]
async fn pings_are_answered() {
    let (near, far) = tokio::io::duplex(1 << 10);
    let (app, _seen) = Server::new();
    let _server = pump::spawn(Connection::server(Config::default(), Instant::ZERO), app, near);
    let (_client, mut connection) = soon(h2::client::handshake(far)).await.unwrap();
    let mut pings = connection.ping_pong().unwrap();
    tokio::spawn(connection);
    for _ in 0..5 {
        soon(pings.ping(h2::Ping::opaque())).await.unwrap();
    }
}

/// RFC 9113 §6.8: what is under way ends well, what comes later goes elsewhere.
#[tokio::test]
async fn draining_lets_open_streams_finish() {
    let rig = default_rig().await;
    let mut client = rig.client.clone().ready().await.unwrap();
    let (response, mut stream) = client.send_request(request("/echo"), false).unwrap();
    let mut response = soon(response).await.unwrap();
    rig.server.act(|_, connection, now| connection.drain(now, None)).await;
    soon(send(&mut stream, noise(100_000), Some(HeaderMap::new()))).await.unwrap();
    let (echo, _) = soon(receive(response.body_mut())).await.unwrap();
    assert_eq!(echo, noise(100_000));
    soon(rig.peer).await.unwrap().unwrap();
    soon(rig.ended).await.unwrap().unwrap();
}
