//! A client, a server, the network between them and the time.

use std::time::Duration;

use bytes::Buf;
use unwired_core::http2::{Abuse, ConnectionEnd, Reason};
use unwired_core::{Instant, Outbox};
use unwired_replay::grpc::{client, server};

use crate::book::{Book, Tally};
use crate::client::Client;
use crate::hostile;
use crate::network::{Conn, Socket};
use crate::plan::{End, Plan, some};
use crate::random::Random;
use crate::server::Server;

const CLIENT: usize = 0;
const SERVER: usize = 1;

/// Octets of one transmission, about.
const BUDGET: usize = 16 << 10;
/// Steps with faults; then they are healed.
const STEPS: usize = 6_000;
/// Steps in which nothing happens, before time passes until something may.
const LONGEST_IDLE: usize = 60;
/// Time that passes with faults, where the clock does not jump: too little for the timers that blame a peer.
const FAULTY_TIME: Duration = Duration::from_secs(4);
/// Without faults, what does not end in this time never does.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// A clock that jumps back.
const LONGEST_BACK: Duration = Duration::from_secs(5);
/// Bytes that a quiet connection keeps.
const KEPT: usize = 12 << 10;

pub(crate) struct Simulation {
    client: Client,
    server: Server,
    sockets: [Socket; 2],
    now: Instant,
    book: Book,
    random: Random,
    is_healed: bool,
    scratch: Vec<u8>,
}

/// Lives through the connection of a seed.
pub(crate) fn run(seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let plan = Plan::draw(&mut random);
    let mut simulation = Simulation::new(plan, random);
    simulation.storm();
    simulation.heal();
    simulation.check_ledgers();
    simulation.end();
    simulation.book.tally
}

impl Simulation {
    fn new(plan: Plan, random: Random) -> Self {
        let now = Instant::ZERO;
        Self {
            client: Client::new(client::Connection::new(plan.client.clone(), now)),
            server: Server::new(server::Connection::new(plan.server.clone(), now)),
            sockets: [Socket::new(), Socket::new()],
            now,
            book: Book::new(plan),
            random,
            is_healed: false,
            scratch: Vec::new(),
        }
    }

    /// Anything in any order.
    fn storm(&mut self) {
        self.book.tally.connections = 1;
        let mut idle = 0;
        for step in 0..STEPS {
            if self.client.is_done(&self.book) && self.server.is_done() {
                break;
            }
            self.come_to_an_end(step);
            let side = self.random.below(2);
            let moved = match self.random.below(8) {
                0 | 1 => self.client.turn(self.now, &mut self.random, &mut self.book, true),
                2 | 3 => self.server.turn(&mut self.random, &mut self.book, true),
                4 => self.transmit(side) | self.write(side),
                5 => self.write(side),
                6 => self.read(side),
                _ => self.tick(),
            };
            let lazy = self.book.plan.faults.lazy;
            let moved = moved | (!self.random.chance(lazy) && self.take_events());
            idle = if moved { 0 } else { idle + 1 };
            if idle == LONGEST_IDLE {
                if !self.pass_idle_time() {
                    break;
                }
                idle = 0;
            }
        }
    }

    /// Everybody waits for the time to pass. Answers whether it brings something before the faults are healed.
    fn pass_idle_time(&mut self) -> bool {
        let held = self.sockets.iter().map(|socket| socket.held_until).max().filter(|&held| held > self.now);
        match held {
            Some(held) if held > Instant::ZERO + FAULTY_TIME && !self.book.jumps() => return false,
            Some(held) => self.now = held,
            None => return self.wait(Instant::ZERO + FAULTY_TIME),
        }
        self.expire();
        true
    }

    /// What the plan has for this step.
    fn come_to_an_end(&mut self, step: usize) {
        match self.book.plan.faults.end {
            Some(End::Drain { side, step: at, grace }) if at == step => {
                let now = self.now;
                self.parts(side).0.drain(now, grace);
            }
            Some(End::Close { side, step: at }) if at == step => {
                let now = self.now;
                self.parts(side).0.close(now, Reason::NO_ERROR, "");
            }
            _ => {}
        }
    }

    fn parts(&mut self, side: usize) -> (Conn<'_>, &mut Socket) {
        let conn = if side == CLIENT {
            Conn::Client(&mut self.client.conn)
        } else {
            Conn::Server(&mut self.server.conn)
        };
        (conn, &mut self.sockets[side])
    }

    fn take_events(&mut self) -> bool {
        self.client.take_events(&mut self.book) | self.server.take_events(&self.book)
    }

