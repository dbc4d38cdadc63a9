use super::*;

/// Every byte of a name but a colon in front, stated by hand (RFC 9110 §5.6.2 without upper case).
const NAME_BYTES: &[u8] = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz";

/// 9113-40, S4
/// Threats: S4, F8.
#[test]
fn field_names_take_each_byte_as_the_rule_says() {
    for byte in 0..=u8::MAX {
        let allowed = NAME_BYTES.contains(&byte);
        for name in [&[byte][..], &[b'x', byte], &[byte, b'x'], &[b'x', byte, b'x']] {
            let class = classify(name, b"value");
            // A colon in front makes it a pseudo-header field, and an unknown one.
            let expected = match (byte, name) {
                (b':', [b':', ..]) => Class::UnknownPseudo,
                _ if allowed => Class::Regular,
                _ => Class::BadName,
            };
            assert_eq!(class, expected, "{}", name.escape_ascii());
            assert_eq!(class.fault().is_none(), allowed, "{}", name.escape_ascii());
            // As the `http` crate, but for upper case, which that turns into lower case.
            assert!(!allowed || http::HeaderName::from_lowercase(name).is_ok());
        }
        // RFC 9113 §8.2.1, as it stands there.
        if matches!(byte, 0x00..=0x20 | 0x41..=0x5a | 0x7f..=0xff) {
            assert_eq!(classify(&[b'x', byte], b""), Class::BadName);
        }
        assert!(classify(&[b':', byte], b"").fault().is_some());
    }
    assert_eq!(classify(b"", b""), Class::BadName, "F8: empty");
    assert_eq!(classify(b":", b""), Class::UnknownPseudo);
    assert_eq!(classify(b"a:b", b""), Class::BadName);
}

/// 9113-40, S4
/// Threats: S4.
#[test]
fn field_values_take_each_byte_as_the_rule_says() {
    for byte in 0..=u8::MAX {
        // RFC 9110 §5.5: VCHAR, obs-text, and SP and HTAB between them.
        let inside = matches!(byte, b'\t' | b' '..=b'~' | 0x80..=0xff);
        let outside = inside && byte != b'\t' && byte != b' ';
        for (value, allowed) in [
            (&[byte][..], outside),
            (&[byte, b'x'], outside),
            (&[b'x', byte], outside),
            (&[b'x', byte, b'x'], inside),
        ] {
            for name in
                [&b"name"[..], b"te", b"host", b"content-length", b":authority", b":path", b":unknown"]
            {
                let class = classify(name, value);
                assert!(
                    allowed || class.fault().is_some(),
                    "{}: {}",
                    name.escape_ascii(),
                    value.escape_ascii()
                );
            }
            let expected = if allowed { Class::Regular } else { Class::BadValue };
            assert_eq!(classify(b"name", value), expected, "{}", value.escape_ascii());
            assert!(!allowed || http::HeaderValue::from_bytes(value).is_ok());
        }
    }
    assert_eq!(classify(b"name", b""), Class::Regular);
    assert_eq!(classify(b"name", b"a \t b"), Class::Regular);
    assert_eq!(classify(b"name", b"\r\nother: x"), Class::BadValue);
}

/// 9113-40, S5
/// Threats: S5.
#[test]
fn connection_specific_fields_are_refused() {
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
        for value in ["", "close", "chunked", "x"] {
            assert_eq!(
                classify(name.as_bytes(), value.as_bytes()),
                Class::ConnectionSpecific,
                "{name}: {value}"
            );
        }
    }
    for (value, class) in [
        ("trailers", Class::Te),
        ("Trailers", Class::Te),
        ("", Class::BadTe),
        ("gzip", Class::BadTe),
        ("trailers, gzip", Class::BadTe),
        ("trailers;q=1", Class::BadTe),
        (" trailers", Class::BadValue),
    ] {
        assert_eq!(classify(b"te", value.as_bytes()), class, "{value}");
    }
}

/// 9113-40, S6
#[test]
fn content_length_is_digits_below_2_to_the_64() {
    for (value, number) in [
        ("0", Some(0)),
        ("00017", Some(17)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("99999999999999999999999", None),
        ("", None),
        ("+5", None),
        ("-5", None),
        ("5, 5", None),
        ("5 5", None),
        ("0x5", None),
        ("5.0", None),
        ("\u{665}", None),
    ] {
        assert_eq!(parse_u64(value.as_bytes()), number, "{value}");
        let class = if number.is_some() { Class::ContentLength } else { Class::BadContentLength };
        assert_eq!(classify(b"content-length", value.as_bytes()), class, "{value}");
    }
}

/// 9113-40, S2, S3
#[test]
fn pseudo_header_fields_have_the_values_of_their_names() {
    use Class::{Authority, BadPseudoValue, Method, Path, Scheme, Status, UserInformation};
    for (name, good, bad, class) in [
        (
            ":method",
            &["GET", "POST", "M-SEARCH", "get", "!"][..],
            &["", "A B", "A/B", "A\u{e9}", "GE:T"][..],
            Method,
        ),
        (":scheme", &["http", "https", "a", "h2+x.y-1"], &["", "1a", "ht tp", "http:", "http/", "+"], Scheme),
        (":authority", &["", "a", "a:1", "[::1]:50051", "a%2Fb"], &["a b", "a\tb"], Authority),
        (":path", &["/", "*", "/a/b?c=d", "a", "/\u{e9}"], &["", "/a b", "/a\tb"], Path),
        (
            ":status",
            &["100", "200", "204", "599", "999"],
            &["", "20", "2000", "099", "000", "2x0", "101", "20\u{e9}"],
            Status,
        ),
    ] {
        for value in good {
            assert_eq!(classify(name.as_bytes(), value.as_bytes()), class, "{name}: {value}");
        }
        for value in bad {
            assert_eq!(classify(name.as_bytes(), value.as_bytes()), BadPseudoValue, "{name}: {value}");
        }
        assert_eq!(classify(name.as_bytes(), b"a\0"), Class::BadValue, "{name}");
        assert_eq!(classify(name.to_uppercase().as_bytes(), good[0].as_bytes()), Class::BadName, "{name}");
    }
    for name in ["host", ":authority"] {
        assert_eq!(classify(name.as_bytes(), b"user@example.com"), UserInformation);
        assert_eq!(classify(name.as_bytes(), b"user:password@example.com"), UserInformation);
    }
    for name in [":protocol", ":version", ":reason", ":path2", ":pat"] {
        assert_eq!(classify(name.as_bytes(), b"x"), Class::UnknownPseudo, "{name}");
    }
}
