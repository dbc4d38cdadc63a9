//! Message encodings (gRPC, `compression.md`): their names, which of them are spoken, and the work itself as pure functions
//! with a bounded sink.

#[cfg(any(feature = "gzip", feature = "deflate"))]
mod flate;
#[cfg(feature = "zstd")]
mod zstd;

use core::fmt;

use bytes::Bytes;

use super::Status;

/// How the messages of one direction of a call may be compressed.
///
/// All names are known always; [`Encoding::is_supported`] says which of them this build can do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Encoding {
    /// Not at all.
    #[default]
    Identity = 0,
    /// RFC 1952.
    Gzip = 1,
    /// RFC 1950: what gRPC calls deflate is the zlib format.
    Deflate = 2,
    /// RFC 8878.
    Zstd = 3,
}

impl Encoding {
    const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Deflate, Self::Zstd];

    /// The name in `grpc-encoding` and `grpc-accept-encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }

    /// The encoding that has this name in `grpc-encoding`, whether or not this build supports it. `None` for any other name.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|encoding| encoding.name().as_bytes() == name)
    }

    /// Whether this build has the feature of that encoding.
    pub const fn is_supported(self) -> bool {
        match self {
            Self::Identity => true,
            Self::Gzip => cfg!(feature = "gzip"),
            Self::Deflate => cfg!(feature = "deflate"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of encodings; [`Encoding::Identity`] is in every one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct EncodingSet(u8);

impl EncodingSet {
    /// Only [`Encoding::Identity`].
    pub const IDENTITY: Self = Self(0);

    /// All that this build supports.
    pub fn supported() -> Self {
        Encoding::ALL.into_iter().filter(|encoding| encoding.is_supported()).collect()
    }

    /// This set and `encoding`.
    #[must_use]
    pub const fn with(self, encoding: Encoding) -> Self {
        // Identity is in every set and no bit of any: equal sets have equal bits.
        Self(self.0 | (1 << encoding as u8 & !1))
    }

    /// Whether `encoding` is in the set.
    pub const fn contains(self, encoding: Encoding) -> bool {
        matches!(encoding, Encoding::Identity) || self.0 & (1 << encoding as u8) != 0
    }

    /// The bits that a set may have.
    pub(crate) const BITS: u8 = 0b1110;

    /// The bits of the set.
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// The set of those bits; others are passed over.
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::BITS)
    }

    /// What both sets have.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Reads `grpc-accept-encoding`; names that we do not know are passed over.
    pub fn parse(value: &[u8]) -> Self {
        value
            .split(|&octet| octet == b',')
            .filter_map(|name| Encoding::from_name(name.trim_ascii()))
            .collect()
    }

    /// The value of `grpc-accept-encoding`.
    pub const fn as_str(self) -> &'static str {
        match self.0 >> 1 {
            0b000 => "identity",
            0b001 => "identity,gzip",
            0b010 => "identity,deflate",
            0b011 => "identity,gzip,deflate",
            0b100 => "identity,zstd",
            0b101 => "identity,gzip,zstd",
            0b110 => "identity,deflate,zstd",
            _ => "identity,gzip,deflate,zstd",
        }
    }

    /// Whether nothing but [`Encoding::Identity`] is in the set.
    pub const fn is_identity(self) -> bool {
        self.0 >> 1 == 0
    }
}

impl FromIterator<Encoding> for EncodingSet {
    fn from_iter<I: IntoIterator<Item = Encoding>>(encodings: I) -> Self {
        encodings.into_iter().fold(Self::IDENTITY, Self::with)
    }
}

impl fmt::Debug for EncodingSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Compresses one message by itself: no context outlives it.
///
/// # Errors
///
/// [`Code::Internal`](super::Code::Internal) for an encoding that this build does not support.
pub fn compress(encoding: Encoding, message: &[u8]) -> Result<Bytes, Status> {
    match encoding {
        Encoding::Identity => Ok(Bytes::copy_from_slice(message)),
        #[cfg(feature = "gzip")]
        Encoding::Gzip => flate::gzip(message),
        #[cfg(feature = "deflate")]
        Encoding::Deflate => flate::zlib(message),
        #[cfg(feature = "zstd")]
        Encoding::Zstd => zstd::compress(message),
        #[allow(unreachable_patterns)] // with all features on
        other => Err(unsupported(other)),
    }
}

/// Decompresses one message into at most `limit` bytes.
///
/// # Errors
///
/// [`Code::ResourceExhausted`](super::Code::ResourceExhausted) as soon as there would be more than `limit`;
/// [`Code::Internal`](super::Code::Internal) for what is broken, cut off or followed by something else, and for an
/// encoding that this build does not support.
pub fn decompress(encoding: Encoding, message: &[u8], limit: usize) -> Result<Bytes, Status> {
    match encoding {
        Encoding::Identity => Ok(Bytes::copy_from_slice(message)),
        #[cfg(feature = "gzip")]
        Encoding::Gzip => flate::gunzip(message, limit),
        #[cfg(feature = "deflate")]
        Encoding::Deflate => flate::unzlib(message, limit),
        #[cfg(feature = "zstd")]
        Encoding::Zstd => zstd::decompress(message, limit),
        #[allow(unreachable_patterns)] // with all features on
        other => {
            let _ = limit;
            Err(unsupported(other))
        }
    }
}

#[allow(dead_code)] // with all features on
fn unsupported(encoding: Encoding) -> Status {
    Status::internal(format!(
        "this build does not support the message encoding {encoding}: enable its feature"
    ))
}

#[cfg(any(feature = "gzip", feature = "deflate", feature = "zstd"))]
fn corrupt(encoding: Encoding, why: &str) -> Status {
    Status::internal(format!("a message cannot be decompressed as {encoding}: {why}"))
}

#[cfg(any(feature = "gzip", feature = "deflate", feature = "zstd"))]
fn too_long(limit: usize) -> Status {
    Status::resource_exhausted(format!(
        "a message decompresses to more than the {limit} bytes that are accepted (max_recv_message, max_decoding_message_size)"
    ))
}

#[cfg(test)]
mod tests;
