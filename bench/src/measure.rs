//! What a process has used so far, as the system accounts for it.

use std::time::Duration;
use std::{fs, io};

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
