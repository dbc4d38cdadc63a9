//! A greeter server as a crate of its own, outside of any workspace.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::compiler::{self, Spent};
use crate::contender::{OURS, TONIC};
use crate::{machine, measure};

/// The versions of all that is compiled: those that everything else is measured with.
const LOCK: &str = include_str!("../../../Cargo.lock");
const PROTO: &str = include_str!("../../../proto/proto/helloworld.proto");
/// What `Cargo.toml` has for the folder that holds our crates.
const ROOT: &str = "ROOT";

/// Where the generated code comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stubs {
    CheckedIn,
    Built,
}

impl fmt::Display for Stubs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CheckedIn => "generated code checked in",
            Self::Built => "with build.rs",
        })
    }
}

/// The texts of a contender's program.
pub(super) struct Greeter {
    pub(super) name: &'static str,
    /// `Cargo.toml` of a program whose generated code is there.
    manifest: &'static str,
    /// What [`Stubs::Built`] needs besides.
    generator: &'static str,
    /// `build.rs`.
    script: &'static str,
    needs_protoc: bool,
    /// What the script would make.
    generated: &'static str,
    /// `main.rs`.
    program: &'static str,
}

pub(super) const ALL: &[Greeter] = &[
    Greeter {
        name: OURS,
        manifest: include_str!("../../greeters/unwired.toml"),
        generator: "unwired-build = { path = \"ROOT/codegen\" }",
        script: include_str!("../../greeters/unwired_build.rs"),
        needs_protoc: false,
        generated: include_str!("../../../proto/src/generated/helloworld.rs"),
        program: include_str!("../../greeters/unwired.rs"),
    },
    Greeter {
        name: TONIC,
        manifest: include_str!("../../greeters/tonic.toml"),
        generator: "tonic-prost-build = \"0.14\"",
        script: include_str!("../../greeters/tonic_build.rs"),
        needs_protoc: true,
        generated: include_str!(concat!(env!("OUT_DIR"), "/tonic/alone/helloworld.rs")),
        program: include_str!("../../greeters/tonic.rs"),
    },
];

/// What one build came to.
pub(super) struct Built {
    wall: Duration,
    cpu: Duration,
    /// What the compiler took for each package.
    pub(super) spent: BTreeMap<String, Spent>,
    /// Octets of the program.
    size: u64,
    /// The same without symbols, where there is a `strip`.
    stripped: Option<u64>,
}

impl Built {
    /// In the order of the page's columns.
    pub(super) fn figures(&self) -> Vec<f64> {
        let kib = |octets: u64| octets as f64 / 1024.0;
        vec![
            self.wall.as_secs_f64(),
            self.cpu.as_secs_f64(),
            self.spent.len() as f64,
            kib(self.size),
            self.stripped.map_or(f64::NAN, kib),
        ]
    }
}

impl Greeter {
    /// Whether all that it needs is installed.
    pub(super) fn can_build(&self, stubs: Stubs) -> bool {
        let protoc = || std::env::var_os("PROTOC").unwrap_or_else(|| "protoc".into());
        stubs == Stubs::CheckedIn || !self.needs_protoc || machine::said(protoc(), &["--version"]).is_some()
    }

    /// Builds it in a fresh folder.
    pub(super) fn build(&self, stubs: Stubs) -> Result<Built, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let krate = folder.path();
        self.write(krate, stubs)?;
        // What the network takes is nobody's merit.
        run(cargo(krate).arg("fetch"))?;

        let ledger = krate.join("ledger");
        let mut build = cargo(krate);
        build.args(["build", "--release", "--frozen"]);
        compiler::watch(&mut build, &ledger)?;
        let (start, before) = (Instant::now(), measure::cpu_time_of_children()?);
        run(&mut build)?;
        let (wall, cpu) = (start.elapsed(), measure::cpu_time_of_children()? - before);

        let program =
            target(krate).join("release").join("greeter").with_extension(std::env::consts::EXE_EXTENSION);
        Ok(Built {
            wall,
            cpu,
            spent: compiler::spent(&ledger)?,
            size: fs::metadata(&program)?.len(),
            stripped: stripped(&program),
        })
    }

    fn write(&self, krate: &Path, stubs: Stubs) -> Result<(), Box<dyn Error>> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let mut manifest = self.manifest.to_owned();
        for folder in ["src", "proto"] {
            fs::create_dir(krate.join(folder))?;
        }
        let generated = match stubs {
            Stubs::CheckedIn => self.generated,
            Stubs::Built => {
                manifest += &format!("\n[build-dependencies]\n{}\n", self.generator);
                fs::write(krate.join("build.rs"), self.script)?;
                fs::write(krate.join("proto/helloworld.proto"), PROTO)?;
                "include!(concat!(env!(\"OUT_DIR\"), \"/helloworld.rs\"));\n"
            }
        };
        fs::write(krate.join("Cargo.toml"), manifest.replace(ROOT, root))?;
        fs::write(krate.join("Cargo.lock"), LOCK)?;
        fs::write(krate.join("src/helloworld.rs"), generated)?;
        fs::write(krate.join("src/main.rs"), self.program)?;
        Ok(())
    }
}

fn target(krate: &Path) -> PathBuf {
    krate.join("target")
}

/// Cargo as a user calls it, in the folder of a crate.
fn cargo(krate: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(krate).env("CARGO_TARGET_DIR", target(krate));
    // What was said for the build of this program is not meant for that one.
    for flags in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(flags);
    }
    cargo
}

/// Waits until it is done.
fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("cargo failed: {}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Octets of a program without its symbols.
fn stripped(program: &Path) -> Option<u64> {
    let bare = program.with_extension("stripped");
    let done =
        Command::new("strip").arg("-o").arg(&bare).arg(program).status().is_ok_and(|status| status.success());
    if done { Some(fs::metadata(bare).ok()?.len()) } else { None }
}
