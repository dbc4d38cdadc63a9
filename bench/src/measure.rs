//! What a process has used so far, as the system accounts for it.

use std::time::Duration;
use std::{fs, io, process};

/// CPU time of all threads of process `id` that are still there, user and system.
///
/// From the scheduler's own statistics: nanoseconds where `/proc/ID/stat` counts in hundredths of a second. Linux only.
pub(crate) fn cpu_time(id: u32) -> io::Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{id}/task"))? {
        let statistics = fs::read_to_string(task?.path().join("schedstat"))?;
        let nanos = statistics.split_whitespace().next().and_then(|word| word.parse().ok());
        total += Duration::from_nanos(nanos.ok_or(io::ErrorKind::InvalidData)?);
    }
    Ok(total)
}

/// [`cpu_time`] of the process that asks.
pub(crate) fn own_cpu_time() -> io::Result<Duration> {
    cpu_time(process::id())
}

/// CPU time of the children that this process has waited for, and of theirs, user and system.
///
/// In hundredths of a second. Linux only.
pub(crate) fn cpu_time_of_children() -> io::Result<Duration> {
    of_children(&fs::read_to_string("/proc/self/stat")?).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn of_children(statistics: &str) -> Option<Duration> {
    // The name of the program is in parentheses and may hold anything; what comes behind it begins with the third field.
    let (_, fields) = statistics.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(13).map(|field| field.parse::<u64>().ok());
    let hundredths = times.next()?? + times.next()??;
    Some(Duration::from_millis(hundredths * 10))
}

/// Memory of process `id` that is there, in KiB. Linux only.
pub(crate) fn resident_kib(id: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
    kib.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_of_children_are_added_whatever_the_program_is_called() {
        let text = "9 (a) b) R 4 5 6 7 8 9 10 11 12 13 14 15 1234 66 20 0 1";
        assert_eq!(of_children(text), Some(Duration::from_secs(13)));
        assert_eq!(of_children("9 (a) R 4 5 6 7 8 9 10 11 12 13 14 15 1234"), None);
    }
}
