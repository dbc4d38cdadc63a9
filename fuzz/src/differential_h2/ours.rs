//! Our bare server connection, without its limits for abuse, and an application that answers what is whole.

use bytes::Buf;
use std::collections::HashMap;

use unwired_core::http2::{Config, Event, Fields, StreamKey};
use unwired_core::{Instant, Outbox};
use unwired_replay::http2::Connection;

use super::known::as_uri;
use super::{Lines, SECTION, View, is_answered, sorted};

/// More than any input has of anything.
const ANY: u32 = 1 << 20;

/// Streams that may be open at a time.
pub(super) const STREAMS: u32 = 1 << 12;

pub(super) struct Ours {
    connection: Connection,
    ids: HashMap<StreamKey, u32>,
    pub(super) view: View,
}

impl Ours {
    pub(super) fn new() -> Self {
        let mut config = Config::default();
        let limits = &mut config.limits;
        limits.max_concurrent_streams = STREAMS;
        limits.max_header_list_size = SECTION;
        limits.max_header_fields = ANY as usize;
        limits.max_continuation_frames = ANY;
        limits.max_settings_entries = ANY as usize;
        limits.max_goaways = ANY;
        for burst in [
            &mut limits.reset_burst,
            &mut limits.glitch_burst,
            &mut limits.settings_burst,
            &mut limits.ping_burst,
            &mut limits.ping_cap,
            &mut limits.window_update_burst,
            &mut limits.ignored_burst,
            &mut limits.empty_data_burst,
        ] {
            *burst = ANY;
        }
        let connection = Connection::server(config, Instant::ZERO);
        Self { connection, ids: HashMap::new(), view: View::default() }
    }

    pub(super) fn input(&mut self, mut octets: &[u8]) {
        loop {
            let taken = self.connection.handle_input(Instant::ZERO, octets);
            octets.advance(taken);
            let moved = self.turn();
            if octets.is_empty() || (taken == 0 && !moved) {
                break;
            }
        }
        self.view.read_wire();
    }

    fn turn(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.connection.poll_event() {
            moved = true;
            self.on_event(event);
        }
        let mut out = Outbox::new();
        self.connection.poll_transmit(Instant::ZERO, &mut out, usize::MAX);
        moved |= out.has_remaining();
        let octets = out.copy_to_bytes(out.remaining());
        self.view.wire.extend_from_slice(&octets);
        self.connection.handle_sent(Instant::ZERO, 0);
        moved
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Headers { stream, end_stream } => {
                let Some(id) = self.connection.stream_id(stream) else { return };
                self.ids.insert(stream, id.get());
                let head = self.connection.take_fields(stream).expect("announced");
                self.view.requests.entry(id.get()).or_default().head = as_uri(lines(&head));
                if end_stream {
                    self.on_end(stream);
                }
            }
            Event::Data { stream, end_stream } => {
                let octets = self.connection.take_data(stream).map_or(0, |data| data.len());
                self.connection.grant(stream, octets);
                if let Some(id) = self.ids.get(&stream) {
                    self.view.requests.entry(*id).or_default().data += octets;
                }
                if end_stream {
                    self.on_end(stream);
                }
            }
            Event::Trailers { stream } => {
                let trailers = self.connection.take_fields(stream).expect("announced");
                if let Some(id) = self.ids.get(&stream) {
                    self.view.requests.entry(*id).or_default().trailers = Some(lines(&trailers));
                }
                self.on_end(stream);
            }
            Event::Finished { stream } | Event::Reset { stream, .. } => self.connection.release(stream),
            Event::Closed(end) => self.view.dead = Some(end.reason.0),
            _ => {}
        }
    }

    fn on_end(&mut self, stream: StreamKey) {
        let Some(id) = self.ids.get(&stream) else { return };
        self.view.requests.entry(*id).or_default().ended = true;
        if is_answered(*id) {
            let answer = [(":status", "200")].into_iter().collect();
            // It may have been reset in the meantime.
            let _ = self.connection.send_headers(stream, answer, true);
        }
    }
}

fn lines(fields: &Fields) -> Lines {
    sorted(
        fields
            .iter()
            .map(|field| (field.name.escape_ascii().to_string(), field.value.escape_ascii().to_string()))
            .collect(),
    )
}