    fn transmit(&mut self, side: usize) -> bool {
        let (now, is_healed) = (self.now, self.is_healed);
        let budget = if is_healed { BUDGET } else { some(&mut self.random, BUDGET) };
        let (mut conn, socket) = self.parts(side);
        if socket.is_gone || !socket.unsent.is_empty() || !conn.wants_transmit() {
            return false;
        }
        let mut out = Outbox::new();
        conn.handle_sent(now, 0);
        conn.poll_transmit(now, &mut out, budget);
        let mut bytes = std::mem::take(&mut self.scratch);
        while out.has_remaining() {
            bytes.extend_from_slice(out.chunk());
            out.advance(out.chunk().len());
        }
        let socket = &mut self.sockets[side];
        if self.book.is_hostile() {
            let rate = if is_healed { 0.0 } else { self.book.plan.faults.hostile };
            let mut spoiled = Vec::with_capacity(bytes.len());
            let (frames, hostile) = hostile::spoil(&bytes, &mut self.random, rate, &mut spoiled);
            self.book.tally.frames += frames;
            self.book.tally.hostile += hostile;
            socket.unsent.extend_from_slice(&spoiled);
        } else {
            socket.model.transmits(&bytes);
            socket.unsent.extend_from_slice(&bytes);
        }
        let moved = !bytes.is_empty();
        bytes.clear();
        self.scratch = bytes;
        moved
    }

    /// The network takes some of what is to be sent. Answers whether it took anything.
    fn write(&mut self, side: usize) -> bool {
        let faults = &self.book.plan.faults;
        let (piece, pipe, end) = if self.is_healed {
            (usize::MAX, usize::MAX, None)
        } else if self.random.chance(faults.no_write) {
            (0, usize::MAX, faults.end)
        } else {
            (1 + self.random.below(faults.piece), faults.pipe, faults.end)
        };
        let room = pipe.saturating_sub(self.sockets[1 - side].inbound.len());
        let socket = &mut self.sockets[side];
        if socket.is_gone {
            return false;
        }
        let bytes = socket.unsent.split_to(piece.min(room).min(socket.unsent.len()));
        socket.taken += bytes.len();
        let (taken, is_deaf, unsent) = (socket.taken, socket.deaf_peer, socket.unsent.len());
        let peer = &mut self.sockets[1 - side];
        match end {
            Some(End::HalfClose { side: whose, at }) if whose == side && taken >= at && !is_deaf => {
                let arrive = bytes.len() - (taken - at);
                peer.inbound.extend_from_slice(&bytes[..arrive]);
                peer.eof = true;
                self.sockets[side].deaf_peer = true;
                self.book.tally.half_closes += 1;
            }
            Some(End::Reset { side: whose, at }) if whose == side && taken >= at => {
                self.book.tally.resets += 1;
                for side in [CLIENT, SERVER] {
                    let now = self.now;
                    let (mut conn, socket) = self.parts(side);
                    socket.lose(now, &mut conn);
                }
                return true;
            }
            _ if is_deaf || peer.is_gone => {}
            _ => peer.inbound.extend_from_slice(&bytes),
        }
        let now = self.now;
        self.parts(side).0.handle_sent(now, unsent);
        self.look_at(side);
        !bytes.is_empty()
    }

    fn read(&mut self, side: usize) -> bool {
        let most =
            if self.is_healed { usize::MAX } else { 1 + self.random.below(self.book.plan.faults.piece) };
        let (now, is_modelled) = (self.now, !self.book.is_hostile());
        let (mut conn, socket) = self.parts(side);
        let moved = socket.read(now, &mut conn, most, is_modelled);
        let faults = &self.book.plan.faults;
        if !self.is_healed && self.random.chance(faults.delay) {
            self.sockets[side].held_until = now + self.random.up_to(faults.tick * 10);
        }
        self.look_at(side);
        moved
    }

    /// What a driver does when the core is done.
    fn look_at(&mut self, side: usize) {
        let (mut conn, socket) = self.parts(side);
        if socket.is_gone {
            return;
        }
        let is_closed = conn.is_closed();
        if is_closed {
            socket.is_gone = true;
            socket.inbound.clear();
            socket.unsent.clear();
        }
        if is_closed || (conn.wants_shutdown() && !std::mem::replace(&mut socket.shut, true)) {
            self.sockets[1 - side].eof = true;
        }
    }

    /// Some time passes. Answers whether anything happened then.
    fn tick(&mut self) -> bool {
        let faults = &self.book.plan.faults;
        if self.random.chance(faults.jumps) {
            self.book.tally.jumps += 1;
            if self.random.chance(0.5) {
                let back = self.random.up_to(LONGEST_BACK);
                self.now = Instant::from_nanos(self.now.as_nanos().saturating_sub(back.as_nanos() as u64));
            } else {
                self.now += Duration::from_micros(some(&mut self.random, 1 << 37) as u64);
            }
        } else if self.now < Instant::ZERO + FAULTY_TIME {
            self.now += self.random.up_to(faults.tick);
        }
        self.expire()
    }

    fn expire(&mut self) -> bool {
        let now = self.now;
        self.book.latest = self.book.latest.max(now);
        let mut moved = false;
        for side in [CLIENT, SERVER] {
            let (mut conn, socket) = self.parts(side);
            if !socket.is_gone && conn.poll_timeout().is_some_and(|at| at <= now) {
                conn.handle_timeout(now);
                assert!(
                    conn.poll_timeout().is_none_or(|at| at > now),
                    "a timeout that was handled is still due"
                );
                moved = true;
            }
            self.look_at(side);
        }
        moved
    }

