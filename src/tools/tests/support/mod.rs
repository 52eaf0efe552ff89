// SPDX-License-Identifier: MIT OR Apache-2.0
//! Helpers of the tests: running our programs and Debian's, and speaking Frame Streams by hand.

// Each test program uses a part of it.
#![allow(dead_code)]

pub(crate) mod events;
pub(crate) mod held_address;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use framestream::control::{ControlFrame, ControlType, Header};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Deadline of every wait, also on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) const TYPE: &str = "protobuf:dnstap.Dnstap";

pub(crate) const CAPTURE: &str = env!("CARGO_BIN_EXE_fstrm_capture");
pub(crate) const DUMP: &str = env!("CARGO_BIN_EXE_fstrm_dump");
pub(crate) const REPLAY: &str = env!("CARGO_BIN_EXE_fstrm_replay");
pub(crate) const DNSTAP: &str = env!("CARGO_BIN_EXE_dnstap");

/// Sends the signal of this name, such as `TERM`. Not every system has the program `kill`.
pub(crate) fn signal(child: &Child, name: &str) {
    let id = Pid::from_raw(child.id().try_into().unwrap());
    kill(id, format!("SIG{name}").parse::<Signal>().unwrap()).unwrap();
}

/// Returns the path of a program of the Debian package `package`.
pub(crate) fn debian(program: &str, package: &str) -> String {
    let path = format!("/usr/bin/{program}");
    assert!(Path::new(&path).exists(), "{path} is missing: apt-get install {package}");
    path
}

/// Returns the path of one of fstrm's own programs.
pub(crate) fn c(program: &str) -> String {
    debian(program, "fstrm-bin")
}

/// Polls a condition for which there is no event to wait for, until it is true.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < until, "the condition did not become true");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Returns the address of the metrics whose URL is in `line`.
pub(crate) fn metrics_address(line: &str) -> &str {
    line.split("http://").nth(1).unwrap().strip_suffix("/metrics").unwrap()
}

/// Fetches the metrics from the URL in `line`.
pub(crate) fn metrics(line: &str) -> String {
    http(metrics_address(line), "GET /metrics")
}

/// Sends a request, such as `GET /`, and returns the response.
pub(crate) fn http(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    answer
}

/// Encodes a control frame with its header.
pub(crate) fn control(control_type: ControlType, content_type: Option<&str>) -> Vec<u8> {
    let content_type = content_type.map(str::as_bytes);
    ControlFrame::new(control_type, content_type).encode(Header::With).unwrap()
}

/// Encodes a data frame.
pub(crate) fn data(payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap();
    [&length.to_be_bytes(), payload].concat()
}

/// Encodes a complete capture file.
pub(crate) fn recording(payloads: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<u8> {
    let mut file = control(ControlType::Start, Some(TYPE));
    for payload in payloads {
        file.extend(data(payload));
    }
    file.extend(control(ControlType::Stop, None));
    file
}

/// Returns payloads of many sizes, with all byte values.
pub(crate) fn payloads(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| (0..1 + index * 7 % 500).map(|at| (index + at) as u8).collect())
        .collect()
}

/// Returns the payloads in a complete capture file as Debian's program prints them.
pub(crate) fn dumped(file: &Path) -> String {
    let output = Command::new(c("fstrm_dump")).arg(file).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}: {notes}", file.display());
    // The program reports a STOP at the end of any file.
    let stopped = fs::read(file).unwrap().ends_with(&control(ControlType::Stop, None));
    assert!(stopped, "{} has no STOP", file.display());
    String::from_utf8(output.stdout).unwrap()
}

/// Returns `payloads` as fstrm prints them.
pub(crate) fn quoted(payloads: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let line = |payload: &[u8]| format!(" {}\n", printable::quoted::quoted(payload));
    payloads.into_iter().map(|payload| line(payload.as_ref())).collect()
}

/// Checks that the capture file `file` is complete and contains `payloads`.
pub(crate) fn assert_holds(file: &Path, payloads: impl IntoIterator<Item = impl AsRef<[u8]>>) {
    let (found, expected) = (dumped(file), quoted(payloads));
    let pairs = found.lines().zip(expected.lines());
    for (number, (found, expected)) in pairs.enumerate() {
        assert_eq!(found, expected, "frame {number}");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "frames");
}

