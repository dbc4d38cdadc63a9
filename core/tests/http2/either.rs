//! What a server and a client judge alike: the same frames to both, each with stream 1 open.

use unwired_core::http2::{Abuse, Event, Initiator, Reason, frame::flag};

use crate::raw::{self, Frame, Raw};

/// One octet more than SETTINGS_MAX_FRAME_SIZE allows.
const TOO_LONG: usize = (16 << 10) + 1;

fn both() -> [Raw; 2] {
    let mut server = Raw::server();
    server.open(1, false);
    let mut client = Raw::client();
    client.open(1, false);
    client.feed(&raw::response(1, false));
    let mut both = [server, client];
    for raw in &mut both {
        raw.sent();
        raw.events();
    }
    both
}

fn each(mut judge: impl FnMut(&mut Raw)) {
    for mut raw in both() {
        judge(&mut raw);
    }
}

/// Each of `frames` ends either connection with `reason`.
#[track_caller]
fn both_die_of(frames: &[Vec<u8>], reason: Reason) {
    for frame in frames {
        for mut raw in both() {
            raw.dies_of(frame, reason);
        }
    }
}

/// H2spec: http2/4.1/1, http2/4.1/2, http2/4.1/3, http2/5.5/1, client/4.1/1, client/4.1/2, client/4.1/3, client/5.5/1.
/// Obligations: 3.
#[test]
fn types_flags_and_the_bit_that_nobody_has_defined_are_ignored() {
    // RFC 9113 §4.1
    each(|raw| {
        raw.ignores(&raw::frame(0x16, 0, 0, &[0; 8]));
        raw.ignores(&raw::frame(0xff, 0xff, 1, &[0; 8]));
        for (flags, stream) in [(0x16, 0), (0xfe, 0), (0, 1 << 31)] {
            raw.feed(&raw::frame(raw::PING, flags, stream, &[7; 8]));
            assert_eq!(raw.answers(), [Frame::PingAck([7; 8])]);
        }
    });
}

/// H2spec: http2/4.2/1, http2/4.2/2, client/4.2/1, client/4.2/2.
/// Obligations: 4.
#[test]
fn data_as_long_as_a_frame_may_be_is_taken_and_longer_data_ends_its_stream() {
    // RFC 9113 §4.2
    each(|raw| {
        raw.feed(&raw::data(1, &[0; TOO_LONG - 1], true));
        assert!(matches!(raw.events().last(), Some(Event::Data { end_stream: true, .. })));
        raw.lives();
    });
    each(|raw| raw.resets(&raw::data(1, &[0; TOO_LONG], true), 1, Reason::FRAME_SIZE_ERROR));
}

/// H2spec: http2/4.2/3, client/4.2/3.
/// Obligations: 4.
#[test]
fn headers_longer_than_a_frame_may_be_end_the_connection() {
    // RFC 9113 §4.2
    both_die_of(&[raw::headers(1, &[0; TOO_LONG], true)], Reason::FRAME_SIZE_ERROR);
}

/// H2spec: http2/4.3/1, client/4.3/1.
/// Obligations: 5.
#[test]
fn a_block_that_breaks_off_ends_the_connection() {
    // RFC 9113 §4.3: a literal to be indexed, without its name and value.
    both_die_of(&[raw::headers(1, &[0x40], true)], Reason::COMPRESSION_ERROR);
}

/// H2spec: http2/4.3/2, http2/4.3/3, http2/6.2/1, http2/6.2/2, http2/6.10/2, client/6.2/1, client/6.10/2.
/// Obligations: 35.
#[test]
fn nothing_may_come_between_the_parts_of_a_block() {
    // RFC 9113 §6.2 and §6.10
    for between in [
        raw::priority(1, 0),
        raw::headers(3, &raw::block(raw::TRAILERS), true),
        raw::data(1, b"a", true),
        raw::frame(raw::CONTINUATION, flag::END_HEADERS, 3, b""),
        raw::frame(0xbb, 0, 1, b""),
    ] {
        each(|raw| {
            raw.feed(&raw::frame(raw::HEADERS, flag::END_STREAM, 1, &raw::block(raw::TRAILERS)));
            raw.dies_of(&between, Reason::PROTOCOL_ERROR);
        });
    }
}

/// H2spec: http2/6.10/1, generic/3.10/1, generic/3.10/2, client/6.10/1.
#[test]
fn a_block_may_come_in_several_parts() {
    // RFC 9113 §6.10
    let block = raw::block(raw::TRAILERS);
    let (first, rest) = block.split_at(1);
    let (second, third) = rest.split_at(4);
    each(|raw| {
        raw.feed(&raw::frame(raw::HEADERS, flag::END_STREAM, 1, first));
        raw.feed(&raw::frame(raw::CONTINUATION, 0, 1, second));
        assert_eq!(raw.events(), []);
        raw.feed(&raw::frame(raw::CONTINUATION, flag::END_HEADERS, 1, third));
        assert!(matches!(raw.events()[..], [Event::Trailers { .. }]));
        raw.lives();
    });
}

