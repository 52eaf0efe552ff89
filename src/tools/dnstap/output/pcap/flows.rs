// SPDX-License-Identifier: MIT OR Apache-2.0
//! The sequence numbers of TCP connections (RFC 9293, section 3.4).

use std::collections::HashMap;

use super::packet::Way;

/// Nanoseconds by which the number that a connection begins with grows by one, about as RFC 9293,
/// section 3.4.1, has it. A connection that was forgotten goes on behind where it was.
const CLOCK: u64 = 4096;

/// The last connections.
#[derive(Debug)]
pub struct Flows {
    /// Those used since the last change.
    young: HashMap<Way, Sequence>,
    /// Those used before, of which those that are not used again will be forgotten.
    old: HashMap<Way, Sequence>,
    capacity: usize,
}

/// What either side sends next.
#[derive(Clone, Copy, Debug)]
struct Sequence {
    initiator: u32,
    responder: u32,
}

impl Flows {
    /// Remembers at least `capacity` connections, at most twice as many.
    pub fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), capacity }
    }

    /// Takes the sequence number of the next `length` bytes that the initiator, or else the
    /// responder, sends on the connection that the initiator has made along `way`, and what it
    /// acknowledges with them. The time is that of the bytes in nanoseconds.
    pub fn send(&mut self, way: Way, by_initiator: bool, length: usize, time: u64) -> (u32, u32) {
        let Self { young, old, capacity } = self;
        if young.len() >= *capacity && !young.contains_key(&way) {
            *old = std::mem::take(young);
        }
        let sequence = young.entry(way).or_insert_with(|| {
            let begin = (time / CLOCK) as u32;
            old.remove(&way).unwrap_or(Sequence { initiator: begin, responder: begin })
        });
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

    fn way(port: u16) -> Way {
        Way { from: ([192, 0, 2, 1], port).into(), to: ([192, 0, 2, 2], 53).into() }
    }

    #[test]
    fn bytes_follow_each_other_on_either_side() {
        let mut flows = Flows::new(2);
        assert_eq!(flows.send(way(1), true, 10, 0), (0, 0));
        assert_eq!(flows.send(way(1), false, 100, 1), (0, 10));
        assert_eq!(flows.send(way(1), true, 20, 2), (10, 100));
        assert_eq!(flows.send(way(1), false, 1, 3), (100, 30));
    }

    #[test]
    fn what_is_used_is_remembered_and_the_number_is_bounded() {
        let mut flows = Flows::new(10);
        for other in 0..1000 {
            let (sequence, _) = flows.send(way(1), true, 1, 0);
            assert_eq!(sequence, other);
            flows.send(way(2 + other as u16), true, 1, 0);
            assert!(flows.young.len() + flows.old.len() <= 20);
        }
        // One that was forgotten goes on later.
        let (sequence, _) = flows.send(way(2), true, 1, 1_000_000_000);
        assert!(sequence > 1);
    }
}
