//! The rig: an attacker on one connection, a neighbour on another, and what must hold whatever the attack is.
//!
//! An attack is what makes octets, round by round, and an end: [`Siege`] for one that is ended for its abuse, [`falls`]
//! for a fault of the whole connection, [`holds`] for what does no harm.

use bytes::{Bytes, BytesMut};
use unwired_core::http2::{Abuse, Event, Reason, Stats};

use crate::counting;
use crate::raw::{self, Frame, Raw, Work};

/// Everything that a hostile connection may hold beside the bytes of messages.
pub(crate) const MOST_HELD: usize = 1 << 20;

/// A connection that does no harm.
pub(crate) struct Neighbour {
    raw: Raw,
    stream: u32,
}

impl Neighbour {
    pub(crate) fn new() -> Self {
        let mut neighbour = Self { raw: Raw::server(), stream: 1 };
        neighbour.calls();
        neighbour
    }

    /// A call from its request to its end.
    #[track_caller]
    pub(crate) fn calls(&mut self) {
        let (raw, stream) = (&mut self.raw, self.stream);
        let key = raw.open(stream, false);
        raw.feed(&raw::data(stream, b"ask", true));
        assert_eq!(raw.conn.take_data(key).map(BytesMut::freeze), Some(Bytes::from_static(b"ask")));
        raw.respond(key, false);
        raw.send(key, 6, true);
        let answers = raw.answers();
        assert!(
            matches!(answers[..], [Frame::Headers { .. }, Frame::Data { end: true, .. }]),
            "the neighbour is not answered: {answers:?}"
        );
        raw.conn.release(key);
        raw.events();
        self.stream += 2;
        assert_eq!(raw.conn.stats().abuse.total(), 0);
    }
}

/// Plays `attack`: whatever it is, it may make no more than `messages` octets and [`MOST_HELD`] be held, which are given
/// back with the connection; and the neighbour goes on.
#[track_caller]
pub(crate) fn beside_a_neighbour(messages: usize, attack: impl FnOnce()) {
    let mut neighbour = Neighbour::new();
    let baseline = counting::held();
    let peak = counting::peak(attack);
    assert!(peak < messages + MOST_HELD, "{peak} octets held, {messages} of messages");
    assert_eq!(counting::held(), baseline, "not all is given back");
    neighbour.calls();
}

/// Plays `attack` on the connection that `begin` makes; the work that it makes is in proportion to its own as well.
#[track_caller]
pub(crate) fn play(begin: fn() -> Raw, messages: usize, attack: impl FnOnce(&mut Raw)) {
    beside_a_neighbour(messages, || {
        let mut raw = begin();
        attack(&mut raw);
        raw.sent();
        is_in_proportion(raw.work, raw.conn.stats());
    });
}

/// What the connection did is in proportion to what it was given to do.
#[track_caller]
pub(crate) fn is_in_proportion(work: Work, stats: &Stats) {
    // Input is given again only when something was done that it waited for.
    assert!(work.inputs <= work.pieces + work.events + work.frames_sent, "{} calls", work.inputs);
    let most = stats.frames_received + 2 * stats.streams_opened + work.pieces as u64 + 2;
    assert!(work.events as u64 <= most, "{} events, {most} at most", work.events);
    let content = 2 * stats.data_sent as usize;
    assert!(
        work.octets_sent <= 4 * work.octets + content + 1024,
        "{} octets sent for {}",
        work.octets_sent,
        work.octets
    );
}

/// What an application does that reads all and answers nothing: answers whether the connection is over.
fn serve(raw: &mut Raw) -> bool {
    let mut over = false;
    for event in raw.events() {
        match event {
            Event::Data { stream, .. } => {
                drop(raw.conn.take_data(stream));
            }
            Event::Reset { stream, .. } | Event::Finished { stream } => raw.conn.release(stream),
            Event::Closed(_) => over = true,
            _ => {}
        }
    }
    over
}

/// An attack that is tolerated for a while, and then ended.
pub(crate) struct Siege {
    pub(crate) begin: fn() -> Raw,
    /// Rounds that are tolerated; the next one ends the connection.
    pub(crate) budget: usize,
    pub(crate) abuse: Abuse,
    /// What the counter of the abuse says then.
    pub(crate) acts: usize,
}

/// As [`Siege::ends`], with an abuse that is counted as it is tolerated if there is a bucket for it alone.
#[track_caller]
pub(crate) fn besiege(begin: fn() -> Raw, budget: usize, abuse: Abuse, attack: impl FnMut(u32) -> Vec<u8>) {
    let acts = match abuse {
        // These are the way of any connection; the last one is an abuse.
        Abuse::PingFlood
        | Abuse::TooManyPings
        | Abuse::WindowUpdateFlood
        | Abuse::GoAwayFlood
        | Abuse::ContinuationFlood
        | Abuse::HpackBomb => 1,
        _ => budget + 1,
    };
    Siege { begin, budget, abuse, acts }.ends(attack);
}

impl Siege {
    /// The connection ends after the budget exactly, of its abuse by name, once; what comes later is not looked at.
    #[track_caller]
    pub(crate) fn ends(self, mut attack: impl FnMut(u32) -> Vec<u8>) {
        let Self { begin, budget, abuse, acts } = self;
        play(begin, 0, |raw| {
            let before = raw.conn.stats().frames_received;
            let mut each = u64::MAX;
            for round in 0..=budget {
                assert_eq!(raw.conn.stats().kills.total(), 0, "ended in round {round} of {budget}");
                raw.feed(&attack(round as u32));
                if round == budget {
                    break;
                }
                assert!(!serve(raw), "ended in round {round} of {budget}");
                raw.sent();
                if round == 0 {
                    each = raw.conn.stats().frames_received - before;
                }
            }
            assert_eq!(raw.is_dead_of(Reason::ENHANCE_YOUR_CALM), abuse.name());
            let stats = raw.conn.stats();
            assert_eq!((stats.kills.get(abuse), stats.kills.total()), (1, 1));
            assert_eq!(stats.abuse.get(abuse) as usize, acts, "acts of {}", abuse.name());
            // Whatever comes now is not even read as frames.
            let frames = stats.frames_received;
            assert!((frames - before) / (budget as u64 + 1) <= each, "{frames} frames, {each} a round");
            let more = attack(budget as u32 + 1);
            assert_eq!(raw.conn.handle_input(raw.now, &more), more.len());
            assert_eq!(raw.conn.stats().frames_received, frames);
        });
    }
}

/// `attack` breaks a rule of the connection: it ends with `reason`, and `why` is in its GOAWAY. Nobody's abuse is counted.
#[track_caller]
pub(crate) fn falls(begin: fn() -> Raw, attack: &[u8], reason: Reason, why: &str) {
    play(begin, 0, |raw| {
        raw.feed(attack);
        let debug = raw.is_dead_of(reason);
        assert!(debug.contains(why), "{debug:?} does not say {why:?}");
        assert_eq!(raw.conn.stats().kills.total(), 0);
    });
}

/// `attack` does no harm for so many `rounds`: the application does what `serve` says, and the connection goes on.
#[track_caller]
pub(crate) fn holds(
    begin: fn() -> Raw,
    messages: usize,
    rounds: u32,
    mut attack: impl FnMut(u32) -> Vec<u8>,
    mut serve: impl FnMut(&mut Raw, u32),
) {
    play(begin, messages, |raw| {
        for round in 0..rounds {
            raw.feed(&attack(round));
            serve(raw, round);
        }
        assert_eq!(raw.conn.stats().kills.total(), 0);
        raw.lives();
    });
}
