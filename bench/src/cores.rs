//! The server on one core, the load on another: else they would take the time from each other that is measured.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

/// The core of the server, and that of the load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Core {
    Server = 0,
    Load = 1,
}

/// `program`, pinned to `cores` where this machine can do that.
pub(crate) fn pinned(cores: &[Core], program: impl AsRef<OsStr>) -> Command {
    if !can_pin() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    let list: Vec<_> = cores.iter().map(|core| (*core as usize).to_string()).collect();
    command.args(["--cpu-list", &list.join(",")]).arg(program);
    command
}

/// Whether [`pinned`] pins: there are two cores, and `taskset` of util-linux.
pub(crate) fn can_pin() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let there = |command: &mut Command| {
            command.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        thread::available_parallelism().is_ok_and(|cores| cores.get() > 1)
            && there(Command::new("taskset").arg("--version"))
    })
}
