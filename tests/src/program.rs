//! A server that is another program, for as long as a test runs.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running server; ended when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts `command` and waits for it to say where it listens.
    ///
    /// # Errors
    ///
    /// Those of the system, and when it says something else.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut server = Self { process, address: String::new() };
        server.address = line
            .trim_end()
            .strip_prefix("listening on ")
            .ok_or_else(|| io::Error::other(format!("the server said {line:?} instead of where it listens")))?
            .to_owned();
        Ok(server)
    }

    /// `ADDR:PORT`, or another address as the server writes it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Tells it to stop, as a service manager does, and waits until it has ended.
    ///
    /// # Errors
    ///
    /// Those of the system, and when it did not end well.
    pub fn stop(mut self) -> io::Result<()> {
        Command::new("kill").arg(self.process.id().to_string()).status()?;
        let status = self.process.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!("the server ended with {status}")))
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
