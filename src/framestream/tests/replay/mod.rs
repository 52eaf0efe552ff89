// SPDX-License-Identifier: MIT OR Apache-2.0
//! Replays the corpora of the fuzz targets in the crate that includes this file.

#[path = "../../fuzz/seeds.rs"]
mod seeds;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, thread};

/// Defines a test for each fuzz target, which is named like its check, and a test that finds
/// targets without one.
macro_rules! replay {
    ($($target:ident),+) => {
        $(
            #[test]
            fn $target() {
                replay::replay(stringify!($target), checks::$target);
            }
        )+

        #[test]
        fn each_target_is_replayed() {
            replay::compare_targets(&[$(stringify!($target)),+]);
        }
    };
}

/// Runs `check` on the empty input, and on all seeds and cases of `target`.
pub(crate) fn replay(target: &str, check: impl Fn(&[u8])) {
    let file = fuzz().join("seeds").join(target).with_extension("fstrm");
    let (_, seeds) =
        seeds::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert!(!seeds.is_empty(), "{} has no frames", file.display());
    let run = |name: String, input: &[u8]| {
        let _named = NamedOnPanic(name);
        check(input);
    };
    run("the empty input".into(), b"");
    for (number, seed) in (1..).zip(&seeds) {
        run(format!("frame {number} of {}", file.display()), seed);
    }
    let cases = fuzz().join("cases").join(target);
    for case in cases.exists().then(|| files_in(&cases)).into_iter().flatten() {
        run(case.display().to_string(), &fs::read(&case).expect("a readable file"));
    }
}

/// Checks that `replayed` are the targets of the fuzz crate, and that no other target has seeds or
/// cases.
pub(crate) fn compare_targets(replayed: &[&str]) {
    let replayed = BTreeSet::from_iter(replayed.iter().map(ToString::to_string));
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest");
    let file = |line: &str| Some(line.strip_prefix("path = \"")?.strip_suffix(".rs\"")?.to_owned());
    let targets: BTreeSet<String> = manifest.lines().filter_map(file).collect();
    assert_eq!(replayed, targets, "the targets in Cargo.toml");
    for folder in ["seeds", "cases"].map(|name| fuzz().join(name)) {
        for path in files_in(&folder) {
            let target = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            assert!(targets.contains(target), "{} belongs to no target", path.display());
        }
    }
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn files_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("an entry").path())
}

/// Prints the name of an input on which a check panics.
struct NamedOnPanic(String);

impl Drop for NamedOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the check failed on {}", self.0);
        }
    }
}
