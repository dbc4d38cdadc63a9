//! Listeners that were open before the process was, by the protocol of systemd's `sd_listen_fds(3)`, which other managers of
//! services speak too.

use std::env;
use std::io::{self, ErrorKind};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::SockRef;

use crate::Listener;

/// The first file descriptor that is passed on.
const FIRST: RawFd = 3;

/// A listener that was passed on to this process.
#[derive(Debug)]
pub struct Inherited {
    /// What its unit calls it (`FileDescriptorName=`); empty where it has no name.
    pub name: String,
    /// The listener.
    pub listener: Listener,
}

/// The listeners that this process was given, in order: those that `LISTEN_FDS` counts, if `LISTEN_PID` is this process, with
/// the names in `LISTEN_FDNAMES`. None where there are none, and when this is called again: they are handed out once.
///
/// The same socket may be in several processes, and in the service manager, which keeps it open over a restart: clients that
/// connect meanwhile wait, and none is turned away.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] when the variables are not what they should be, or what was passed on is not a socket that
/// listens; those of the system.
pub fn inherited() -> io::Result<Vec<Inherited>> {
    static TAKEN: AtomicBool = AtomicBool::new(false);

    let variable = |name| env::var(name).ok();
    let count = count(variable("LISTEN_PID"), variable("LISTEN_FDS"), std::process::id())?;
    if count == 0 || TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let names = variable("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':').map(str::to_owned);
    (FIRST..)
        .take(count)
        .map(|fd| Ok(Inherited { name: names.next().unwrap_or_default(), listener: take(fd)? }))
        .collect()
}

/// How many were passed on to the process `own`.
fn count(pid: Option<String>, fds: Option<String>, own: u32) -> io::Result<usize> {
    let (Some(pid), Some(fds)) = (pid, fds) else { return Ok(0) };
    let number = |name: &str, text: &str| {
        text.parse::<u32>().map_err(|_| {
            let message =
                format!("{name} is {text:?}, and not a number: unset it, or have the service manager set it");
            io::Error::new(ErrorKind::InvalidInput, message)
        })
    };
    if number("LISTEN_PID", &pid)? != own {
        // They were for a process further up, which left the variables.
        return Ok(0);
    }
    Ok(number("LISTEN_FDS", &fds)? as usize)
}

fn take(fd: RawFd) -> io::Result<Listener> {
    let refused = |error: io::Error| {
        io::Error::new(error.kind(), format!("file descriptor {fd}, which LISTEN_FDS counts: {error}"))
    };
    // SAFETY: nothing is done with it but to ask what it is. A number that is no open file descriptor gets EBADF.
    let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
    // So that programs that this one starts do not have it, and to see whether it is there.
    SockRef::from(&borrowed).set_cloexec(true).map_err(refused)?;
    // SAFETY: it is open, as was just seen. By the protocol it is this process's own from its start, and nobody else's in it:
    // `inherited` hands each out once.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    Listener::new(owned).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pid: &str, fds: &str) -> io::Result<usize> {
        count(Some(pid.to_owned()), Some(fds.to_owned()), 17)
    }

    #[test]
    fn what_is_for_another_process_is_left_alone() {
        assert_eq!(given("17", "2").unwrap(), 2);
        assert_eq!(given("16", "2").unwrap(), 0);
        assert_eq!(count(None, Some("2".to_owned()), 17).unwrap(), 0);
        assert_eq!(count(Some("17".to_owned()), None, 17).unwrap(), 0);
    }

    #[test]
    fn what_is_no_number_is_told() {
        let error = given("17", "two").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("LISTEN_FDS"), "{error}");
        assert!(given("me", "2").unwrap_err().to_string().contains("LISTEN_PID"));
    }

    #[test]
    fn a_number_that_is_not_open_is_told() {
        let error = take(1_000_000).unwrap_err();
        assert!(error.to_string().contains("file descriptor 1000000"), "{error}");
    }
}
