// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sequence numbers of TCP connections (RFC 9293, section 3.4).

use super::packet::Way;
use crate::output::recent::Recent;

/// Nanoseconds by which the number that a connection begins with grows by one, about as RFC 9293,
/// section 3.4.1, has it. A connection that was forgotten goes on after where it was.
const CLOCK: u64 = 4096;

/// Connections that are remembered at least.
const CAPACITY: usize = 1 << 15;

/// The last connections.
#[derive(Debug)]
pub(crate) struct Flows(Recent<Way, Sequence>);

/// The next sequence number of each side.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    initiator: u32,
    responder: u32,
}

impl Flows {
    /// No connections.
    pub(crate) fn new() -> Self {
        Self(Recent::new(CAPACITY))
    }

    /// Takes the sequence number of the next `length` bytes that the initiator, or else the
    /// responder, sends on the connection that the initiator has made along `way`, and what it
    /// acknowledges with them. The time is that of the bytes in nanoseconds.
    pub(crate) fn send(
        &mut self,
        way: Way,
        by_initiator: bool,
        length: usize,
        time: u64,
    ) -> (u32, u32) {
        let begin = (time / CLOCK) as u32;
        let sequence = self.0.entry(&way, || Sequence { initiator: begin, responder: begin });
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
    fn bytes_follow_each_other_on_either_side() {
        let way = Way { from: ([192, 0, 2, 1], 1).into(), to: ([192, 0, 2, 2], 53).into() };
        let mut flows = Flows::new();
        assert_eq!(flows.send(way, true, 10, 0), (0, 0));
        assert_eq!(flows.send(way, false, 100, 1), (0, 10));
        assert_eq!(flows.send(way, true, 20, 2), (10, 100));
        assert_eq!(flows.send(way, false, 1, 3), (100, 30));
    }
}
