use proptest::prelude::*;

use super::*;

fn sent(status: &Status) -> Fields {
    let mut fields = Fields::new();
    status.to_trailers(&mut fields);
    fields
}

fn received(lines: &[(&str, &str)]) -> Option<Status> {
    Status::from_trailers(lines.iter().copied().collect()).0
}

#[test]
fn a_status_is_one_pointer_wide_and_ok_allocates_nothing() {
    assert_eq!(size_of::<Status>(), size_of::<usize>());
    assert!(Status::new(Code::Ok, "").0.is_none());
    assert!(received(&[("grpc-status", "0")]).unwrap().0.is_none());
}

/// Threats: G7.
#[test]
fn the_code_survives_a_broken_message_and_broken_details() {
    let status =
        received(&[("grpc-status", "5"), ("grpc-message", "%ff%"), ("grpc-status-details-bin", "!")])
            .unwrap();
    assert_eq!((status.code(), status.message(), status.details()), (Code::NotFound, "\u{fffd}%", &[][..]));
}

/// Threats: G7.
#[test]
fn a_status_that_is_no_code_is_unknown_and_says_what_came() {
    for text in ["", "17", "07", "-1", "NaN", "99999999999"] {
        let status = received(&[("grpc-status", text)]).unwrap();
        assert_eq!(status.code(), Code::Unknown, "{text}");
        assert!(status.message().contains(text), "{status}");
        let told = received(&[("grpc-status", text), ("grpc-message", "why")]).unwrap();
        assert_eq!((told.code(), told.message()), (Code::Unknown, "why"));
        assert!(told.source().unwrap().to_string().contains(text), "{told:?}");
    }
    assert!(received(&[("grpc-status", "2")]).unwrap().source().is_none());
    assert!(received(&[("x", "y")]).is_none());
}

/// Threats: G7.
#[test]
fn the_first_counts_of_fields_that_come_twice() {
    let status = received(&[
        ("grpc-status", "5"),
        ("grpc-message", "a"),
        ("grpc-status-details-bin", "AQ"),
        ("grpc-status", "0"),
        ("grpc-message", "b"),
        ("grpc-status-details-bin", "Ag"),
    ])
    .unwrap();
    assert_eq!((status.code(), status.message(), status.details()), (Code::NotFound, "a", &[1][..]));
}

#[test]
fn the_source_is_kept_but_not_sent() {
    let status = Status::from_error("it broke");
    assert_eq!(status.source().unwrap().to_string(), "it broke");
    assert_eq!(sent(&status), sent(&Status::unknown("it broke")));
}

proptest! {
    #[test]
    fn any_status_survives(code in 0..17i32, message: String, details: Vec<u8>, value: Vec<u8>) {
        let mut status = Status::with_details(Code::from_i32(code), message, details);
        status.metadata_mut().insert_bin("x-bin", &value).unwrap();
        let back = Status::from_trailers(sent(&status)).0.unwrap();
        prop_assert_eq!(back.code(), status.code());
        prop_assert_eq!(back.message(), status.message());
        prop_assert_eq!(back.details(), status.details());
        prop_assert_eq!(back.metadata().get_bin("x-bin"), Some(value));
    }

    #[test]
    fn any_octets_make_a_status_or_none(lines: Vec<(Vec<u8>, Vec<u8>)>, status: Vec<u8>) {
        let mut fields: Fields = lines.into_iter().collect();
        fields.push(b"grpc-status", &status);
        prop_assert!(Status::from_trailers(fields).0.is_some());
    }
}
