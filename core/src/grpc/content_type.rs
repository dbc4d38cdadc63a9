//! `content-type` of calls (gRPC, `PROTOCOL-HTTP2.md`): `application/grpc`, then nothing, `+` or `;`.

/// What we send.
pub(crate) const GRPC: &[u8] = b"application/grpc";

/// Whether the value says gRPC. `application/grpc-web` begins alike and is another protocol.
pub(crate) fn is_grpc(value: &[u8]) -> bool {
    match value.split_at_checked(GRPC.len()) {
        Some((start, rest)) => {
            start.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';' | b' '))
        }
        None => false,
    }
}

/// The message format after the `+`, or `"proto"` where none is named.
pub(crate) fn subtype(value: &[u8]) -> &str {
    let format = value.get(GRPC.len()..).and_then(|rest| rest.strip_prefix(b"+")).unwrap_or(b"proto");
    let end = format.iter().position(|&octet| octet == b';' || octet == b' ').unwrap_or(format.len());
    format.get(..end).and_then(|format| core::str::from_utf8(format).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn grpc_and_its_message_formats_are_told_from_grpc_web() {
        for (value, expected) in [
            ("application/grpc", Some("proto")),
            ("application/grpc+proto", Some("proto")),
            ("application/grpc+json", Some("json")),
            ("application/grpc;charset=utf-8", Some("proto")),
            ("application/grpc+json; a=b", Some("json")),
            ("Application/GRPC", Some("proto")),
            ("application/grpc-web", None),
            ("application/grpc-web+proto", None),
            ("application/grpcfoo", None),
            ("application/json", None),
            ("", None),
        ] {
            let format = is_grpc(value.as_bytes()).then(|| subtype(value.as_bytes()));
            assert_eq!(format, expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_judged(rest: Vec<u8>) {
            let value = [GRPC, &rest[..]].concat();
            let expected = rest.first().is_none_or(|octet| b"+; ".contains(octet));
            prop_assert_eq!((is_grpc(&value), is_grpc(&rest)), (expected, false));
            let _ = (subtype(&value), subtype(&rest));
        }
    }
}
