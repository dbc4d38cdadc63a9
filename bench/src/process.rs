//! A contender's server as a process of its own.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use crate::contender::Contender;
use crate::cores::{self, Core};

/// What a server prints before its address, once it listens.
pub(crate) const ANNOUNCEMENT: &str = "listening on ";

/// A running server; dropped, it is killed.
pub(crate) struct Server {
    child: Child,
    addr: SocketAddr,
}

impl Server {
    /// Starts `contender` on these cores and waits until it listens.
    pub(crate) fn start(contender: &Contender, cores: &[Core]) -> Result<Self, Box<dyn Error>> {
        let mut child = cores::pinned(cores, std::env::current_exe()?)
            .args(["serve", contender.name])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        match line.trim_end().strip_prefix(ANNOUNCEMENT).map(str::parse) {
            Some(Ok(addr)) => Ok(Self { child, addr }),
            _ => {
                let _ = child.kill();
                child.wait()?;
                Err(format!("{} did not say where it listens", contender.name).into())
            }
        }
    }

    /// Where it listens.
    pub(crate) const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
