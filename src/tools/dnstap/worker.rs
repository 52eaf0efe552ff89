// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takes frames from the queue, selects and masks them, and gives them to the outputs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ::dnstap::Event;

use super::batch;
use super::mask::Mask;
use super::output::{Frame, Output, OutputError};
use super::queue::{Popped, Queue};
use super::select::Selection;

/// How often to look whether outputs are to begin anew.
const REOPEN_CHECK: Duration = Duration::from_millis(500);

/// What happened to frames.
#[derive(Debug, Default)]
pub struct Totals {
    /// Frames that were not wanted.
    pub unwanted: u64,
    /// Frames that hold no event.
    pub bad: u64,
    /// Masked events that could not be encoded.
    pub unencoded: u64,
}

/// The thread behind the queue.
pub struct Worker {
    /// What is wanted.
    pub selection: Selection,
    /// How addresses are made less exact.
    pub mask: Option<Mask>,
    /// How many events are wanted.
    pub count: u64,
    /// Where they go.
    pub outputs: Vec<Box<dyn Output>>,
    /// What happened.
    pub totals: Totals,
}

/// How the work ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// There is nothing more, or nothing more is wanted.
    Well,
    /// An output failed, and that was told.
    Badly,
}

impl Worker {
    /// Works until nothing comes any more, nothing more is wanted, or an output fails. Then ends
    /// the outputs.
    pub fn run(
        mut self,
        queue: &Queue,
        reopen: &AtomicBool,
        tell: &mut dyn FnMut(String),
    ) -> Ended {
        let mut result = self.work(queue, reopen);
        queue.abandon();
        let Self { outputs, totals, .. } = self;
        for output in outputs {
            result = result.and(output.finish(tell));
        }
        let Totals { unwanted: _, bad, unencoded } = totals;
        if bad > 0 {
            tell(format!("{bad} frames are no dnstap messages"));
        }
        if unencoded > 0 {
            tell(format!("{unencoded} masked messages are too long to be encoded, and left out"));
        }
        match result {
            Ok(()) | Err(OutputError::ReaderGone) => Ended::Well,
            Err(OutputError::Failed(text)) => {
                tell(text);
                Ended::Badly
            }
        }
    }

    fn work(&mut self, queue: &Queue, reopen: &AtomicBool) -> Result<(), OutputError> {
        // What is neither selected nor changed need not be looked into by all.
        let plain = self.selection.is_everything() && self.mask.is_none() && self.count == u64::MAX;
        loop {
            let now = Instant::now();
            for output in &mut self.outputs {
                if output.due().is_some_and(|due| due <= now) {
                    output.tick()?;
                }
            }
            if reopen.swap(false, Ordering::Relaxed) {
                self.outputs.iter_mut().try_for_each(|output| output.reopen())?;
            }
            let due = self.outputs.iter().filter_map(|output| output.due()).min();
            let look = now + REOPEN_CHECK;
            match queue.pop(Some(due.map_or(look, |due| due.min(look)))) {
                Popped::Batch(batch) => {
                    if plain {
                        self.take_all(&batch)?
                    } else {
                        self.take(&batch)?
                    }
                    queue.give_back(batch);
                    if queue.is_empty() || self.count == 0 {
                        self.outputs.iter_mut().try_for_each(|output| output.flush())?;
                    }
                    if self.count == 0 {
                        return Ok(());
                    }
                }
                Popped::Nothing => (),
                Popped::End => return Ok(()),
            }
        }
    }

    fn take_all(&mut self, frames: &[u8]) -> Result<(), OutputError> {
        let mut lookers = 0;
        for output in &mut self.outputs {
            match output.take_all(frames) {
                Some(taken) => taken?,
                None => lookers += 1,
            }
        }
        if lookers == 0 {
            return Ok(());
        }
        for frame in batch::frames(frames) {
            let mut event = Event::new();
            let decoded = event.decode_into(&frame[4..]);
            self.totals.bad += u64::from(decoded.is_err());
            let event = decoded.as_ref().map(|()| &event);
            let frame = Frame { event, bytes: frame };
            for output in self.outputs.iter_mut().filter(|output| output.is_looker()) {
                output.take(&frame)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, frames: &[u8]) -> Result<(), OutputError> {
        for bytes in batch::frames(frames) {
            let decoded = Event::decode(&bytes[4..]);
            let event = match &decoded {
                Ok(event) => event,
                Err(error) => {
                    self.totals.bad += 1;
                    if self.selection.is_everything() && self.mask.is_none() {
                        self.give(&Frame { event: Err(error), bytes })?;
                    }
                    continue;
                }
            };
            if !self.selection.wants(event) {
                self.totals.unwanted += 1;
                continue;
            }
            match self.mask.take() {
                None => self.give(&Frame { event: Ok(event), bytes })?,
                Some(mut mask) => {
                    let mut buffer = mask.take_buffer();
                    let masked = mask.apply(event);
                    let given = match Mask::encode(&mut buffer, &masked) {
                        Some(bytes) => self.give(&Frame { event: Ok(&masked), bytes }),
                        None => {
                            self.totals.unencoded += 1;
                            Ok(())
                        }
                    };
                    mask.return_buffer(buffer);
                    self.mask = Some(mask);
                    given?;
                }
            }
            if self.count == 0 {
                break;
            }
        }
        Ok(())
    }

    fn give(&mut self, frame: &Frame<'_>) -> Result<(), OutputError> {
        self.count = self.count.saturating_sub(u64::from(self.count != u64::MAX));
        self.outputs.iter_mut().try_for_each(|output| output.take(frame))
    }
}
