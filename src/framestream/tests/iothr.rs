// SPDX-License-Identifier: MIT OR Apache-2.0
//! A writer thread that sends frames over a Unix socket, and to a file.

mod patience;
mod receiver;

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant};

use framestream::iothr::{FrameProducer, IoThr, IoThrOptions, LinkState, Refused};
use framestream::queue::QueueModel;
use framestream::reader::{ReaderOptions, StreamReader};
use framestream::sender::SenderOptions;
use framestream::transport::{FileReceiver, FileSender, SocketSender};
use framestream::writer::{StreamWriter, WriterOptions};
use patience::wait_for;
use receiver::{accept_from, receive_from};

fn socket_writer(path: &Path) -> StreamWriter {
    let transport = SocketSender::unix(path).expect("a short path");
    StreamWriter::new(Box::new(transport), WriterOptions::default())
}

fn submit_numbers(producer: &FrameProducer<Vec<u8>>, numbers: std::ops::Range<u32>) {
    for number in numbers {
        producer.submit(number.to_be_bytes().to_vec()).expect("room");
    }
}

#[test]
fn frames_arrive_in_order_and_are_counted() {
    for model in [QueueModel::Spsc, QueueModel::Mpsc] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a socket");
        let receiving = receive_from(listener);
        let options = IoThrOptions { queue_model: model, ..IoThrOptions::default() };
        let (iothr, producers) = IoThr::start(options, socket_writer(&path)).expect("a thread");
        submit_numbers(&producers[0], 0..3000);
        assert!(iothr.close());
        let received = receiving.join().expect("the receiver");
        let expected: Vec<_> = (0..3000u32).map(|number| number.to_be_bytes().to_vec()).collect();
        assert_eq!(received, expected);
        let stats = iothr.stats();
        assert_eq!((stats.accepted, stats.written, stats.waiting), (3000, 3000, 0));
        assert_eq!((stats.connects, stats.state), (1, LinkState::Closing));
        assert!(matches!(producers[0].submit(vec![1]), Err(Refused::Closed(_))));
    }
}

#[test]
fn closing_does_not_wait_for_a_receiver_that_does_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let options = IoThrOptions {
        sender: SenderOptions { close_timeout: Duration::from_millis(300), ..Default::default() },
        ..IoThrOptions::default()
    };
    let (iothr, producers) = IoThr::start(options, socket_writer(&path)).expect("a thread");
    let stream = accept_from(&listener);
    while producers[0].submit(vec![7; 60_000]).is_ok() {}
    let start = Instant::now();
    assert!(iothr.close());
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    let stats = iothr.stats();
    assert!(stats.refused == 1 && stats.lost_closing > 0, "{stats:?}");
    assert_eq!(stats.accepted, stats.written + stats.lost_closing);
    drop(stream);
}

#[test]
fn frames_wait_for_a_receiver_that_starts_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let (iothr, producers) =
        IoThr::start(IoThrOptions::default(), socket_writer(&path)).expect("a thread");
    submit_numbers(&producers[0], 0..1000);
    wait_for(|| (iothr.stats().connect_failures > 0).then_some(()));
    let listener = UnixListener::bind(&path).expect("a socket");
    let receiving = receive_from(listener);
    assert!(iothr.close());
    assert_eq!(receiving.join().expect("the receiver").len(), 1000);
}

#[test]
fn a_written_file_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("frames");
    let mut options = WriterOptions::default();
    options.add_content_type(b"numbers").expect("short");
    let writer = StreamWriter::new(Box::new(FileSender::new(&path)), options);
    let (iothr, producers) = IoThr::start(IoThrOptions::default(), writer).expect("a thread");
    submit_numbers(&producers[0], 0..1000);
    producers[0].submit(vec![9; 1 << 20]).expect("room");
    drop(iothr);

    let mut options = ReaderOptions::default();
    options.add_content_type(b"numbers").expect("short");
    let mut reader = StreamReader::new(Box::new(FileReceiver::new(&path)), options);
    for number in 0..1000u32 {
        let frame = reader.read().expect("a frame").expect("no STOP yet");
        assert_eq!(frame, number.to_be_bytes());
    }
    assert_eq!(reader.read().expect("a frame").map(<[u8]>::len), Some(1 << 20));
    assert!(reader.read().expect("STOP").is_none());
}

#[test]
fn maximum_timeouts_do_not_overflow() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("a socket");
    let receiving = receive_from(listener);
    let mut writer_options = WriterOptions::default();
    writer_options.io_timeout = Duration::MAX;
    let transport = SocketSender::unix(&path).expect("a short path");
    let sender = SenderOptions {
        flush_timeout: Duration::MAX,
        reopen_interval: Duration::MAX,
        close_timeout: Duration::MAX,
        ..SenderOptions::default()
    };
    let options = IoThrOptions { sender, ..IoThrOptions::default() };
    let writer = StreamWriter::new(Box::new(transport), writer_options);
    let (iothr, producers) = IoThr::start(options, writer).expect("a thread");
    submit_numbers(&producers[0], 0..3);
    assert!(iothr.close());
    assert_eq!(receiving.join().expect("no panic").len(), 3);
}
