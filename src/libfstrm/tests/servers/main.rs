// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's unmodified servers and tools on the installed library, and a producer whose receiver
//! stops, dies and comes back. Every message is accounted for.
//!
//! ```text
//! make stage
//! STAGE=$PWD/target/stage cargo test -p libfstrm --test servers -- --ignored
//! ```
//!
//! Needs cc, pkg-config, and the packages knot, knot-module-dnstap, knot-dnsutils, bind9,
//! golang-github-dnstap-golang-dnstap-cli and dnstap-ldns. Does not need root.

mod bind;
mod capture;
mod dns;
mod endpoint;
mod kdig;
mod knot;
mod outages;
mod process;
mod producer;
mod readers;
mod receiver;
mod stage;
mod stream;