/// H2spec: http2/5.1/7, http2/5.1/10, http2/5.1/13, http2/6.10/3, http2/6.10/4, http2/6.10/5, http2/6.10/6,
/// client/5.1/7, client/5.1/10, client/6.10/3, client/6.10/4, client/6.10/5, client/6.10/6.
/// Obligations: 35.
#[test]
fn continuation_needs_a_block_whatever_the_state_of_the_stream() {
    // RFC 9113 §6.10
    let trailers = raw::block(raw::TRAILERS);
    let continuation = raw::frame(raw::CONTINUATION, flag::END_HEADERS, 1, &trailers);
    for before in [
        vec![],
        raw::data(1, b"a", false),
        raw::data(1, b"a", true),
        raw::headers(1, &trailers, true),
        [raw::frame(raw::HEADERS, flag::END_STREAM, 1, &trailers), continuation.clone()].concat(),
        raw::rst(1, Reason::CANCEL),
    ] {
        each(|raw| {
            raw.feed(&before);
            raw.dies_of(&continuation, Reason::PROTOCOL_ERROR);
        });
    }
    both_die_of(&[raw::frame(raw::CONTINUATION, flag::END_HEADERS, 0, b"")], Reason::PROTOCOL_ERROR);
    let mut server = Raw::server();
    let key = server.open(1, true);
    server.respond(key, true);
    server.sent();
    server.dies_of(&continuation, Reason::PROTOCOL_ERROR);
    let mut client = Raw::client();
    client.open(1, true);
    client.feed(&raw::response(1, true));
    client.dies_of(&continuation, Reason::PROTOCOL_ERROR);
}

/// H2spec: http2/6.1/1, http2/6.2/3, http2/6.3/1, http2/6.4/1, client/6.1/1, client/6.2/2, client/6.3/1, client/6.4/1.
/// Obligations: 18, 20, 21, 22.
#[test]
fn frames_of_a_stream_need_one() {
    // RFC 9113 §6.1 to §6.4
    let frames = [
        raw::data(0, b"test", true),
        raw::headers(0, &raw::block(raw::TRAILERS), true),
        raw::priority(0, 1),
        raw::rst(0, Reason::CANCEL),
    ];
    both_die_of(&frames, Reason::PROTOCOL_ERROR);
}

/// H2spec: http2/5.4.1/1, http2/5.4.1/2, http2/6.5/2, http2/6.7/3, http2/6.8/1,
/// client/5.4.1/1, client/5.4.1/2, client/6.5/2, client/6.7/3, client/6.8/1.
/// Obligations: 17, 23, 27.
#[test]
fn frames_of_the_connection_belong_to_no_stream() {
    // RFC 9113 §6.5, §6.7 and §6.8. §5.4.1: GOAWAY leaves, and the connection is closed.
    let mut frames = vec![raw::settings(&[]), raw::ping([0; 8]), raw::goaway(0, Reason::NO_ERROR, b"")];
    for frame in &mut frames {
        frame[8] = 3;
    }
    both_die_of(&frames, Reason::PROTOCOL_ERROR);
}

/// H2spec: http2/6.1/3, http2/6.2/4, client/6.1/3, client/6.2/3.
/// Obligations: 18, 20.
#[test]
fn padding_longer_than_what_there_is_ends_the_connection() {
    // RFC 9113 §6.1 and §6.2
    let frames = [
        raw::frame(raw::DATA, flag::PADDED | flag::END_STREAM, 1, &[6, 1, 2, 3, 4, 5]),
        raw::frame(raw::HEADERS, flag::PADDED | flag::END_HEADERS, 1, &[200, 0, 0]),
    ];
    both_die_of(&frames, Reason::PROTOCOL_ERROR);
}

/// H2spec: http2/6.3/2, http2/6.4/3, http2/6.5/1, http2/6.5/3, http2/6.7/4, http2/6.9/3,
/// client/6.3/2, client/6.4/3, client/6.5/1, client/6.5/3, client/6.7/4, client/6.9/3.
/// Obligations: 21, 22, 23, 27, 31.
#[test]
fn frames_of_a_wrong_length_end_the_connection() {
    // RFC 9113 §6.3 to §6.9
    let mut frames = vec![raw::frame(raw::SETTINGS, flag::ACK, 0, &[0; 6])];
    for (kind, stream, right) in [
        (raw::PRIORITY, 1, 5),
        (raw::RST_STREAM, 1, 4),
        (raw::SETTINGS, 0, 6),
        (raw::PING, 0, 8),
        (raw::WINDOW_UPDATE, 0, 4),
        (raw::WINDOW_UPDATE, 1, 4),
    ] {
        frames.extend([right - 1, right + 1].map(|length| raw::frame(kind, 0, stream, &vec![0; length])));
    }
    both_die_of(&frames, Reason::FRAME_SIZE_ERROR);
}

