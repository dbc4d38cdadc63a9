//! The network itself: bytes, connects, faults, and how long each takes.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::time::Duration;

use unwired::Instant;
use unwired::transport::{Address, BoxListener, BoxStream, ByteStream, RuntimeHandle};
use unwired_sim::{Crashed, Faults, Host, Link, Random, Sim};

const SECOND: Duration = Duration::from_secs(1);
/// There and back: connecting takes as long.
const ROUND_TRIP: Duration = Duration::from_millis(20);

async fn listen(host: &Host) -> BoxListener {
    let any: SocketAddr = "0.0.0.0:80".parse().unwrap();
    host.runtime().listen(Address::Tcp(any)).await.unwrap()
}

async fn accept(listener: &mut BoxListener) -> BoxStream {
    poll_fn(|cx| listener.poll_accept(cx)).await.unwrap()
}

async fn connect(from: &Host, to: &Host) -> io::Result<BoxStream> {
    from.runtime().connect(Address::Tcp((to.ip(), 80).into())).await
}

async fn read(stream: &mut BoxStream) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 100];
    let read = poll_fn(|cx| stream.poll_read(cx, &mut buffer)).await?;
    Ok(buffer[..read].to_vec())
}

async fn write(stream: &mut BoxStream, bytes: &[u8]) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_write_vectored(cx, &[IoSlice::new(bytes)])).await
}

/// Two hosts ten milliseconds apart, and a connection between them.
struct Pair {
    sim: Sim,
    client: Host,
    server: Host,
    runtime: RuntimeHandle,
}

fn pair() -> Pair {
    let sim = Sim::new(1);
    let (client, server) = (sim.host("client"), sim.host("server"));
    sim.set_default_link(Link::default().latency(ROUND_TRIP / 2).jitter(Duration::ZERO));
    let runtime = sim.host("watch").runtime();
    Pair { sim, client, server, runtime }
}

impl Pair {
    /// Both ends of a connection; the listener goes on.
    async fn connected(&self) -> (BoxStream, BoxStream, BoxListener) {
        let mut listener = listen(&self.server).await;
        let there = connect(&self.client, &self.server).await.unwrap();
        let here = accept(&mut listener).await;
        (there, here, listener)
    }

    /// What `future` comes to, and how long that takes.
    async fn timed<T>(&self, future: impl Future<Output = T>) -> (T, Duration) {
        let begun = self.runtime.now();
        (future.await, self.runtime.now() - begun)
    }
}

#[test]
fn bytes_come_in_order_however_they_are_torn() {
    unwired_sim::check(0..50, |sim| {
        let mut random = sim.random();
        let mut faults = Faults::default();
        (faults.torn_read, faults.torn_write, faults.stall) = (0.7, 0.7, 0.1);
        faults.longest_stall = SECOND;
        let link = Link::default().jitter(Duration::from_millis(50)).buffer(1 + random.below(5000));
        sim.set_default_link(link.bandwidth(100_000).faults(faults));
        let (client, server) = (sim.host("client"), sim.host("server"));
        let bytes: Vec<u8> = (0..20_000).map(|_| random.next_u64() as u8).collect();
        let sent = bytes.clone();
        let received = server.spawn({
            let server = server.clone();
            async move {
                let mut stream = accept(&mut listen(&server).await).await;
                let mut received = Vec::new();
                loop {
                    match read(&mut stream).await.unwrap() {
                        bytes if bytes.is_empty() => return received,
                        bytes => received.extend(bytes),
                    }
                }
            }
        });
        sim.run_until_idle();
        sim.run_until(async {
            let mut stream = connect(&client, &server).await.unwrap();
            let mut left = sent.as_slice();
            while !left.is_empty() {
                let written = write(&mut stream, left).await.unwrap();
                left = &left[written..];
            }
            drop(stream);
            assert_eq!(received.await.unwrap(), bytes);
        });
        assert!(sim.now() > Instant::ZERO + Duration::from_millis(200), "the wire takes its time");
    });
}

#[test]
fn a_connect_is_answered_refused_or_given_up() {
    let pair = pair();
    pair.sim.run_until(async {
        let (refused, took) = pair.timed(connect(&pair.client, &pair.server)).await;
        assert_eq!((refused.err().unwrap().kind(), took), (ErrorKind::ConnectionRefused, ROUND_TRIP));
        let _listener = listen(&pair.server).await;
        let (connected, took) = pair.timed(connect(&pair.client, &pair.server)).await;
        assert_eq!((connected.is_ok(), took), (true, ROUND_TRIP));
        pair.sim.partition("client", "server");
        let (given_up, took) = pair.timed(connect(&pair.client, &pair.server)).await;
        assert_eq!(given_up.err().unwrap().kind(), ErrorKind::TimedOut);
        assert_eq!(took, Duration::from_secs(127) + ROUND_TRIP / 2);
        let nowhere = pair.client.runtime().connect(Address::Tcp("10.9.9.9:80".parse().unwrap())).await;
        assert_eq!(nowhere.err().unwrap().kind(), ErrorKind::HostUnreachable);
    });
}

