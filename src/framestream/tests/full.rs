// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file that cannot grow, as on a full disk. The limit applies to the whole process, so this test
//! program contains only one test.

mod patience;
mod receiver;
mod writer_thread;

use std::fs;
use std::path::Path;

use framestream::iothr::LinkState;
use framestream::transport::FileSender;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use patience::{PATIENCE, wait_for};
use receiver::read_file;
use writer_thread::{start, until};

/// Returns the lengths of the frames of a file that ends with STOP.
fn lengths(path: &Path) -> Vec<usize> {
    read_file(path).iter().map(Vec::len).collect()
}

#[test]
fn a_torn_frame_is_completed_before_the_file_is_rotated() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frames");
    let renamed = folder.path().join("frames.1");
    let (iothr, producer) = start(FileSender::new(&path), PATIENCE);
    until(&iothr, |stats| stats.connects == 1);

    let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("a limit");
    setrlimit(Resource::RLIMIT_FSIZE, 4096, hard).expect("a lower limit");
    for length in [100_000, 100_001] {
        producer.submit(vec![1; length]).expect("room");
    }
    let error = wait_for(|| iothr.last_error());
    assert_eq!(error, format!("{}: writing: File too large", path.display()));
    assert_eq!(iothr.stats().state, LinkState::Connected);

    fs::rename(&path, &renamed).expect("a file");
    iothr.reopen();
    until(&iothr, |stats| stats.state == LinkState::Closing);
    setrlimit(Resource::RLIMIT_FSIZE, soft, hard).expect("the previous limit");
    iothr.reopen();
    until(&iothr, |stats| stats.written == 2);
    assert!(iothr.close());
    assert_eq!((lengths(&renamed), lengths(&path)), (vec![100_000], vec![100_001]));
    let stats = iothr.stats();
    assert_eq!((stats.connects, stats.disconnects), (2, 0));
}
