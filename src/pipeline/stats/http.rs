// SPDX-License-Identifier: MIT OR Apache-2.0
//! An HTTP server (RFC 9112) for one resource, with bounded memory and time for any client: it serves one
//! request per connection, and closes connections that are slow or exceed the limit.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use operator_log::{Level, LineKind, Log};
use receive::peer::Peer;

/// Maximum number of connections. A new one replaces the oldest.
const CONNECTIONS: usize = 16;

const REPLACED: LineKind = LineKind("connections for metrics replaced");

const ACCEPT: LineKind = LineKind("failures of accept() for metrics");

/// Maximum duration of a connection.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pause after a failed accept().
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// Maximum size of the head of a request.
const HEAD_MAX: usize = 8 << 10;

/// The end of a line.
const LINE_END: &[u8] = b"\r\n";

/// The end of the head of a request.
const HEAD_END: &[u8] = b"\r\n\r\n";

/// The served resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpResource {
    /// Path of the resource.
    pub(crate) path: &'static str,
    /// Media type of the resource.
    pub(crate) content_type: &'static str,
}

/// Starts a thread that serves `resource` on `address` until the program exits; `body` returns the content
/// for each request. Returns the address with the actual port.
pub(crate) fn serve(
    address: SocketAddr,
    resource: HttpResource,
    body: impl Fn() -> String + Send + 'static,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let server =
        HttpServer { listener, resource, body, connections: Vec::new(), accept_after: None };
    thread::Builder::new().name("metrics".into()).spawn(move || {
        let error = server.run();
        Log.error(format_args!("metrics server stopped: {error}"));
    })?;
    Ok(bound)
}

struct HttpServer<F> {
    listener: TcpListener,
    resource: HttpResource,
    body: F,
    /// Connections, oldest first.
    connections: Vec<HttpConnection>,
    /// Time at which to accept connections again after a failure.
    accept_after: Option<Instant>,
}

impl<F: Fn() -> String> HttpServer<F> {
    /// Serves until poll() fails, and returns its error.
    fn run(mut self) -> io::Error {
        loop {
            let ready = match self.wait() {
                Ok(ready) => ready,
                Err(Errno::EINTR) => continue,
                Err(error) => return error.into(),
            };
            let now = Instant::now();
            let Self { connections, resource, body, .. } = &mut self;
            let mut ready = ready.into_iter();
            connections.retain_mut(|connection| {
                let is_ready = ready.next().unwrap_or(false);
                now < connection.deadline && (!is_ready || connection.advance(resource, body))
            });
            self.accept_after = self.accept_after.filter(|after| now < *after);
            if self.accept_after.is_none() {
                self.accept(now);
            }
        }
    }

