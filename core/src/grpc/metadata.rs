mod value;

use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

pub use self::value::TextValue;
use super::base64;
use super::meaning;
use crate::http2::{Class, Field, Fields, is_credential};

/// Metadata of a call: names with text values, and names that end in `-bin` with any octets as values.
///
/// Names may repeat; their values stay in order. A clone shares the memory until one of the two is changed. `Debug` shows
/// no value that is secret: one that was marked so here or by the peer, or a credential such as `authorization`.
///
/// ```
/// use unwired_core::grpc::Metadata;
///
/// let mut metadata = Metadata::new();
/// metadata.insert("x-request-id", "17")?;
/// metadata.append_bin("trace-bin", &[0xab, 0xcd])?;
/// assert_eq!(metadata.get("x-request-id"), Some("17"));
/// assert_eq!(metadata.get_bin("trace-bin"), Some(vec![0xab, 0xcd]));
/// # Ok::<(), unwired_core::grpc::MetadataError>(())
/// ```
#[derive(Clone, Default)]
pub struct Metadata(Option<Arc<Fields>>);

/// Why a name or a value cannot be metadata.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum MetadataError {
    /// A name is of `0-9 a-z _ - .`, at least one.
    Name,
    /// The name belongs to gRPC or HTTP/2: `grpc-*`, `:*`, `te`, `content-type`, `user-agent`, `connection` and the like.
    Reserved,
    /// A text value is of the characters from space to `~`.
    Value,
    /// A name that ends in `-bin` takes octets, every other name text.
    Kind,
    /// A value of an [`HeaderMap`] whose name ends in `-bin` is no base64.
    Base64,
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a metadata name is made of 0-9, a-z, '_', '-' and '.'",
            Self::Reserved => "the metadata name is reserved for gRPC or HTTP/2",
            Self::Value => "a metadata value is made of the ASCII characters from space to '~'",
            Self::Kind => {
                "metadata names that end in -bin take bytes (insert_bin, append_bin), all others text"
            }
            Self::Base64 => "the value of a metadata name that ends in -bin is not base64",
        })
    }
}

impl core::error::Error for MetadataError {}

/// As many lines have a bit of their own; a longer section is judged line by line once more.
pub(crate) const MARKED: usize = u128::BITS as usize;

/// Names that begin with `grpc-` and are the application's all the same.
const OPEN_NAMES: [&[u8]; 3] = [b"grpc-trace-bin", b"grpc-tags-bin", b"grpc-retry-pushback-ms"];
/// What an application may read and only the library sends: what was received does not pass it on.
const READABLE: [&[u8]; 2] = [b"grpc-previous-rpc-attempts", b"user-agent"];

/// Whether the application sees a line of that name that was received.
pub(crate) fn is_seen(name: &[u8]) -> bool {
    !is_reserved(name) || READABLE.contains(&name)
}

/// Whether gRPC or HTTP/2 owns the name.
fn is_reserved(name: &[u8]) -> bool {
    match name {
        b"te" | b"content-type" | b"content-length" | b"host" | b"connection" | b"keep-alive"
        | b"proxy-connection" | b"transfer-encoding" | b"upgrade" => true,
        [b':', ..] => true,
        _ => name.starts_with(b"grpc-") && !OPEN_NAMES.contains(&name),
    }
}

/// Whether values of the name are octets; case means nothing in names.
fn is_binary(name: &[u8]) -> bool {
    name.last_chunk::<4>().is_some_and(|end| end.eq_ignore_ascii_case(b"-bin"))
}

impl Metadata {
    /// No metadata. It allocates with the first entry.
    pub const fn new() -> Self {
        Self(None)
    }

    /// What the application sees of a received section: without pseudo-headers and without what belongs to gRPC. A section
    /// that is not needed is given back.
    pub(crate) fn from_received(mut fields: Fields) -> (Self, Option<Fields>) {
        let (mut own, mut bit) = (0, 1_u128);
        for (at, known) in fields.known().enumerate() {
            let is_own = match known.meaning {
                0 => is_seen(fields.name(at)),
                meaning => meaning == meaning::METADATA && known.class == Class::Regular,
            };
            own |= if is_own { bit } else { 0 };
            bit <<= 1;
        }
        if fields.len() > MARKED {
            fields.retain(|field| is_seen(field.name));
            return (Self(Some(Arc::new(fields))), None);
        }
        Self::from_judged(fields, own, None)
    }

    /// As [`from_received`](Self::from_received), of lines that were judged: `own` are those that the application sees, the
    /// first line's bit lowest. A section that is not needed is given back.
    pub(crate) fn from_judged(
        mut fields: Fields,
        own: u128,
        spare: Option<Arc<Fields>>,
    ) -> (Self, Option<Fields>) {
        if own == 0 {
            return (Self(None), Some(fields));
        }
        fields.retain_marked(own);
        let mut spare = spare;
        match spare.as_mut().and_then(Arc::get_mut) {
            Some(place) => {
                let empty = core::mem::replace(place, fields);
                (Self(spare), Some(empty))
            }
            None => (Self(Some(Arc::new(fields))), None),
        }
    }

