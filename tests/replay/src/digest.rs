use std::fmt;
use std::io::IoSlice;

use bytes::Buf;
use unwired_core::Outbox;

/// All that a connection has answered so far as one number (FNV-1a): it differs from the first difference on.
#[derive(Clone, Copy)]
pub(crate) struct Digest(pub(crate) u64);

impl Digest {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        for &octet in octets {
            self.0 = (self.0 ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.octets(&number.to_be_bytes());
    }

    pub(crate) fn flag(&mut self, flag: bool) {
        self.octets(&[u8::from(flag)]);
    }

    pub(crate) fn debug(&mut self, value: &impl fmt::Debug) {
        // Writing to a number never fails.
        let _ = fmt::Write::write_fmt(self, format_args!("{value:?}"));
    }

    /// What has come to `out` behind the first `before` octets.
    pub(crate) fn output(&mut self, out: &Outbox, mut before: usize) {
        self.number((out.len() - before) as u64);
        let mut slices = vec![IoSlice::new(&[]); 16];
        let mut filled = out.chunks_vectored(&mut slices);
        while filled == slices.len() {
            slices = vec![IoSlice::new(&[]); filled * 2];
            filled = out.chunks_vectored(&mut slices);
        }
        for slice in &slices[..filled] {
            let passed = before.min(slice.len());
            before -= passed;
            self.octets(&slice[passed..]);
        }
    }
}

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.octets(text.as_bytes());
        Ok(())
    }
}
