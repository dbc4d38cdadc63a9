//! Our client calls `h2`.

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, Response};
use tokio::task::JoinHandle;
use unwired_core::Instant;
use unwired_core::http2::{self, Config, Connection, Initiator};
use unwired_tests::exchange::{Client, Exchange, Request};
use unwired_tests::pump::{self, Handle, soon};

use super::{noise, receive, send};

struct Rig {
    client: Handle<Client>,
    ended: JoinHandle<std::io::Result<()>>,
}

impl Rig {
    fn new(config: Config, peer: h2::server::Builder, pipe: usize) -> Self {
        let (near, far) = tokio::io::duplex(pipe);
        let (client, ended) = pump::spawn(Connection::client(config, Instant::ZERO), Client::default(), near);
        tokio::spawn(serve(peer, far));
        Self { client, ended }
    }

    async fn exchange(&self, request: Request) -> Exchange {
        soon(self.client.act(|client, connection, _| client.request(connection, request)).await)
            .await
            .unwrap()
    }
}

impl Default for Rig {
    fn default() -> Self {
        Self::new(Config::default(), h2::server::Builder::new(), 64 << 10)
    }
}

/// Answers requests by their path, each in a task of its own, as [`unwired_tests::exchange::Server`] does.
async fn serve(peer: h2::server::Builder, socket: tokio::io::DuplexStream) {
    let mut connection = peer.handshake::<_, Bytes>(socket).await.unwrap();
    while let Some(request) = connection.accept().await {
        let Ok((request, mut respond)) = request else { return };
        match request.uri().path() {
            "/echo" => drop(tokio::spawn(echo(request, respond))),
            "/hints" => {
                for status in [100, 103] {
                    respond.send_informational(Response::builder().status(status).body(()).unwrap()).unwrap();
                }
                respond.send_response(Response::new(()), true).unwrap();
            }
            "/refuse" => respond.send_reset(Reason::REFUSED_STREAM),
            "/hold" => drop(tokio::spawn(async move {
                let _ = std::future::poll_fn(|cx| respond.poll_reset(cx)).await;
            })),
            "/last" => {
                respond.send_response(Response::new(()), true).unwrap();
                connection.graceful_shutdown();
            }
            "/abrupt" => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
            path => panic!("no such path: {path}"),
        }
    }
}

async fn echo(request: http::Request<RecvStream>, mut respond: SendResponse<Bytes>) {
    let (head, mut body) = request.into_parts();
    let mut response = Response::new(());
    response.headers_mut().extend(
        head.headers
            .into_iter()
            .filter(|(name, _)| name.as_ref().is_some_and(|name| name.as_str().starts_with("x-"))),
    );
    // A test that resets the stream is not a failure here.
    let Ok(mut stream) = respond.send_response(response, false) else { return };
    let Ok((body, trailers)) = receive(&mut body).await else { return };
    let length = || [("x-length".parse().unwrap(), body.len().into())].into_iter().collect();
    let trailers: HeaderMap = trailers.unwrap_or_else(length);
    let _ = send(&mut stream, body.clone(), Some(trailers)).await;
}

#[tokio::test]
async fn bodies_of_any_length_come_back_whole() {
    let rig = Rig::default();
    for length in [0, 1, 16_383, 16_384, 16_385, 65_535, 65_536, 1 << 20, 10 << 20] {
        let body = noise(length);
        let exchange = rig.exchange(Request::new("/echo", body.clone())).await;
        assert_eq!(exchange.field(":status"), Some("200"));
        assert!(exchange.body == body, "{length} bytes came back changed");
        assert_eq!(exchange.trailers.unwrap().get(b"x-length"), Some(length.to_string().as_bytes()));
        assert_eq!(exchange.reset, None);
    }
}

#[tokio::test]
async fn small_windows_and_a_narrow_pipe_only_slow_it_down() {
    let mut config = Config::default();
    config.initial_window = 1_000;
    config.bdp = false;
    let mut peer = h2::server::Builder::new();
    peer.initial_window_size(777);
    let body = noise(200_000);
    let exchange = Rig::new(config, peer, 100).exchange(Request::new("/echo", body.clone())).await;
    assert!(exchange.body == body);
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let mut request = Request::new("/echo", noise(10));
    request.trailers = Some([("x-sum", "17")].into_iter().collect());
    let exchange = Rig::default().exchange(request).await;
    assert_eq!(exchange.trailers.unwrap().get(b"x-sum"), Some(&b"17"[..]));
}