#[test]
fn a_writer_waits_until_somebody_reads() {
    let pair = pair();
    pair.sim.set_link("client", "server", Link::default().buffer(150));
    pair.sim.run_until(async {
        let (mut there, mut here, _listener) = pair.connected().await;
        assert_eq!(write(&mut there, &[7; 1000]).await.unwrap(), 150);
        let waits = pair.runtime.timeout(SECOND, write(&mut there, b"more")).await;
        assert!(waits.is_err(), "the buffer is full");
        assert_eq!(read(&mut here).await.unwrap(), [7; 100]);
        assert_eq!(write(&mut there, &[8; 1000]).await.unwrap(), 100);
    });
}

#[test]
fn an_end_is_an_end_and_unread_bytes_make_it_a_reset() {
    let pair = pair();
    pair.sim.run_until(async {
        let (mut there, mut here, mut listener) = pair.connected().await;
        write(&mut there, b"last").await.unwrap();
        poll_fn(|cx| there.poll_shutdown(cx)).await.unwrap();
        assert_eq!(write(&mut there, b"more").await.err().unwrap().kind(), ErrorKind::BrokenPipe);
        assert_eq!(read(&mut here).await.unwrap(), b"last");
        assert_eq!(read(&mut here).await.unwrap(), b"");
        write(&mut here, b"half-closed").await.unwrap();
        assert_eq!(read(&mut there).await.unwrap(), b"half-closed");

        let mut there = connect(&pair.client, &pair.server).await.unwrap();
        let here = accept(&mut listener).await;
        write(&mut there, b"nobody reads this").await.unwrap();
        pair.runtime.sleep(SECOND).await;
        drop(here);
        assert_eq!(read(&mut there).await.err().unwrap().kind(), ErrorKind::ConnectionReset);
    });
    pair.sim.run_until_idle();
    assert_eq!(pair.sim.connections(), 0);
}

#[test]
fn what_a_partition_held_comes_when_it_is_healed() {
    let pair = pair();
    pair.sim.run_until(async {
        let (mut there, mut here, _listener) = pair.connected().await;
        pair.sim.partition("server", "client");
        write(&mut there, b"one").await.unwrap();
        assert!(pair.runtime.timeout(SECOND * 600, read(&mut here)).await.is_err());
        write(&mut there, b"two").await.unwrap();
        pair.sim.heal("client", "server");
        let (bytes, took) = pair.timed(read(&mut here)).await;
        assert_eq!((bytes.unwrap().as_slice(), took), (b"onetwo".as_slice(), ROUND_TRIP / 2));
    });
}

#[test]
fn a_system_gives_up_after_a_quarter_of_an_hour() {
    let pair = pair();
    pair.sim.run_until(async {
        let (mut there, mut here, _listener) = pair.connected().await;
        pair.sim.partition("client", "server");
        write(&mut there, b"one").await.unwrap();
        let (end, took) = pair.timed(read(&mut there)).await;
        assert_eq!(end.err().unwrap().kind(), ErrorKind::TimedOut);
        assert_eq!(took, SECOND * 924 + ROUND_TRIP / 2);
        pair.sim.heal_all();
        assert!(pair.runtime.timeout(SECOND * 10_000, read(&mut here)).await.is_err(), "half-open");
    });
}

#[test]
fn one_end_of_a_half_open_connection_believes_in_it() {
    let pair = pair();
    pair.sim.run_until(async {
        let (mut there, mut here, _listener) = pair.connected().await;
        pair.sim.half_open("server", "client");
        assert_eq!(read(&mut here).await.err().unwrap().kind(), ErrorKind::ConnectionReset);
        write(&mut there, b"are you there?").await.unwrap();
        assert!(pair.runtime.timeout(SECOND * 600, read(&mut there)).await.is_err());
    });
}

