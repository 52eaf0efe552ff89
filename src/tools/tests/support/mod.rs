// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the tests of the programs share: running ours and Debian's, and speaking Frame Streams by
//! hand.

// Each test program uses its own part of this.
#![allow(dead_code)]

pub mod events;
pub mod held_address;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use framestream::control::{ControlFrame, ControlType, Header};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take, on a machine that does much else.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub const TYPE: &str = "protobuf:dnstap.Dnstap";

pub const CAPTURE: &str = env!("CARGO_BIN_EXE_fstrm_capture");
pub const DUMP: &str = env!("CARGO_BIN_EXE_fstrm_dump");
pub const REPLAY: &str = env!("CARGO_BIN_EXE_fstrm_replay");
pub const DNSTAP: &str = env!("CARGO_BIN_EXE_dnstap");

/// Sends the signal of that name, as in `TERM`. The program `kill` is not there on every system.
pub fn signal(child: &Child, name: &str) {
    let id = Pid::from_raw(child.id().try_into().unwrap());
    kill(id, format!("SIG{name}").parse::<Signal>().unwrap()).unwrap();
}

/// A program of the Debian package `package`.
pub fn debian(program: &str, package: &str) -> String {
    let path = format!("/usr/bin/{program}");
    assert!(Path::new(&path).exists(), "{path} is missing: apt-get install {package}");
    path
}

/// One of fstrm's own programs.
pub fn c(program: &str) -> String {
    debian(program, "fstrm-bin")
}

/// Waits until something is so, of which no event tells.
pub fn until(mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < until, "does not come to be");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Fetches the metrics that are served where `line` says.
pub fn metrics(line: &str) -> String {
    let address = line.split("http://").nth(1).unwrap().strip_suffix("/metrics").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// A control frame with its header.
pub fn control(control_type: ControlType, content_type: Option<&str>) -> Vec<u8> {
    let content_type = content_type.map(str::as_bytes);
    ControlFrame::new(control_type, content_type).encode(Header::With).unwrap()
}

/// A data frame.
pub fn data(payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let length = u32::try_from(payload.len()).unwrap();
    [&length.to_be_bytes(), payload].concat()
}

/// A whole capture file.
pub fn recording(payloads: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<u8> {
    let mut file = control(ControlType::Start, Some(TYPE));
    for payload in payloads {
        file.extend(data(payload));
    }
    file.extend(control(ControlType::Stop, None));
    file
}

/// Payloads of many sizes and all bytes.
pub fn payloads(count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| (0..1 + index * 7 % 500).map(|at| (index + at) as u8).collect())
        .collect()
}

/// The payloads in a complete capture file, as Debian's program sees them.
pub fn dumped(file: &Path) -> String {
    let output = Command::new(c("fstrm_dump")).arg(file).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}: {notes}", file.display());
    // The program tells of a STOP at the end of any file.
    let stopped = fs::read(file).unwrap().ends_with(&control(ControlType::Stop, None));
    assert!(stopped, "{} has no STOP", file.display());
    String::from_utf8(output.stdout).unwrap()
}

/// How fstrm prints `payloads`.
pub fn quoted(payloads: impl IntoIterator<Item = impl AsRef<[u8]>>) -> String {
    let line = |payload: &[u8]| format!(" {}\n", printable::quoted::quoted(payload));
    payloads.into_iter().map(|payload| line(payload.as_ref())).collect()
}

/// The capture file `file` is complete and holds `payloads`.
pub fn assert_holds(file: &Path, payloads: impl IntoIterator<Item = impl AsRef<[u8]>>) {
    let (found, expected) = (dumped(file), quoted(payloads));
    let pairs = found.lines().zip(expected.lines());
    for (number, (found, expected)) in pairs.enumerate() {
        assert_eq!(found, expected, "frame {number}");
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "frames");
}

/// Runs a program to its end.
pub fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Output {
    let running =
        Running::start(Command::new(program.as_ref()).args(arguments).stdout(Stdio::piped()));
    running.output()
}

/// A program under a limit of the shell's `ulimit`: one of a file's size, in blocks of 512 bytes, stands
/// for a full disk.
pub fn limited(limit: &str, program: &str) -> Command {
    let mut command = Command::new("/bin/dash");
    command.args(["-c", &format!("ulimit {limit}; exec \"$0\" \"$@\""), program]);
    command
}

/// The names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| name(entry).into_string().unwrap()).collect();
    names.sort();
    names
}

/// A program that runs, and the lines of its standard error.
pub struct Running {
    pub child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
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

    /// `dnstap`, whose standard output nobody reads.
    pub fn dnstap(arguments: &[&str]) -> Self {
        Self::start(Command::new(DNSTAP).args(arguments).stdout(Stdio::null()))
    }

