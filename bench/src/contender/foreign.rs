//! gRPC of other languages: programs that `bench/peers/build` builds where their libraries are to be had.

use std::error::Error;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Announce;

/// Where the programs are built.
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/.built");
/// The greeter of Python; the interpreter with grpcio is built.
const GREETER_PY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/greeter.py");

fn cpp() -> PathBuf {
    Path::new(BUILT).join("cpp/greeter")
}

fn python() -> PathBuf {
    Path::new(BUILT).join("venv/bin/python")
}

/// Whether the greeter of C++ was built.
pub(super) fn has_cpp() -> bool {
    cpp().exists()
}

/// Whether the greeter of Python was built.
pub(super) fn has_python() -> bool {
    python().exists()
}

/// grpc++ with a completion queue and one thread.
pub(super) fn on_cpp(_: Announce<'_>) -> Result<(), Box<dyn Error>> {
    Err(becomes(Command::new(cpp())))
}

/// grpcio with asyncio.
pub(super) fn on_python(_: Announce<'_>) -> Result<(), Box<dyn Error>> {
    let mut command = Command::new(python());
    command.arg(GREETER_PY).env("PYTHONPATH", BUILT).env("PYTHONDONTWRITEBYTECODE", "1");
    Err(becomes(command))
}

/// The process goes on as that program, which tells its address itself: what it uses is counted under the same id.
fn becomes(mut command: Command) -> Box<dyn Error> {
    let error = command.exec();
    format!("{}: {error}: bench/peers/build builds it", command.get_program().display()).into()
}
