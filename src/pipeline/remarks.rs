// SPDX-License-Identifier: MIT OR Apache-2.0
//! Counted remarks about messages that an output could not write unchanged.

/// Remarks with their counts.
#[derive(Debug, Default)]
pub(crate) struct Remarks(Vec<(&'static str, u64)>);

impl Remarks {
    /// Counts a remark such as "messages skipped: they contain no answer".
    pub(crate) fn count(&mut self, what: &'static str) {
        match self.0.iter_mut().find(|(known, _)| *known == what) {
            Some((_, count)) => *count += 1,
            None => self.0.push((what, 1)),
        }
    }

    /// Reports all remarks about the output `name`.
    pub(crate) fn report(&self, name: &str, report: &mut dyn FnMut(String)) {
        for (what, count) in &self.0 {
            report(format!("{name}: {count} {what}"));
        }
    }
}
