use proptest::prelude::*;

use super::*;

type Lines<'a> = &'a [(&'a str, &'a str)];

fn fields(parts: &[Lines<'_>]) -> Fields {
    parts.iter().copied().flatten().copied().collect()
}

const GET: Lines<'_> =
    &[(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "example.com")];
const OK: Lines<'_> = &[(":status", "200")];

fn refused<T>(result: Result<T, Malformed>) -> &'static str {
    result.err().expect("malformed").0
}

#[test]
fn a_plain_request_is_taken() {
    let judged = request(&fields(&[GET, &[("te", "trailers"), ("content-length", "5")]]));
    assert_eq!(judged, Ok(Request { is_head: false, is_connect: false, content_length: Some(5) }));
    let head = [(":method", "HEAD"), (":scheme", "http"), (":path", "*")];
    assert_eq!(
        request(&fields(&[&head])),
        Ok(Request { is_head: true, is_connect: false, content_length: None })
    );
}

/// 9113-40, S3
#[test]
fn a_request_has_method_scheme_and_path_once_each() {
    for at in 0..3 {
        let mut lines = GET.to_vec();
        let (name, _) = lines.remove(at);
        assert_eq!(refused(request(&fields(&[&lines]))), format!("request without {name}"));
    }
    for &line in GET {
        assert_eq!(refused(request(&fields(&[GET, &[line]]))), "pseudo-header field twice");
        assert_eq!(refused(request(&fields(&[&[line], GET]))), "pseudo-header field twice");
    }
    // Any order will do.
    let mut lines = GET.to_vec();
    lines.reverse();
    assert!(request(&fields(&[&lines])).is_ok());
    assert_eq!(refused(request(&Fields::new())), "request without :method");
}

/// 9113-40, S3
/// Threats: S3.
#[test]
fn pseudo_header_fields_come_first() {
    for regular in [("a", "b"), ("te", "trailers"), ("host", "example.com"), ("content-length", "0")] {
        for at in 0..GET.len() {
            let (before, behind) = GET.split_at(at);
            let judged = request(&fields(&[before, &[regular], behind]));
            assert_eq!(refused(judged), "pseudo-header field behind a regular field");
        }
        let judged = response(&fields(&[&[regular], OK]));
        assert_eq!(refused(judged), "pseudo-header field behind a regular field");
    }
}

/// 9113-40, S3
#[test]
fn pseudo_header_fields_of_the_other_direction_and_unknown_ones_are_refused() {
    assert_eq!(refused(request(&fields(&[GET, OK]))), ":status in a request");
    for &line in GET {
        assert_eq!(refused(response(&fields(&[OK, &[line]]))), "request pseudo-header field in a response");
    }
    let unknown: Lines<'_> = &[(":protocol", "websocket")];
    assert_eq!(refused(request(&fields(&[unknown, GET]))), "unknown pseudo-header field");
    assert_eq!(refused(response(&fields(&[unknown, OK]))), "unknown pseudo-header field");
    assert_eq!(refused(trailers(&fields(&[unknown]))), "unknown pseudo-header field");
    for &line in GET.iter().chain(OK) {
        assert_eq!(refused(trailers(&fields(&[&[line]]))), "pseudo-header field in trailers");
    }
}

/// 9113-40: 8.5
#[test]
fn connect_has_an_authority_and_neither_scheme_nor_path() {
    let connect: Lines<'_> = &[(":method", "CONNECT"), (":authority", "example.com:443")];
    assert_eq!(
        request(&fields(&[connect])),
        Ok(Request { is_head: false, is_connect: true, content_length: None })
    );
    for extra in [(":scheme", "https"), (":path", "/")] {
        assert_eq!(refused(request(&fields(&[connect, &[extra]]))), "CONNECT with :scheme or :path");
    }
    assert_eq!(refused(request(&fields(&[&connect[..1]]))), "CONNECT without :authority");
    assert_eq!(
        refused(request(&fields(&[&connect[..1], &[(":authority", "")]]))),
        "CONNECT without :authority"
    );
}

