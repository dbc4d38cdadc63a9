//! One end of a connection as its driver and the network see it.

use std::time::Duration;

use bytes::{Buf, BytesMut};
use unwired_core::http2::{self, Reason};
use unwired_core::{Instant, Outbox};
use unwired_replay::grpc::{client, server};

use crate::model::Sender;

/// The connection of one end.
pub(crate) enum Conn<'a> {
    Client(&'a mut client::Connection),
    Server(&'a mut server::Connection),
}

macro_rules! of_either {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $answer:ty)?;)*) => {
        impl Conn<'_> {
            $(pub(crate) fn $name(&mut self, $($argument: $type),*) $(-> $answer)? {
                match self {
                    Self::Client(conn) => conn.$name($($argument),*),
                    Self::Server(conn) => conn.$name($($argument),*),
                }
            })*
        }
    };
}

of_either! {
    handle_input(now: Instant, input: &[u8]) -> usize;
    handle_eof(now: Instant);
    handle_timeout(now: Instant);
    poll_transmit(now: Instant, out: &mut Outbox, budget: usize) -> bool;
    handle_sent(now: Instant, unsent: usize);
    drain(now: Instant, grace: Option<Duration>);
    close(now: Instant, reason: Reason, debug: &'static str);
    poll_timeout() -> Option<Instant>;
    wants_input() -> bool;
    wants_transmit() -> bool;
    wants_shutdown() -> bool;
    is_closed() -> bool;
    http2() -> &http2::Connection;
    active_calls() -> usize;
    partial_bytes() -> usize;
}

/// The socket of one end.
pub(crate) struct Socket {
    /// Transmitted, and not taken by the network.
    pub(crate) unsent: BytesMut,
    /// On the way to this end.
    pub(crate) inbound: BytesMut,
    /// Octets that the network took.
    pub(crate) taken: usize,
    /// Nothing comes to this end behind what is on the way.
    pub(crate) eof: bool,
    pub(crate) eof_told: bool,
    /// What this end writes goes nowhere.
    pub(crate) deaf_peer: bool,
    pub(crate) shut: bool,
    /// The driver of this end has gone.
    pub(crate) is_gone: bool,
    /// Nothing is read before.
    pub(crate) held_until: Instant,
    /// What flow control allows this end to send.
    pub(crate) model: Sender,
}

impl Socket {
    pub(crate) fn new() -> Self {
        Self {
            unsent: BytesMut::new(),
            inbound: BytesMut::new(),
            taken: 0,
            eof: false,
            eof_told: false,
            deaf_peer: false,
            shut: false,
            is_gone: false,
            held_until: Instant::ZERO,
            model: Sender::new(),
        }
    }

    /// The connection is lost: nothing comes, nothing goes.
    pub(crate) fn lose(&mut self, now: Instant, conn: &mut Conn<'_>) {
        if !self.is_gone {
            self.is_gone = true;
            conn.handle_eof(now);
            conn.close(now, Reason::NO_ERROR, "");
            self.inbound.clear();
            self.unsent.clear();
        }
    }

    /// Reads what has come, at most `most` octets of it. Answers whether there was anything to act on.
    pub(crate) fn read(&mut self, now: Instant, conn: &mut Conn<'_>, most: usize, is_modelled: bool) -> bool {
        if self.is_gone || now < self.held_until {
            return false;
        }
        if !self.inbound.is_empty() {
            if !conn.wants_input() {
                return false;
            }
            let bytes = &self.inbound[..most.min(self.inbound.len())];
            let taken = conn.handle_input(now, bytes);
            if is_modelled {
                self.model.hears(&bytes[..taken]);
            }
            self.inbound.advance(taken);
            return taken > 0;
        }
        if self.eof && !self.eof_told {
            self.eof_told = true;
            conn.handle_eof(now);
            return true;
        }
        false
    }
}
