use core::cell::Cell;
use core::mem::take;

use unwired_core::Outbox;

/// What one read takes at most, bytes.
const READ_SIZE: usize = 64 << 10;
/// What the output buffer keeps between turns, bytes.
const KEEP_OUTPUT: usize = 256 << 10;

thread_local! {
    static SPARE: Cell<Option<(Box<[u8]>, Outbox)>> = const { Cell::new(None) };
}

/// Buffers for one turn of a connection. They belong to the thread and are lent to whichever connection has its turn, so
/// that an idle connection holds none.
pub(super) struct Scratch {
    pub(super) input: Box<[u8]>,
    pub(super) output: Outbox,
}

impl Scratch {
    pub(super) fn take() -> Self {
        // A driver inside a driver, or on a thread that is ending, makes its own.
        let spare = SPARE.try_with(Cell::take).ok().flatten();
        let (input, output) = spare.unwrap_or_else(|| (vec![0; READ_SIZE].into(), Outbox::new()));
        Self { input, output }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.output.clear();
        self.output.shrink_to(KEEP_OUTPUT);
        let _ = SPARE.try_with(|spare| spare.set(Some((take(&mut self.input), take(&mut self.output)))));
    }
}
