// SPDX-License-Identifier: MIT OR Apache-2.0
//! The corpus of a fuzz target, in the crate that includes this file.

use std::fs;
use std::path::Path;

/// Runs `check` on each file of the corpus of `target`.
pub fn replay(target: &str, check: impl Fn(&[u8])) {
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
