use core::time::Duration;
use std::io;
use std::net::SocketAddr;

use unwired::transport::RuntimeHandle;
use unwired_core::Instant;
use unwired_core::http2::{Config, Connection, Event, Fields, Reason};

use crate::connection::{Endpoint, drive, drop_data};

/// How long the peer may take to close a connection that is over: the suites wait for it before they go on.
const LINGER: Duration = Duration::from_millis(100);

/// Connects to `address`, asks for `/` and stays, whatever the answer, until the peer has had enough.
///
/// # Errors
///
/// Those of the system.
pub async fn request(runtime: RuntimeHandle, address: SocketAddr) -> io::Result<()> {
    let stream = runtime.connect(address.into()).await?;
    let mut config = Config::default();
    config.limits.linger = LINGER;
    // h2spec takes the first PING that it sees for the answer to its own.
    config.bdp = false;
    let mut connection = Connection::client(config, runtime.now());
    let authority = address.to_string();
    let head: Fields =
        [(":method", "GET"), (":scheme", "http"), (":authority", authority.as_str()), (":path", "/")]
            .into_iter()
            .collect();
    connection.open(head, true).map_err(io::Error::other)?;
    drive(connection, stream, runtime, Asking).await
}

/// Reads whatever comes.
struct Asking;

impl Endpoint for Asking {
    fn on_event(&mut self, connection: &mut Connection, now: Instant, event: Event) {
        match event {
            Event::Headers { stream, .. } | Event::Trailers { stream } => {
                connection.take_fields(stream);
            }
            Event::Data { stream, .. } => drop_data(connection, stream),
            Event::Finished { stream } | Event::Reset { stream, .. } => connection.release(stream),
            Event::GoAway { .. } => connection.close(now, Reason::NO_ERROR, ""),
            _ => {}
        }
    }
}