#[test]
fn connections_are_reset_at_both_ends() {
    let pair = pair();
    pair.sim.run_until(async {
        let (mut there, mut here, _listener) = pair.connected().await;
        pair.sim.reset_connections("client", "server");
        assert_eq!(read(&mut here).await.err().unwrap().kind(), ErrorKind::ConnectionReset);
        assert_eq!(write(&mut there, b"x").await.err().unwrap().kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn a_crash_closes_what_a_program_had_open() {
    let pair = pair();
    pair.sim.run_until(async {
        let mut listener = listen(&pair.server).await;
        let hanging = pair.server.spawn(std::future::pending::<()>());
        let mut there = connect(&pair.client, &pair.server).await.unwrap();
        let mut here = accept(&mut listener).await;
        let old = pair.server.runtime();
        pair.sim.crash("server");
        assert_eq!(hanging.await, Err(Crashed));
        let (end, took) = pair.timed(read(&mut there)).await;
        assert_eq!((end.unwrap().as_slice(), took), (b"".as_slice(), ROUND_TRIP / 2));
        let refused = connect(&pair.client, &pair.server).await;
        assert_eq!(refused.err().unwrap().kind(), ErrorKind::ConnectionRefused);
        // Whatever is left of the program is good for nothing, and in nobody's way.
        assert!(read(&mut here).await.is_err());
        let address = Address::Tcp((pair.client.ip(), 80).into());
        assert_eq!(old.connect(address).await.err().unwrap().kind(), ErrorKind::ConnectionAborted);
        let _listener = listen(&pair.server).await;
        drop((listener, here));
        connect(&pair.client, &pair.server).await.unwrap();
    });
}

#[test]
fn a_power_cut_is_silent_and_a_restart_knows_nothing() {
    let pair = pair();
    pair.sim.run_until(async {
        let (mut there, _here, _listener) = pair.connected().await;
        pair.sim.cut_power("server");
        write(&mut there, b"hello?").await.unwrap();
        assert!(pair.runtime.timeout(SECOND * 60, read(&mut there)).await.is_err());
        assert_eq!(pair.server.bind(1).err().unwrap().kind(), ErrorKind::ConnectionAborted);
        pair.sim.restart("server");
        let (end, took) = pair.timed(read(&mut there)).await;
        assert_eq!((end.err().unwrap().kind(), took), (ErrorKind::ConnectionReset, ROUND_TRIP));
        let refused = connect(&pair.client, &pair.server).await;
        assert_eq!(refused.err().unwrap().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn a_port_is_one_listeners() {
    let sim = Sim::new(0);
    let host = sim.host("host");
    let first = host.bind(80).unwrap();
    assert_eq!(host.bind(80).err().unwrap().kind(), ErrorKind::AddrInUse);
    let chosen = host.bind(0).unwrap().local_addr().unwrap();
    assert_eq!((chosen.ip(), chosen.port() > 1024), (host.ip().into(), true));
    drop(first);
    host.bind(80).unwrap();
}

#[test]
fn every_fault_by_chance_happens() {
    // Each alone, so often that it cannot be missed: what it does to a connect, or to the first bytes.
    let end = |change: fn(&mut Faults), seed: u64| {
        let sim = Sim::new(seed);
        let mut faults =
            Faults { longest_partition: SECOND * 10, longest_stall: SECOND, ..Faults::default() };
        change(&mut faults);
        sim.set_default_link(Link::default().faults(faults));
        let (client, server) = (sim.host("client"), sim.host("server"));
        sim.run_until(async {
            let mut listener = listen(&server).await;
            let mut there = connect(&client, &server).await.map_err(|error| error.kind())?;
            let mut here = accept(&mut listener).await;
            write(&mut there, b"hello").await.map_err(|error| error.kind())?;
            let read = client.runtime().timeout(SECOND * 100, read(&mut here)).await;
            let read = read.unwrap_or(Err(ErrorKind::WouldBlock.into())).map_err(|error| error.kind())?;
            Ok((read.len(), sim.now() - Instant::ZERO > SECOND / 10))
        })
    };
    assert_eq!(end(|_| {}, 1), Ok((5, false)));
    assert_eq!(end(|faults| faults.refused = 1.0, 1), Err(ErrorKind::ConnectionRefused));
    assert_eq!(end(|faults| faults.unanswered = 1.0, 1), Err(ErrorKind::TimedOut));
    assert_eq!(end(|faults| faults.reset = 1.0, 1), Err(ErrorKind::ConnectionReset));
    assert_eq!(end(|faults| faults.partition = 1.0, 1), Ok((5, true)));
    assert_eq!(end(|faults| faults.stall = 1.0, 1), Ok((5, true)));
    assert!(end(|faults| faults.torn_read = 1.0, 1).unwrap().0 < 5);
    assert!(end(|faults| faults.torn_write = 1.0, 1).unwrap().0 < 5);
    let mut ends: Vec<_> = (0..20).map(|seed| end(|faults| faults.half_open = 1.0, seed)).collect();
    ends.sort_by_key(|end| format!("{end:?}"));
    ends.dedup();
    assert_eq!(ends, [Err(ErrorKind::ConnectionReset), Err(ErrorKind::WouldBlock)], "either end");
    assert!(Random::new(0).chance(1.0));
}
