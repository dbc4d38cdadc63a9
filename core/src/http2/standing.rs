//! Field sections that are always the same: judged by a test and not in every message, and their block is remembered by the
//! [`Encoder`](super::hpack::Encoder) for as long as its table does not change.

use super::field::Class;
use super::fields::{Fields, Line};

/// A section that is written down in the program.
#[derive(Debug)]
pub(crate) struct Standing {
    /// Its place among what the encoder remembers: below [`COUNT`](Self::COUNT), and no other's.
    pub(crate) place: usize,
    pub(crate) lines: &'static [Line<'static, Class>],
}

impl Standing {
    /// How many of them there may be.
    pub(crate) const COUNT: usize = 2;
    /// What each counts at most against SETTINGS_MAX_HEADER_LIST_SIZE, bytes.
    pub(crate) const MAX_SIZE: u32 = 128;

    /// The section as any other.
    pub(crate) fn fields(&self) -> Fields {
        let mut fields = Fields::new();
        for &line in self.lines {
            fields.push_line(line.tagged(line.tag.into()));
        }
        fields
    }
}
