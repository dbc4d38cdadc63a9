//! Byte streams as a peer uses them that is not `unwired`.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::join;
use unwired::transport::{Address, BoxListener, BoxStream, ByteStream, RuntimeHandle};

/// Any free port of this host.
pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Listens at a port that the system chooses.
pub async fn listen(rt: &RuntimeHandle) -> (BoxListener, SocketAddr) {
    let listener = rt.listen(ANY_PORT.into()).await.unwrap();
    let Address::Tcp(address) = listener.local_address().unwrap() else { panic!("not an address of TCP") };
    (listener, address)
}

/// An address where nobody listens.
pub async fn free_address(rt: &RuntimeHandle) -> SocketAddr {
    listen(rt).await.1
}

/// The next connection.
pub async fn accept(listener: &mut BoxListener) -> io::Result<BoxStream> {
    poll_fn(|cx| listener.poll_accept(cx)).await
}

/// Reads what is there; 0 is the end.
pub async fn read(stream: &mut BoxStream, buffer: &mut [u8]) -> io::Result<usize> {
    poll_fn(|cx| stream.poll_read(cx, buffer)).await
}

/// Reads until `buffer` is full.
pub async fn read_exact(stream: &mut BoxStream, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match read(stream, &mut buffer[filled..]).await? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(())
}

/// Reads the connection preface of a client of HTTP/2: its settings have been sent, and can be acknowledged.
pub async fn read_preface(stream: &mut BoxStream) -> io::Result<()> {
    let mut preface = [0; 24];
    read_exact(stream, &mut preface).await
}

/// Writes all of `bytes`.
pub async fn write_all(stream: &mut BoxStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = poll_fn(|cx| stream.poll_write_vectored(cx, &[IoSlice::new(bytes)])).await?;
        bytes = &bytes[written..];
    }
    Ok(())
}

/// Bytes that went through a relay, each way.
#[derive(Debug, Default)]
pub struct Relayed {
    /// From the one that connected.
    pub there: AtomicUsize,
    /// To it.
    pub back: AtomicUsize,
}

/// Passes bytes on both ways, until either side ends.
pub async fn relay(inbound: BoxStream, outbound: BoxStream, relayed: &Relayed) {
    let (inbound, outbound) = (Mutex::new(inbound), Mutex::new(outbound));
    join(copy(&inbound, &outbound, &relayed.there), copy(&outbound, &inbound, &relayed.back)).await;
}

async fn copy(from: &Mutex<BoxStream>, to: &Mutex<BoxStream>, counter: &AtomicUsize) {
    // One task polls both directions: nobody ever waits for these locks.
    fn lock(stream: &Mutex<BoxStream>) -> MutexGuard<'_, BoxStream> {
        stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = poll_fn(|cx| lock(from).poll_read(cx, &mut buffer)).await {
        counter.fetch_add(read, Ordering::SeqCst);
        let mut rest = &buffer[..read];
        while !rest.is_empty() {
            let slices = [IoSlice::new(rest)];
            match poll_fn(|cx| lock(to).poll_write_vectored(cx, &slices)).await {
                Ok(written) => rest = &rest[written..],
                Err(_) => return,
            }
        }
    }
    let _ = poll_fn(|cx| lock(to).poll_shutdown(cx)).await;
}
