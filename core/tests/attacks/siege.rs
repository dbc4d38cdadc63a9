//! An attacker on one connection, and a neighbour on another.

use bytes::Bytes;
use unwired_core::http2::{Abuse, Event, Reason};

use crate::counting;
use crate::raw::{self, Frame, Raw};

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
        assert_eq!(
            raw.conn.recv_data(key).map(|data| data.split().freeze()),
            Some(Bytes::from_static(b"ask"))
        );
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

/// What an application does that reads all and answers nothing: answers whether the connection is over.
fn serve(raw: &mut Raw) -> bool {
    let mut over = false;
    for event in raw.events() {
        match event {
            Event::Data { stream, .. } => {
                if let Some(data) = raw.conn.recv_data(stream) {
                    data.clear();
                }
            }
            Event::Reset { stream, .. } | Event::Finished { stream } => raw.conn.release(stream),
            Event::Closed(_) => over = true,
            _ => {}
        }
    }
    over
}

/// Feeds what `attack` makes, round by round, until the connection made by `begin` ends, which must be after `budget`
/// rounds exactly, of `abuse`. All memory of it is given back.
#[track_caller]
pub(crate) fn besiege(
    begin: fn() -> Raw,
    budget: usize,
    abuse: Abuse,
    mut attack: impl FnMut(u32) -> Vec<u8>,
) {
    let mut neighbour = Neighbour::new();
    let baseline = counting::held();
    let peak = counting::peak(|| {
        let mut raw = begin();
        let before = raw.conn.stats().frames_received;
        let mut each = 0;
        for round in 0..=budget {
            assert_eq!(raw.conn.stats().kills.total(), 0, "ended in round {round} of {budget}");
            raw.feed(&attack(round as u32));
            if round == budget {
                break;
            }
            assert!(!serve(&mut raw), "ended in round {round} of {budget}");
            raw.sent();
            if round == 0 {
                each = raw.conn.stats().frames_received - before;
            }
        }
        assert_eq!(raw.is_dead_of(Reason::ENHANCE_YOUR_CALM), abuse.name());
        let stats = raw.conn.stats();
        assert_eq!((stats.kills.get(abuse), stats.kills.total()), (1, 1));
        // Whatever comes now is not even read as frames.
        let frames = stats.frames_received;
        assert!(frames - before <= each * (budget as u64 + 1), "{frames} frames of {each} a round");
        let more = attack(budget as u32 + 1);
        assert_eq!(raw.conn.handle_input(raw.now, &more), more.len());
        assert_eq!(raw.conn.stats().frames_received, frames);
    });
    assert!(peak < MOST_HELD, "{peak} octets");
    assert_eq!(counting::held(), baseline, "not all is given back");
    neighbour.calls();
}
