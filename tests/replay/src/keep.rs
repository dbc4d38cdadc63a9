//! Where recordings go.

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::play::play;
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
    let tapes = taken(TAPES.replace(before));
    match result {
        Ok(result) => (result, tapes),
        Err(panic) => resume_unwind(panic),
    }
}

/// Records what `run` does, and plays it to new connections. Answers how many there were.
///
/// # Panics
///
/// As `run` does, or when a connection answers its recording differently: then something steers it that is not recorded.
pub fn play_back(run: impl FnOnce()) -> usize {
    let ((), recordings) = record(run);
    for (number, (kind, recording)) in recordings.iter().enumerate() {
        if let Err(error) = play(recording) {
            panic!("connection {} of {}, a {}: {error}", number + 1, recordings.len(), kind.name());
        }
    }
    recordings.len()
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
    if let Some(folder) = folder(result.is_err()) {
        let (_, recordings) = record(|| catch_unwind(AssertUnwindSafe(&run)));
        write(&folder, name, result.is_err(), &recordings);
    }
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

/// Keeps recordings of a test as [`keep()`] does, without a second run: of the connections that this thread makes as long as
/// this lives, if `UNWIRED_RECORD` names a folder. They have the name of the thread, which is that of the test. Within
/// [`record`] or [`keep()`] it leaves them to those.
#[derive(Debug)]
pub struct Keeper {
    began: bool,
}

impl Keeper {
    /// Begins, where that is asked for.
    #[expect(clippy::new_without_default, reason = "it changes what the thread does")]
    pub fn new() -> Self {
        let began = folder(true).is_some() && TAPES.with_borrow(Option::is_none);
        if began {
            TAPES.set(Some(Vec::new()));
        }
        Self { began }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if !self.began {
            return;
        }
        let recordings = taken(TAPES.take());
        let failed = std::thread::panicking();
        if let Some(folder) = folder(failed) {
            let thread = std::thread::current();
            write(&folder, &thread.name().unwrap_or("unnamed").replace("::", "-"), failed, &recordings);
        }
    }
}

/// Where to keep the recordings of what failed or not.
fn folder(failed: bool) -> Option<PathBuf> {
    std::env::var_os("UNWIRED_RECORD")
        .filter(|_| failed || std::env::var_os("UNWIRED_RECORD_PASSING").is_some())
        .map(PathBuf::from)
}

fn taken(tapes: Option<Vec<(Kind, Tape)>>) -> Vec<(Kind, Vec<u8>)> {
    tapes.unwrap_or_default().into_iter().map(|(kind, tape)| (kind, tape.borrow().0.clone())).collect()
}

/// How many recordings have a name already, of those that passed.
static PASSED: Mutex<Option<HashMap<String, usize>>> = Mutex::new(None);

fn write(folder: &Path, name: &str, failed: bool, recordings: &[(Kind, Vec<u8>)]) {
    // What fails is run again, with less of it each time: the last is the one to keep.
    let first = if failed {
        0
    } else {
        let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
        let count = passed.get_or_insert_default().entry(name.to_owned()).or_default();
        std::mem::replace(count, *count + recordings.len())
    };
    for (number, (kind, recording)) in (first..).zip(recordings) {
        let path = folder.join(format!("{name}-{}.{}", number + 1, kind.name()));
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, recording));
        match written {
            Ok(()) => eprintln!("recorded {}", path.display()),
            // A second panic would hide the first.
            Err(error) if std::thread::panicking() => {
                eprintln!("{} cannot be written: {error}", path.display())
            }
            Err(error) => panic!("{} cannot be written: {error}", path.display()),
        }
    }
}
