//! What RFC 9113 §8.2 and §8.3 say of one field line.

/// What a field line is to HTTP/2, judged once when it is read or written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Class {
    /// A field without a meaning for HTTP/2.
    Regular,
    /// `te: trailers`, the one connection-specific field that HTTP/2 has kept (RFC 9113 §8.2.2).
    Te,
    /// `host` (RFC 9113 §8.3.1).
    Host,
    /// `content-length` of nothing but digits, below 2^64.
    ContentLength,
    /// `:method`, a token.
    Method,
    /// `:scheme`, as RFC 3986 §3.1 spells schemes.
    Scheme,
    /// `:authority` without user information.
    Authority,
    /// `:path`, not empty and without white space.
    Path,
    /// `:status`, three digits of at least 100; not 101, which HTTP/2 has no use for (RFC 9113 §8.6).
    Status,

    /// Malformed: a name that is empty or has a byte which is no lower-case token character.
    BadName,
    /// Malformed: a control byte in the value, or white space around it.
    BadValue,
    /// Malformed: a pseudo-header field that HTTP/2 does not define, or not without an extension.
    UnknownPseudo,
    /// Malformed: `connection` and its like, which end at the next hop of HTTP/1.1.
    ConnectionSpecific,
    /// Malformed: `te` with more than `trailers`.
    BadTe,
    /// Malformed: user information in `:authority` or `host`, from which no one gains but a phisher.
    UserInformation,
    /// Malformed: `content-length` that is not a number below 2^64.
    BadContentLength,
    /// Malformed: a value that is none for its pseudo-header field.
    BadPseudoValue,
}

impl Class {
    /// The rule that a line of this class breaks on its own, if it does.
    pub(crate) const fn fault(self) -> Option<&'static str> {
        Some(match self {
            Self::BadName => "field name with a forbidden character",
            Self::BadValue => "field value with a forbidden character",
            Self::UnknownPseudo => "unknown pseudo-header field",
            Self::ConnectionSpecific => "connection-specific field",
            Self::BadTe => "te with more than trailers",
            Self::UserInformation => "user information in the authority",
            Self::BadContentLength => "content-length that is no number",
            Self::BadPseudoValue => "pseudo-header field with an invalid value",
            Self::Regular
            | Self::Te
            | Self::Host
            | Self::ContentLength
            | Self::Method
            | Self::Scheme
            | Self::Authority
            | Self::Path
            | Self::Status => return None,
        })
    }
}

/// What is known of a line before anyone looks at its text again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    pub(crate) class: Class,
    /// What the layer above makes of the line, by its own [`Meaning`]; 0 where it was not asked.
    pub(crate) meaning: u8,
}

impl From<Class> for Known {
    fn from(class: Class) -> Self {
        Self { class, meaning: 0 }
    }
}

/// What the layer above makes of a line of that class, name and value. It is asked when a line comes as text, and not again
/// when a compression table repeats it.
pub(crate) type Meaning = fn(Class, &[u8], &[u8]) -> u8;

/// Which classes the lines of a section have, gathered as they come.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Classes(u32);

impl Classes {
    /// Of a section without lines.
    pub(crate) const NONE: Self = Self(0);

    const fn of(class: Class) -> u32 {
        1 << class as u32
    }

    const PSEUDO: u32 = Self::of(Class::Method)
        | Self::of(Class::Scheme)
        | Self::of(Class::Authority)
        | Self::of(Class::Path)
        | Self::of(Class::Status);
    const REGULAR: u32 = Self::of(Class::Regular)
        | Self::of(Class::Te)
        | Self::of(Class::Host)
        | Self::of(Class::ContentLength);
    /// RFC 9113 §8.3: a pseudo-header field came twice, or behind a regular one.
    const DISORDER: u32 = 1 << 31;

    /// One more line.
    pub(crate) const fn add(&mut self, class: Class) {
        let class = Self::of(class);
        if class & Self::PSEUDO != 0 && self.0 & (class | Self::REGULAR) != 0 {
            self.0 |= Self::DISORDER;
        }
        self.0 |= class;
    }

    /// Whether there is `:method`, `:scheme` and `:path`, each once and ahead of the rest, and nothing else that is more
    /// than a look at single lines, or wrong.
    pub(crate) const fn is_plain_request(self) -> bool {
        const REQUIRED: u32 =
            Classes::of(Class::Method) | Classes::of(Class::Scheme) | Classes::of(Class::Path);
        const MORE: u32 =
            Classes::of(Class::Authority) | Classes::of(Class::Regular) | Classes::of(Class::Te);
        self.0 & !MORE == REQUIRED
    }

    /// Whether there is `:status`, once and ahead of the rest, and nothing else but regular lines.
    pub(crate) const fn is_plain_response(self) -> bool {
        self.0 & !Self::of(Class::Regular) == Self::of(Class::Status)
    }

