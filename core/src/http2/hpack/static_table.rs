//! The static table (RFC 7541 Appendix A).

use crate::http2::field::Class;
use crate::http2::fields::Line;

/// How many lines the static table has; the dynamic table's indices begin behind them.
pub(super) const LEN: usize = LINES.len();

/// The line at `index`, which counts from 1, and what [`classify`](crate::http2::field::classify) says of it.
pub(super) fn get(index: usize) -> Option<Line<'static, Class>> {
    LINES.get(index.checked_sub(1)?).copied()
}

/// Where a field is in the static table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Match {
    /// Index of the very line.
    Line(usize),
    /// Index of the first line with the name.
    Name(usize),
}

/// The best match for a field.
#[expect(clippy::arithmetic_side_effects, reason = "places in a table of 61 lines")]
pub(super) fn find(name: &[u8], value: &[u8]) -> Option<Match> {
    let mut candidates = BY_NAME_LENGTH.get(name.len()).copied()?;
    let first = loop {
        let at = candidates.trailing_zeros() as usize;
        if LINES.get(at)?.name() == name {
            break at;
        }
        candidates &= candidates.wrapping_sub(1);
    };
    let mut lines = LINES.iter().skip(first).take_while(|line| line.name() == name);
    Some(match lines.position(|line| line.value() == value) {
        Some(nth) => Match::Line(first + nth + 1),
        None => Match::Name(first + 1),
    })
}

/// For each length of a name one bit for each line with such a name.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static BY_NAME_LENGTH: [u64; 32] = {
    let mut lines = [0; 32];
    let mut at = 0;
    while at < LEN {
        lines[LINES[at].name_len] |= 1 << at;
        at += 1;
    }
    lines
};

macro_rules! line {
    ($name:literal, $value:literal, $class:ident) => {
        Line { text: concat!($name, $value).as_bytes(), name_len: $name.len(), tag: Class::$class }
    };
}

#[rustfmt::skip]
static LINES: [Line<'static, Class>; 61] = [
    line!(":authority", "", Authority),
    line!(":method", "GET", Method),
    line!(":method", "POST", Method),
    line!(":path", "/", Path),
    line!(":path", "/index.html", Path),
    line!(":scheme", "http", Scheme),
    line!(":scheme", "https", Scheme),
    line!(":status", "200", Status),
    line!(":status", "204", Status),
    line!(":status", "206", Status),
    line!(":status", "304", Status),
    line!(":status", "400", Status),
    line!(":status", "404", Status),
    line!(":status", "500", Status),
    line!("accept-charset", "", Regular),
    line!("accept-encoding", "gzip, deflate", Regular),
    line!("accept-language", "", Regular),
    line!("accept-ranges", "", Regular),
    line!("accept", "", Regular),
    line!("access-control-allow-origin", "", Regular),
    line!("age", "", Regular),
    line!("allow", "", Regular),
    line!("authorization", "", Regular),
    line!("cache-control", "", Regular),
    line!("content-disposition", "", Regular),
    line!("content-encoding", "", Regular),
    line!("content-language", "", Regular),
    line!("content-length", "", BadContentLength),
    line!("content-location", "", Regular),
    line!("content-range", "", Regular),
    line!("content-type", "", Regular),
    line!("cookie", "", Regular),
    line!("date", "", Regular),
    line!("etag", "", Regular),
    line!("expect", "", Regular),
    line!("expires", "", Regular),
    line!("from", "", Regular),
    line!("host", "", Host),
    line!("if-match", "", Regular),
    line!("if-modified-since", "", Regular),
    line!("if-none-match", "", Regular),
    line!("if-range", "", Regular),
    line!("if-unmodified-since", "", Regular),
    line!("last-modified", "", Regular),
    line!("link", "", Regular),
    line!("location", "", Regular),
    line!("max-forwards", "", Regular),
    line!("proxy-authenticate", "", Regular),
    line!("proxy-authorization", "", Regular),
    line!("range", "", Regular),
    line!("referer", "", Regular),
    line!("refresh", "", Regular),
    line!("retry-after", "", Regular),
    line!("server", "", Regular),
    line!("set-cookie", "", Regular),
    line!("strict-transport-security", "", Regular),
    line!("transfer-encoding", "", ConnectionSpecific),
    line!("user-agent", "", Regular),
    line!("vary", "", Regular),
    line!("via", "", Regular),
    line!("www-authenticate", "", Regular),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::field::classify;

    #[test]
    fn every_line_has_its_class_and_is_found() {
        for (at, line) in LINES.iter().enumerate() {
            let name = line.name().escape_ascii();
            assert_eq!(line.tag, classify(line.name(), line.value()), "{name}");
            assert_eq!(find(line.name(), line.value()), Some(Match::Line(at + 1)), "{name}");
            let first = LINES.iter().position(|other| other.name() == line.name()).unwrap();
            assert_eq!(find(line.name(), b"no such value"), Some(Match::Name(first + 1)), "{name}");
        }
        assert_eq!(find(b"grpc-status", b"0"), None);
        assert_eq!(find(b":protocol", b""), None);
        assert_eq!(find(b"", b""), None);
    }

    #[test]
    fn indices_count_from_one_to_sixty_one() {
        assert!(get(0).is_none());
        assert_eq!(get(1).unwrap().name(), b":authority");
        assert_eq!(get(LEN).unwrap().name(), b"www-authenticate");
        assert!(get(62).is_none());
    }
}