/// Runs a program to its end.
pub(crate) fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Output {
    let running =
        Running::start(Command::new(program.as_ref()).args(arguments).stdout(Stdio::piped()));
    running.output()
}

/// Returns the number before ` what` in the last line that has one.
pub(crate) fn number_before(lines: &[String], what: &str) -> usize {
    let what = format!(" {what}");
    let line = lines.iter().rfind(|line| line.contains(&what));
    let line = line.unwrap_or_else(|| panic!("no {what:?} in {lines:#?}"));
    let front = line.split(&what).next().unwrap();
    front.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

/// Checks that one of `lines` contains `part`.
pub(crate) fn assert_line(lines: &[String], part: &str) {
    assert!(lines.iter().any(|line| line.contains(part)), "no line with {part:?} in {lines:#?}");
}

/// Checks that a program exits with `status`, and that its standard error contains `reason`.
pub(crate) fn assert_fails(program: &str, arguments: &[&str], status: i32, reason: &str) {
    let output = run(program, arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(status), "{error}");
    assert!(error.contains(reason), "{error}");
}

/// Returns a program under a limit of the shell's `ulimit`. A limit on the size of files, in blocks of
/// 512 bytes, stands for a full disk.
pub(crate) fn limited(limit: &str, program: &str) -> Command {
    let mut command = Command::new("/bin/dash");
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\""), program]);
    command
}

/// Returns the names in a directory, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| name(entry).into_string().unwrap()).collect();
    names.sort();
    names
}

