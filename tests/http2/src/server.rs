use core::future::poll_fn;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use unwired::transport::{Address, RuntimeHandle};
use unwired_core::Instant;
use unwired_core::http2::{Config, Connection, Event, Fields, Reason, StreamKey};

use crate::connection::{Endpoint, drive, drop_data};

/// How long the system gets when it is out of something.
const PAUSE: Duration = Duration::from_millis(50);

/// Listens at `address`, says so, and answers every request with 200 and `body` bytes.
///
/// # Errors
///
/// Those of the system when it cannot listen there.
pub async fn serve(runtime: RuntimeHandle, address: SocketAddr, body: usize) -> io::Result<()> {
    let mut listener = runtime.listen(address.into()).await?;
    if let Address::Tcp(bound) = listener.local_address()? {
        println!("listening on {bound}");
    }
    let body = Bytes::from(vec![b'.'; body]);
    loop {
        let Ok(stream) = poll_fn(|cx| listener.poll_accept(cx)).await else {
            runtime.sleep(PAUSE).await;
            continue;
        };
        let connection = Connection::server(Config::default(), runtime.now());
        let driven = drive(connection, stream, runtime.clone(), Answering { body: body.clone() });
        runtime.spawn(async {
            // A peer that is gone is no concern of anybody else.
            let _ = driven.await;
        });
    }
}

/// Answers each request once it has come whole.
struct Answering {
    body: Bytes,
}

impl Endpoint for Answering {
    fn on_event(&mut self, connection: &mut Connection, _now: Instant, event: Event) {
        match event {
            Event::Headers { stream, end_stream: true } | Event::Trailers { stream } => {
                self.answer(connection, stream);
            }
            Event::Data { stream, end_stream } => {
                drop_data(connection, stream);
                if end_stream {
                    self.answer(connection, stream);
                }
            }
            Event::Finished { stream } | Event::Reset { stream, .. } => connection.release(stream),
            _ => {}
        }
    }
}

impl Answering {
    fn answer(&self, connection: &mut Connection, stream: StreamKey) {
        let is_head = connection
            .take_fields(stream)
            .is_some_and(|fields| fields.get(b":method").is_some_and(|method| method == b"HEAD"));
        let length = self.body.len().to_string();
        let head: Fields = [(":status", "200"), ("content-length", length.as_str())].into_iter().collect();
        let sent = connection.send_headers(stream, head, is_head);
        if sent.is_ok() && !is_head && connection.send_data(stream, &[], self.body.clone(), true).is_err() {
            connection.reset(stream, Reason::INTERNAL_ERROR);
        }
    }
}