    /// Whether there is nothing but regular lines.
    pub(crate) const fn is_plain_trailers(self) -> bool {
        self.0 & !Self::of(Class::Regular) == 0
    }
}

/// Judges one line by itself; what only the whole section shows is for [`message`](super::message).
///
/// Names and values are held to RFC 9110 §5.1 and §5.5, as RFC 9113 §8.2.1 allows, and not only to the shorter list of
/// bytes that it requires: what passes here is a valid field in HTTP/1.1 too, wherever it is forwarded to.
pub(crate) fn classify(name: &[u8], value: &[u8]) -> Class {
    if let [b':', pseudo @ ..] = name {
        return classify_pseudo(pseudo, value);
    }
    if name.is_empty() || !all(name, LOWER_TOKEN) {
        return Class::BadName;
    }
    if !is_value(value) {
        return Class::BadValue;
    }
    match name {
        b"te" if value.eq_ignore_ascii_case(b"trailers") => Class::Te,
        b"te" => Class::BadTe,
        b"host" if value.contains(&b'@') => Class::UserInformation,
        b"host" => Class::Host,
        b"content-length" if parse_u64(value).is_some() => Class::ContentLength,
        b"content-length" => Class::BadContentLength,
        b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" | b"upgrade" => {
            Class::ConnectionSpecific
        }
        _ => Class::Regular,
    }
}

fn classify_pseudo(name: &[u8], value: &[u8]) -> Class {
    let (class, valid) = match name {
        b"method" => (Class::Method, !value.is_empty() && all(value, TOKEN)),
        b"scheme" => {
            (Class::Scheme, value.first().is_some_and(u8::is_ascii_alphabetic) && all(value, SCHEME))
        }
        b"authority" => (Class::Authority, all(value, VISIBLE)),
        b"path" => (Class::Path, !value.is_empty() && all(value, VISIBLE)),
        b"status" => (Class::Status, is_status(value)),
        _ if all(name, LOWER_TOKEN) => return Class::UnknownPseudo,
        _ => return Class::BadName,
    };
    if valid && class == Class::Authority && value.contains(&b'@') {
        Class::UserInformation
    } else if valid {
        class
    } else if is_value(value) {
        Class::BadPseudoValue
    } else {
        Class::BadValue
    }
}

/// Whether the values of that name are credentials, marked or not: nobody may find them out by trying (RFC 7541 §7.1.3),
/// or read them in a log.
pub(crate) fn is_credential(name: &[u8]) -> bool {
    matches!(name, b"authorization" | b"proxy-authorization" | b"cookie" | b"set-cookie")
}

/// A number of one or more decimal digits and nothing else (RFC 9110 §8.6), below 2^64.
pub(crate) fn parse_u64(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &byte| {
        let digit = byte.checked_sub(b'0').filter(|&digit| digit <= 9)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

fn is_status(value: &[u8]) -> bool {
    matches!(value, [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9']) && value != b"101"
}

/// RFC 9110 §5.5 and RFC 9113 §8.2.1: no control byte but HTAB inside, no white space at the ends.
fn is_value(value: &[u8]) -> bool {
    let edge = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    !edge(value.first()) && !edge(value.last()) && all(value, VALUE)
}

/// Whether all bytes belong to the set.
fn all(bytes: &[u8], set: u8) -> bool {
    // Without an early exit a byte costs two or three instructions; and nearly always there is nothing to find.
    let common = bytes
        .iter()
        .fold(u8::MAX, |common, &byte| common & SETS.get(usize::from(byte)).copied().unwrap_or_default());
    common & set != 0
}

/// `tchar` (RFC 9110 §5.6.2).
const TOKEN: u8 = 1;
/// `tchar` without upper case: field names in HTTP/2 (RFC 9113 §8.2.1).
const LOWER_TOKEN: u8 = 2;
/// What may stand in a value, white space included (RFC 9110 §5.5).
const VALUE: u8 = 4;
/// The same without white space.
const VISIBLE: u8 = 16;
/// What may stand in a scheme behind its first letter (RFC 3986 §3.1).
const SCHEME: u8 = 8;

/// For each byte the sets that it belongs to.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
static SETS: [u8; 256] = {
    let mut sets = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut set = 0;
        if byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        {
            set |= TOKEN;
            if !byte.is_ascii_uppercase() {
                set |= LOWER_TOKEN;
            }
        }
        if byte == b'\t' || !byte.is_ascii_control() {
            set |= VALUE;
        }
        if byte.is_ascii_graphic() || !byte.is_ascii() {
            set |= VISIBLE;
        }
        if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') {
            set |= SCHEME;
        }
        sets[byte as usize] = set;
        if byte == u8::MAX {
            break sets;
        }
        byte += 1;
    }
};

#[cfg(test)]
mod tests;
