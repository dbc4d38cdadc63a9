use bytes::Bytes;

use super::*;
use crate::Outbox;

fn piece(head: &[u8], body: &'static [u8]) -> Piece {
    Piece::new(head, Bytes::from_static(body)).unwrap()
}

fn sent(mut out: Outbox) -> Vec<u8> {
    out.copy_to_bytes(out.len()).to_vec()
}

#[test]
fn a_piece_leaves_in_parts_of_any_size() {
    for max in 1..=12 {
        let mut piece = piece(b"head", b"body...");
        let mut out = Outbox::new();
        let mut left = 11;
        assert!(!piece.is_cut());
        while left > 0 {
            assert_eq!(piece.len(), left);
            let step = piece.encode(max, &mut out);
            assert_eq!(step, max.min(left), "at most {max}, and {left} are left");
            assert!(piece.is_cut());
            left -= step;
        }
        assert_eq!((piece.len(), piece.encode(max, &mut out)), (0, 0));
        assert_eq!(sent(out), b"headbody...");
    }
}

#[test]
fn a_piece_of_which_nothing_went_is_not_begun() {
    let mut piece = piece(b"h", b"b");
    let mut out = Outbox::new();
    assert_eq!(piece.encode(0, &mut out), 0);
    assert!(!piece.is_cut());
    assert_eq!(piece.encode(1, &mut out), 1);
    assert!(piece.is_cut());
    assert!(Piece::new(&[0; MAX_PIECE_HEAD], Bytes::new()).is_some());
    assert!(Piece::new(&[0; MAX_PIECE_HEAD + 1], Bytes::new()).is_none());
}

#[test]
fn a_piece_of_parts_is_cut_where_none_of_them_ends() {
    // Each part says how long it is.
    let body = [3, 0, 0, 1, 2, 0, 4, 0, 0, 0];
    for step in 1..=body.len() {
        let mut piece =
            Piece::of_parts(Bytes::copy_from_slice(&body), |part| part.first().map_or(0, |&n| n.into()));
        let (mut out, mut encoded) = (Outbox::new(), 0);
        while encoded < body.len() {
            let next = [3, 4, 6, 10].into_iter().find(|&end| end > encoded).unwrap();
            assert_eq!(piece.left_of_part(), next - encoded, "{encoded} octets are gone, {step} at a time");
            assert_eq!(piece.is_cut(), ![0, 3, 4, 6].contains(&encoded), "{encoded} octets are gone");
            encoded += piece.encode(step, &mut out);
        }
        assert!(!piece.is_cut());
        assert_eq!(sent(out), body);
    }
}

#[test]
fn credit_is_told_when_it_is_worth_a_frame_or_all_that_is_left() {
    let due = |granted, window, live: bool, numbered: bool| {
        let mut stream = Stream::new();
        stream.recv.granted = granted;
        stream.recv.window = window;
        stream.id = numbered.then_some(StreamId::FIRST);
        if live {
            stream.state = State::Live { recv: Half::Body, send: Half::Body };
        }
        stream.is_update_due(50)
    };
    for (granted, window, expected) in [
        (0, 0, false),
        (0, -5, false),
        (49, 50, false),
        (50, 1000, true),
        (49, 49, true),
        (1, 1, true),
        (1, -5, true),
    ] {
        assert_eq!(due(granted, window, true, true), expected, "{granted} and {window}");
        assert!(!due(granted, window, true, false), "the peer knows no number");
        assert!(!due(granted, window, false, true), "the peer sends no more");
    }
    // Without a window to begin with, credit is told at once; and nothing is no credit.
    let mut stream = Stream::new();
    stream.id = Some(StreamId::FIRST);
    stream.state = State::Live { recv: Half::Body, send: Half::Body };
    assert!(!stream.is_update_due(0));
}

#[test]
fn heads_and_data_without_octets_need_no_window() {
    let mut stream = Stream::new();
    assert!(!stream.head_is_next());
    stream.send.items.push_back(Item::Headers { fields: Fields::new(), interim: false });
    stream.send.buffered = 5;
    assert!(stream.head_is_next());
    stream.send.items.clear();
    stream.send.items.push_back(Item::Data(piece(b"", b"12345")));
    assert!(!stream.head_is_next());
    assert!(!stream.ends_part(4) && stream.ends_part(5) && stream.ends_part(6));
    assert!(!stream.front_is_cut());
    stream.send.items.clear();
    assert!(!stream.ends_part(6));
    stream.send.buffered = 0;
    stream.send.items.push_back(Item::Data(piece(b"", b"")));
    assert!(stream.head_is_next());
}

#[test]
fn a_stream_is_heard_until_it_is_released_or_given_up() {
    let heard = |released, given_up| Stream { released, given_up, ..Stream::new() }.is_heard();
    assert!(heard(false, false));
    assert!(!heard(true, false) && !heard(false, true) && !heard(true, true));
}

#[test]
fn a_renewed_stream_is_new_but_for_its_memory() {
    let mut stream = Stream::new();
    stream.send.items.push_back(Item::Data(piece(b"", b"a")));
    stream.recv.window = 7;
    stream.recv.granted = 7;
    stream.released = true;
    let memory = stream.send.items.capacity();
    stream.renew();
    assert_eq!((stream.recv.window, stream.recv.granted, stream.released), (0, 0, false));
    assert!(stream.send.items.is_empty());
    assert_eq!(stream.send.items.capacity(), memory);
}
