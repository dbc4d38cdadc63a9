//! The text of `grpc-timeout` (gRPC, `PROTOCOL-HTTP2.md`): one to eight digits and a unit.

use core::error::Error;
use core::fmt;
use core::time::Duration;

const MAX_DIGITS: usize = 8;
const MAX_VALUE: u128 = 99_999_999;

/// Units with their nanoseconds, the smallest first.
const UNITS: [(u8, u128); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60 * 1_000_000_000),
    (b'H', 3600 * 1_000_000_000),
];

/// The text is no timeout.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidTimeout;

impl fmt::Display for InvalidTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a grpc-timeout is one to eight digits and one of H, M, S, m, u, n")
    }
}

impl Error for InvalidTimeout {}

/// Reads a timeout. Zero is one: it has passed already.
///
/// # Errors
///
/// [`InvalidTimeout`] for anything but one to eight digits and one of `HMSmun`.
#[expect(clippy::arithmetic_side_effects, reason = "eight digits of hours are below 2^39 seconds")]
pub fn parse(text: &[u8]) -> Result<Duration, InvalidTimeout> {
    let (unit, digits) = text.split_last().ok_or(InvalidTimeout)?;
    if digits.is_empty() || digits.len() > MAX_DIGITS {
        return Err(InvalidTimeout);
    }
    let mut value = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return Err(InvalidTimeout);
        }
        value = value * 10 + u64::from(digit);
    }
    Ok(match unit {
        b'n' => Duration::from_nanos(value),
        b'u' => Duration::from_micros(value),
        b'm' => Duration::from_millis(value),
        b'S' => Duration::from_secs(value),
        b'M' => Duration::from_secs(value * 60),
        b'H' => Duration::from_secs(value * 3600),
        _ => return Err(InvalidTimeout),
    })
}

/// A timeout as text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeoutText {
    octets: [u8; MAX_DIGITS + 1],
    start: u8,
}

impl TimeoutText {
    /// The text.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(usize::from(self.start)..).unwrap_or_default()
    }
}

/// Writes a timeout: in the smallest unit in which it takes eight digits or fewer, rounded up, and never zero for a
/// deadline that is not due yet. What is beyond eight digits of hours is cut to them.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "remainders of ten, and as many steps as there are places"
)]
pub fn format(timeout: Duration) -> TimeoutText {
    let nanos = timeout.as_nanos().max(1);
    let fitting =
        UNITS.iter().map(|&(unit, size)| (unit, nanos.div_ceil(size))).find(|&(_, value)| value <= MAX_VALUE);
    let (unit, mut value) = fitting.unwrap_or((b'H', MAX_VALUE));
    let mut octets = [unit; MAX_DIGITS + 1];
    let mut start = MAX_DIGITS;
    for place in octets.iter_mut().take(MAX_DIGITS).rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
        start -= 1;
        if value == 0 {
            break;
        }
    }
    TimeoutText { octets, start: start as u8 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, expected) in [
            ("1n", Duration::from_nanos(1)),
            ("20u", Duration::from_micros(20)),
            ("300m", Duration::from_millis(300)),
            ("4S", Duration::from_secs(4)),
            ("5M", Duration::from_secs(300)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
            ("0n", Duration::ZERO),
            ("00000001S", Duration::from_secs(1)),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(expected), "{text}");
        }
    }

    /// Threats: G6.
    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "1", "S", "123456789S", "-1S", "+1S", " 1S", "1 S", "1s", "1h", "1.5S", "1SS", "\u{661}S"]
        {
            assert_eq!(parse(text.as_bytes()), Err(InvalidTimeout), "{text}");
        }
    }

    #[test]
    fn the_smallest_unit_that_fits_is_written() {
        for (nanos, expected) in [
            (0, "1n"),
            (1, "1n"),
            (99_999_999, "99999999n"),
            (100_000_000, "100000u"),
            (100_000_001, "100001u"),
            (1_000_000_000, "1000000u"),
            (u64::MAX, "5124096H"),
        ] {
            assert_eq!(format(Duration::from_nanos(nanos)).as_bytes(), expected.as_bytes());
        }
        assert_eq!(format(Duration::MAX).as_bytes(), b"99999999H");
    }

    proptest! {
        /// Never shorter than asked for, never longer than one unit more, never zero, never over eight digits.
        #[test]
        fn written_timeouts_are_read_back_rounded_up(secs in 0..=99_999_999_u64 * 3600, nanos in 0..1_000_000_000_u32) {
            let timeout = Duration::new(secs, nanos);
            let text = format(timeout);
            let back = parse(text.as_bytes()).unwrap();
            prop_assert!(text.as_bytes().len() <= MAX_DIGITS + 1);
            prop_assert!(back >= timeout && !back.is_zero());
            prop_assert!(back.as_nanos() - timeout.as_nanos() <= timeout.as_nanos() / 10_000 + 1);
        }

        #[test]
        fn any_text_is_read_as_the_protocol_says(octets: Vec<u8>, near in "[0-9]{0,9}[HMSmun]?") {
            for text in [&octets[..], near.as_bytes()] {
                let plainly = core::str::from_utf8(text).ok().and_then(|text| {
                    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
                    let size = UNITS.iter().find(|(name, _)| unit.as_bytes() == [*name])?.1;
                    let legal = (1..=8).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
                    legal.then(|| digits.parse::<u128>().expect("digits") * size)
                });
                prop_assert_eq!(parse(text).ok().map(|timeout| timeout.as_nanos()), plainly);
            }
        }
    }
}
