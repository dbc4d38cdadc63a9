//! The server that is called: another program, for as long as we run.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A running server; ended when dropped.
pub(crate) struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts `command` and waits for it to say where it listens.
    pub(crate) fn start(command: &[String]) -> Result<Self, Box<dyn Error>> {
        let (program, arguments) = command.split_first().ok_or("usage: peer_client COMMAND...")?;
        let mut process = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let mut server = Self { process, address: String::new() };
        server.address = line
            .trim_end()
            .strip_prefix("listening on ")
            .ok_or_else(|| format!("the server said {line:?} instead of where it listens"))?
            .to_owned();
        Ok(server)
    }

    /// `ADDR:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
