use core::time::Duration;
use std::io::{self, ErrorKind};

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What to do after `accept` has failed. No error ends a listener: those of one connection concern nobody else, and when
/// the system is out of something, it comes back.
#[derive(Debug, Default)]
pub(crate) struct AcceptErrors {
    pause: Duration,
}

/// What to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AfterError {
    /// Accept the next one.
    GoOn,
    /// Wait before.
    Pause(Duration),
}

impl AcceptErrors {
    /// A connection was accepted.
    pub(crate) fn on_success(&mut self) {
        self.pause = Duration::ZERO;
    }

    /// `accept` failed with `error`.
    pub(crate) fn on_error(&mut self, error: &io::Error) -> AfterError {
        match error.kind() {
            // The peer was gone before it was accepted.
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionRefused
            | ErrorKind::NotConnected
            | ErrorKind::BrokenPipe
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown => AfterError::GoOn,
            // Out of file descriptors, of memory, or something that nobody has thought of.
            _ => {
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                AfterError::Pause(self.pause)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_gone_holds_nobody_up_and_an_empty_system_is_given_time() {
        let mut errors = AcceptErrors::default();
        assert_eq!(errors.on_error(&ErrorKind::ConnectionReset.into()), AfterError::GoOn);
        // EMFILE
        let full = || io::Error::from_raw_os_error(24);
        let pauses: Vec<_> = (0..10).map(|_| errors.on_error(&full())).collect();
        assert_eq!(pauses[..2], [AfterError::Pause(FIRST_PAUSE), AfterError::Pause(2 * FIRST_PAUSE)]);
        assert_eq!(pauses[9], AfterError::Pause(LONGEST_PAUSE));
        errors.on_success();
        assert_eq!(errors.on_error(&full()), AfterError::Pause(FIRST_PAUSE));
    }
}
