//! What connections live through: none there, lost ones, limits.

use std::time::Duration;

use unwired::server::Abuse;
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Code, Request, Target};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::counting::counts;
use crate::messages::{asking, output};
use crate::serving::{Transport, client_to, serve, serve_at, serve_with, tcp};
use crate::streams::{Relayed, accept, free_address, listen, read_preface, relay, write_all};
use crate::tasks::spawn;

pub async fn no_server_is_one_clear_line(rt: &RuntimeHandle) {
    let address = free_address(rt).await;
    let status = client_to(rt, tcp(address)).empty_call(Empty {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    for part in [address.to_string().as_str(), "refused"] {
        assert!(status.message().contains(part), "{status}");
    }
    let status = Channel::builder(rt.clone(), tcp(address)).connect().await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

pub async fn a_server_that_is_none_is_found_out(rt: &RuntimeHandle) {
    let (mut listener, address) = listen(rt).await;
    rt.spawn(async move {
        while let Ok(mut socket) = accept(&mut listener).await {
            let _ = write_all(&mut socket, b"SSH-2.0-OpenSSH_9.9\r\n").await;
        }
    });
    let status = client_to(rt, tcp(address)).empty_call(Empty {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}

pub async fn a_silent_server_is_given_up_in_time(rt: &RuntimeHandle) {
    let (listener, address) = listen(rt).await;
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::from_millis(50));
    let status = client_to(rt, tcp(address)).empty_call(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    let channel = Channel::builder(rt.clone(), tcp(address));
    let channel = channel.connect_timeout(Duration::from_millis(50)).connect_lazy();
    let status = TestServiceClient::new(channel).empty_call(Empty {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    drop(listener);
}

pub async fn a_channel_comes_back_with_its_server(rt: &RuntimeHandle) {
    let first = serve(rt, Transport::Tcp).await;
    let address = first.address();
    let client = first.client();
    client.empty_call(Empty {}).await.unwrap();
    first.stop().await;
    let second = serve_at(rt, address.into(), |server| server).await;
    client.empty_call(Empty {}).await.unwrap();
    assert_eq!(second.seen.begun(), 1);
    second.stop().await;
}

pub async fn a_server_that_comes_late_is_found(rt: &RuntimeHandle) {
    let address = free_address(rt).await;
    let client = client_to(rt, tcp(address));
    assert_eq!(client.empty_call(Empty {}).await.unwrap_err().code(), Code::Unavailable);
    let server = serve_at(rt, address.into(), |server| server).await;
    while let Err(status) = client.empty_call(Empty {}).await {
        // The channel does not try again at once.
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        rt.sleep(Duration::from_millis(50)).await;
    }
    server.stop().await;
}

pub async fn a_lost_connection_ends_its_calls_and_the_next_one_connects_again(rt: &RuntimeHandle) {
    let server = serve(rt, Transport::Tcp).await;
    let (mut listener, address) = listen(rt).await;
    let client = client_to(rt, tcp(address));
    for round in 0..3 {
        let under_way = spawn(rt, {
            let client = client.clone();
            async move { client.empty_call(asking(Empty {}, "hang")).await }
        });
        let inbound = accept(&mut listener).await.unwrap();
        let outbound = rt.connect(server.address().into()).await.unwrap();
        let relaying = spawn(rt, async move { relay(inbound, outbound, &Relayed::default()).await });
        let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
        requests.send(output([1])).await.unwrap();
        assert!(answers.message().await.unwrap().is_some());
        server.seen.all_begun(2 * round + 2).await;
        drop(relaying);
        assert_eq!(under_way.await.unwrap_err().code(), Code::Unavailable);
        assert_eq!(answers.message().await.unwrap_err().code(), Code::Unavailable);
        assert!(requests.send(output([1])).await.is_err());
        server.seen.all_gone(2 * round + 2).await;
    }
    server.stop().await;
}

pub async fn calls_wait_while_a_channel_connects(rt: &RuntimeHandle) {
    let (mut listener, address) = listen(rt).await;
    let client = client_to(rt, tcp(address));
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            spawn(rt, async move { client.empty_call(Empty {}).await })
        })
        .collect();
    rt.sleep(Duration::from_millis(20)).await;
    // The connection that waits in the backlog is passed on to a server that takes it now.
    let inbound = accept(&mut listener).await.unwrap();
    let server = serve(rt, Transport::Tcp).await;
    let outbound = rt.connect(server.address().into()).await.unwrap();
    rt.spawn(async move { relay(inbound, outbound, &Relayed::default()).await });
    for call in calls {
        call.await.unwrap();
    }
}

pub async fn connections_over_the_limit_wait_to_be_accepted(rt: &RuntimeHandle) {
    let server = serve_with(rt, Transport::Tcp, |server| server.max_connections(1)).await;
    let first = server.client();
    first.empty_call(Empty {}).await.unwrap();
    let second = server.client();
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::from_millis(50));
    assert_eq!(second.empty_call(request).await.unwrap_err().code(), Code::DeadlineExceeded);
    drop(first);
    second.empty_call(Empty {}).await.unwrap();
    server.stop().await;
}

pub async fn connections_that_say_nothing_hold_few_places(rt: &RuntimeHandle) {
    let server = serve_with(rt, Transport::Tcp, |server| {
        server.max_handshakes(2).configure(|config| {
            config.http2.limits.handshake_timeout = Duration::from_millis(100);
        })
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(rt.connect(server.address().into()).await.unwrap());
    }
    server.client().empty_call(Empty {}).await.unwrap();
    server.stop().await;
}

pub async fn a_connection_that_is_ended_for_an_abuse_is_counted_when_it_is_over(rt: &RuntimeHandle) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    let running = serve(rt, Transport::Tcp).await;
    let mut socket = rt.connect(running.address().into()).await.unwrap();
    let attack = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &SETTINGS[..], &PING.repeat(4)].concat();
    write_all(&mut socket, &attack).await.unwrap();
    let server = running.server.clone();
    let stats = counts(rt, &server, |stats| stats.connections == 1 && stats.connections_open == 0).await;
    let http2 = &stats.calls.http2;
    assert_eq!((http2.kills.get(Abuse::TooManyPings), http2.kills.total()), (1, 1));
    assert_eq!(http2.abuse.get(Abuse::TooManyPings), 1);
    running.client().empty_call(Empty {}).await.unwrap();
    running.stop_after_kills(1).await;
}

pub async fn a_connection_of_great_age_is_replaced_without_a_failed_call(rt: &RuntimeHandle) {
    let server =
        serve_with(rt, Transport::Tcp, |server| server.max_connection_age(Duration::from_millis(30))).await;
    let client = server.client();
    for _ in 0..40 {
        client.empty_call(asking(Empty {}, "wait")).await.unwrap();
    }
    server.stop().await;
}

/// Speaks just enough HTTP/2 to be sent as much as anybody likes, and reads none of that.
async fn never_reads(rt: &RuntimeHandle) -> Target {
    // SETTINGS with an INITIAL_WINDOW_SIZE of 2^31-1, its ACK, and WINDOW_UPDATE by 2^30 for the connection.
    const HELLO: [u8; 37] = [
        0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff, // SETTINGS
        0, 0, 0, 4, 1, 0, 0, 0, 0, // ACK
        0, 0, 4, 8, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, // WINDOW_UPDATE
    ];
    let (mut listener, address) = listen(rt).await;
    rt.spawn(async move {
        let mut held = Vec::new();
        while let Ok(mut socket) = accept(&mut listener).await {
            read_preface(&mut socket).await.unwrap();
            write_all(&mut socket, &HELLO).await.unwrap();
            held.push(socket);
        }
    });
    tcp(address)
}

pub async fn a_deadline_holds_while_the_socket_takes_nothing(rt: &RuntimeHandle) {
    let client = client_to(rt, never_reads(rt).await);
    let (mut requests, _answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    // Until nothing goes any more.
    while rt.timeout(Duration::from_millis(200), requests.send(output(vec![0; 1 << 20]))).await.is_ok() {}
    for _ in 0..2 {
        let mut request = Request::new(Empty {});
        request.set_timeout(Duration::from_millis(100));
        let call = client.empty_call(request);
        let status = rt.timeout(Duration::from_secs(5), call).await.expect("in time").unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    }
}

pub async fn calls_outlive_their_channel_and_servers_their_future(rt: &RuntimeHandle) {
    let server = serve(rt, Transport::Tcp).await;
    let client = server.client();
    let mut server = Some(server);
    let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    drop(client);
    for n in 0..3 {
        requests.send(output(vec![n])).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, [n]);
        drop(server.take());
        rt.sleep(Duration::from_millis(10)).await;
    }
    drop(requests);
    assert!(answers.message().await.unwrap().is_none());
}
