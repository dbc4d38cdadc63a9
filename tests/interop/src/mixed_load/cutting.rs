//! A relay between clients and their server that cuts connections in the middle of whatever they carry.

use core::future::poll_fn;
use core::time::Duration;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, PoisonError};

use unwired::transport::{Address, BoxListener, BoxStream, RuntimeHandle};

use super::random::Random;

/// The longest life of a connection.
const LONGEST_MS: u64 = 5000;
/// How long the system gets when it has no connection to give.
const PAUSE: Duration = Duration::from_millis(50);

/// Relays what connects to `listener` to `server`, for as long as it is polled.
pub(super) async fn relay(runtime: RuntimeHandle, mut listener: BoxListener, server: Address) {
    let mut random = Random::new(0);
    loop {
        let Ok(client) = poll_fn(|cx| listener.poll_accept(cx)).await else {
            runtime.sleep(PAUSE).await;
            continue;
        };
        // Where no server is, the client sees its connection close.
        let Ok(server) = runtime.connect(server.clone()).await else { continue };
        let life = Duration::from_millis(random.below(LONGEST_MS));
        let at_hand = runtime.clone();
        runtime.spawn(async move {
            let [client, server] = [client, server].map(|end| Arc::new(Mutex::new(end)));
            let both = futures_util::future::join(pump(&client, &server), pump(&server, &client));
            // Dropped, they are cut, whatever they have yet to carry.
            let _ = at_hand.timeout(life, both).await;
        });
    }
}

/// Carries bytes one way until their end.
async fn pump(from: &Mutex<BoxStream>, to: &Mutex<BoxStream>) -> io::Result<()> {
    let lock = |end| Mutex::lock(end).unwrap_or_else(PoisonError::into_inner);
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = poll_fn(|cx| lock(from).poll_read(cx, &mut buffer)).await?;
        let mut rest = buffer.get(..read).unwrap_or_default();
        if rest.is_empty() {
            return poll_fn(|cx| lock(to).poll_shutdown(cx)).await;
        }
        while !rest.is_empty() {
            let written = poll_fn(|cx| lock(to).poll_write_vectored(cx, &[IoSlice::new(rest)])).await?;
            rest = rest.get(written..).unwrap_or_default();
        }
    }
}