    /// Our capture, once it listens.
    pub fn capture(arguments: &[&str]) -> Self {
        let mut command = Command::new(CAPTURE);
        // Commands that it runs may live longer than the test, and hold what it writes to.
        command.args(["-t", TYPE]).args(arguments).stdout(Stdio::null());
        let mut capture = Self::start(&mut command);
        capture.line("opened output file");
        capture
    }

    /// Our capture with a piped standard output, which it writes to, once it listens.
    pub fn capture_to_pipe(socket: &str) -> Self {
        let mut command = Command::new(CAPTURE);
        command.args(["-t", TYPE, "-u", socket, "-w", "-"]).stdout(Stdio::piped());
        let mut capture = Self::start(&mut command);
        capture.line("opened output file -");
        capture
    }

    /// Debian's capture, once it listens.
    pub fn c_capture(socket: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(c("fstrm_capture"));
        let mut capture = Self::start(command.args(["-t", TYPE, "-u"]).arg(socket).args(arguments));
        capture.line("opened output file");
        // It listens some time after its last line, and nothing tells when.
        let until = Instant::now() + DEADLINE;
        while UnixStream::connect(socket).is_err() {
            assert!(Instant::now() < until, "{:?}", capture.seen);
            thread::sleep(Duration::from_millis(5));
        }
        capture
    }

    /// Waits for the next line that contains `part`.
    pub fn line(&mut self, part: &str) -> String {
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

    /// Keeps a line. None may have the number of an error: its text is for people.
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
    pub fn has_line(&mut self, part: &str) -> bool {
        self.see_new();
        self.seen.iter().any(|line| line.contains(part))
    }

    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for the end, whoever else still holds the standard error, and returns the status and
    /// the lines until then.
    pub fn end_without_children(mut self) -> (ExitStatus, Vec<String>) {
        let until = Instant::now() + DEADLINE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "does not end: {:#?}", self.seen);
            thread::sleep(Duration::from_millis(5));
        };
        self.see_new();
        (status, std::mem::take(&mut self.seen))
    }

    /// Waits for the end, and returns the status and all lines.
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let until = Instant::now() + DEADLINE;
        loop {
            match self.lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.see(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    panic!("does not end: {:#?}", self.seen);
                }
            }
        }
        (self.child.wait().unwrap(), std::mem::take(&mut self.seen))
    }

    /// Stops it as an administrator would; it must end well.
    pub fn stop(self) -> Vec<String> {
        self.signal("TERM");
        let (status, lines) = self.end();
        assert!(status.success(), "{status}: {lines:#?}");
        lines
    }

    /// Waits for the end of a program with a piped standard output.
    pub fn output(mut self) -> Output {
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
        // Only a test that fails leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the two statuses are the same to a shell.
pub fn same_status(one: ExitStatus, other: ExitStatus) -> bool {
    (one.code(), one.signal()) == (other.code(), other.signal())
}

/// A sender that speaks by hand.
pub struct Peer(pub UnixStream);

impl Peer {
    pub fn connect(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self(stream)
    }

    /// READY, ACCEPT, START.
    pub fn open(socket: &Path) -> Self {
        let mut peer = Self::connect(socket);
        peer.send(control(ControlType::Ready, Some(TYPE)));
        peer.expect(&control(ControlType::Accept, Some(TYPE)));
        peer.send(control(ControlType::Start, Some(TYPE)));
        peer
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends `bytes` again and again, until nobody takes them. One time may not be enough for who
    /// passes them on to a pipe that is not read any more: the child of another test that is being
    /// started holds that open for a moment.
    pub fn send_on(mut self, bytes: Vec<u8>) {
        thread::spawn(move || {
            while self.0.write_all(&bytes).is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
    }

    pub fn expect(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.0.read_exact(&mut got).unwrap();
        assert_eq!(got, bytes);
    }

    /// STOP, FINISH, and the receiver closes.
    pub fn close(mut self) {
        self.send(control(ControlType::Stop, None));
        self.expect(&control(ControlType::Finish, None));
        self.expect_end();
    }

    /// The receiver closes, whatever it sends before.
    pub fn expect_end(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => (),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => (),
            Err(error) => panic!("the receiver does not close: {error}"),
        }
        rest
    }
}

/// A directory for one test, with a path for a socket in it.
pub struct Place {
    pub directory: tempfile::TempDir,
    pub socket: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        Self { directory, socket }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The path as an argument.
    pub fn argument(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }

    /// The name of a named pipe that is made.
    pub fn pipe(&self, name: &str) -> String {
        let name = self.argument(name);
        assert!(Command::new("mkfifo").arg(&name).status().unwrap().success());
        name
    }

    /// A file with this content.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), content).unwrap();
        self.argument(name)
    }
}
