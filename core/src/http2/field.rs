//! What RFC 9113 §8.2 and §8.3 say of one field line.

/// What a field line is to HTTP/2, judged once when it is read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Class {
    /// A field without a meaning for HTTP/2.
    Regular,
}

pub(crate) fn classify(_name: &[u8], _value: &[u8]) -> Class {
    Class::Regular
}
