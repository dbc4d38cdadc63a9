//! Sessions over a pipe in memory that holds as little as one byte: every split of what goes over it.

// The suite knows this crate, and this crate's own tests not the suite: they share the file.
#[path = "../../../tests/suite/src/authority.rs"]
#[allow(unreachable_pub, reason = "it is public in the suite")]
mod authority;

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use std::io::{self, IoSlice};

use authority::Authority;

use super::{ClientTls, Connector, ServerTls, TlsStream};
use crate::transport::ByteStream;
use crate::transport::memory::{MemoryStream, pipe};

fn server_of(authority: &Authority) -> ServerTls {
    let (chain, key) = authority.sign("server.test");
    ServerTls::from_pem(chain, key).unwrap()
}

fn client_of(authority: &Authority) -> ClientTls {
    ClientTls::with_roots(authority.pem()).unwrap().server_name("server.test")
}

/// Polls both until both are done. Nothing else wakes them: both are polled again and again.
fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut a, mut b) = (None, None);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..10_000_000 {
        if a.is_none()
            && let Poll::Ready(done) = one.as_mut().poll(&mut cx)
        {
            a = Some(done);
        }
        if b.is_none()
            && let Poll::Ready(done) = other.as_mut().poll(&mut cx)
        {
            b = Some(done);
        }
        if a.is_some() && b.is_some() {
            break;
        }
    }
    (a.expect("one side never ends"), b.expect("one side never ends"))
}

type Ends = (io::Result<TlsStream>, io::Result<TlsStream>);

async fn accept(there: MemoryStream, server: &ServerTls) -> io::Result<TlsStream> {
    TlsStream::accept(Box::new(there), server).await.map_err(|failed| failed.error)
}

/// A handshake over a pipe that holds `capacity` bytes.
fn shake(capacity: usize, client: &ClientTls, server: &ServerTls) -> Ends {
    let (here, there) = pipe(capacity);
    let connector = Connector::new(client, "localhost").unwrap();
    both(TlsStream::connect(Box::new(here), &connector), accept(there, server))
}

async fn send(stream: &mut TlsStream, data: &[u8]) {
    let mut sent = 0;
    while sent < data.len() {
        let (one, rest) = data[sent..].split_at((data.len() - sent) / 2);
        let slices = [IoSlice::new(one), IoSlice::new(rest)];
        sent += core::future::poll_fn(|cx| stream.poll_write_vectored(cx, &slices)).await.unwrap();
    }
    core::future::poll_fn(|cx| stream.poll_flush(cx)).await.unwrap();
    core::future::poll_fn(|cx| stream.poll_shutdown(cx)).await.unwrap();
}

async fn receive(stream: &mut TlsStream, at_a_time: usize) -> Vec<u8> {
    let (mut received, mut buffer) = (Vec::new(), vec![0; at_a_time]);
    loop {
        match core::future::poll_fn(|cx| stream.poll_read(cx, &mut buffer)).await.unwrap() {
            0 => return received,
            read => received.extend_from_slice(&buffer[..read]),
        }
    }
}

#[test]
fn bytes_cross_however_they_are_split() {
    let authority = Authority::new("one");
    let (client, server) = (client_of(&authority), server_of(&authority));
    let data: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    for (capacity, at_a_time, length) in [
        (1, 7, 2_000),
        (3, 65_536, 2_000),
        (1_000, 100, 100_000),
        (65_536, 65_536, 200_000),
        (65_536, 10_000, 200_000),
    ] {
        let data = &data[..length];
        let (here, there) = pipe(capacity);
        let connector = Connector::new(&client, "localhost").unwrap();
        let calls = async {
            let mut stream = TlsStream::connect(Box::new(here), &connector).await.unwrap();
            send(&mut stream, data).await;
            receive(&mut stream, at_a_time).await
        };
        let answers = async {
            let mut stream = accept(there, &server).await.unwrap();
            let received = receive(&mut stream, at_a_time).await;
            send(&mut stream, data).await;
            received
        };
        let (back, forth) = both(calls, answers);
        assert!(forth == data && back == data, "capacity {capacity}");
    }
}

#[test]
fn each_side_knows_the_other() {
    let authority = Authority::new("one");
    let (chain, key) = authority.sign("client.test");
    let server = server_of(&authority).require_client_certificate(authority.pem()).unwrap();
    let client = client_of(&authority).identity(&chain, &key).unwrap();
    let (here, there) = shake(1_000, &client, &server);
    let (here, there) = (here.unwrap(), there.unwrap());
    let seen = there.peer().tls.clone().unwrap();
    assert_eq!(seen.certificates[0], super::pem::certificates(chain.as_bytes()).unwrap()[0].as_ref());
    assert_eq!(seen.server_name.as_deref(), Some("server.test"));
    assert_eq!(here.peer().tls.as_ref().unwrap().certificates.len(), 1);

    let server = server_of(&authority).request_client_certificate(authority.pem()).unwrap();
    let (_, there) = shake(1_000, &client_of(&authority), &server);
    assert!(there.unwrap().peer().tls.as_ref().unwrap().certificates.is_empty());
}

fn fault(outcome: io::Result<TlsStream>) -> String {
    match outcome {
        Ok(_) => panic!("the handshake succeeded"),
        Err(error) => error.to_string(),
    }
}

