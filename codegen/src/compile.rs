//! From .proto files to descriptors, and from those to files of Rust.

use std::path::{Path, PathBuf};
use std::{env, fs};

use prost_types::FileDescriptorSet;

use crate::Error;

/// The descriptors of some .proto files and of all that they import.
pub(crate) struct Compiled {
    /// Each file after those that it imports, with its comments.
    pub(crate) descriptors: FileDescriptorSet,
    /// The same, encoded, with the options that extend those of protobuf itself.
    pub(crate) encoded: Vec<u8>,
    /// The files on disk that were read.
    pub(crate) read: Vec<PathBuf>,
}

pub(crate) fn compile(protos: &[PathBuf], includes: &[PathBuf]) -> Result<Compiled, Error> {
    let fault = |error: protox::Error| Error::proto(&error, includes);
    for include in includes {
        if !include.is_dir() {
            let text =
                format!("the include {} is no folder, seen from {}", include.display(), here().display());
            return Err(Error::usage(text));
        }
    }
    let mut compiler = protox::Compiler::new(includes).map_err(fault)?;
    compiler.include_imports(true).include_source_info(true);
    for proto in protos {
        if !proto.is_file() && !includes.iter().any(|include| include.join(proto).is_file()) {
            let places: Vec<String> = includes.iter().map(|include| include.display().to_string()).collect();
            let text = format!(
                "there is no {}, neither in {} nor in its includes ({})",
                proto.display(),
                here().display(),
                places.join(", ")
            );
            return Err(Error::usage(text));
        }
        compiler.open_file(proto).map_err(fault)?;
    }
    Ok(Compiled {
        descriptors: compiler.file_descriptor_set(),
        encoded: compiler.encode_file_descriptor_set(),
        read: compiler.files().filter_map(|file| file.path().map(Path::to_owned)).collect(),
    })
}

/// The folder that relative paths begin at.
fn here() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

/// Writes a file unless it holds this already, so that nothing is rebuilt for its new date.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    fs::write(path, content).map_err(|error| Error::io("cannot write", path, error))
}