    /// The memory, empty, if nobody else holds it.
    pub(crate) fn into_spare(self) -> Option<Arc<Fields>> {
        let mut shared = self.0?;
        let fields = Arc::get_mut(&mut shared)?;
        fields.clear();
        Some(shared)
    }

    /// Appends the entries to a section that is about to be sent.
    pub(crate) fn put(&self, fields: &mut Fields) {
        for (class, field) in self.0.iter().flat_map(|entries| entries.classified()) {
            if !READABLE.contains(&field.name) {
                fields.push_classified(field, class);
            }
        }
    }

    /// What the entries count as RFC 9113 §6.5.2 does: names, values and 32 bytes each.
    pub fn size(&self) -> usize {
        self.0.as_ref().map_or(0, |fields| fields.list_size())
    }

    /// How many entries there are; each value of a name that repeats is one.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |fields| fields.len())
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first text value of `name`. `None` if there is none, if it is not UTF-8, and for names that end in `-bin`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// All text values of `name`, in order; those that are not UTF-8 are passed over.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        let binary = is_binary(name.as_bytes());
        self.values(name).filter(move |_| !binary).filter_map(|value| core::str::from_utf8(value).ok())
    }

    /// The first octets of `name`, which ends in `-bin`. `None` if there are none, or if what came is no base64.
    pub fn get_bin(&self, name: &str) -> Option<Vec<u8>> {
        self.get_all_bin(name).next()?
    }

    /// All octets of `name`, in order; a value that holds several, joined by commas, counts as several. `None` stands
    /// for what is no base64.
    pub fn get_all_bin(&self, name: &str) -> impl Iterator<Item = Option<Vec<u8>>> {
        let binary = is_binary(name.as_bytes());
        self.values(name)
            .filter(move |_| binary)
            .flat_map(|value| value.split(|&octet| octet == b','))
            .map(|text| base64::decode(trim(text)))
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.fields()
            .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value)
    }

    fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.0.iter().flat_map(|fields| fields.iter())
    }

    /// Whether there is an entry called `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The names and values in order. The values of names that end in `-bin` are base64.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.fields().filter_map(|field| Some((core::str::from_utf8(field.name).ok()?, field.value)))
    }

    /// Sets `name` to the text `value` and drops the values it had.
    ///
    /// # Errors
    ///
    /// [`MetadataError`], and nothing has changed.
    pub fn insert(&mut self, name: impl AsRef<str>, value: impl TextValue) -> Result<(), MetadataError> {
        let name = Name::text(name.as_ref())?;
        self.put_text(&name, value.octets(), true, value.is_sensitive())
    }

    /// Adds the text `value` behind those that `name` has.
    ///
    /// # Errors
    ///
    /// [`MetadataError`], and nothing has changed.
    pub fn append(&mut self, name: impl AsRef<str>, value: impl TextValue) -> Result<(), MetadataError> {
        let name = Name::text(name.as_ref())?;
        self.put_text(&name, value.octets(), false, value.is_sensitive())
    }

    /// As [`insert`](Self::insert), and the value never enters a compression table and is not shown by `Debug`. For
    /// `authorization` and cookies that is so anyway.
    ///
    /// # Errors
    ///
    /// [`MetadataError`], and nothing has changed.
    pub fn insert_secret(
        &mut self,
        name: impl AsRef<str>,
        value: impl TextValue,
    ) -> Result<(), MetadataError> {
        let name = Name::text(name.as_ref())?;
        self.put_text(&name, value.octets(), true, true)
    }

    /// Sets `name`, which ends in `-bin`, to `octets` and drops the values it had.
    ///
    /// # Errors
    ///
    /// [`MetadataError`], and nothing has changed.
    pub fn insert_bin(
        &mut self,
        name: impl AsRef<str>,
        octets: impl AsRef<[u8]>,
    ) -> Result<(), MetadataError> {
        let name = Name::binary(name.as_ref())?;
        self.remove_named(name.0.as_bytes());
        self.push(name.0.as_bytes(), base64::encode(octets.as_ref()).as_bytes(), false);
        Ok(())
    }

    /// Adds `octets` behind those that `name`, which ends in `-bin`, has.
    ///
    /// # Errors
    ///
    /// [`MetadataError`], and nothing has changed.
    pub fn append_bin(
        &mut self,
        name: impl AsRef<str>,
        octets: impl AsRef<[u8]>,
    ) -> Result<(), MetadataError> {
        let name = Name::binary(name.as_ref())?;
        self.push(name.0.as_bytes(), base64::encode(octets.as_ref()).as_bytes(), false);
        Ok(())
    }

    /// Drops all values of `name` and says whether there were any.
    pub fn remove(&mut self, name: &str) -> bool {
        self.remove_named(name.to_ascii_lowercase().as_bytes())
    }

    /// Drops everything.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Adds the entries of `other` behind those there are.
    pub fn merge(&mut self, other: &Self) {
        if self.is_empty() {
            *self = other.clone();
        } else if let Some(others) = &other.0 {
            Arc::make_mut(self.0.get_or_insert_default()).extend_from(others);
        }
    }

    fn put_text(
        &mut self,
        name: &Name<'_>,
        value: &[u8],
        replaces: bool,
        secret: bool,
    ) -> Result<(), MetadataError> {
        // RFC 9110 §5.5: white space around a value is none of it, so that it would be lost.
        let value = trim(value);
        if !value.iter().all(|octet| matches!(octet, b' '..=b'~')) {
            return Err(MetadataError::Value);
        }
        if replaces {
            self.remove_named(name.0.as_bytes());
        }
        self.push(name.0.as_bytes(), value, secret);
        Ok(())
    }

    fn push(&mut self, name: &[u8], value: &[u8], secret: bool) {
        let fields = Arc::make_mut(self.0.get_or_insert_with(|| Arc::new(Fields::with_some_room())));
        // All that HTTP/2 minds is reserved, and has been refused.
        let sensitive = secret || is_credential(name);
        fields.push_classified(Field { name, value, sensitive }, Class::Regular);
    }

    fn remove_named(&mut self, name: &[u8]) -> bool {
        if !self.fields().any(|field| field.name == name) {
            return false;
        }
        let Some(fields) = &mut self.0 else { return false };
        let fields = Arc::make_mut(fields);
        fields.retain(|field| field.name != name);
        fields.compact();
        true
    }
}

