// SPDX-License-Identifier: MIT OR Apache-2.0
//! Child processes, whose output can be waited for, and which do not outlive their test.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// Maximum wait for any event.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A child process, which is killed and reaped when it is dropped.
pub(crate) struct Process {
    child: Child,
    watch: Arc<Watch>,
    /// Number of lines that [`Process::wait_for`] has searched.
    seen: usize,
}

/// The observed state of a process, which threads update.
#[derive(Default)]
struct Watch {
    state: Mutex<ProcessState>,
    changed: Condvar,
}

/// The output and the end of a process.
#[derive(Default)]
struct ProcessState {
    lines: Vec<String>,
    outputs_closed: usize,
    ended: bool,
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, ProcessState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut ProcessState)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn collect(self: &Arc<Self>, output: impl Read + Send + 'static) {
        let watch = Arc::clone(self);
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).into_owned();
                watch.change(|state| state.lines.push(line));
            }
            watch.change(|state| state.outputs_closed += 1);
        });
    }

    /// Waits until `done` returns true. Returns `false` if that takes longer than `limit`.
    fn wait(&self, limit: Duration, mut done: impl FnMut(&ProcessState) -> bool) -> bool {
        let waited = self.changed.wait_timeout_while(self.state(), limit, |state| !done(state));
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Process {
    /// Starts `command`, and collects its standard output and standard error.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let watch = Arc::<Watch>::default();
        watch.collect(child.stdout.take().unwrap());
        watch.collect(child.stderr.take().unwrap());
        let process = Self { child, watch: Arc::clone(&watch), seen: 0 };
        let pid = process.pid();
        thread::spawn(move || {
            // Does not reap the child, so that its ID is not reused.
            while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT).is_err() {}
            watch.change(|state| state.ended = true);
        });
        process
    }

    /// Returns its ID.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// Waits for a line that contains `text`, after the line of the last call.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let mut found = None;
        self.watch.wait(DEADLINE, |state| {
            let line = state.lines[self.seen..].iter().position(|line| line.contains(text));
            self.seen += line.map_or(0, |line| line + 1);
            found = line.map(|_| state.lines[self.seen - 1].clone());
            line.is_some() || state.outputs_closed == 2
        });
        found.unwrap_or_else(|| panic!("process {} did not print {text:?}", self.pid()))
    }

    /// Writes a line to its standard input.
    pub(crate) fn write_line(&mut self, line: &str) {
        let input = self.child.stdin.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Suspends it, and returns when all its threads have stopped.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        waitid(Id::Pid(self.pid()), WaitPidFlag::WSTOPPED).unwrap();
    }

    /// Resumes it.
    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Waits until it ends, which must happen within `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let ended = self.watch.wait(limit, |state| state.ended);
        assert!(ended, "process {} still runs after {limit:?}", self.pid());
        self.child.wait().unwrap()
    }

    /// Sends SIGTERM. It must end within `limit`, and with success.
    pub(crate) fn terminate(&mut self, limit: Duration) {
        self.signal(Signal::SIGTERM);
        let status = self.wait(limit);
        assert!(status.success(), "process {}: {status}", self.pid());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail if the process has ended and was reaped.
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            eprintln!("process {} printed {:#?}", self.child.id(), self.watch.state().lines);
        }
    }
}
