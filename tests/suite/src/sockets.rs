//! The system's sockets, for adapters that have them.

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use futures_util::future::join;
use unwired::Target;
use unwired::transport::{Address, BoxListener, BoxStream, RuntimeHandle};
use unwired_proto::grpc::testing::Empty;

use crate::serving::{Transport, client_to, serve};
use crate::streams::{accept, listen, read, read_exact, write_all};
use crate::tasks::poll_once;

/// Both ends of a connection.
pub(crate) async fn connected(
    rt: &RuntimeHandle,
    listener: &mut BoxListener,
    to: Address,
) -> (BoxStream, BoxStream) {
    let client = rt.connect(to).await.unwrap();
    (client, accept(listener).await.unwrap())
}

pub async fn bytes_go_both_ways_and_an_end_is_read(rt: &RuntimeHandle) {
    let (mut listener, address) = listen(rt).await;
    let (mut client, mut server) = connected(rt, &mut listener, address.into()).await;
    assert_eq!(server.peer().local, Some(address.into()));
    assert_eq!(server.peer().remote, client.peer().local);
    assert_eq!(server.peer().credentials, None);

    let slices = [IoSlice::new(b"hel"), IoSlice::new(b"lo")];
    assert_eq!(poll_fn(|cx| client.poll_write_vectored(cx, &slices)).await.unwrap(), 5);
    let mut buffer = [0; 5];
    read_exact(&mut server, &mut buffer).await.unwrap();
    assert_eq!(&buffer, b"hello");

    poll_fn(|cx| server.poll_shutdown(cx)).await.unwrap();
    assert_eq!(read(&mut client, &mut buffer).await.unwrap(), 0);
    // The other direction is open.
    write_all(&mut client, b"bye").await.unwrap();
    read_exact(&mut server, &mut buffer[..3]).await.unwrap();
    drop(client);
    assert_eq!(read(&mut server, &mut buffer).await.unwrap(), 0);
    // An end stays one.
    assert_eq!(read(&mut server, &mut buffer).await.unwrap(), 0);
}

pub async fn a_reader_waits_for_what_comes_after_a_short_read(rt: &RuntimeHandle) {
    let (mut listener, address) = listen(rt).await;
    let (mut client, mut server) = connected(rt, &mut listener, address.into()).await;
    let mut buffer = [0; 64];
    for round in 0..100_u8 {
        write_all(&mut client, &[round]).await.unwrap();
        assert_eq!(read(&mut server, &mut buffer).await.unwrap(), 1);
        assert_eq!(buffer[0], round);
        if round % 2 == 0 {
            assert!(poll_once(read(&mut server, &mut buffer)).await.is_none());
        }
    }
    write_all(&mut client, b"end").await.unwrap();
    drop(client);
    read_exact(&mut server, &mut buffer[..3]).await.unwrap();
    assert_eq!(read(&mut server, &mut buffer).await.unwrap(), 0);
}

pub async fn a_writer_waits_for_its_reader(rt: &RuntimeHandle) {
    const LENGTH: usize = 32 << 20;
    let (mut listener, address) = listen(rt).await;
    let (mut client, mut server) = connected(rt, &mut listener, address.into()).await;
    let bytes = vec![7; LENGTH];
    let reading = async {
        let mut there = vec![0; LENGTH];
        read_exact(&mut server, &mut there).await.unwrap();
        assert!(there == bytes);
    };
    let (wrote, ()) = join(write_all(&mut client, &bytes), reading).await;
    wrote.unwrap();
}

pub async fn the_unspecified_address_takes_ipv4_and_ipv6(rt: &RuntimeHandle) {
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let mut listener = rt.listen(all.into()).await.unwrap();
    let Address::Tcp(bound) = listener.local_address().unwrap() else { panic!("no address of TCP") };
    let at = |ip| Address::Tcp(SocketAddr::new(ip, bound.port()));
    connected(rt, &mut listener, at(Ipv4Addr::LOCALHOST.into())).await;
    // Without IPv6 it is the unspecified address of IPv4.
    if bound.is_ipv6() {
        connected(rt, &mut listener, at(Ipv6Addr::LOCALHOST.into())).await;
    }
}

pub async fn an_address_that_is_taken_is_said_to_be(rt: &RuntimeHandle) {
    let (_listener, address) = listen(rt).await;
    let Err(error) = rt.listen(address.into()).await else { panic!("two listen at {address}") };
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
}

pub async fn memory_is_no_address_of_a_socket(rt: &RuntimeHandle) {
    let Err(listened) = rt.listen(Address::Memory).await else { panic!("listens in memory") };
    let Err(connected) = rt.connect(Address::Memory).await else { panic!("connects to memory") };
    assert_eq!([listened.kind(), connected.kind()], [ErrorKind::Unsupported; 2]);
}

pub async fn a_server_is_found_by_the_name_of_its_host(rt: &RuntimeHandle) {
    let server = serve(rt, Transport::Tcp).await;
    let target = Target::Host("localhost".to_owned(), server.address().port());
    client_to(rt, target).empty_call(Empty {}).await.unwrap();
    server.stop().await;
}
