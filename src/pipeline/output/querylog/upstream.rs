// SPDX-License-Identifier: MIT OR Apache-2.0
//! When a resolver last asked others, and for what: an answer that it gave meanwhile was not in its
//! cache.

use std::hash::{BuildHasher, RandomState};

use dns::name;
use dns::record::Record;
use dns::section::{Parts, Question};

use crate::output::recent::Recent;

/// Questions that are remembered at least.
const CAPACITY: usize = 1 << 15;

/// Times of each that are remembered: messages of several threads do not come in order.
const TIMES: usize = 4;

/// CNAME records of an answer that are followed.
const ALIASES: usize = 16;

const CNAME: u16 = 5;

/// When a question was asked last, or answered by others, in nanoseconds. The latest is first.
type LastTimes = [u64; TIMES];

/// The questions that resolvers asked others.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// By the hash of server and question; of servers themselves too.
    asked: Recent<u64, LastTimes>,
    hasher: RandomState,
    scratch: Vec<u8>,
}

impl Upstream {
    /// None was asked.
    pub(crate) fn new() -> Self {
        Self { asked: Recent::new(CAPACITY), hasher: RandomState::new(), scratch: Vec::new() }
    }

    /// The resolver `identity` asked others, or got their answer, at this time.
    pub(crate) fn note(&mut self, identity: &[u8], parts: &Parts<'_>, time: u64) {
        self.asked.entry(&self.hasher.hash_one(identity), LastTimes::default);
        if let Some(Question { name_at, qtype, .. }) = parts.question
            && let Some(key) = self.key(identity, parts.wire, name_at, qtype)
        {
            let times = self.asked.entry(&key, LastTimes::default);
            times.rotate_right(1);
            times[0] = time;
        }
    }

    /// When the resolver asked others for what is in this response to its client: for the name in
    /// the question, or for those that aliases lead to. `None` if it cannot be told: it tells
    /// nothing of what it asks.
    pub(crate) fn asked_for(&mut self, identity: &[u8], parts: &Parts<'_>) -> Option<Vec<u64>> {
        self.asked.get(&self.hasher.hash_one(identity))?;
        let mut times = Vec::new();
        let question = parts.question?;
        let aliases =
            parts.records(parts.sections[0]).filter(|Record { rtype, .. }| *rtype == CNAME);
        let names = aliases.take(ALIASES).map(|alias| alias.start);
        for name_at in std::iter::once(question.name_at).chain(names) {
            if let Some(key) = self.key(identity, parts.wire, name_at, question.qtype)
                && let Some(found) = self.asked.get(&key)
            {
                times.extend(found.iter().filter(|time| **time > 0));
            }
        }
        Some(times)
    }

    /// The key of a question, if its name is good.
    fn key(&mut self, identity: &[u8], wire: &[u8], name_at: usize, qtype: u16) -> Option<u64> {
        self.scratch.clear();
        name::canonical(wire, name_at, &mut self.scratch).ok()?;
        Some(self.hasher.hash_one((identity, qtype, &self.scratch)))
    }
}
