// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reports of changes in the state of a relay: connections, disconnections, lost frames, recovery.

use std::time::{Duration, Instant};

use framestream::iothr::{LinkState, SenderStats};
use operator_log::{Level, LineKind, Log};

/// Lines about relays without a connected receiver.
const UNREACHABLE: LineKind = LineKind("relays without a receiver");

/// Lines about relays that lose frames.
const LOSING: LineKind = LineKind("relays that lose frames");

/// Lines about opened and closed connections.
const CHANGES: LineKind = LineKind("changes of connections of relays");

/// Time without lost frames after which a relay counts as recovered.
const RECOVERY_TIME: Duration = Duration::from_secs(2);

/// The last observation of a relay.
#[derive(Debug)]
pub(crate) struct RelayWatch {
    /// The name of the relay in messages.
    name: String,
    /// True if the first connection is reported.
    is_endless: bool,
    last: SenderStats,
    lost: u64,
    down_since: Option<Instant>,
    loss: Option<Loss>,
}

#[derive(Debug)]
struct Loss {
    since: Instant,
    last: Instant,
    /// Number of frames lost before.
    before: u64,
}

impl RelayWatch {
    /// Creates the watch of the relay `name`.
    pub(crate) fn new(name: &str, is_endless: bool) -> Self {
        Self {
            name: format!("relay to {name}"),
            is_endless,
            last: SenderStats::default(),
            lost: 0,
            down_since: None,
            loss: None,
        }
    }

    /// Reports changes. `lost` is the total number of lost frames, `why` the last error.
    pub(crate) fn observe(&mut self, stats: SenderStats, lost: u64, why: Option<String>) {
        let now = Instant::now();
        let is_connected = stats.state == LinkState::Connected;
        let is_broken = stats.disconnects > self.last.disconnects;
        let is_refused = stats.connect_failures > self.last.connect_failures;
        let is_made = stats.connects > self.last.connects;
        let reason = why.unwrap_or_else(|| "no receiver has answered yet".into());
        let Self { name, is_endless, down_since, loss, .. } = self;
        if is_broken || is_refused || lost > self.lost {
            let waiting = stats.waiting;
            if is_broken {
                down_since.get_or_insert(now);
                // After a later failure to connect, the reason is that of the failure.
                let reason = if is_refused { String::new() } else { format!(": {reason}") };
                let text = format!("{name}: disconnected{reason}; {waiting} frames pending");
                Log.limited(Level::Warning, CHANGES, text);
            }
            if is_refused && !is_connected {
                down_since.get_or_insert(now);
                let text =
                    format!("{name}: {reason}; {waiting} frames pending, {lost} lost; retrying");
                Log.lasting(Level::Warning, UNREACHABLE, name, text);
            }
            if lost > self.lost {
                let reason = match is_connected {
                    true => "the receiver does not read fast enough",
                    false => &reason,
                };
                let before = self.lost;
                loss.get_or_insert(Loss { since: now, last: now, before }).last = now;
                let text = format!("{name}: {lost} frames lost so far: {reason}");
                Log.lasting(Level::Error, LOSING, name, text);
            }
        }
        if is_made && is_connected {
            Log.end_state(UNREACHABLE, name);
            match down_since.take().map(|since| now - since) {
                Some(gone) => {
                    let text = format!("{name}: connected again after {} s", gone.as_secs());
                    Log.limited(Level::Info, CHANGES, text);
                }
                None if *is_endless => {
                    Log.limited(Level::Info, CHANGES, format_args!("{name}: connected"));
                }
                None => (),
            }
        }
        if let Some(Loss { since, last, before }) = loss {
            if is_connected && *last + RECOVERY_TIME <= now {
                let (count, seconds) = (lost - *before, (*last - *since).as_secs());
                let text = format!("{name}: recovered; {count} frames were lost in {seconds} s");
                Log.end_state(LOSING, name);
                Log.limited(Level::Warning, CHANGES, text);
                *loss = None;
            }
        }
        (self.last, self.lost) = (stats, lost);
    }
}
