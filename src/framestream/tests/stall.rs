// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine that is suspended for a moment while a writer thread closes. The whole process is
//! stopped, so this test program contains only one test.

use std::os::unix::net::UnixListener;
use std::process::{self, Command};
use std::time::Duration;

use framestream::iothr::{IoThr, IoThrOptions};
use framestream::sender::SenderOptions;
use framestream::transport::SocketSender;
use framestream::writer::{StreamWriter, WriterOptions};

#[test]
fn a_writer_thread_ends_even_if_it_was_suspended_at_its_deadline() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    // The kernel accepts connections into the backlog, but there are no answers.
    let _listener = UnixListener::bind(&path).expect("a socket");
    let close_timeout = Duration::from_millis(300);
    for _ in 0..5 {
        let options = IoThrOptions {
            sender: SenderOptions { close_timeout, ..Default::default() },
            ..IoThrOptions::default()
        };
        let transport = SocketSender::unix(&path).expect("a short path");
        let writer = StreamWriter::new(Box::new(transport), WriterOptions::default());
        let (iothr, producers) = IoThr::start(options, writer).expect("a thread");
        producers[0].submit(vec![1]).expect("room");
        let mut stall = Command::new("sh");
        stall.args(["-c", "kill -STOP $0; sleep 1; kill -CONT $0", &process::id().to_string()]);
        let mut stall = stall.spawn().expect("a shell");
        assert!(iothr.close());
        assert!(stall.wait().expect("a shell").success());
        assert_eq!(iothr.stats().lost_closing, 1);
    }
}