/// RFC 7541: a thousand blocks through tables that grow, evict and repeat.
#[tokio::test]
async fn compression_tables_stay_in_step() {
    let mut peer = h2::server::Builder::new();
    peer.header_table_size(200);
    let rig = Rig::new(Config::default(), peer, 64 << 10);
    for i in 0..1_000 {
        let mut request = Request::new("/echo", Bytes::new());
        let values =
            ["x-a", "x-b", "x-c"].map(|name| (name, format!("{name}{}", i * name.len() % 7).repeat(i % 9)));
        for (name, value) in &values {
            request.head.push(name.as_bytes(), value.as_bytes());
        }
        let exchange = rig.exchange(request).await;
        for (name, value) in &values {
            assert_eq!(exchange.field(name), Some(&value[..]));
        }
    }
}

/// RFC 9113 §6.10: more fields than a frame holds.
#[tokio::test]
async fn long_heads_go_on_in_continuation_frames() {
    let mut config = Config::default();
    config.limits.max_header_list_size = 60_000;
    config.limits.max_header_block_wire = 60_000;
    let mut peer = h2::server::Builder::new();
    peer.max_header_list_size(60_000);
    let mut request = Request::new("/echo", Bytes::new());
    let value = "long".repeat(250);
    for i in 0..40 {
        request.head.push(format!("x-{i}").as_bytes(), value.as_bytes());
    }
    let exchange = Rig::new(config, peer, 64 << 10).exchange(request).await;
    for i in 0..40 {
        assert_eq!(exchange.field(&format!("x-{i}")), Some(&value[..]));
    }
}

/// RFC 9113 §5.1.2: the peer allows 10 streams; the others wait.
#[tokio::test]
async fn a_thousand_requests_at_once_are_all_answered() {
    let mut peer = h2::server::Builder::new();
    peer.max_concurrent_streams(10);
    let rig = Rig::new(Config::default(), peer, 64 << 10);
    let mut calls = Vec::new();
    for i in 0..1_000 {
        let request = Request::new("/echo", noise(i * 7));
        calls.push(rig.client.act(|client, connection, _| client.request(connection, request)).await);
    }
    for (i, call) in calls.into_iter().enumerate() {
        let exchange = soon(call).await.unwrap();
        assert_eq!(exchange.reset, None);
        assert!(exchange.body == noise(i * 7));
    }
}

#[tokio::test]
async fn interim_responses_are_told() {
    let exchange = Rig::default().exchange(Request::new("/hints", Bytes::new())).await;
    assert_eq!(exchange.informational, [100, 103]);
    assert_eq!(exchange.field(":status"), Some("200"));
}

#[tokio::test]
async fn a_refused_stream_is_safe_to_retry() {
    let rig = Rig::default();
    let error = rig.exchange(Request::new("/refuse", Bytes::new())).await.reset.unwrap();
    assert_eq!((error.reason, error.by), (http2::Reason::REFUSED_STREAM, Initiator::Peer));
    assert!(error.unprocessed);
    assert_eq!(rig.exchange(Request::new("/echo", Bytes::new())).await.reset, None);
}

#[tokio::test]
async fn a_cancelled_stream_leaves_the_others_alone() {
    let rig = Rig::default();
    let held =
        rig.client.act(|client, connection, _| client.request(connection, Request::new("/hold", "x"))).await;
    rig.client.act(|client, connection, _| client.cancel_all(connection)).await;
    soon(held).await.unwrap();
    assert_eq!(rig.exchange(Request::new("/echo", Bytes::new())).await.reset, None);
}

#[tokio::test]
async fn the_peer_may_go_in_order() {
    let rig = Rig::default();
    assert_eq!(rig.exchange(Request::new("/last", Bytes::new())).await.reset, None);
    soon(rig.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_peer_may_go_at_once_and_says_why() {
    let rig = Rig::default();
    let error = rig.exchange(Request::new("/abrupt", Bytes::new())).await.reset.unwrap();
    assert_eq!((error.reason, error.by), (http2::Reason::ENHANCE_YOUR_CALM, Initiator::Peer));
}
