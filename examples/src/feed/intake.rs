//! What the feed waits for: the next line, the time to try again, the wish to stop.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Line, Lines};

/// Lines, read ahead by one on a thread of their own: a wait for the next one ends also with the wish to stop. Clones are the same.
#[derive(Clone, Debug)]
pub struct Intake {
    shared: Arc<Shared>,
    /// The length of the text in bytes, when it is known.
    length: Option<u64>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: Option<io::Result<Line>>,
    ended: bool,
    stopped: bool,
}

impl Intake {
    /// The lines of a file, or of the standard input.
    ///
    /// # Errors
    /// Those of opening the file, which they name.
    pub fn open(file: Option<&Path>) -> Result<Self, String> {
        let Some(path) = file else { return Ok(Self::read(BufReader::new(io::stdin()), None)) };
        let failed = |error| format!("cannot read {}: {error}", path.display());
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        // A pipe or a device tells nothing by its length.
        let length = metadata.is_file().then_some(metadata.len());
        Ok(Self::read(BufReader::new(file), length))
    }

    /// The lines of `text`, which has `length` bytes if that is known.
    pub fn read(text: impl BufRead + Send + 'static, length: Option<u64>) -> Self {
        let shared = Arc::<Shared>::default();
        let reading = Arc::clone(&shared);
        thread::spawn(move || {
            for line in Lines::new(text) {
                let failed = line.is_err();
                if !reading.offer(line) || failed {
                    break;
                }
            }
            reading.change(|state| state.ended = true);
        });
        Self { shared, length }
    }

    /// The next line, once there is one; nothing after the last, nor after [`stop`](Self::stop).
    ///
    /// # Errors
    /// Those of the system that reads. Nothing follows them.
    pub fn next_line(&self) -> io::Result<Option<Line>> {
        let mut state = self.shared.wait_until(|state| state.stopped || state.ended || state.next.is_some());
        let line = if state.stopped { None } else { state.next.take() };
        drop(state);
        self.shared.changed.notify_all();
        line.transpose()
    }

    /// How much of the text lies before the end of `line`, in percent, when its length is known.
    pub fn percent(&self, line: &Line) -> Option<u64> {
        // A file that grew since is read to its new end.
        self.length.filter(|&length| length > 0).map(|length| (line.end * 100 / length).min(100))
    }

    /// Lets the feed end with what it is at. For a handler of signals, on whatever thread.
    pub fn stop(&self) {
        self.shared.change(|state| state.stopped = true);
    }

    /// Whether the feed is to end.
    pub fn is_stopped(&self) -> bool {
        self.shared.lock().stopped
    }

    /// Waits as long, unless the feed is to end before that. Says whether it is.
    pub fn pause(&self, duration: Duration) -> bool {
        let begun = Instant::now();
        let mut state = self.shared.lock();
        while !state.stopped {
            let Some(left) = duration.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) else {
                break;
            };
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.stopped
    }
}

impl Shared {
    /// Hands over a line once the one before is taken; not when nobody wants any more.
    fn offer(&self, line: io::Result<Line>) -> bool {
        let mut state = self.wait_until(|state| state.stopped || state.next.is_none());
        if !state.stopped {
            state.next = Some(line);
        }
        let wanted = !state.stopped;
        drop(state);
        self.changed.notify_all();
        wanted
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait_until(&self, holds: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_while(self.lock(), |state| !holds(state));
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};
    use std::sync::mpsc;

    use super::*;

    fn texts(intake: &Intake) -> Vec<String> {
        std::iter::from_fn(|| intake.next_line().unwrap()).map(|line| line.text.unwrap()).collect()
    }

    /// A text that never comes.
    struct Silence(mpsc::Receiver<()>);

    impl Read for Silence {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            // Ends with the test.
            let _ = self.0.recv();
            Ok(0)
        }
    }

    #[test]
    fn all_lines_in_order_and_then_none() {
        let text: String = (0..1_000).map(|n| format!("{n}\n")).collect();
        let intake = Intake::read(Cursor::new(text), None);
        assert_eq!(texts(&intake), (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(intake.next_line().unwrap(), None);
        assert!(!intake.is_stopped());
    }

    #[test]
    fn a_stop_ends_every_wait() {
        let (_open, end) = mpsc::channel();
        let intake = Intake::read(BufReader::new(Silence(end)), None);
        let stopper = intake.clone();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            stopper.stop();
        });
        assert_eq!(intake.next_line().unwrap(), None);
        assert!(intake.is_stopped());
        assert!(intake.pause(Duration::from_secs(3_600)));
    }

    #[test]
    fn a_pause_lasts_unless_it_is_stopped() {
        let intake = Intake::read(Cursor::new("line"), None);
        let begun = Instant::now();
        assert!(!intake.pause(Duration::from_millis(20)));
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn nothing_is_read_after_a_stop() {
        let intake = Intake::read(Cursor::new("one\ntwo\nthree\n"), None);
        assert_eq!(intake.next_line().unwrap().unwrap().number, 1);
        intake.stop();
        assert_eq!(intake.next_line().unwrap(), None);
    }

    #[test]
    fn progress_is_known_with_the_length() {
        let intake = Intake::read(Cursor::new("one\ntwo\n"), Some(8));
        let line = intake.next_line().unwrap().unwrap();
        assert_eq!(intake.percent(&line), Some(50));
        let line = intake.next_line().unwrap().unwrap();
        assert_eq!(intake.percent(&line), Some(100));
        let unknown = Intake::read(Cursor::new(""), None);
        assert_eq!(unknown.percent(&line), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Intake::open(Some(Path::new("no/such/file"))).unwrap_err();
        assert!(error.starts_with("cannot read no/such/file: "), "{error}");
    }
}
