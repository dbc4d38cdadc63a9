//! Numbers and octets of a recording.

use std::fmt;

/// Octets that are all the same, this many at least, are written once.
const SHORTEST_RUN: usize = 8;
/// More than any recording has in one place: a file that says so is none.
const MOST_OCTETS: u64 = 1 << 30;

/// Why a file is no recording that can be read here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// What was expected.
    pub what: &'static str,
    /// How many octets from its end.
    pub left: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "this is no recording that can be read here: {} octets before its end, {}",
            self.left, self.what
        )
    }
}

impl std::error::Error for Malformed {}

#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn octet(&mut self, octet: u8) {
        self.0.push(octet);
    }

    /// Seven bits an octet, the lowest first; the upper bit says that more follow (LEB128).
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.octet(number as u8 | 0x80);
            number >>= 7;
        }
        self.octet(number as u8);
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.octet(u8::from(flag));
    }

    /// The length; then pieces, each with twice its length, and one more where it is one octet many times.
    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.number(octets.len() as u64);
        let mut rest = octets;
        while !rest.is_empty() {
            let (literal, run) = next_run(rest);
            if !literal.is_empty() {
                self.number(literal.len() as u64 * 2);
                self.0.extend_from_slice(literal);
            }
            if let Some(&octet) = run.first() {
                self.number(run.len() as u64 * 2 + 1);
                self.octet(octet);
            }
            rest = &rest[literal.len() + run.len()..];
        }
    }
}

/// What comes before the first run, and the run.
fn next_run(octets: &[u8]) -> (&[u8], &[u8]) {
    let mut begin = 0;
    for same in octets.chunk_by(|one, other| one == other) {
        if same.len() >= SHORTEST_RUN {
            return (&octets[..begin], same);
        }
        begin += same.len();
    }
    (octets, &[])
}

pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn malformed(&self, what: &'static str) -> Malformed {
        Malformed { what, left: self.0.len() }
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let Some((taken, rest)) = self.0.split_at_checked(length) else {
            return Err(self.malformed("more was expected"));
        };
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn octet(&mut self) -> Result<u8, Malformed> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            number |= u64::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(self.malformed("a number is longer than 64 bits"))
    }

    pub(crate) fn size(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.number()?).map_err(|_| self.malformed("a number is too large"))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.octet()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.malformed("neither yes nor no")),
        }
    }

    pub(crate) fn octets(&mut self) -> Result<Vec<u8>, Malformed> {
        let length = self.number()?;
        if length > MOST_OCTETS {
            return Err(self.malformed("more octets than any recording has"));
        }
        let length = length as usize;
        let mut octets = Vec::new();
        while octets.len() < length {
            let piece = self.number()?;
            let (many, is_run) = ((piece / 2) as usize, piece % 2 == 1);
            if many == 0 || many > length - octets.len() {
                return Err(self.malformed("a piece is longer than the whole"));
            }
            if is_run {
                let octet = self.octet()?;
                octets.resize(octets.len() + many, octet);
            } else {
                octets.extend_from_slice(self.take(many)?);
            }
        }
        Ok(octets)
    }

    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.octets()?).map_err(|_| self.malformed("not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::default();
        let numbers = [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX];
        numbers.iter().for_each(|&number| writer.number(number));
        let octets = [
            vec![],
            vec![7; 7],
            vec![7; 8],
            b"abc".repeat(9),
            [b"xyz".as_slice(), &[0; 5_000], b"."].concat(),
        ];
        octets.iter().for_each(|octets| writer.octets(octets));
        writer.flag(true);
        assert!(writer.0.len() < 120, "{}: runs are written once", writer.0.len());
        let mut reader = Reader(&writer.0);
        numbers.iter().for_each(|&number| assert_eq!(reader.number(), Ok(number)));
        octets.iter().for_each(|octets| assert_eq!(reader.octets().as_ref(), Ok(octets)));
        assert_eq!(reader.flag(), Ok(true));
        assert!(reader.0.is_empty());
    }

    #[test]
    fn what_is_cut_off_or_too_long_is_malformed() {
        assert!(Reader(&[]).number().is_err());
        assert!(Reader(&[0x80; 11]).number().is_err());
        assert!(Reader(&[2]).flag().is_err());
        let (longer_piece, no_piece, endless) =
            ([4, 12, 1, 1, 1, 1, 1, 1], [4, 0], [0xff, 0xff, 0xff, 0xff, 0x7f]);
        for octets in [&longer_piece[..], &no_piece, &endless] {
            assert!(Reader(octets).octets().is_err());
        }
        assert!(Reader(&[1, 2, 0xff]).text().is_err());
    }
}
