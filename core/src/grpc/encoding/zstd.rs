//! zstd (RFC 8878).

use bytes::Bytes;
use zstd_safe::{CCtx, DCtx, DParameter, InBuffer, OutBuffer};

use super::{Encoding, Status, corrupt, too_long};

/// What a decompressed message grows by at a time, bytes.
const STEP: usize = 16 << 10;
/// A frame that asks for a window over 8 MiB (2^23) is refused: the window is memory taken before anything is
/// decompressed, and RFC 8878 §3.1.1.1.2 lets a decoder stop there.
const WINDOW_LOG_MAX: u32 = 23;

pub(super) fn compress(message: &[u8]) -> Result<Bytes, Status> {
    let mut out = Vec::with_capacity(zstd_safe::compress_bound(message.len()));
    CCtx::create().compress(&mut out, message, zstd_safe::CLEVEL_DEFAULT).map_err(|code| {
        Status::internal(format!("a message cannot be compressed: {}", zstd_safe::get_error_name(code)))
    })?;
    Ok(out.into())
}

pub(super) fn decompress(message: &[u8], limit: usize) -> Result<Bytes, Status> {
    let broken = |code| corrupt(Encoding::Zstd, zstd_safe::get_error_name(code));
    let mut context = DCtx::create();
    context.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX)).map_err(broken)?;
    let mut out = Vec::new();
    let mut input = InBuffer::around(message);
    loop {
        // One byte more than allowed tells too much from just enough.
        let room = limit.saturating_add(1).saturating_sub(out.len());
        out.reserve_exact(room.min(STEP.max(out.len())));
        let before = (input.pos(), out.len());
        let start = out.len();
        let hint = context
            .decompress_stream(&mut OutBuffer::around_pos(&mut out, start), &mut input)
            .map_err(broken)?;
        if out.len() > limit {
            return Err(too_long(limit));
        }
        // A hint of zero is the end of a frame; another may follow.
        if hint == 0 && input.pos() == message.len() {
            return Ok(out.into());
        }
        if (input.pos(), out.len()) == before {
            return Err(corrupt(Encoding::Zstd, "it is cut off"));
        }
    }
}
