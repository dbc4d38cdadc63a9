use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;

use crate::reactor::lock;

#[derive(Default)]
struct State {
    found: Option<io::Result<Vec<SocketAddr>>>,
    waker: Option<Waker>,
}

/// The addresses of `host`.
///
/// The system's resolver blocks, and a deadline shall hold while it does: so a name is looked up in a thread that ends with
/// the answer. An address needs none.
pub(crate) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let state = Arc::new(Mutex::new(State::default()));
    let (host, told) = (host.to_owned(), Arc::clone(&state));
    thread::Builder::new().name("unwired-resolve".to_owned()).spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        let mut told = lock(&told);
        told.found = Some(found);
        let waker = told.waker.take();
        drop(told);
        if let Some(waker) = waker {
            waker.wake();
        }
    })?;
    std::future::poll_fn(|cx| {
        let mut state = lock(&state);
        match state.found.take() {
            Some(found) => Poll::Ready(found),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    })
    .await
}