#[track_caller]
fn says(outcome: io::Result<TlsStream>, what: &str) {
    let said = fault(outcome);
    assert!(said.contains(what), "{said}");
}

#[test]
fn what_is_wrong_is_said_on_both_sides() {
    let authority = Authority::new("one");
    let stranger = Authority::new("another");
    let (here, there) = shake(1_000, &client_of(&stranger), &server_of(&authority));
    says(here, "its issuer is not among the roots");
    says(there, "does not trust the issuer of our certificate");

    let (here, there) =
        shake(1_000, &client_of(&authority).server_name("other.test"), &server_of(&authority));
    says(here, "for another name");
    says(there, "our certificate");

    let (chain, key) = authority.sign_expired("server.test");
    let old = ServerTls::from_pem(chain, key).unwrap();
    let (here, there) = shake(1_000, &client_of(&authority), &old);
    says(here, "its certificate has expired");
    says(there, "our certificate has expired");

    let strict = server_of(&authority).require_client_certificate(authority.pem()).unwrap();
    let (_, there) = shake(1_000, &client_of(&authority), &strict);
    says(there, "it showed no certificate, and one is required");
}

#[test]
fn a_client_learns_after_the_handshake_that_a_certificate_was_required() {
    let authority = Authority::new("one");
    let strict = server_of(&authority).require_client_certificate(authority.pem()).unwrap();
    let (here, _) = shake(65_536, &client_of(&authority), &strict);
    // In TLS 1.3 the client is done before the server has seen its certificate.
    let mut here = here.unwrap();
    let mut buffer = [0; 100];
    let mut read = pin!(core::future::poll_fn(|cx| here.poll_read(cx, &mut buffer)));
    let Poll::Ready(Err(error)) = read.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("no fault")
    };
    assert!(error.to_string().contains("it requires a certificate of ours"), "{error}");
}

/// What a side says of a peer that sends `bytes`.
fn answer_to(bytes: &'static [u8], side: impl AsyncFnOnce(MemoryStream) -> io::Result<TlsStream>) -> String {
    let (here, mut there) = pipe(1_000);
    let peer = async {
        let slices = [IoSlice::new(bytes)];
        core::future::poll_fn(|cx| there.poll_write_vectored(cx, &slices)).await.unwrap();
        core::future::poll_fn(|cx| there.poll_shutdown(cx)).await.unwrap();
    };
    fault(both(side(here), peer).0)
}

#[test]
fn a_peer_without_tls_is_told_from_a_broken_one() {
    let authority = Authority::new("one");
    let server = server_of(&authority);
    let client = Connector::new(&client_of(&authority), "localhost").unwrap();
    let plain = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    assert!(answer_to(plain, async |socket| accept(socket, &server).await).contains("is not TLS"));
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let said = answer_to(settings, async |socket| TlsStream::connect(Box::new(socket), &client).await);
    assert!(said.contains("http://"), "{said}");
    let said = answer_to(b"", async |socket| TlsStream::connect(Box::new(socket), &client).await);
    assert!(said.contains("amid the handshake"), "{said}");
}

#[test]
fn a_replaced_certificate_is_shown_from_then_on() {
    let (before, after) = (Authority::new("one"), Authority::new("another"));
    let server = server_of(&before);
    assert!(shake(1_000, &client_of(&before), &server).0.is_ok());
    let (chain, key) = after.sign("server.test");
    let in_use = server.clone();
    server.replace(&chain, &key).unwrap();
    assert!(shake(1_000, &client_of(&after), &in_use).0.is_ok());
    // What cannot be used changes nothing.
    let (_, another_key) = after.sign("server.test");
    assert!(server.replace(&chain, another_key).unwrap_err().to_string().contains("private key"));
    assert!(shake(1_000, &client_of(&after), &in_use).0.is_ok());
}

#[test]
fn a_peer_without_alpn_or_with_another_protocol_is_refused() {
    let authority = Authority::new("one");
    for protocols in [vec![], vec![b"http/1.1".to_vec()]] {
        let mut config = rustls::ServerConfig::clone(&server_of(&authority).config);
        config.alpn_protocols.clone_from(&protocols);
        let mut server = server_of(&authority);
        server.config = std::sync::Arc::new(config);
        let (here, _) = shake(1_000, &client_of(&authority), &server);
        says(here, "does not speak HTTP/2");

        let mut client = Connector::new(&client_of(&authority), "localhost").unwrap();
        let mut config = rustls::ClientConfig::clone(&client.config);
        config.alpn_protocols = protocols;
        client.config = std::sync::Arc::new(config);
        let (here, there) = pipe(1_000);
        let server = server_of(&authority);
        let ends = both(TlsStream::connect(Box::new(here), &client), accept(there, &server));
        says(ends.1, "HTTP/2");
    }
}

#[test]
fn pem_that_is_none_is_named() {
    let authority = Authority::new("one");
    let (chain, key) = authority.sign("server.test");
    let text = |error: super::TlsError| error.to_string();
    assert!(text(ServerTls::from_pem("nothing", &key).unwrap_err()).contains("BEGIN CERTIFICATE"));
    assert!(text(ServerTls::from_pem(&chain, "nothing").unwrap_err()).contains("BEGIN PRIVATE KEY"));
    assert!(text(ClientTls::with_roots("").unwrap_err()).contains("BEGIN CERTIFICATE"));
    assert!(Connector::new(&client_of(&authority).server_name("not a name"), "x").is_err());
}
