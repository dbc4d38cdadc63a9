//! Lines of a text, with their numbers.

use std::io::{self, BufRead};

/// The longest line that is read whole, in bytes: many times what a feature takes.
pub const LONGEST_LINE: usize = 64 * 1024;

/// A line of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Which one it is, from 1.
    pub number: u64,
    /// What it says, without its end; or why that cannot be told.
    pub text: Result<String, String>,
    /// Where it ends in the text, in bytes.
    pub end: u64,
}

/// Reads line by line. A line that is too long or is not UTF-8 is an item like any other; an error of the system is the last one.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    number: u64,
    end: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`.
    pub fn new(reader: R) -> Self {
        Self { reader, number: 0, end: 0 }
    }

    /// The next line, without more memory than [`LONGEST_LINE`]; nothing at the end of the text.
    fn read(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let begin = self.end;
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                filled => filled?,
            };
            let (taken, ended) = match buffer.iter().position(|&byte| byte == b'\n') {
                Some(newline) => (newline + 1, true),
                None => (buffer.len(), buffer.is_empty()),
            };
            if bytes.len() <= LONGEST_LINE {
                bytes.extend(buffer.iter().take(taken));
            }
            self.reader.consume(taken);
            self.end += taken as u64;
            if ended {
                break;
            }
        }
        if self.end == begin {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(Line { number: self.number, text: text(bytes), end: self.end }))
    }
}

fn text(mut bytes: Vec<u8>) -> Result<String, String> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    if bytes.len() > LONGEST_LINE {
        return Err(format!("it is longer than {LONGEST_LINE} bytes"));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to() + 1))
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    type Short = (u64, Result<String, String>, u64);

    /// All lines, read through a buffer of `capacity` bytes.
    fn lines(text: &[u8], capacity: usize) -> Vec<Short> {
        Lines::new(BufReader::with_capacity(capacity, text))
            .map(Result::unwrap)
            .map(|line| (line.number, line.text, line.end))
            .collect()
    }

    fn line(number: u64, text: &str, end: u64) -> Short {
        (number, Ok(text.to_owned()), end)
    }

    #[test]
    fn numbers_and_ends_whatever_the_buffer() {
        for capacity in 1..10 {
            assert_eq!(
                lines(b"one\n\nthree", capacity),
                [line(1, "one", 4), line(2, "", 5), line(3, "three", 10)]
            );
            assert_eq!(lines(b"\n", capacity), [line(1, "", 1)]);
            assert_eq!(lines(b"", capacity), []);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_told_and_left_behind() {
        let long = "x".repeat(LONGEST_LINE);
        for capacity in [7, 1 << 20] {
            let text = format!("{long}\n{long}x\nshort\n");
            let found = lines(text.as_bytes(), capacity);
            let texts: Vec<_> = found.iter().map(|(_, text, _)| text.as_deref()).collect();
            assert_eq!(
                texts.as_slice(),
                [Ok(long.as_str()), Err(&"it is longer than 65536 bytes".to_owned()), Ok("short")]
                    .map(|text: Result<&str, &String>| text)
            );
        }
    }

    #[test]
    fn endless_lines_take_no_more_memory() {
        let endless = BufReader::new(io::repeat(b'x').take(64 << 20));
        assert!(Lines::new(endless).next().unwrap().unwrap().text.is_err());
    }

    #[test]
    fn what_is_no_text_is_told() {
        let found = lines(b"ab\xff\nok\n", 4);
        assert_eq!(found[0], (1, Err("it is not UTF-8 from byte 3 on".to_owned()), 4));
        assert_eq!(found[1], line(2, "ok", 7));
    }

    #[test]
    fn an_error_of_the_system_is_given() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let text = BufReader::new(b"one\ntw".chain(Broken));
        let mut lines = Lines::new(text);
        assert_eq!(lines.next().unwrap().unwrap().text.as_deref(), Ok("one"));
        assert_eq!(lines.next().unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}