/// A name that an application may send, in lower case.
struct Name<'a>(Cow<'a, str>);

impl<'a> Name<'a> {
    fn new(name: &'a str) -> Result<Self, MetadataError> {
        let is_lower = !name.bytes().any(|octet| octet.is_ascii_uppercase());
        let name = if is_lower { Cow::Borrowed(name) } else { Cow::Owned(name.to_ascii_lowercase()) };
        if is_reserved(name.as_bytes()) || READABLE.contains(&name.as_bytes()) {
            return Err(MetadataError::Reserved);
        }
        let legal = |octet| matches!(octet, b'0'..=b'9' | b'a'..=b'z' | b'_' | b'-' | b'.');
        if name.is_empty() || !name.bytes().all(legal) {
            return Err(MetadataError::Name);
        }
        Ok(Self(name))
    }

    fn text(name: &'a str) -> Result<Self, MetadataError> {
        let name = Self::new(name)?;
        if is_binary(name.0.as_bytes()) { Err(MetadataError::Kind) } else { Ok(name) }
    }

    fn binary(name: &'a str) -> Result<Self, MetadataError> {
        let name = Self::new(name)?;
        if is_binary(name.0.as_bytes()) { Ok(name) } else { Err(MetadataError::Kind) }
    }
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.fields().eq(other.fields())
    }
}

impl Eq for Metadata {}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.fields()).finish()
    }
}

/// Text without the spaces and tabs around it.
fn trim(text: &[u8]) -> &[u8] {
    let is_edge = |octet: &u8| matches!(octet, b' ' | b'\t');
    let start = text.iter().position(|octet| !is_edge(octet)).unwrap_or(text.len());
    let end = text.iter().rposition(|octet| !is_edge(octet)).map_or(start, |last| last.saturating_add(1));
    text.get(start..end).unwrap_or_default()
}

/// Takes what may be metadata; the values of names that end in `-bin` are taken as the base64 that they are.
impl TryFrom<&HeaderMap> for Metadata {
    type Error = MetadataError;

    fn try_from(headers: &HeaderMap) -> Result<Self, MetadataError> {
        let mut metadata = Self::new();
        for (name, value) in headers {
            let name = Name::new(name.as_str())?;
            if !is_binary(name.0.as_bytes()) {
                metadata.put_text(&name, value.as_bytes(), false, value.is_sensitive())?;
                continue;
            }
            for text in value.as_bytes().split(|&octet| octet == b',') {
                let octets = base64::decode(trim(text)).ok_or(MetadataError::Base64)?;
                metadata.push(name.0.as_bytes(), base64::encode(&octets).as_bytes(), value.is_sensitive());
            }
        }
        Ok(metadata)
    }
}

impl From<&Metadata> for HeaderMap {
    fn from(metadata: &Metadata) -> Self {
        let mut headers = Self::with_capacity(metadata.len());
        for field in metadata.fields() {
            // What was received passed the rules of RFC 9113 §8.2.1, which are those of the `http` crate.
            if let (Ok(name), Ok(mut value)) =
                (HeaderName::from_bytes(field.name), HeaderValue::from_bytes(field.value))
            {
                value.set_sensitive(field.sensitive || is_credential(field.name));
                headers.append(name, value);
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests;
