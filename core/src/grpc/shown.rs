use core::fmt;

/// Octets that are shown: what a peer makes long is not sent back to it, nor into logs.
const MOST: usize = 64;

/// A value that a peer has sent, in the words about it: in quotes, escaped, and no longer than a line has room for.
pub(super) struct Shown<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_at_checked(MOST) {
            Some((front, [_, ..])) => write!(f, "\"{}...\"", front.escape_ascii()),
            _ => write!(f, "\"{}\"", self.0.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_and_what_is_odd_is_escaped() {
        assert_eq!(Shown(b"").to_string(), "\"\"");
        assert_eq!(Shown(b"g\"z\xff").to_string(), "\"g\\\"z\\xff\"");
        assert_eq!(Shown(&[b'x'; MOST]).to_string(), format!("\"{}\"", "x".repeat(MOST)));
        assert_eq!(Shown(&[b'x'; MOST + 1]).to_string(), format!("\"{}...\"", "x".repeat(MOST)));
    }
}
