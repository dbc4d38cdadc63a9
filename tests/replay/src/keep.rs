//! Where recordings go.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use crate::recorder::{Kind, Tape};

thread_local! {
    /// The connections that are being recorded, while any are to be.
    static TAPES: RefCell<Option<Vec<(Kind, Tape)>>> = const { RefCell::new(None) };
}

/// A new tape, if connections of this thread are to be recorded now.
pub(crate) fn tape(kind: Kind) -> Option<Tape> {
    TAPES.with_borrow_mut(|tapes| {
        let tape = Tape::default();
        tapes.as_mut()?.push((kind, Tape::clone(&tape)));
        Some(tape)
    })
}

/// Runs `run` and records the connections that it makes, in the order in which it makes them. A recording is whole when
/// its connection was dropped.
pub fn record<R>(run: impl FnOnce() -> R) -> (R, Vec<(Kind, Vec<u8>)>) {
    let before = TAPES.replace(Some(Vec::new()));
    // Nothing of this outlives a panic but the tapes, and those are put back.
    let result = catch_unwind(AssertUnwindSafe(run));
    let tapes = TAPES.replace(before).unwrap_or_default();
    let tapes = tapes.into_iter().map(|(kind, tape)| (kind, tape.borrow().0.clone())).collect();
    match result {
        Ok(result) => (result, tapes),
        Err(panic) => resume_unwind(panic),
    }
}

/// Runs `run`, which has to do the same each time. If it panics and `UNWIRED_RECORD` names a folder, `run` runs once
/// more, to leave there the recording of each connection: `NAME-1.client`, `NAME-2.server` and so on. With
/// `UNWIRED_RECORD_PASSING` set, so it does if all is well.
///
/// # Panics
///
/// As `run` does, or when the recordings cannot be written.
pub fn keep(name: &str, run: impl Fn()) {
    let result = catch_unwind(AssertUnwindSafe(&run));
    let folder = std::env::var_os("UNWIRED_RECORD").map(PathBuf::from);
    if let Some(folder) =
        folder.filter(|_| result.is_err() || std::env::var_os("UNWIRED_RECORD_PASSING").is_some())
    {
        let (_, recordings) = record(|| catch_unwind(AssertUnwindSafe(&run)));
        for (number, (kind, recording)) in recordings.iter().enumerate() {
            write(&folder, &format!("{name}-{}.{}", number + 1, kind.name()), recording);
        }
    }
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

fn write(folder: &Path, name: &str, recording: &[u8]) {
    let path = folder.join(name);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, recording));
    match written {
        Ok(()) => eprintln!("recorded {}", path.display()),
        Err(error) => panic!("{} cannot be written: {error}", path.display()),
    }
}
