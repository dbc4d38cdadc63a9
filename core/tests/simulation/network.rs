//! One end of a connection as its driver and the network see it.

use bytes::{Buf, BytesMut};
use unwired_core::http2::Reason;
use unwired_core::{Instant, Outbox};
use unwired_replay::grpc::{client, server};

use crate::model::Sender;

/// What a driver does with a connection of either side.
pub(crate) trait Driven {
    fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize;
    fn handle_eof(&mut self, now: Instant);
    fn handle_timeout(&mut self, now: Instant);
    fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool;
    fn handle_sent(&mut self, now: Instant, unsent: usize);
    fn drain(&mut self, now: Instant, grace: Option<std::time::Duration>);
    fn close(&mut self, now: Instant);
    fn poll_timeout(&self) -> Option<Instant>;
    fn wants_input(&self) -> bool;
    fn wants_transmit(&self) -> bool;
    fn wants_shutdown(&self) -> bool;
    fn is_closed(&self) -> bool;
    fn http2(&self) -> &unwired_core::http2::Connection;
    fn active_calls(&self) -> usize;
    fn partial_bytes(&self) -> usize;
}

macro_rules! driven {
    ($connection:ty) => {
        impl Driven for $connection {
            fn handle_input(&mut self, now: Instant, input: &[u8]) -> usize {
                self.handle_input(now, input)
            }

            fn handle_eof(&mut self, now: Instant) {
                self.handle_eof(now);
            }

            fn handle_timeout(&mut self, now: Instant) {
                self.handle_timeout(now);
            }

            fn poll_transmit(&mut self, now: Instant, out: &mut Outbox, budget: usize) -> bool {
                self.poll_transmit(now, out, budget)
            }

            fn handle_sent(&mut self, now: Instant, unsent: usize) {
                self.handle_sent(now, unsent);
            }

            fn drain(&mut self, now: Instant, grace: Option<std::time::Duration>) {
                self.drain(now, grace);
            }

            fn close(&mut self, now: Instant) {
                self.close(now, Reason::NO_ERROR, "");
            }

            fn poll_timeout(&self) -> Option<Instant> {
                (**self).poll_timeout()
            }

            fn wants_input(&self) -> bool {
                (**self).wants_input()
            }

            fn wants_transmit(&self) -> bool {
                (**self).wants_transmit()
            }

            fn wants_shutdown(&self) -> bool {
                (**self).wants_shutdown()
            }

            fn is_closed(&self) -> bool {
                (**self).is_closed()
            }

            fn http2(&self) -> &unwired_core::http2::Connection {
                (**self).http2()
            }

            fn active_calls(&self) -> usize {
                (**self).active_calls()
            }

            fn partial_bytes(&self) -> usize {
                (**self).partial_bytes()
            }
        }
    };
}

driven!(client::Connection);
driven!(server::Connection);

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
    pub(crate) fn lose(&mut self, now: Instant, conn: &mut dyn Driven) {
        if !self.is_gone {
            self.is_gone = true;
            conn.handle_eof(now);
            conn.close(now);
            self.inbound.clear();
            self.unsent.clear();
        }
    }

    /// Reads what has come, at most `most` octets of it. Answers whether there was anything to act on.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        conn: &mut dyn Driven,
        most: usize,
        is_modelled: bool,
    ) -> bool {
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