/// 9113-40, S2
/// Threats: S2.
#[test]
fn host_is_one_and_no_other_than_the_authority() {
    assert!(request(&fields(&[GET, &[("host", "Example.COM")]])).is_ok());
    assert!(request(&fields(&[&GET[..3], &[("host", "other")]])).is_ok());
    assert!(request(&fields(&[&GET[..3]])).is_ok(), "neither");
    assert_eq!(refused(request(&fields(&[GET, &[("host", "other")]]))), "host differs from :authority");
    assert_eq!(refused(request(&fields(&[GET, &[("host", "")]]))), "host differs from :authority");
    assert_eq!(
        refused(request(&fields(&[GET, &[("host", "example.com"), ("host", "example.com")]]))),
        "host twice"
    );
    let user: Lines<'_> = &[("host", "user@example.com")];
    assert_eq!(refused(request(&fields(&[&GET[..3], user]))), "user information in the authority");
}

/// 9113-40, S6
/// Threats: S6.
#[test]
fn content_lengths_are_numbers_and_all_the_same() {
    let judge = |values: &[&str]| {
        let lengths: Vec<_> = values.iter().map(|value| ("content-length", *value)).collect();
        let request = request(&fields(&[GET, &lengths])).map(|head| head.content_length);
        let response = response(&fields(&[OK, &lengths])).map(|head| head.content_length);
        assert_eq!(request, response);
        request
    };
    assert_eq!(judge(&[]), Ok(None));
    assert_eq!(judge(&["0"]), Ok(Some(0)));
    assert_eq!(judge(&["5", "5", "05"]), Ok(Some(5)));
    assert_eq!(refused(judge(&["5", "6"])), "content-length twice with different values");
    for value in ["", "+5", "5,5", "x", "18446744073709551616"] {
        assert_eq!(refused(judge(&[value])), "content-length that is no number");
    }
    assert_eq!(refused(trailers(&fields(&[&[("content-length", "0")]]))), "content-length in trailers");
}

/// 9113-40, S4, S5: in every kind of section, so in what we send too.
#[test]
fn a_malformed_line_makes_any_section_malformed() {
    for (line, why) in [
        (("Upper", "x"), "field name with a forbidden character"),
        (("", "x"), "field name with a forbidden character"),
        (("name", " x"), "field value with a forbidden character"),
        (("connection", "close"), "connection-specific field"),
        (("te", "gzip"), "te with more than trailers"),
        (("transfer-encoding", "chunked"), "connection-specific field"),
    ] {
        assert_eq!(refused(request(&fields(&[GET, &[line]]))), why);
        assert_eq!(refused(response(&fields(&[OK, &[line]]))), why);
        assert_eq!(refused(trailers(&fields(&[&[line]]))), why);
    }
    assert_eq!(trailers(&Fields::new()), Ok(()));
    assert_eq!(trailers(&fields(&[&[("grpc-status", "0")]])), Ok(()));
}

/// 9113-37
#[test]
fn a_response_has_one_status_of_three_digits_and_never_101() {
    for status in 100..=999_u16 {
        let judged = response(&fields(&[&[(":status", &status.to_string())]]));
        if status == 101 {
            assert_eq!(refused(judged), "pseudo-header field with an invalid value");
            continue;
        }
        let judged = judged.unwrap();
        assert_eq!((judged.status, judged.content_length), (status, None));
        assert_eq!(judged.is_informational(), status < 200);
    }
    for status in ["", "0", "99", "099", "1000", "2x0", "+20", "20 "] {
        assert!(response(&fields(&[&[(":status", status)]])).is_err(), "{status}");
    }
    assert_eq!(refused(response(&Fields::new())), "response without :status");
    assert_eq!(refused(response(&fields(&[OK, OK]))), "pseudo-header field twice");
}

