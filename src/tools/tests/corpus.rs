// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fuzzing found holds still: the corpus, with the checks of the fuzz targets.

#[path = "../fuzz/checks.rs"]
mod checks;

use std::fs;
use std::path::Path;

/// Runs `check` on each file of the corpus of `target`.
fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        // Told if the test fails.
        println!("{}", path.display());
        check(&fs::read(&path).expect("a readable file"));
        count += 1;
    }
    assert!(count > 0, "the corpus is empty");
}

#[test]
fn every_frame_is_printed() {
    replay("print", checks::print);
}

#[test]
fn every_file_is_read_to_its_end_and_continued_or_left() {
    replay("file", checks::file);
}
