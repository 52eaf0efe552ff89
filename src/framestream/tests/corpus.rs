// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs the checks of the fuzz targets on the corpus.

#[path = "../fuzz/checks.rs"]
mod checks;

#[path = "../../dnstap/tests/replay/mod.rs"]
mod replay;

use replay::replay;

#[test]
fn hosts_and_ports_are_put_together_again() {
    replay("address", checks::address);
}

#[test]
fn control_frames_are_encoded_again() {
    replay("control", checks::control);
}

#[test]
fn handshakes_go_the_same_way_in_pieces() {
    replay("handshake", checks::handshake);
}

#[test]
fn streams_are_read_the_same_way_in_pieces() {
    replay("reader", checks::reader);
}
