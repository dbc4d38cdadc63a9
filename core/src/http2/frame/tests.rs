use proptest::prelude::*;

use super::*;
use crate::http2::{Reason, StreamId};

#[test]
fn a_flag_is_set_or_not_whatever_the_others_are() {
    let head = |flags| FrameHead { length: 0, kind: Kind::Data, flags, stream: StreamId::CONNECTION };
    for bit in 0..8 {
        let flag = 1 << bit;
        assert!(head(flag).has(flag) && head(u8::MAX).has(flag));
        assert!(!head(0).has(flag) && !head(!flag).has(flag));
    }
}

proptest! {
    /// RFC 9113 §4.1: nine octets, the reserved bit ignored.
    #[test]
    fn any_head_survives_but_for_its_reserved_bit(octets: [u8; HEAD_LEN]) {
        let mut expected = octets;
        expected[5] &= 0x7f;
        prop_assert_eq!(FrameHead::parse(&octets).octets(), expected);
    }

    /// RFC 9113 §6.5: parameters in order, unknown ones kept apart.
    #[test]
    fn any_settings_survive(parameters in proptest::collection::vec((any::<u16>(), any::<u32>()), 0..40)) {
        let mut payload = Vec::new();
        for (id, value) in &parameters {
            payload.extend(id.to_be_bytes());
            payload.extend(value.to_be_bytes());
        }
        let parsed: Vec<_> = settings(&payload).unwrap().collect();
        let mut out = Vec::new();
        put_settings(&mut out, &parsed);
        prop_assert_eq!(&out[HEAD_LEN..], &payload);
    }

    #[test]
    fn fixed_payloads_are_read_at_their_length_only(payload in proptest::collection::vec(any::<u8>(), 0..12)) {
        prop_assert_eq!(priority(&payload).is_some(), payload.len() == 5);
        prop_assert_eq!(reset(&payload).is_some(), payload.len() == 4);
        prop_assert_eq!(ping(&payload).is_some(), payload.len() == 8);
        prop_assert_eq!(window_update(&payload).is_some(), payload.len() == 4);
        prop_assert_eq!(goaway(&payload).is_some(), payload.len() >= 8);
        prop_assert_eq!(settings(&payload).is_some(), payload.len() % 6 == 0);
    }

    #[test]
    fn what_is_written_is_read_back(id in 0..=StreamId::MAX.get(), code: u32, data: [u8; 8], debug: Vec<u8>) {
        let stream = StreamId::from_wire(id.to_be_bytes());
        let body = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            let (head, payload) = out.split_first_chunk().unwrap();
            assert_eq!(FrameHead::parse(head).length as usize, payload.len());
            payload.to_vec()
        };
        prop_assert_eq!(reset(&body(&|out| put_reset(out, stream, Reason(code)))), Some(Reason(code)));
        prop_assert_eq!(ping(&body(&|out| put_ping(out, true, data))), Some(data));
        prop_assert_eq!(window_update(&body(&|out| put_window_update(out, stream, code))), Some(code & 0x7fff_ffff));
        let payload = body(&|out| put_goaway(out, stream, Reason(code), &debug));
        prop_assert_eq!(goaway(&payload), Some((stream, Reason(code), &debug[..])));
    }
}
