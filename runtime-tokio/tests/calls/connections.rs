//! What connections live through: none there, lost ones, limits, the end of a server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use unwired::{Code, Request, Server};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;
use unwired_proto::grpc::testing::test_service_server::TestServiceServer;

use crate::kinds::output;
use crate::service::{Tester, asking, serve, serve_at, serve_with, within};

async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn no_server_is_one_clear_line() {
    let address = free_address().await;
    let channel = unwired_tokio::connect_lazy(format!("http://{address}")).unwrap();
    let status = within(TestServiceClient::new(channel).empty_call(Empty {})).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    for part in [address.to_string().as_str(), "refused"] {
        assert!(status.message().contains(part), "{status}");
    }
    let status = within(unwired_tokio::connect(format!("http://{address}"))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_server_that_is_none_is_found_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(b"SSH-2.0-OpenSSH_9.9\r\n").await;
        }
    });
    let channel = unwired_tokio::connect_lazy(format!("http://{address}")).unwrap();
    let status = within(TestServiceClient::new(channel).empty_call(Empty {})).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let channel = unwired_tokio::channel(format!("http://{address}")).unwrap().connect_lazy();
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::from_millis(50));
    let status = within(TestServiceClient::new(channel).empty_call(request)).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    let channel = unwired_tokio::channel(format!("http://{address}")).unwrap();
    let channel = channel.connect_timeout(Duration::from_millis(50)).connect_lazy();
    let status = within(TestServiceClient::new(channel).empty_call(Empty {})).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    drop(listener);
}

#[tokio::test]
async fn a_channel_comes_back_with_its_server() {
    let first = serve().await;
    let address = first.address.unwrap();
    let client = first.client();
    within(client.empty_call(Empty {})).await.unwrap();
    first.stop().await;
    let second = serve_at(address, |server| server).await;
    within(client.empty_call(Empty {})).await.unwrap();
    assert_eq!(second.seen.begun.load(Ordering::SeqCst), 1);
    second.stop().await;
}

#[tokio::test]
async fn calls_wait_while_a_channel_connects() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let client = TestServiceClient::new(unwired_tokio::connect_lazy(format!("http://{address}")).unwrap());
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.empty_call(Empty {}).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(20)).await;
    // The connection that waits in the backlog is passed on to a server that takes it now.
    let (mut inbound, _) = listener.accept().await.unwrap();
    let server = serve().await;
    let mut outbound = TcpStream::connect(server.address.unwrap()).await.unwrap();
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut inbound, &mut outbound).await });
    for call in calls {
        within(call).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_drain_lets_calls_end_and_takes_no_new_ones() {
    let mut server = serve().await;
    let client = server.client();
    within(async {
        let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
        requests.send(output(vec![1])).await.unwrap();
        assert!(answers.message().await.unwrap().is_some());
        server.tell_to_stop();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let refused = client.empty_call(Empty {}).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        requests.send(output(vec![2])).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, [2]);
        drop(requests);
        assert!(answers.message().await.unwrap().is_none());
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn a_drain_ends_when_its_time_is_over() {
    let mut server = serve_with(|server| server.drain_timeout(Duration::from_millis(100))).await;
    let client = server.client();
    let call = tokio::spawn(async move { client.empty_call(asking(Empty {}, "hang")).await });
    within(async {
        while server.seen.begun.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.tell_to_stop();
    let status = within(call).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    server.seen.all_gone(1).await;
    server.stop().await;
}

#[tokio::test]
async fn connections_over_the_limit_wait_to_be_accepted() {
    let server = serve_with(|server| server.max_connections(1)).await;
    let first = server.client();
    within(first.empty_call(Empty {})).await.unwrap();
    let second = server.client();
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::from_millis(50));
    assert_eq!(within(second.empty_call(request)).await.unwrap_err().code(), Code::DeadlineExceeded);
    drop(first);
    within(second.empty_call(Empty {})).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn connections_that_say_nothing_hold_few_places() {
    let server = serve_with(|server| {
        server.max_handshakes(2).configure(|config| {
            config.http2.limits.handshake_timeout = Duration::from_millis(100);
        })
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.push(TcpStream::connect(server.address.unwrap()).await.unwrap());
    }
    within(server.client().empty_call(Empty {})).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_connection_of_great_age_is_replaced_without_a_failed_call() {
    let server = serve_with(|server| server.max_connection_age(Duration::from_millis(30))).await;
    let client = server.client();
    for _ in 0..40 {
        within(client.empty_call(asking(Empty {}, "wait"))).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn a_runtime_that_ends_leaves_no_call_hanging() {
    let other = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(serve());
        let channel = runtime.block_on(async { server.channel().connect().await.unwrap() });
        (runtime, server, channel)
    });
    let (runtime, server, channel) = other.join().unwrap();
    let client = TestServiceClient::new(channel);
    let call = tokio::spawn(async move { client.empty_call(asking(Empty {}, "hang")).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    drop(server);
    runtime.shutdown_background();
    let status = within(call).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
}

/// Speaks just enough HTTP/2 to be sent as much as anybody likes, and reads none of it.
async fn never_reads() -> SocketAddr {
    // SETTINGS with an INITIAL_WINDOW_SIZE of 2^31-1, its ACK, and WINDOW_UPDATE by 2^30 for the connection.
    const HELLO: [u8; 37] = [
        0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff, // SETTINGS
        0, 0, 0, 4, 1, 0, 0, 0, 0, // ACK
        0, 0, 4, 8, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, // WINDOW_UPDATE
    ];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.write_all(&HELLO).await.unwrap();
            held.push(socket);
        }
    });
    address
}

#[tokio::test]
async fn a_deadline_holds_while_the_socket_takes_nothing() {
    let channel = unwired_tokio::connect(format!("http://{}", never_reads().await)).await.unwrap();
    let client = TestServiceClient::new(channel);
    let (mut requests, _answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
    // Until nothing goes any more.
    while tokio::time::timeout(Duration::from_millis(200), requests.send(output(vec![0; 1 << 20])))
        .await
        .is_ok()
    {}
    for _ in 0..2 {
        let mut request = Request::new(Empty {});
        request.set_timeout(Duration::from_millis(100));
        let call = client.empty_call(request);
        let status = tokio::time::timeout(Duration::from_secs(5), call).await.expect("in time").unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    }
}

#[tokio::test]
async fn calls_outlive_their_channel_and_servers_their_future() {
    let bound = unwired_tokio::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let target = format!("http://{}", bound.local_addr().unwrap());
    let service = TestServiceServer::new(Tester(Arc::default()));
    let serving = tokio::spawn(bound.serve(Server::builder().add_service(service)));
    let client = TestServiceClient::new(unwired_tokio::connect(target).await.unwrap());
    within(async {
        let (mut requests, mut answers) = client.full_duplex_call_halves(Request::new(())).await.unwrap();
        drop(client);
        for n in 0..3 {
            requests.send(output(vec![n])).await.unwrap();
            assert_eq!(answers.message().await.unwrap().unwrap().payload.unwrap().body, [n]);
            serving.abort();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(requests);
        assert!(answers.message().await.unwrap().is_none());
    })
    .await;
}
