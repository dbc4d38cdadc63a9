//! The server under siege: where it listens, and the memory that its process takes.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::{Child, Command, Stdio};

/// A server that runs; ended when dropped if it was started here.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Its process, where that is known.
    pid: Option<u32>,
    child: Option<Child>,
}

impl Server {
    /// The one at `address`.
    pub(crate) const fn at(address: SocketAddr, pid: Option<u32>) -> Self {
        Self { address, pid, child: None }
    }

    /// Starts `command`, which says `listening on HOST:PORT`.
    ///
    /// # Errors
    /// When it cannot be started, says something else, or listens elsewhere than on the loopback.
    pub(crate) fn start(command: &[String]) -> Result<Self, String> {
        let [program, arguments @ ..] = command else {
            return Err("no command stands behind `--`: give the one that starts the server".to_owned());
        };
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        let mut line = String::new();
        let read = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        let pid = Some(child.id());
        // Owned from here on, so that it ends with every error.
        let mut server = Self { address: SocketAddr::from(([127, 0, 0, 1], 0)), pid, child: Some(child) };
        if let Some(Err(error)) = read {
            return Err(format!("cannot hear {program}: {error}"));
        }
        let said = line.trim_end().strip_prefix("listening on ");
        server.address = said
            .ok_or_else(|| format!("{program} said {line:?} instead of `listening on HOST:PORT`"))
            .and_then(loopback)?;
        Ok(server)
    }

    /// Begins to look for the most memory of the process: what it holds now, in bytes.
    ///
    /// # Errors
    /// When the process is gone or another user's.
    pub(crate) fn watch_memory(&self) -> io::Result<Option<u64>> {
        let Some(pid) = self.pid else { return Ok(None) };
        // 5 sets the peak to what is resident (proc_pid_clear_refs(5)).
        fs::write(format!("/proc/{pid}/clear_refs"), "5")?;
        memory(pid, "VmRSS:").map(Some)
    }

    /// The most memory since [`watch_memory`](Self::watch_memory), in bytes.
    ///
    /// # Errors
    /// When the process is gone.
    pub(crate) fn peak_memory(&self) -> io::Result<Option<u64>> {
        self.pid.map(|pid| memory(pid, "VmHWM:")).transpose()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may have ended by itself, and then there is nothing left to do.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// An address to attack: nobody but this machine.
///
/// # Errors
/// When it is none, or is not on the loopback.
pub(crate) fn loopback(text: &str) -> Result<SocketAddr, String> {
    let addresses: Vec<_> = text
        .to_socket_addrs()
        .map_err(|error| format!("`{text}` is no address: give HOST:PORT, as in 127.0.0.1:50051 ({error})"))?
        .collect();
    match addresses.iter().find(|address| address.ip().is_loopback()) {
        Some(&address) if addresses.iter().all(|address| address.ip().is_loopback()) => Ok(address),
        _ => Err(format!(
            "{text} is not on the loopback: only servers on 127.0.0.0/8 and ::1 of this machine are attacked"
        )),
    }
}

fn memory(pid: u32, field: &str) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
        .map(|kib| kib << 10)
        .ok_or_else(|| io::Error::other(format!("/proc/{pid}/status has no {field}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_this_machine_is_attacked() {
        for address in ["127.0.0.1:1", "127.9.9.9:80", "[::1]:50051"] {
            assert_eq!(loopback(address), Ok(address.parse().unwrap()));
        }
        for address in ["10.0.0.1:1", "0.0.0.0:1", "[::]:1", "192.0.2.1:50051", "[::ffff:192.0.2.1]:1"] {
            assert!(loopback(address).unwrap_err().contains("is not on the loopback"), "{address}");
        }
        assert!(loopback("127.0.0.1").unwrap_err().contains("is no address"));
    }
}
