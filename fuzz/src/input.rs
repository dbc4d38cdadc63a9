//! Octets of the fuzzer's choice as numbers and pieces. At the end there are none.

/// The octets that are left.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn octet(&mut self) -> Option<u8> {
        let (&octet, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(octet)
    }

    /// Two octets, the high one first.
    pub(crate) fn short(&mut self) -> Option<u16> {
        let (octets, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*octets))
    }

    /// A piece behind its length in one octet, or as much of it as there is.
    pub(crate) fn piece(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.octet()?);
        let (piece, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        Some(piece)
    }
}

/// Cuts `data` into pieces of `step` octets; 0 leaves it whole.
pub(crate) fn pieces(data: &[u8], step: u8) -> impl Iterator<Item = &[u8]> {
    data.chunks(if step == 0 { data.len().max(1) } else { step.into() })
}
