// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequence numbers of TCP connections (RFC 9293, section 3.4).

use super::packet::Endpoints;
use crate::output::recent::RecentMap;

/// Nanoseconds per increment of the initial sequence number, similar to RFC 9293, section 3.4.1. It lets a
/// forgotten connection continue with higher numbers.
const CLOCK: u64 = 4096;

/// Minimum number of connections that are remembered.
const CAPACITY: usize = 1 << 15;

/// The recent connections.
#[derive(Debug)]
pub(crate) struct TcpFlows(RecentMap<Endpoints, Sequence>);

/// The next sequence numbers of both sides.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    initiator: u32,
    responder: u32,
}

impl TcpFlows {
    pub(crate) fn new() -> Self {
        Self(RecentMap::new(CAPACITY))
    }

    /// Sends `length` bytes on a connection, by its initiator or responder. Returns their sequence number and
    /// the acknowledgment number. `time` is in nanoseconds; `endpoints` are those of the initiator.
    pub(crate) fn send(
        &mut self,
        endpoints: Endpoints,
        by_initiator: bool,
        length: usize,
        time: u64,
    ) -> (u32, u32) {
        let begin = (time / CLOCK) as u32;
        let sequence = self.0.entry(&endpoints, || Sequence { initiator: begin, responder: begin });
        let Sequence { initiator, responder } = sequence;
        let (own, other) =
            if by_initiator { (initiator, *responder) } else { (responder, *initiator) };
        let begin = *own;
        *own = begin.wrapping_add(length as u32);
        (begin, other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_continue_on_both_sides() {
        let endpoints =
            Endpoints { from: ([192, 0, 2, 1], 1).into(), to: ([192, 0, 2, 2], 53).into() };
        let mut flows = TcpFlows::new();
        assert_eq!(flows.send(endpoints, true, 10, 0), (0, 0));
        assert_eq!(flows.send(endpoints, false, 100, 1), (0, 10));
        assert_eq!(flows.send(endpoints, true, 20, 2), (10, 100));
        assert_eq!(flows.send(endpoints, false, 1, 3), (100, 30));
    }
}
