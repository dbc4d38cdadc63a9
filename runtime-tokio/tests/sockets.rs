//! The sockets and timers of tokio through the traits.

use std::future::poll_fn;
use std::io::IoSlice;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use unwired::Instant;
use unwired::server::Bound;
use unwired::transport::{Address, ByteStream, Listen, Runtime, Timer, memory};
use unwired_tokio::Tokio;

#[tokio::test]
async fn bytes_go_both_ways_and_an_end_is_read() {
    let tokio = Tokio::current();
    let mut listener = tokio.listen(&Address::Tcp("127.0.0.1:0".parse().unwrap())).await.unwrap();
    let address = listener.local_address().unwrap();
    let mut client = tokio.connect(&address).await.unwrap();
    let mut server = poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
    assert_eq!(server.peer().local.as_ref(), Some(&address));
    assert_eq!(server.peer().remote, client.peer().local);

    let slices = [IoSlice::new(b"hel"), IoSlice::new(b"lo")];
    assert_eq!(poll_fn(|cx| client.poll_write_vectored(cx, &slices)).await.unwrap(), 5);
    poll_fn(|cx| client.poll_shutdown(cx)).await.unwrap();
    let mut buffer = [0; 16];
    assert_eq!(poll_fn(|cx| server.poll_read(cx, &mut buffer)).await.unwrap(), 5);
    assert_eq!(&buffer[..5], b"hello");
    assert_eq!(poll_fn(|cx| server.poll_read(cx, &mut buffer)).await.unwrap(), 0);
}

#[tokio::test]
async fn the_unspecified_address_takes_ipv4() {
    let tokio = Tokio::current();
    let mut listener = tokio.listen(&Address::Tcp("[::]:0".parse().unwrap())).await.unwrap();
    let Address::Tcp(bound) = listener.local_address().unwrap() else { panic!("no TCP") };
    let client = tokio.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, bound.port())).into()).await.unwrap();
    let server = poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
    assert!(server.peer().remote.is_some() && client.peer().remote.is_some());
}

#[cfg(unix)]
#[tokio::test]
async fn a_socket_in_the_file_system_carries_bytes() {
    let path = std::env::temp_dir().join(format!("unwired-{}.sock", std::process::id()));
    let address = Address::Unix(path.clone());
    let tokio = Tokio::current();
    let mut listener = tokio.listen(&address).await.unwrap();
    assert_eq!(listener.local_address().unwrap(), address);
    let mut client = tokio.connect(&address).await.unwrap();
    let mut server = poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
    std::fs::remove_file(path).unwrap();

    assert_eq!(poll_fn(|cx| client.poll_write_vectored(cx, &[IoSlice::new(b"hi")])).await.unwrap(), 2);
    let mut buffer = [0; 16];
    assert_eq!(poll_fn(|cx| server.poll_read(cx, &mut buffer)).await.unwrap(), 2);
    drop(client);
    assert_eq!(poll_fn(|cx| server.poll_read(cx, &mut buffer)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_server_takes_a_listener_in_memory() {
    let (_connector, listener) = memory::endpoint();
    let bound = Bound::new(Tokio::handle(), listener.boxed());
    assert_eq!(bound.local_address().unwrap(), Address::Memory);
}

#[tokio::test(start_paused = true)]
async fn a_timer_can_be_set_again() {
    let tokio = Tokio::current();
    let mut timer = tokio.timer();
    timer.reset(Instant::FAR_FUTURE);
    timer.reset(tokio.now() + Duration::from_secs(5));
    poll_fn(|cx| timer.poll_expired(cx)).await;
    let late = tokio.now() - Instant::ZERO;
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&late), "{late:?}");
}
