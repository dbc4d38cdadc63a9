//! The compiler, with a look at the clock before and after: cargo runs this program in its place.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::iter::Sum;
use std::ops::{Add, Sub};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use crate::measure;

/// The variable that names the file where it is written what was compiled.
const LEDGER: &str = "UNWIRED_BENCH_LEDGER";

/// Time of the compiler and of the linker that it starts; parallel runs are added up.
#[derive(Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
}

impl Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { cpu: self.cpu + other.cpu, wall: self.wall + other.wall }
    }
}

impl Sub for Spent {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(other.cpu), wall: self.wall.saturating_sub(other.wall) }
    }
}

impl Sum for Spent {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

/// Lets `cargo` write into `ledger` what each package takes.
pub(super) fn watch(cargo: &mut Command, ledger: &Path) -> io::Result<()> {
    cargo.env(LEDGER, ledger).env("RUSTC_WRAPPER", std::env::current_exe()?);
    // Cargo sets it for this program, and for what it compiles; but when it asks the compiler for its version, nobody would have.
    cargo.env_remove("CARGO_PKG_NAME");
    Ok(())
}

/// Compiles what cargo has asked this program to compile.
///
/// `None` unless it was started in the place of the compiler.
pub(crate) fn stand_in() -> Option<Result<ExitCode, Box<dyn Error>>> {
    Some(compile(&std::env::var_os(LEDGER)?))
}

/// Runs the compiler that the arguments name.
fn compile(ledger: &OsString) -> Result<ExitCode, Box<dyn Error>> {
    let mut args = std::env::args_os().skip(1);
    let compiler = args.next().ok_or("cargo has not said which compiler")?;
    let start = Instant::now();
    let status = Command::new(compiler).args(args).status()?;
    let wall = start.elapsed();
    if let (Ok(name), Ok(version)) = (std::env::var("CARGO_PKG_NAME"), std::env::var("CARGO_PKG_VERSION")) {
        let cpu = measure::cpu_time_of_children()?;
        let line = format!("{name} {version}\t{}\t{}\n", cpu.as_micros(), wall.as_micros());
        // In one piece: others write too.
        OpenOptions::new().create(true).append(true).open(ledger)?.write_all(line.as_bytes())?;
    }
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)))
}

/// What each package took, by name and version: its build script is a part of it.
pub(super) fn spent(ledger: &Path) -> Result<BTreeMap<String, Spent>, Box<dyn Error>> {
    let mut packages = BTreeMap::new();
    for line in fs::read_to_string(ledger)?.lines() {
        let [package, cpu, wall] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("not what the compiler took: {line}").into());
        };
        let micros = |text: &str| text.parse().map(Duration::from_micros);
        let entry: &mut Spent = packages.entry(package.to_owned()).or_default();
        *entry = *entry + Spent { cpu: micros(cpu)?, wall: micros(wall)? };
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_and_its_build_script_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger");
        fs::write(&ledger, "syn 2.0.1\t10\t20\nlibc 0.2.1\t1\t2\nsyn 2.0.1\t30\t40\nsyn 3.0.0\t5\t5\n")
            .unwrap();
        let packages = spent(&ledger).unwrap();
        assert_eq!(packages.keys().collect::<Vec<_>>(), ["libc 0.2.1", "syn 2.0.1", "syn 3.0.0"]);
        let syn = packages["syn 2.0.1"];
        assert_eq!((syn.cpu.as_micros(), syn.wall.as_micros()), (40, 60));
    }
}
