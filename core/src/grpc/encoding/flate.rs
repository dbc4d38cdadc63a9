//! gzip (RFC 1952) and zlib (RFC 1950) around DEFLATE.

use bytes::Bytes;
#[cfg(feature = "gzip")]
use flate2::Crc;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status as Progress};

use super::{Encoding, Status, corrupt, too_long};

/// What a compressed or decompressed message grows by at a time, bytes.
const STEP: usize = 16 << 10;
/// RFC 1952 §2.3: magic, DEFLATE, no flags, no time, no extra flags, unknown system.
#[cfg(feature = "gzip")]
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/// Members of one message. Each needs a fresh window, even one of 20 bytes that holds nothing: without a bound 4 MiB of
/// those keep a core busy for seconds, where no other message of that size takes more than some 20 ms.
#[cfg(feature = "gzip")]
const MAX_MEMBERS: usize = 1024;

#[cfg(feature = "deflate")]
pub(super) fn zlib(message: &[u8]) -> Result<Bytes, Status> {
    let mut out = Vec::new();
    deflate(message, true, &mut out)?;
    Ok(out.into())
}

#[cfg(feature = "gzip")]
pub(super) fn gzip(message: &[u8]) -> Result<Bytes, Status> {
    let mut out = GZIP_HEAD.to_vec();
    deflate(message, false, &mut out)?;
    let mut crc = Crc::new();
    crc.update(message);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
    Ok(out.into())
}

fn deflate(message: &[u8], zlib: bool, out: &mut Vec<u8>) -> Result<(), Status> {
    let mut compress = Compress::new(Compression::default(), zlib);
    loop {
        let read = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
        let rest = message.get(read..).unwrap_or_default();
        out.reserve((rest.len() / 2).clamp(64, STEP));
        match compress.compress_vec(rest, out, FlushCompress::Finish) {
            Ok(Progress::StreamEnd) => return Ok(()),
            Ok(Progress::Ok | Progress::BufError) => {}
            Err(error) => return Err(Status::internal(format!("a message cannot be compressed: {error}"))),
        }
    }
}

#[cfg(feature = "deflate")]
pub(super) fn unzlib(message: &[u8], limit: usize) -> Result<Bytes, Status> {
    let mut out = Vec::new();
    let read = inflate(&mut Decompress::new(true), message, limit, &mut out, Encoding::Deflate)?;
    if read == message.len() {
        Ok(out.into())
    } else {
        Err(corrupt(Encoding::Deflate, "something follows its end"))
    }
}

/// RFC 1952 §2.2: members, one after the other.
#[cfg(feature = "gzip")]
pub(super) fn gunzip(message: &[u8], limit: usize) -> Result<Bytes, Status> {
    let broken = |why| corrupt(Encoding::Gzip, why);
    let mut out = Vec::new();
    let mut rest = message;
    let mut decompress = Decompress::new(false);
    for _ in 0..MAX_MEMBERS {
        rest = skip_head(rest).ok_or_else(|| broken("its head is not that of gzip"))?;
        let before = out.len();
        let read = inflate(&mut decompress, rest, limit, &mut out, Encoding::Gzip)?;
        let mut crc = Crc::new();
        crc.update(out.get(before..).unwrap_or_default());
        let (sum, after) =
            rest.get(read..).and_then(<[u8]>::split_first_chunk).ok_or_else(|| broken("it is cut off"))?;
        let (length, after) = after.split_first_chunk().ok_or_else(|| broken("it is cut off"))?;
        if *sum != crc.sum().to_le_bytes() || *length != crc.amount().to_le_bytes() {
            return Err(broken("its checksum does not match"));
        }
        if after.is_empty() {
            return Ok(out.into());
        }
        rest = after;
        decompress.reset(false);
    }
    Err(broken("it has too many members"))
}

/// RFC 1952 §2.3: the head of a member with whatever options it has.
#[cfg(feature = "gzip")]
fn skip_head(member: &[u8]) -> Option<&[u8]> {
    const CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let (&[0x1f, 0x8b, 8, flags, ..], mut rest) = member.split_first_chunk::<10>()? else { return None };
    if flags >> 5 != 0 {
        return None;
    }
    if flags & EXTRA != 0 {
        let (length, after) = rest.split_first_chunk()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    for option in [NAME, COMMENT] {
        if flags & option != 0 {
            let end = rest.iter().position(|&octet| octet == 0)?;
            (_, rest) = rest.get(end..)?.split_first()?;
        }
    }
    if flags & CRC != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// Appends what `data` inflates to, as long as `out` stays within `limit`; answers how much of `data` that was.
fn inflate(
    decompress: &mut Decompress,
    data: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
    encoding: Encoding,
) -> Result<usize, Status> {
    loop {
        let read = usize::try_from(decompress.total_in()).unwrap_or(usize::MAX);
        let rest = data.get(read..).unwrap_or_default();
        // One byte more than allowed tells too much from just enough.
        let room = limit.saturating_add(1).saturating_sub(out.len());
        out.reserve_exact(room.min(STEP.max(out.len())));
        let before = (decompress.total_in(), out.len());
        let progress = decompress.decompress_vec(rest, out, FlushDecompress::None);
        if out.len() > limit {
            return Err(too_long(limit));
        }
        match progress {
            Ok(Progress::StreamEnd) => {
                return Ok(usize::try_from(decompress.total_in()).unwrap_or(usize::MAX));
            }
            Ok(_) if (decompress.total_in(), out.len()) == before => {
                return Err(corrupt(encoding, "it is cut off"));
            }
            Ok(_) => {}
            Err(error) => return Err(corrupt(encoding, &error.to_string())),
        }
    }
}