/// A running program and the lines of its standard error.
pub(crate) struct Running {
    pub child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stderr.split(b'\n') {
                let line = String::from_utf8_lossy(&line.unwrap()).into_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// Starts `dnstap` without a standard output.
    pub(crate) fn dnstap(arguments: &[&str]) -> Self {
        Self::start(Command::new(DNSTAP).args(arguments).stdout(Stdio::null()))
    }

    /// Starts our capture, and returns once it listens.
    pub(crate) fn capture(arguments: &[&str]) -> Self {
        let mut command = Command::new(CAPTURE);
        // Its commands may outlive the test, and would keep the test's standard output open.
        command.args(["-t", TYPE]).args(arguments).stdout(Stdio::null());
        let mut capture = Self::start(&mut command);
        capture.line("opened output file");
        capture
    }

    /// Starts our capture with a pipe as its output, and returns once it listens.
    pub(crate) fn capture_to_pipe(socket: &str) -> Self {
        let mut command = Command::new(CAPTURE);
        command.args(["-t", TYPE, "-u", socket, "-w", "-"]).stdout(Stdio::piped());
        let mut capture = Self::start(&mut command);
        capture.line("opened output file -");
        capture
    }

    /// Starts Debian's capture, and returns once it listens.
    pub(crate) fn c_capture(socket: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(c("fstrm_capture"));
        let mut capture = Self::start(command.args(["-t", TYPE, "-u"]).arg(socket).args(arguments));
        capture.line("opened output file");
        // It listens some time after its last line, without a message.
        let until = Instant::now() + DEADLINE;
        while UnixStream::connect(socket).is_err() {
            assert!(Instant::now() < until, "{:?}", capture.seen);
            thread::sleep(Duration::from_millis(5));
        }
        capture
    }

    /// Waits for the next line that contains `part`, and returns it.
    pub(crate) fn line(&mut self, part: &str) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.see(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(error) => panic!("no line with {part:?} ({error}) in {:#?}", self.seen),
            }
        }
    }

    /// Keeps a line. Messages must not contain the number of a system error.
    fn see(&mut self, line: String) {
        assert!(!line.contains("(os error"), "{line}");
        self.seen.push(line);
    }

    fn see_new(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.see(line);
        }
    }

    /// Returns whether a line so far contains `part`.
    pub(crate) fn has_line(&mut self, part: &str) -> bool {
        self.see_new();
        self.seen.iter().any(|line| line.contains(part))
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for the end, and returns the status and the lines so far, even if other processes keep the
    /// standard error open.
    pub(crate) fn end_without_children(mut self) -> (ExitStatus, Vec<String>) {
        let until = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "the program does not end: {:#?}", self.seen);
            thread::sleep(Duration::from_millis(5));
        };
        self.see_new();
        (status, std::mem::take(&mut self.seen))
    }

    /// Waits for the end, and returns the exit status and all lines.
    pub(crate) fn end(mut self) -> (ExitStatus, Vec<String>) {
        let until = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.see(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    panic!("the program does not end: {:#?}", self.seen);
                }
            }
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.seen))
    }

    /// Waits for the end, checks the exit status, and returns all lines.
    pub(crate) fn end_with(self, expected: i32) -> Vec<String> {
        let (status, lines) = self.end();
        assert_eq!(status.code(), Some(expected), "{lines:#?}");
        lines
    }

    /// Stops the program with SIGTERM, checks that it succeeds, and returns all lines.
    pub(crate) fn stop(self) -> Vec<String> {
        self.signal("TERM");
        let (status, lines) = self.end();
        assert!(status.success(), "{status}: {lines:#?}");
        lines
    }

    /// Waits for the end of a program with a piped standard output, and returns all output.
    pub(crate) fn output(mut self) -> Output {
        let mut stdout = self.child.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let mut bytes = Vec::new();
            stdout.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let (status, lines) = self.end();
        let stderr = lines.into_iter().map(|line| line + "\n").collect::<String>().into();
        Output { status, stdout: reader.join().unwrap(), stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only a failed test leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns whether the two statuses are the same to a shell.
pub(crate) fn same_status(one: ExitStatus, other: ExitStatus) -> bool {
    (one.code(), one.signal()) == (other.code(), other.signal())
}

/// A sender that is scripted frame by frame.
pub(crate) struct Peer(pub UnixStream);

impl Peer {
    pub(crate) fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self(stream)
    }

    /// Connects and goes through READY, ACCEPT and START.
    pub(crate) fn open(socket: &Path) -> Self {
        let mut peer = Self::connect(socket);
        peer.send(control(ControlType::Ready, Some(TYPE)));
        peer.expect(&control(ControlType::Accept, Some(TYPE)));
        peer.send(control(ControlType::Start, Some(TYPE)));
        peer
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends `bytes` repeatedly until the peer closes. A program that forwards them to a pipe without a
    /// reader may accept several: a child that another test is starting keeps the pipe open for a moment.
    pub(crate) fn send_on(mut self, bytes: Vec<u8>) {
        thread::spawn(move || {
            while self.0.write_all(&bytes).is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
    }

    pub(crate) fn expect(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.0.read_exact(&mut got).unwrap();
        assert_eq!(got, bytes);
    }

    /// Goes through STOP and FINISH, and checks that the receiver closes.
    pub(crate) fn close(mut self) {
        self.send(control(ControlType::Stop, None));
        self.expect(&control(ControlType::Finish, None));
        self.expect_end();
    }

    /// Waits until the receiver closes, and returns its last bytes.
    pub(crate) fn expect_end(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => (),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => (),
            Err(error) => panic!("the receiver does not close: {error}"),
        }
        rest
    }
}

/// A temporary directory of one test, with a path for a socket.
pub(crate) struct Place {
    pub directory: tempfile::TempDir,
    pub socket: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        Self { directory, socket }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts our capture from the socket to the file `out`, with `more` options, and returns once it
    /// listens.
    pub(crate) fn capture(&self, more: &[&str]) -> Running {
        let (socket, out) = (self.argument("socket"), self.argument("out"));
        Running::capture(&[&["-u", &socket, "-w", &out], more].concat())
    }

    /// Starts `dnstap` from the socket, with `more` options, and returns once it listens.
    pub(crate) fn dnstap(&self, more: &[&str]) -> Running {
        let mut running = Running::dnstap(&[&["-u", &self.argument("socket")], more].concat());
        running.line("opened input socket");
        running
    }

    /// Sends `payloads` to the socket as one stream.
    pub(crate) fn send(&self, payloads: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        let mut peer = Peer::open(&self.socket);
        for payload in payloads {
            peer.send(data(payload));
        }
        peer.close();
    }

    /// Returns a path as an argument.
    pub(crate) fn argument(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }

    /// Creates a named pipe, and returns its path.
    pub(crate) fn pipe(&self, name: &str) -> String {
        let name = self.argument(name);
        assert!(Command::new("mkfifo").arg(&name).status().unwrap().success());
        name
    }

    /// Creates a file with this content, and returns its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.argument(name)
    }
}
