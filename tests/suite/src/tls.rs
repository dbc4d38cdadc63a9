//! TLS as users of it see it: what is wrong is said, what is right goes on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use unwired::server::Builder;
use unwired::tls::{ClientTls, ServerTls};
use unwired::transport::RuntimeHandle;
use unwired::{Channel, Code, Request, Target};
use unwired_proto::grpc::testing::Empty;
use unwired_proto::grpc::testing::test_service_client::TestServiceClient;

use crate::authority::Authority;
use crate::messages::asking;
use crate::serving::{Running, serve_at};
use crate::streams::{ANY_PORT, accept, listen, read, write_all};

/// What a server has said of its connections.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn keep(&self, server: Builder) -> Builder {
        let lines = Arc::clone(&self.0);
        server.on_connection_error(move |error| lines.lock().unwrap().push(error.to_string()))
    }

    /// Waits for the next line, takes it, and sees that it has `part` in it.
    async fn says(&self, rt: &RuntimeHandle, part: &str) {
        let line = loop {
            let line = self.0.lock().unwrap().pop();
            if let Some(line) = line {
                break line;
            }
            rt.sleep(Duration::from_millis(1)).await;
        };
        assert!(line.contains(part), "{line:?} says nothing of {part:?}");
        assert_eq!(line.lines().count(), 1);
        assert!(line.starts_with("connection of "), "{line:?} does not say whose connection it was");
    }
}

fn server_tls(authority: &Authority) -> ServerTls {
    let (chain, key) = authority.sign("localhost");
    ServerTls::from_pem(chain, key).unwrap()
}

fn trusting(authority: &Authority) -> ClientTls {
    ClientTls::with_roots(authority.pem()).unwrap().server_name("localhost")
}

async fn serve_tls(rt: &RuntimeHandle, tls: &ServerTls, log: &Log) -> Running {
    serve_at(rt, ANY_PORT.into(), |server| log.keep(server.tls(tls.clone()))).await
}

fn client(server: &Running, tls: ClientTls) -> TestServiceClient {
    TestServiceClient::new(server.channel().tls(tls).connect_lazy())
}