/// H2spec: http2/6.4/2, client/6.4/2.
/// Obligations: 22.
#[test]
fn a_stream_that_is_idle_cannot_be_reset() {
    // RFC 9113 §6.4
    both_die_of(&[2, 3].map(|stream| raw::rst(stream, Reason::CANCEL)), Reason::PROTOCOL_ERROR);
}

/// H2spec: http2/6.5.2/1, http2/6.5.2/2, http2/6.5.2/3, http2/6.5.2/4,
/// http2/6.9.2/3, client/6.5.2/1, client/6.5.2/2, client/6.5.2/3.
/// Obligations: 24.
#[test]
fn settings_beyond_their_bounds_end_the_connection() {
    // RFC 9113 §6.5.2
    let wrong = [(raw::ENABLE_PUSH, 2), (raw::MAX_FRAME_SIZE, (1 << 14) - 1), (raw::MAX_FRAME_SIZE, 1 << 24)];
    both_die_of(&wrong.map(|setting| raw::settings(&[setting])), Reason::PROTOCOL_ERROR);
    let wrong = raw::settings(&[(raw::INITIAL_WINDOW_SIZE, 1 << 31)]);
    both_die_of(&[wrong], Reason::FLOW_CONTROL_ERROR);
}

/// H2spec: http2/6.5.2/5, http2/6.5.3/2, generic/3.5/1, client/6.5.2/4, client/6.5.3/1.
/// Obligations: 23.
#[test]
fn settings_are_acknowledged_also_where_nobody_knows_them() {
    // RFC 9113 §6.5.2 and §6.5.3
    for parameters in [&[][..], &[(raw::INITIAL_WINDOW_SIZE, 100)], &[(0xff, 1)], &[(0, u32::MAX)]] {
        each(|raw| {
            raw.feed(&raw::settings(parameters));
            assert_eq!(raw.answers(), [Frame::SettingsAck]);
            raw.lives();
        });
    }
}

/// H2spec: http2/6.7/1, http2/6.7/2, generic/3.7/1, client/6.7/1, client/6.7/2.
/// Obligations: 27.
#[test]
fn ping_is_answered_once_and_its_answer_never() {
    // RFC 9113 §6.7
    each(|raw| {
        raw.feed(&raw::ping(*b"octets!!"));
        assert_eq!(raw.answers(), [Frame::PingAck(*b"octets!!")]);
        raw.ignores(&raw::frame(raw::PING, flag::ACK, 0, b"invalid!"));
        assert_eq!(raw.conn.stats().abuse.get(Abuse::Glitches), 1);
    });
}

/// H2spec: http2/6.9/1, http2/6.9/2, client/6.9/1, client/6.9/2.
/// Obligations: 31.
#[test]
fn window_updates_of_nothing_end_what_they_are_for() {
    // RFC 9113 §6.9
    both_die_of(&[raw::window_update(0, 0)], Reason::PROTOCOL_ERROR);
    each(|raw| raw.resets(&raw::window_update(1, 0), 1, Reason::PROTOCOL_ERROR));
}

/// H2spec: http2/6.9.1/2, http2/6.9.1/3, client/6.9.1/1, client/6.9.1/2.
/// Obligations: 31.
#[test]
fn window_updates_past_the_maximum_end_what_they_are_for() {
    // RFC 9113 §6.9.1
    const MOST: u32 = (1 << 31) - 1;
    let twice = |stream| [raw::window_update(stream, MOST), raw::window_update(stream, MOST)].concat();
    both_die_of(&[twice(0)], Reason::FLOW_CONTROL_ERROR);
    each(|raw| {
        raw.feed(&twice(1));
        // The first is too much as well: the second meets a stream that is gone.
        assert_eq!(raw.answers(), [Frame::Reset(1, Reason::FLOW_CONTROL_ERROR)]);
        raw.lives();
    });
}

/// H2spec: http2/7/2.
/// Obligations: 36.
#[test]
fn a_reset_of_an_unknown_code_is_a_reset() {
    // RFC 9113 §7
    each(|raw| {
        raw.feed(&raw::rst(1, Reason(0xff)));
        assert_eq!(raw.answers(), []);
        let events = raw.events();
        let [Event::Reset { error, .. }] = events[..] else { panic!("{events:?}") };
        assert_eq!((error.reason, error.by), (Reason(0xff), Initiator::Peer));
        raw.lives();
    });
}
