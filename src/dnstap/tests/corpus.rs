// SPDX-License-Identifier: MIT OR Apache-2.0
//! What fuzzing found holds still: the corpus, with the checks of the fuzz targets.

#[path = "../fuzz/checks.rs"]
mod checks;

mod replay;

use replay::replay;

#[test]
fn what_decodes_is_encoded_again() {
    replay("decode", checks::decode);
}

#[test]
fn outputs_are_the_same_written_out() {
    replay("output", checks::output);
}

#[test]
fn every_stream_is_read_to_its_end() {
    replay("reader", checks::reader);
}
