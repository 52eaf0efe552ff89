// SPDX-License-Identifier: MIT OR Apache-2.0
//! Senders to host names, which the resolver of the system looks up, with and without a name server
//! that answers.

mod patience;
mod receiver;

use std::net::{IpAddr, Ipv6Addr, TcpListener, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use framestream::iothr::{FrameProducer, IoThr, IoThrOptions};
use framestream::sender::SenderOptions;
use framestream::transport::HostSender;
use framestream::writer::{StreamWriter, WriterOptions};
use patience::{PATIENCE, wait_for};
use receiver::{accept, receive};

fn start(
    host: &str,
    port: u16,
    io_timeout: Duration,
) -> (IoThr<Vec<u8>>, Vec<FrameProducer<Vec<u8>>>) {
    let mut options = WriterOptions::default();
    options.io_timeout = io_timeout;
    let writer = StreamWriter::new(Box::new(HostSender::new(host, port)), options);
    let sender =
        SenderOptions { reopen_interval: Duration::from_millis(100), ..SenderOptions::default() };
    IoThr::start(IoThrOptions { sender, ..IoThrOptions::default() }, writer).expect("a thread")
}

fn await_failures(iothr: &IoThr<Vec<u8>>, count: u64, mut meanwhile: impl FnMut()) {
    wait_for(|| {
        meanwhile();
        (iothr.stats().connect_failures >= count).then_some(())
    });
}

fn send_to(host: &str, listener: TcpListener) {
    let port = listener.local_addr().expect("bound").port();
    let receiving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a sender");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        accept(&mut stream);
        receive(&mut stream)
    });
    let (iothr, producers) = start(host, port, PATIENCE);
    for number in 0..1000u32 {
        producers[0].submit(number.to_be_bytes().to_vec()).expect("room");
    }
    assert!(iothr.close());
    let stats = iothr.stats();
    assert_eq!((stats.written, stats.connects, stats.connect_failures), (1000, 1, 0));
    assert_eq!(receiving.join().expect("the receiver").len(), 1000);
}

#[test]
fn localhost_is_reached_at_each_of_its_addresses() {
    send_to("localhost", TcpListener::bind("127.0.0.1:0").expect("a port"));
    let six = (Ipv6Addr::LOCALHOST, 0);
    let addresses = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 0));
    if addresses.expect("localhost").any(|address| address.ip() == IpAddr::V6(six.0)) {
        send_to("localhost", TcpListener::bind(six).expect("a port"));
    } else {
        println!("not tested over IPv6: localhost has no IPv6 address here");
    }
}

#[test]
fn a_host_may_be_a_numeric_address() {
    send_to("127.0.0.1", TcpListener::bind("127.0.0.1:0").expect("a port"));
    match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(listener) => send_to("::1", listener),
        Err(error) => println!("not tested over IPv6: {error}"),
    }
}

#[test]
fn an_unknown_name_is_an_error_and_retried() {
    let transport = Box::new(HostSender::new("nobody.invalid", 6000));
    let mut writer = StreamWriter::new(transport, WriterOptions::default());
    let error = writer.open().expect_err("no such name").to_string();
    assert!(error.starts_with("failed to lookup address"), "{error}");

    let (iothr, producers) = start("nobody.invalid", 6000, PATIENCE);
    producers[0].submit(vec![1]).expect("room");
    await_failures(&iothr, 3, || ());
    assert_eq!(iothr.stats().waiting, 1);
}

/// Returns the number of threads of this process that look up names.
fn lookups() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("threads");
    let names = tasks.map(|task| fs::read_to_string(task.expect("a thread").path().join("comm")));
    // A thread may end before its name is read.
    names.filter(|name| name.as_ref().is_ok_and(|name| name == "fstrm-lookup\n")).count()
}

#[test]
#[ignore = "needs a network namespace; run by a_silent_name_server_delays_nothing"]
fn with_a_silent_name_server() {
    let _silent = UdpSocket::bind("127.0.0.1:53").expect("the port of name servers");
    let (iothr, producers) = start("receiver.example", 6000, Duration::from_millis(50));
    producers[0].submit(vec![1]).expect("room");
    let mut peak = 0;
    await_failures(&iothr, 5, || peak = peak.max(lookups()));
    assert_eq!((peak, lookups()), (1, 1), "more than one thread for all attempts");

    let start = Instant::now();
    iothr.close();
    // The pending frame gets the close timeout, and one more attempt.
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    assert_eq!(iothr.stats().lost_closing, 1);
}

#[test]
fn a_silent_name_server_delays_nothing() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let resolver = folder.path().join("resolv.conf");
    fs::write(&resolver, "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")?;
    let unshare = |command: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "--net", "sh", "-ec", command, "sh"]);
        unshare.arg(&resolver);
        unshare
    };
    let permitted = unshare("ip link set lo up; mount --bind $1 /etc/resolv.conf").output()?;
    if !permitted.status.success() {
        println!("skipped: {}", String::from_utf8_lossy(&permitted.stderr));
        return Ok(());
    }
    let run = "ip link set lo up; mount --bind $1 /etc/resolv.conf; \
               exec $2 --ignored --exact with_a_silent_name_server --nocapture";
    let output = unshare(run).arg(std::env::current_exe()?).output()?;
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
    Ok(())
}
