//! Header blocks of any kind, one after the other in one table.
//!
//! However a block is cut into fragments, it gives the same fields, the same verdict and the same table. What it gives
//! stays within the limits. And what was decoded survives our own encoder.
//!
//! Input: the length of fragments (0: whole blocks), then blocks, each behind its length in two octets.

use unwired_core::http2::Fields;
use unwired_core::http2::hpack::{Decoder, DecoderLimits, Encoder, Error, Progress};

const LIMITS: DecoderLimits = DecoderLimits { list_size: 4096, fields: 64, decoded: 8192, block_wire: 4096 };

/// Runs one input.
pub fn run(data: &[u8]) {
    let Some((&step, mut rest)) = data.split_first() else { return };
    let mut whole = Decoder::new(LIMITS);
    let mut cut = Decoder::new(LIMITS);
    let mut encoder = Encoder::new(4096);
    let mut back = Decoder::new(LIMITS);
    while let Some((block, tail)) = next_block(rest) {
        rest = tail;
        let (mut fields, mut pieces) = (Fields::new(), Fields::new());
        let verdict = whole.decode(block, true, &mut fields);
        let in_pieces = decode_cut(&mut cut, block, step.into(), &mut pieces);
        // Which of two faults is met first may depend on the fragments; whether there is one may not.
        assert_eq!(in_pieces.ok(), verdict.ok(), "fragments change the verdict");
        let Ok(progress) = verdict else { return };
        assert_eq!(fields, pieces, "fragments change the fields");
        assert_eq!(whole.table_digest(), cut.table_digest(), "fragments change the table");
        assert!(fields.list_size() <= LIMITS.list_size && fields.len() <= LIMITS.fields, "beyond the limits");
        assert_ne!(progress, Progress::Partial, "a whole block is never partial");

        let (mut encoded, mut again) = (Vec::new(), Fields::new());
        encoder.encode(&fields, &mut encoded);
        if encoded.len() > LIMITS.block_wire {
            return;
        }
        assert_eq!(
            back.decode(&encoded, true, &mut again),
            Ok(Progress::Complete),
            "our own block is refused"
        );
        assert!(
            fields.iter().zip(&again).all(|(sent, came)| came.sensitive || !sent.sensitive),
            "a secret told"
        );
        assert_eq!(lines(&fields), lines(&again), "our own block gives other fields");
        assert_eq!(encoder.table_digest(), back.table_digest(), "our own ends disagree");
    }
}

/// Names and values: our encoder takes more for secret than it is told.
fn lines(fields: &Fields) -> Vec<(&[u8], &[u8])> {
    fields.iter().map(|field| (field.name, field.value)).collect()
}

fn next_block(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk()?;
    Some(rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len())))
}

fn decode_cut(decoder: &mut Decoder, block: &[u8], step: usize, out: &mut Fields) -> Result<Progress, Error> {
    if step == 0 || block.is_empty() {
        return decoder.decode(block, true, out);
    }
    let mut fragments = block.chunks(step).peekable();
    let mut progress = Progress::Partial;
    while let Some(fragment) = fragments.next() {
        progress = decoder.decode(fragment, fragments.peek().is_none(), out)?;
    }
    Ok(progress)
}