    /// Waits for an event. Returns for each connection whether it is ready.
    fn wait(&self) -> Result<Vec<bool>, Errno> {
        let mut fds: Vec<PollFd<'_>> = self
            .connections
            .iter()
            .map(|one| PollFd::new(one.stream.as_fd(), one.poll_flags()))
            .collect();
        if self.accept_after.is_none() {
            fds.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        }
        let oldest = self.connections.first().map(|oldest| oldest.deadline);
        let next = [oldest, self.accept_after].into_iter().flatten().min();
        let timeout = next.map_or(PollTimeout::NONE, |next| {
            // Rounded up, so as not to wake up too early.
            let left = next.saturating_duration_since(Instant::now()).as_millis() + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        poll(&mut fds, timeout)?;
        let ready = fds.iter().take(self.connections.len()).map(|fd| fd.any().unwrap_or(true));
        Ok(ready.collect())
    }

    fn accept(&mut self, now: Instant) {
        // A flood of new connections must not hold up existing ones.
        for _ in 0..CONNECTIONS {
            let accepted = self.listener.accept().and_then(|(stream, from)| {
                stream.set_nonblocking(true)?;
                Ok((stream, Peer::inet(from)))
            });
            match accepted {
                Ok((stream, from)) => {
                    if self.connections.len() >= CONNECTIONS {
                        let HttpConnection { peer, .. } = self.connections.remove(0);
                        let text = format!(
                            "metrics: closed the oldest of {CONNECTIONS} connections, from {peer}, for \
                             a new one from {from}"
                        );
                        Log.limited(Level::Warning, REPLACED, text);
                    }
                    self.connections.push(HttpConnection {
                        stream,
                        peer: from,
                        deadline: now + TIMEOUT,
                        state: RequestState::Reading(Vec::new()),
                    });
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => (),
                    _ => {
                        // The cause may be the limit of open files, which closing these connections relieves.
                        let text = format!("metrics: accept() failed: {error}");
                        Log.limited(Level::Error, ACCEPT, text);
                        self.connections.clear();
                        self.accept_after = Some(now + ACCEPT_RETRY);
                        return;
                    }
                },
            }
        }
    }
}

struct HttpConnection {
    stream: TcpStream,
    peer: Peer,
    /// Time at which the connection is closed in any case.
    deadline: Instant,
    state: RequestState,
}

enum RequestState {
    /// The received part of the head of the request.
    Reading(Vec<u8>),
    /// The response and the number of bytes written.
    Writing(Vec<u8>, usize),
    /// Further input is discarded, because closing a connection with unread input can destroy the response.
    Closing,
}

impl HttpConnection {
    fn poll_flags(&self) -> PollFlags {
        match self.state {
            RequestState::Reading(_) | RequestState::Closing => PollFlags::POLLIN,
            RequestState::Writing(..) => PollFlags::POLLOUT,
        }
    }

    /// Reads or writes as much as possible. Returns whether the connection stays open.
    fn advance(&mut self, resource: &HttpResource, body: &impl Fn() -> String) -> bool {
        match self.step(resource, body) {
            Ok(more) => more,
            Err(error) => {
                matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
            }
        }
    }

    /// Reads or writes once.
    fn step(&mut self, resource: &HttpResource, body: &impl Fn() -> String) -> io::Result<bool> {
        let mut buffer = [0; 1024];
        match &mut self.state {
            RequestState::Reading(head) => {
                let count = self.stream.read(&mut buffer)?;
                head.extend_from_slice(&buffer[..count]);
                // Servers ignore empty lines before a request (RFC 9112, section 2.2).
                while head.starts_with(LINE_END) {
                    head.drain(..LINE_END.len());
                }
                let fits = head.len() <= HEAD_MAX;
                if !fits || head.windows(HEAD_END.len()).any(|end| end == HEAD_END) {
                    let response = response(fits.then_some(&head[..]), resource, body);
                    self.state = RequestState::Writing(response, 0);
                }
                Ok(count > 0)
            }
            RequestState::Writing(response, written) => {
                *written += self.stream.write(&response[*written..])?;
                if *written == response.len() {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.state = RequestState::Closing;
                }
                Ok(true)
            }
            RequestState::Closing => Ok(self.stream.read(&mut buffer)? > 0),
        }
    }
}

/// Returns the response to a request; `head` is `None` if it was too long.
fn response(head: Option<&[u8]>, resource: &HttpResource, body: &impl Fn() -> String) -> Vec<u8> {
    const PLAIN: &str = "text/plain; charset=utf-8";
    let line = head.and_then(|head| head.split(|byte| *byte == b'\r').next()).unwrap_or_default();
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let path = |target: &[u8]| {
        let path = origin_form(target).split(|byte| *byte == b'?').next();
        path == Some(resource.path.as_bytes())
    };
    let (status, content_type, body) = match words[..] {
        _ if head.is_none() => {
            ("431 Request Header Fields Too Large", PLAIN, "too long\n".to_owned())
        }
        [b"GET" | b"HEAD", target, _] if path(target) => ("200 OK", resource.content_type, body()),
        [_, target, _] if path(target) => {
            ("405 Method Not Allowed\r\nAllow: GET, HEAD", PLAIN, "only GET\n".into())
        }
        [_, _, _] => ("404 Not Found", PLAIN, format!("see {}\n", resource.path)),
        _ => ("400 Bad Request", PLAIN, "not an HTTP request\n".into()),
    };
    let mut response = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    );
    if words[0] != b"HEAD" {
        response.push_str(&body);
    }
    response.into_bytes()
}

/// Returns path and query of a request target, which may be an absolute URI (RFC 9112, section 3.2.2).
fn origin_form(target: &[u8]) -> &[u8] {
    const SCHEME: &[u8] = b"http://";
    let scheme = target.get(..SCHEME.len());
    if !scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME)) {
        return target;
    }
    let rest = &target[SCHEME.len()..];
    rest.iter().position(|byte| *byte == b'/').map_or(b"/", |path| &rest[path..])
}
