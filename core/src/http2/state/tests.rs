use super::*;

/// The whole relation of RFC 9113 §5.1 for one direction, written down once and compared with what the code does.
#[test]
fn every_transition_of_a_half_is_the_table_below() {
    let expected = "\
Head  1xx              -> Head Head
Head  1xx+END_STREAM   -> PROTOCOL_ERROR
Head  HEADERS          -> Body Head
Head  HEADERS+END_STREAM -> Ended Head
Head  DATA             -> PROTOCOL_ERROR
Head  DATA+END_STREAM  -> PROTOCOL_ERROR
Body  1xx              -> PROTOCOL_ERROR
Body  1xx+END_STREAM   -> Ended Trailers
Body  HEADERS          -> PROTOCOL_ERROR
Body  HEADERS+END_STREAM -> Ended Trailers
Body  DATA             -> Body
Body  DATA+END_STREAM  -> Ended
Ended 1xx              -> STREAM_CLOSED
Ended 1xx+END_STREAM   -> STREAM_CLOSED
Ended HEADERS          -> STREAM_CLOSED
Ended HEADERS+END_STREAM -> STREAM_CLOSED
Ended DATA             -> STREAM_CLOSED
Ended DATA+END_STREAM  -> STREAM_CLOSED
";
    let mut table = String::new();
    for from in [Half::Head, Half::Body, Half::Ended] {
        for (name, interim) in [("1xx", Some(true)), ("HEADERS", Some(false)), ("DATA", None)] {
            for end_stream in [false, true] {
                let mut half = from;
                let outcome = match interim {
                    Some(interim) => half.headers(interim, end_stream).map(|section| format!(" {section:?}")),
                    None => half.data(end_stream).map(|()| String::new()),
                };
                let input = format!("{name}{}", if end_stream { "+END_STREAM" } else { "" });
                let outcome = match outcome {
                    Ok(section) => format!("{half:?}{section}"),
                    Err((reason, _)) => {
                        assert_eq!(half, from, "a violation changes nothing");
                        reason.to_string()
                    }
                };
                table += &format!("{:<5} {input:<16} -> {outcome}\n", format!("{from:?}"));
            }
        }
    }
    assert_eq!(table, expected);
}

#[test]
fn what_a_stream_still_does_follows_from_both_halves() {
    let halves = [Half::Head, Half::Body, Half::Ended];
    for (recv, send) in halves.into_iter().flat_map(|recv| halves.map(|send| (recv, send))) {
        let mut state = State::Live { recv, send };
        assert!(state.is_live());
        assert_eq!(state.is_receiving(), recv != Half::Ended);
        assert_eq!(state.is_sending(), send != Half::Ended);
        assert_eq!(state.is_over(), recv == Half::Ended && send == Half::Ended);
        assert_eq!(state.recv_mut().copied(), Some(recv));
        assert_eq!(state.send_mut().copied(), Some(send));
    }
    let mut closed = State::Closed;
    assert!(!closed.is_live() && !closed.is_receiving() && !closed.is_sending() && !closed.is_over());
    assert_eq!(closed.recv_mut(), None);
    assert_eq!(closed.send_mut(), None);
}