/// The line that the user of a client gets.
async fn fault(client: TestServiceClient) -> String {
    let status = client.empty_call(Empty {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert_eq!(status.message().lines().count(), 1, "{status}");
    status.message().to_owned()
}

#[track_caller]
fn says(line: &str, part: &str) {
    assert!(line.contains(part), "{line:?} says nothing of {part:?}");
}

pub async fn each_fault_is_one_clear_line_on_both_sides_and_the_server_goes_on(rt: &RuntimeHandle) {
    let (authority, stranger) = (Authority::new("one"), Authority::new("another"));
    let log = Log::default();
    let server = serve_tls(rt, &server_tls(&authority), &log).await;

    says(&fault(client(&server, trusting(&stranger))).await, "its issuer is not among the roots");
    log.says(rt, "does not trust the issuer of our certificate").await;

    let other = trusting(&authority).server_name("other.test");
    says(&fault(client(&server, other)).await, "for another name");
    log.says(rt, "our certificate").await;

    // Plaintext to TLS, in HTTP/2 and in HTTP/1.
    let plain = Channel::builder(rt.clone(), Target::Address(server.address().into())).connect_lazy();
    says(&fault(TestServiceClient::new(plain)).await, "the peer speaks TLS");
    log.says(rt, "is not TLS").await;
    let mut socket = rt.connect(server.address().into()).await.unwrap();
    write_all(&mut socket, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    log.says(rt, "is not TLS").await;

    // The server goes on.
    client(&server, trusting(&authority)).empty_call(Empty {}).await.unwrap();
    server.stop().await;

    let (chain, key) = authority.sign_expired("localhost");
    let server = serve_tls(rt, &ServerTls::from_pem(chain, key).unwrap(), &log).await;
    says(&fault(client(&server, trusting(&authority))).await, "its certificate has expired");
    log.says(rt, "our certificate has expired").await;
    server.stop().await;

    let strict = server_tls(&authority).require_client_certificate(authority.pem()).unwrap();
    let server = serve_tls(rt, &strict, &log).await;
    says(&fault(client(&server, trusting(&authority))).await, "requires a certificate of ours");
    log.says(rt, "it showed no certificate").await;
    let (chain, key) = stranger.sign("client.test");
    let unknown = trusting(&authority).identity(chain, key).unwrap();
    says(&fault(client(&server, unknown)).await, "does not trust the issuer of our certificate");
    log.says(rt, "its issuer is not among the roots").await;
    server.stop().await;

    // TLS, and HTTP/1, to plaintext.
    let server = serve_at(rt, ANY_PORT.into(), |server| log.keep(server)).await;
    says(&fault(client(&server, trusting(&authority))).await, "not TLS");
    log.says(rt, "speaks TLS").await;
    let mut socket = rt.connect(server.address().into()).await.unwrap();
    write_all(&mut socket, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    read(&mut socket, &mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 505");
    log.says(rt, "HTTP/1").await;
    server.client().empty_call(Empty {}).await.unwrap();
    server.stop().await;
}

pub async fn handlers_see_the_certificate_of_their_client(rt: &RuntimeHandle) {
    let authority = Authority::new("one");
    let (chain, key) = authority.sign("client.test");
    let tls = server_tls(&authority).request_client_certificate(authority.pem()).unwrap();
    let server = serve_tls(rt, &tls, &Log::default()).await;
    let with = trusting(&authority).identity(chain, key).unwrap();
    for (tls, shows_one) in [(with, true), (trusting(&authority), false)] {
        let response = client(&server, tls).empty_call(asking(Empty {}, "who")).await.unwrap();
        let seen = response.metadata().get_bin("x-who-bin");
        assert_eq!(seen.is_some_and(|certificate| !certificate.is_empty()), shows_one);
    }
    server.stop().await;
}

pub async fn a_certificate_is_replaced_while_the_server_runs(rt: &RuntimeHandle) {
    let (before, after) = (Authority::new("one"), Authority::new("another"));
    let tls = server_tls(&before);
    let server = serve_tls(rt, &tls, &Log::default()).await;
    let connected = client(&server, trusting(&before));
    connected.empty_call(Empty {}).await.unwrap();
    let (chain, key) = after.sign("localhost");
    tls.replace(chain, key).unwrap();
    client(&server, trusting(&after)).empty_call(Empty {}).await.unwrap();
    connected.empty_call(Empty {}).await.unwrap();
    says(&fault(client(&server, trusting(&before))).await, "its issuer is not among the roots");
    server.stop().await;
}

pub async fn a_handshake_that_does_not_go_on_holds_up_nobody(rt: &RuntimeHandle) {
    let authority = Authority::new("one");
    let server = serve_tls(rt, &server_tls(&authority), &Log::default()).await;
    let mut silent = rt.connect(server.address().into()).await.unwrap();
    write_all(&mut silent, &[22, 3, 1]).await.unwrap();
    client(&server, trusting(&authority)).empty_call(Empty {}).await.unwrap();
    // The drain does not wait for it either.
    server.stop().await;
    assert!(matches!(read(&mut silent, &mut [0; 100]).await, Ok(0) | Err(_)));

    // Nor does a client wait for ever.
    let (mut listener, address) = listen(rt).await;
    let channel = Channel::builder(rt.clone(), Target::Address(address.into())).tls(trusting(&authority));
    let channel = channel.connect_timeout(Duration::from_millis(50)).connect_lazy();
    let mut request = Request::new(Empty {});
    request.set_timeout(Duration::from_secs(30));
    let status = TestServiceClient::new(channel).empty_call(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    drop(accept(&mut listener).await);
}
