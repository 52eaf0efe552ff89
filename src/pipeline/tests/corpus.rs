// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fuzzing found holds still: the corpus, with the checks of the fuzz targets.

#[path = "../fuzz/checks.rs"]
mod checks;

#[path = "../../dnstap/tests/replay/mod.rs"]
mod replay;

use replay::replay;

#[test]
fn every_frame_is_printed() {
    replay("print", checks::print);
}

#[test]
fn every_frame_is_exported() {
    replay("export", checks::export);
}

#[test]
fn every_file_is_read_to_its_end_and_continued_or_left() {
    replay("file", checks::file);
}
