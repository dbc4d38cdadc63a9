//! The static table (RFC 7541 Appendix A).

use crate::http2::field::Class;

/// A line of the static table.
pub(super) struct Line {
    pub(super) name: &'static [u8],
    pub(super) value: &'static [u8],
    /// What [`classify`](crate::http2::field::classify) says of the line.
    pub(super) class: Class,
}

/// How many lines the static table has; the dynamic table's indices begin behind them.
pub(super) const LEN: usize = LINES.len();

/// The line at `index`, which counts from 1.
pub(super) fn get(index: usize) -> Option<&'static Line> {
    LINES.get(index.checked_sub(1)?)
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
pub(super) fn find(name: &[u8], value: &[u8]) -> Option<Match> {
    let mut candidates = BY_NAME_LENGTH.get(name.len()).copied()?;
    let first = loop {
        let at = candidates.trailing_zeros() as usize;
        if LINES.get(at)?.name == name {
            break at;
        }
        candidates &= candidates - 1;
    };
    let mut lines = LINES.iter().skip(first).take_while(|line| line.name == name);
    Some(match lines.position(|line| line.value == value) {
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
        lines[LINES[at].name.len()] |= 1 << at;
        at += 1;
    }
    lines
};

const fn line(name: &'static [u8], value: &'static [u8], class: Class) -> Line {
    Line { name, value, class }
}

#[rustfmt::skip]
static LINES: [Line; 61] = [
    line(b":authority", b"", Class::Authority),
    line(b":method", b"GET", Class::Method),
    line(b":method", b"POST", Class::Method),
    line(b":path", b"/", Class::Path),
    line(b":path", b"/index.html", Class::Path),
    line(b":scheme", b"http", Class::Scheme),
    line(b":scheme", b"https", Class::Scheme),
    line(b":status", b"200", Class::Status),
    line(b":status", b"204", Class::Status),
    line(b":status", b"206", Class::Status),
    line(b":status", b"304", Class::Status),
    line(b":status", b"400", Class::Status),
    line(b":status", b"404", Class::Status),
    line(b":status", b"500", Class::Status),
    line(b"accept-charset", b"", Class::Regular),
    line(b"accept-encoding", b"gzip, deflate", Class::Regular),
    line(b"accept-language", b"", Class::Regular),
    line(b"accept-ranges", b"", Class::Regular),
    line(b"accept", b"", Class::Regular),
    line(b"access-control-allow-origin", b"", Class::Regular),
    line(b"age", b"", Class::Regular),
    line(b"allow", b"", Class::Regular),
    line(b"authorization", b"", Class::Regular),
    line(b"cache-control", b"", Class::Regular),
    line(b"content-disposition", b"", Class::Regular),
    line(b"content-encoding", b"", Class::Regular),
    line(b"content-language", b"", Class::Regular),
    line(b"content-length", b"", Class::BadContentLength),
    line(b"content-location", b"", Class::Regular),
    line(b"content-range", b"", Class::Regular),
    line(b"content-type", b"", Class::Regular),
    line(b"cookie", b"", Class::Regular),
    line(b"date", b"", Class::Regular),
    line(b"etag", b"", Class::Regular),
    line(b"expect", b"", Class::Regular),
    line(b"expires", b"", Class::Regular),
    line(b"from", b"", Class::Regular),
    line(b"host", b"", Class::Host),
    line(b"if-match", b"", Class::Regular),
    line(b"if-modified-since", b"", Class::Regular),
    line(b"if-none-match", b"", Class::Regular),
    line(b"if-range", b"", Class::Regular),
    line(b"if-unmodified-since", b"", Class::Regular),
    line(b"last-modified", b"", Class::Regular),
    line(b"link", b"", Class::Regular),
    line(b"location", b"", Class::Regular),
    line(b"max-forwards", b"", Class::Regular),
    line(b"proxy-authenticate", b"", Class::Regular),
    line(b"proxy-authorization", b"", Class::Regular),
    line(b"range", b"", Class::Regular),
    line(b"referer", b"", Class::Regular),
    line(b"refresh", b"", Class::Regular),
    line(b"retry-after", b"", Class::Regular),
    line(b"server", b"", Class::Regular),
    line(b"set-cookie", b"", Class::Regular),
    line(b"strict-transport-security", b"", Class::Regular),
    line(b"transfer-encoding", b"", Class::ConnectionSpecific),
    line(b"user-agent", b"", Class::Regular),
    line(b"vary", b"", Class::Regular),
    line(b"via", b"", Class::Regular),
    line(b"www-authenticate", b"", Class::Regular),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::field::classify;

    #[test]
    fn every_line_has_its_class_and_is_found() {
        for (at, line) in LINES.iter().enumerate() {
            let name = line.name.escape_ascii();
            assert_eq!(line.class, classify(line.name, line.value), "{name}");
            assert_eq!(find(line.name, line.value), Some(Match::Line(at + 1)), "{name}");
            let first = LINES.iter().position(|other| other.name == line.name).unwrap();
            assert_eq!(find(line.name, b"no such value"), Some(Match::Name(first + 1)), "{name}");
        }
        assert_eq!(find(b"grpc-status", b"0"), None);
        assert_eq!(find(b":protocol", b""), None);
        assert_eq!(find(b"", b""), None);
    }

    #[test]
    fn indices_count_from_one_to_sixty_one() {
        assert!(get(0).is_none());
        assert_eq!(get(1).unwrap().name, b":authority");
        assert_eq!(get(LEN).unwrap().name, b"www-authenticate");
        assert!(get(62).is_none());
    }
}