/// 9113-39, S6: HEAD, 204 and 304 have no content, whatever they say of its length.
#[test]
fn some_responses_have_no_content() {
    let judged = |status| response(&fields(&[&[(":status", status), ("content-length", "5")]])).unwrap();
    assert_eq!(judged("200").expected_content(false), Some(5));
    assert_eq!(judged("200").expected_content(true), Some(0));
    assert_eq!(judged("204").expected_content(false), Some(0));
    assert_eq!(judged("304").expected_content(false), Some(0));
    assert_eq!(response(&fields(&[OK])).unwrap().expected_content(false), None);
}

/// RFC 9113 §8.3 for a request that names its pseudo-header fields in any order, as often as it likes.
fn is_request(lines: &[(&str, &str)]) -> bool {
    let pseudo = lines.iter().take_while(|(name, _)| name.starts_with(':')).count();
    let all = |wanted: &str| -> Vec<&str> {
        lines.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| *value).collect()
    };
    let [methods, schemes, authorities, paths, hosts] =
        [":method", ":scheme", ":authority", ":path", "host"].map(all);
    let once = [&methods, &schemes, &authorities, &paths, &hosts].iter().all(|values| values.len() <= 1);
    let shape = if methods == ["CONNECT"] {
        schemes.is_empty() && paths.is_empty() && authorities.iter().any(|authority| !authority.is_empty())
    } else {
        methods.len() == 1 && schemes.len() == 1 && paths.len() == 1
    };
    let same_host = match (&authorities[..], &hosts[..]) {
        ([authority], [host]) => authority == host,
        _ => true,
    };
    let mut lengths = all("content-length");
    lengths.dedup();
    lines.iter().skip(pseudo).all(|(name, _)| !name.starts_with(':'))
        && once
        && shape
        && same_host
        && lengths.len() <= 1
        && all(":status").is_empty()
}

proptest! {
    /// Lines that are well formed by themselves, in any order and number.
    #[test]
    fn any_section_is_judged_as_the_rfc_says(mut picks in proptest::collection::vec((0..18_usize, any::<bool>()), 0..9)) {
        const LINES: [(&str, &str); 18] = [
            (":method", "POST"), (":method", "POST"), (":method", "CONNECT"), (":scheme", "http"), (":scheme", "https"),
            (":path", "/"), (":path", "/a"), (":authority", "a"), (":authority", "b"), (":authority", ""), ("host", "a"),
            ("host", "b"), ("te", "trailers"), ("content-length", "1"), ("content-length", "2"), ("content-length", "1"),
            (":status", "200"), ("x", "y"),
        ];
        // Most would have the order wrong and nothing else.
        let in_order = picks.first().is_none_or(|(_, in_order)| *in_order);
        if in_order {
            picks.sort_by_key(|(at, _)| !LINES[*at].0.starts_with(':'));
            picks.dedup_by_key(|(at, _)| LINES[*at].0);
        }
        let lines: Vec<_> = picks.iter().map(|(at, _)| LINES[*at]).collect();
        let section = fields(&[&lines]);
        prop_assert_eq!(request(&section).is_ok(), is_request(&lines), "{:?}", section);
        let classes = section.classes();
        prop_assert_eq!(request_of(classes, &section), request(&section), "{:?}", section);
        prop_assert_eq!(response_of(classes, &section), response(&section), "{:?}", section);
        prop_assert_eq!(trailers_of(classes, &section), trailers(&section), "{:?}", section);
        let pseudo = lines.iter().filter(|(name, _)| name.starts_with(':')).count();
        let statuses = lines.iter().filter(|(name, _)| *name == ":status").count();
        if response(&section).is_ok() {
            prop_assert!(pseudo == 1 && statuses == 1);
        }
        if trailers(&section).is_ok() {
            prop_assert!(pseudo == 0 && lines.iter().all(|(name, _)| *name != "content-length"));
        }
    }
}