    /// Carries everything everywhere, without faults, until nothing moves.
    fn settle(&mut self) {
        let mut moved = true;
        while moved {
            moved = self.take_events();
            while self.client.turn(self.now, &mut self.random, &mut self.book, false) {
                moved = true;
            }
            while self.server.turn(&mut self.random, &mut self.book, false) {
                moved = true;
            }
            for side in [CLIENT, SERVER] {
                moved |= self.transmit(side);
                moved |= self.write(side);
            }
            for side in [CLIENT, SERVER] {
                moved |= self.read(side);
                moved |= self.take_events();
            }
            moved |= self.expire();
        }
    }

    /// Goes to the next timer. Answers whether there is one in time.
    fn wait(&mut self, until: Instant) -> bool {
        let timer = |side: usize, at: Option<Instant>| at.filter(|_| !self.sockets[side].is_gone);
        let next =
            [timer(CLIENT, self.client.conn.poll_timeout()), timer(SERVER, self.server.conn.poll_timeout())];
        let Some(next) = next.into_iter().flatten().min().filter(|&next| next <= until) else { return false };
        self.now = next.max(self.now);
        self.expire();
        true
    }

    /// From here on there are no faults: every call comes to its end.
    fn heal(&mut self) {
        self.is_healed = true;
        self.now = self.now.max(self.book.latest);
        for socket in &mut self.sockets {
            socket.held_until = Instant::ZERO;
        }
        let until = self.now + PATIENCE;
        loop {
            self.settle();
            if self.client.is_done(&self.book) && self.server.is_done() {
                return;
            }
            if !self.wait(until) {
                break;
            }
        }
        // What a hostile frame swallowed never comes: somebody loses patience.
        assert!(
            self.book.is_hostile(),
            "it never ends: {}; {}",
            self.client.describe(),
            self.server.describe()
        );
        self.client.give_up();
        self.server.give_up();
        self.settle();
    }

    /// Nothing is left of the calls.
    fn check_ledgers(&mut self) {
        let is_whole = self.client.end.is_none() && self.server.end.is_none();
        for side in [CLIENT, SERVER] {
            // A whole answer that was given leaves as soon as there is a window, which a hostile peer need not give.
            let waits = self.book.is_hostile() && self.parts(side).0.http2().stats().buffered_to_send > 0;
            if !waits {
                self.check_empty(side);
            }
        }
        if !is_whole || self.book.is_hostile() {
            return;
        }
        for side in [CLIENT, SERVER] {
            let target = i64::from(self.parts(1 - side).0.http2().connection_window());
            let window = self.sockets[side].model.window;
            assert!(
                (target / 2..=target).contains(&window),
                "side {side} may send {window} on the connection of {target}: credit is lost or made"
            );
        }
        // Quiet for a while, memory is given back.
        let until = self.now + Duration::from_secs(5);
        while self.wait(until) {
            self.settle();
        }
        for side in [CLIENT, SERVER] {
            let kept = self.parts(side).0.http2().capacity();
            assert!(kept < KEPT || self.sockets[side].is_gone, "side {side} keeps {kept} bytes");
        }
    }

    fn check_empty(&mut self, side: usize) {
        let (mut conn, _) = self.parts(side);
        assert_eq!((conn.active_calls(), conn.partial_bytes()), (0, 0), "side {side}: calls are left over");
        assert_eq!(conn.http2().stats().buffered_to_send, 0, "side {side}: DATA is left over");
    }

    /// The connection comes to its end, and both ends hear of it once.
    fn end(&mut self) {
        let side = self.random.below(2);
        let now = self.now;
        let (mut conn, socket) = self.parts(side);
        if !socket.is_gone {
            conn.close(now, Reason::NO_ERROR, "");
        }
        let until = self.now + PATIENCE;
        self.settle();
        while self.wait(until) {
            self.settle();
        }
        let is_hostile = self.book.is_hostile();
        let excused = is_hostile || self.book.jumps();
        for (side, end) in [&self.client.end, &self.server.end].into_iter().enumerate() {
            assert!(end.is_some() && self.sockets[side].is_gone, "side {side} never ends");
        }
        for side in [CLIENT, SERVER] {
            self.check_empty(side);
            let (mut conn, _) = self.parts(side);
            let kills = &conn.http2().stats().kills;
            let slow = [Abuse::SlowFrames, Abuse::WriteStall, Abuse::ContinuationFlood];
            let blamed: u32 = slow.iter().map(|&abuse| kills.get(abuse)).sum();
            let total = kills.total();
            assert!(total <= 1, "side {side}: {total} ends of one connection");
            assert!(total == 0 || excused, "side {side}: the peer did nothing: {kills:?}");
            assert!(
                total == u64::from(blamed) || is_hostile,
                "side {side}: the clock alone did that: {kills:?}"
            );
            self.book.tally.kills += total;
        }
    }
}

impl Book {
    /// Nobody is blamed for what he did not do.
    pub(crate) fn judge_end(&self, end: &ConnectionEnd) {
        assert!(end.reason == Reason::NO_ERROR || self.is_hostile() || self.jumps(), "{end}");
    }
}
