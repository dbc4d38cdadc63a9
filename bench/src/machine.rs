//! On what, and with which versions, figures were made.

use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::process::Command;
use std::thread;

use crate::cores;
use crate::load::Generator;
use crate::plan::Plan;

/// Machine, versions, and the command that does it again.
pub(crate) fn described(mode: &str, plan: &Plan) -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = if plan.generator == Generator::H2load { " --load h2load" } else { "" };
    let mut text = format!(
        "`cargo run --release -p unwired-bench -- {mode} --rounds {} --seconds {}{load}`, contenders in turn; medians.\n\n\
         - machine: {}, {cores} cores, Linux {}\n- compiler: {}\n",
        plan.rounds,
        plan.length.as_secs_f64(),
        processor().unwrap_or_else(|| "unknown processor".to_owned()),
        kernel(),
        said("rustc", &["--version"]).unwrap_or_default().trim(),
    );
    let lock = include_str!("../../Cargo.lock");
    let versions: Vec<_> = ["unwired", "tonic", "h2", "hyper", "prost", "tokio"]
        .iter()
        .filter_map(|name| Some(format!("{name} {}", version(lock, name)?)))
        .collect();
    let _ = writeln!(text, "- versions: {}", versions.join(", "));
    // What else runs takes caches and turns from both sides.
    if let Some((load, _)) = fs::read_to_string("/proc/loadavg").unwrap_or_default().split_once(' ') {
        let _ = writeln!(
            text,
            "- load average when this was written: {load}, of which about one is the measurement"
        );
    }
    if let (Generator::H2load, Some(version)) = (plan.generator, said("h2load", &["--version"])) {
        let _ = writeln!(text, "- load: {}", version.trim());
    }
    if !cores::can_pin() {
        text.push_str(
            "- server and load share their cores here (one core, or no taskset): read the figures with care\n",
        );
    }
    text
}

/// The version of the kernel, without what its builder has put behind it.
fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.split(['-', '\n']).next().unwrap_or_default().to_owned()
}

fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(": ")?.1.to_owned())
}

/// What a program prints; `None` if there is none of that name.
pub(crate) fn said(program: impl AsRef<OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok()?;
    String::from_utf8(output.stdout).ok()
}

/// The version of a package in a lock file.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let after = lock.split_once(&format!("\nname = \"{name}\"\nversion = \""))?.1;
    Some(after.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_out_of_the_lock() {
        let lock = "[[package]]\nname = \"h2-more\"\nversion = \"9\"\n\n[[package]]\nname = \"h2\"\nversion = \"0.4.1\"\n";
        assert_eq!(version(lock, "h2"), Some("0.4.1"));
        assert_eq!(version(lock, "tonic"), None);
    }
}
