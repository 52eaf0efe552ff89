// SPDX-License-Identifier: MIT OR Apache-2.0
//! Generates the module `proto`, owned types from the schema, with the feature `prost`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "prost")]
    prost();
}

#[cfg(feature = "prost")]
fn prost() {
    const FOLDER: &str = "../../proto";
    const SCHEMA: &str = "dnstap.proto";
    println!("cargo::rerun-if-changed={FOLDER}/{SCHEMA}");
    let schema = protox::compile([SCHEMA], [FOLDER]).expect("a valid schema");
    prost_build::compile_fds(schema).expect("a folder for the generated code");
}
