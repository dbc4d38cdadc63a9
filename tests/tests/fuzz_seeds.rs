//! Every input that a fuzzer starts from or once failed on (`fuzz/seeds`), run again without a fuzzer.

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod targets;

use std::fs;
use std::path::Path;

use unwired_replay::{keep, play_back};

#[test]
fn every_seed_of_every_target_holds() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
    for (name, run) in targets::TARGETS {
        let folder =
            fs::read_dir(seeds.join(name)).unwrap_or_else(|error| panic!("seeds of {name}: {error}"));
        let mut inputs: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        assert!(!inputs.is_empty(), "{name} has no seeds");
        inputs.sort();
        for input in inputs {
            println!("{}", input.display());
            let octets = fs::read(&input).expect("a seed");
            let seed = input.file_name().unwrap_or_default().to_string_lossy();
            keep(&format!("{name}-{seed}"), || run(&octets));
            play_back(|| run(&octets));
        }
    }
}

/// Each folder of seeds belongs to a target, and each target has its program.
#[test]
fn targets_seeds_and_programs_have_the_same_names() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let names = |folder: &str| {
        let entries = fs::read_dir(fuzz.join(folder)).expect("a folder");
        let stem =
            |entry: fs::DirEntry| entry.path().file_stem().expect("a name").to_string_lossy().into_owned();
        let mut names: Vec<_> = entries.map(|entry| stem(entry.expect("an entry"))).collect();
        names.sort();
        names
    };
    let targets: Vec<_> = targets::TARGETS.iter().map(|&(name, _)| name.to_owned()).collect();
    assert_eq!((names("seeds"), names("fuzz_targets")), (targets.clone(), targets));
}
