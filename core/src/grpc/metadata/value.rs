use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderValue;

/// What the text of an entry can be made from: strings, octets, and values of the `http` crate, which stay
/// [sensitive](HeaderValue::is_sensitive) if they are marked so.
pub trait TextValue: sealed::Sealed {
    /// The text.
    fn octets(&self) -> &[u8];

    /// Whether the value is a secret.
    fn is_sensitive(&self) -> bool {
        false
    }
}

mod sealed {
    /// The text of an entry is judged when it is put in: more kinds of it would be of no use.
    pub trait Sealed {}
}

macro_rules! text_values {
    ($(($($generics:tt)*) $kind:ty,)*) => {
        $(
            impl<$($generics)*> sealed::Sealed for $kind {}

            impl<$($generics)*> TextValue for $kind {
                fn octets(&self) -> &[u8] {
                    self.as_ref()
                }
            }
        )*
    };
}

text_values! {
    () str,
    () String,
    () [u8],
    () Vec<u8>,
    () Bytes,
    (const N: usize) [u8; N],
}

impl sealed::Sealed for Cow<'_, str> {}

impl TextValue for Cow<'_, str> {
    fn octets(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl sealed::Sealed for HeaderValue {}

impl TextValue for HeaderValue {
    fn octets(&self) -> &[u8] {
        self.as_bytes()
    }

    fn is_sensitive(&self) -> bool {
        self.is_sensitive()
    }
}

impl<T: TextValue + ?Sized> sealed::Sealed for &T {}

impl<T: TextValue + ?Sized> TextValue for &T {
    fn octets(&self) -> &[u8] {
        (**self).octets()
    }

    fn is_sensitive(&self) -> bool {
        (**self).is_sensitive()
    }
}
