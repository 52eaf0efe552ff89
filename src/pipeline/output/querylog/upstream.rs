// SPDX-License-Identifier: MIT OR Apache-2.0
//! Recent upstream queries of resolvers. If a resolver sent an upstream query while it answered a client,
//! the answer was not in its cache.

use std::hash::{BuildHasher, RandomState};

use dns::name;
use dns::record::Record;
use dns::section::{Parts, Question};

use crate::output::recent::RecentMap;

/// Minimum number of questions that are remembered.
const CAPACITY: usize = 1 << 15;

/// Number of times remembered for each question, since messages of several threads arrive out of order.
const TIMES: usize = 4;

/// Maximum number of CNAME records of an answer that are followed.
const ALIASES: usize = 16;

const CNAME: u16 = 5;

/// Times of the last upstream queries and responses for a question, in nanoseconds, latest first.
type LastTimes = [u64; TIMES];

/// Recent upstream queries.
#[derive(Debug)]
pub(crate) struct UpstreamQueries {
    /// Times by the hash of resolver and question. The hash of a resolver alone marks it as known.
    times: RecentMap<u64, LastTimes>,
    hasher: RandomState,
    scratch: Vec<u8>,
}

impl UpstreamQueries {
    pub(crate) fn new() -> Self {
        Self { times: RecentMap::new(CAPACITY), hasher: RandomState::new(), scratch: Vec::new() }
    }

    /// Records an upstream query or response of the resolver `identity`.
    pub(crate) fn record(&mut self, identity: &[u8], parts: &Parts<'_>, time: u64) {
        self.times.entry(&self.hasher.hash_one(identity), LastTimes::default);
        if let Some(Question { name_at, qtype, .. }) = parts.question {
            if let Some(key) = self.key(identity, parts.wire, name_at, qtype) {
                let times = self.times.entry(&key, LastTimes::default);
                times.rotate_right(1);
                times[0] = time;
            }
        }
    }

    /// Returns the times of upstream queries for the name in the question of a response, and for its aliases.
    /// Returns `None` if the resolver does not log upstream queries.
    pub(crate) fn times_for(&mut self, identity: &[u8], parts: &Parts<'_>) -> Option<Vec<u64>> {
        self.times.get(&self.hasher.hash_one(identity))?;
        let mut times = Vec::new();
        let question = parts.question?;
        let aliases =
            parts.records(parts.sections[0]).filter(|Record { rtype, .. }| *rtype == CNAME);
        let names = aliases.take(ALIASES).map(|alias| alias.start);
        for name_at in std::iter::once(question.name_at).chain(names) {
            if let Some(key) = self.key(identity, parts.wire, name_at, question.qtype) {
                if let Some(found) = self.times.get(&key) {
                    times.extend(found.iter().filter(|time| **time > 0));
                }
            }
        }
        Some(times)
    }

    /// Returns the key of a question, if its name is valid.
    fn key(&mut self, identity: &[u8], wire: &[u8], name_at: usize, qtype: u16) -> Option<u64> {
        self.scratch.clear();
        name::canonical(wire, name_at, &mut self.scratch).ok()?;
        Some(self.hasher.hash_one((identity, qtype, &self.scratch)))
    }
}
