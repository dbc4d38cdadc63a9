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

/// Memory of process `id` that is there, in KiB. Linux only.
pub(crate) fn resident_kib(id: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok());
    kib.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
