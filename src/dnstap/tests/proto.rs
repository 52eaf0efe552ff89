// SPDX-License-Identifier: MIT OR Apache-2.0
//! `proto/dnstap.rs` is the code that prost generates from the schema. To write it again:
//!
//! UPDATE_PROTO=1 cargo test -p libdnstap --test proto

use std::path::Path;
use std::{env, fs};

#[test]
fn the_types_for_prost_are_generated_from_the_schema() {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = crate_folder.join("proto/dnstap.rs");
    let folder = tempfile::tempdir().expect("a folder");
    let schema = protox::compile(["dnstap.proto"], [crate_folder]).expect("a valid schema");
    let mut config = prost_build::Config::new();
    config.out_dir(folder.path()).compile_fds(schema).expect("generated code");
    let generated = fs::read_to_string(folder.path().join("dnstap.rs")).expect("generated code");
    if env::var_os("UPDATE_PROTO").is_some() {
        fs::write(&committed, &generated).expect("the file in the source tree");
    }
    let current = fs::read_to_string(&committed).unwrap_or_default();
    assert!(current == generated, "{} is outdated: UPDATE_PROTO=1 writes it", committed.display());
}
