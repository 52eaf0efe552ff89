// SPDX-License-Identifier: MIT OR Apache-2.0
//! Walks over generated streams, whose bytes arrive in pieces: each frame and each edge is found
//! once, in order, and in its place.

use std::iter;

use framestream::control::{ControlError, ControlFrame, ControlType, Header};
use framestream::frame::{FrameError, LENGTH_SIZE, data_frames};
use framestream::walk::{Front, Place, Walker};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Limit of payloads.
const MAX_PAYLOAD: usize = 10;

#[derive(Clone, Copy, Debug)]
enum Item {
    Data(usize),
    Control(ControlType),
    /// A control frame of an undefined type.
    Undefined,
    /// A control frame without bytes.
    Empty,
}

impl Item {
    fn encode(self) -> Vec<u8> {
        match self {
            Self::Data(length) => [&(length as u32).to_be_bytes()[..], &vec![0; length]].concat(),
            Self::Control(control_type) => {
                let content_type = Some(&b"\0\0\0\x01"[..]);
                let frame = ControlFrame::new(control_type, content_type);
                frame.encode(Header::With).expect("a short content type")
            }
            Self::Undefined => b"\0\0\0\0\0\0\0\x04\0\0\0\x06".to_vec(),
            Self::Empty => vec![0; 2 * LENGTH_SIZE],
        }
    }
}

/// A step of a walk.
#[derive(Debug, PartialEq, Eq)]
enum Passed {
    /// A whole data frame of this size.
    Frame(usize),
    Start,
    Stop,
    Control(ControlType),
    /// A data frame over the limit, with the size of its payload.
    Skipped(usize),
    Failed(FrameError),
    /// Part of a frame at the end, with its size.
    Rest(usize),
}

/// Returns the elements that a walk over all of `items` passes.
fn expected(items: &[Item]) -> Vec<Passed> {
    let mut place = Place::BeforeStart;
    let mut passed = Vec::new();
    for item in items {
        passed.push(match *item {
            Item::Data(length) if place != Place::InStream => {
                Passed::Failed(FrameError::Data(length as u32))
            }
            Item::Data(length) if length <= MAX_PAYLOAD => Passed::Frame(LENGTH_SIZE + length),
            Item::Data(length) => Passed::Skipped(length),
            Item::Control(ControlType::Start) if place != Place::InStream => {
                place = Place::InStream;
                Passed::Start
            }
            Item::Control(ControlType::Stop) if place == Place::InStream => {
                place = Place::AfterStop;
                Passed::Stop
            }
            Item::Control(other) => Passed::Control(other),
            Item::Undefined => Passed::Failed(ControlError::UnknownType(6).into()),
            Item::Empty => Passed::Failed(ControlError::Truncated.into()),
        });
        if let Some(Passed::Failed(_)) = passed.last() {
            return passed;
        }
    }
    passed
}

/// Walks over `bytes`, which arrive in pieces that end at `ends`.
fn walk(bytes: &[u8], ends: impl Iterator<Item = usize>) -> Vec<Passed> {
    let mut walker = Walker::new(MAX_PAYLOAD);
    let mut passed = Vec::new();
    let mut skipped = 0;
    let mut at = 0;
    for end in ends {
        loop {
            let there = &bytes[at..end];
            assert_eq!(walker.data_frame(there), data_frame(&walker, there));
            at += match walker.step(there) {
                Ok(Front::Frames { size, count }) => {
                    let frames = data_frames(&there[..size]);
                    passed.extend(frames.map(|frame| Passed::Frame(frame.len())));
                    assert_eq!(data_frames(&there[..size]).count() as u64, count);
                    size
                }
                Ok(Front::Start(_, size)) => {
                    assert_eq!(walker.place(), Place::InStream);
                    passed.push(Passed::Start);
                    size
                }
                Ok(Front::Stop(_, size)) => {
                    assert_eq!(walker.place(), Place::AfterStop);
                    passed.push(Passed::Stop);
                    size
                }
                Ok(Front::Control(control_type, _, size)) => {
                    passed.push(Passed::Control(control_type));
                    size
                }
                Ok(Front::Skipped(size)) => {
                    skipped += size;
                    if !walker.is_skipping() {
                        passed.push(Passed::Skipped(std::mem::take(&mut skipped)));
                    }
                    size
                }
                Ok(Front::Needs(size)) => {
                    assert!(size > there.len(), "{size} bytes are there");
                    break;
                }
                Err(FrameError::TooLarge(_)) => LENGTH_SIZE,
                Err(error) => {
                    assert_eq!(walker.step(there), Err(error), "another error for the same bytes");
                    passed.push(Passed::Failed(error));
                    return passed;
                }
            };
        }
    }
    if at < bytes.len() || walker.is_skipping() {
        passed.push(Passed::Rest(bytes.len() - at));
    }
    passed
}

/// Returns the size of the first data frame, by a step of a clone.
fn data_frame(walker: &Walker, bytes: &[u8]) -> Option<usize> {
    match walker.clone().step(bytes) {
        Ok(Front::Frames { .. }) => data_frames(bytes).next().map(<[u8]>::len),
        _ => None,
    }
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        8 => (1..=2 * MAX_PAYLOAD).prop_map(Item::Data),
        3 => Just(Item::Control(ControlType::Start)),
        2 => Just(Item::Control(ControlType::Stop)),
        1 => Just(Item::Control(ControlType::Ready)),
        1 => Just(Item::Control(ControlType::Finish)),
        1 => Just(Item::Undefined),
        1 => Just(Item::Empty),
    ]
}

proptest! {
    #[test]
    fn the_walk_does_not_depend_on_the_pieces(
        items in vec(item(), 0..20),
        cuts in vec(any::<Index>(), 0..10),
    ) {
        let items: Vec<Item> = iter::once(Item::Control(ControlType::Start)).chain(items).collect();
        let bytes: Vec<u8> = items.iter().flat_map(|item| item.encode()).collect();
        let expected = expected(&items);
        prop_assert_eq!(&walk(&bytes, iter::once(bytes.len())), &expected);
        prop_assert_eq!(&walk(&bytes, 0..=bytes.len()), &expected);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        ends.sort_unstable();
        ends.push(bytes.len());
        prop_assert_eq!(&walk(&bytes, ends.into_iter()), &expected);
    }
}

#[test]
fn the_length_of_a_frame_tells_its_size() {
    let stream = b"\0\0\0\0\0\0\0\x04\0\0\0\x02\0\0\0\x03one";
    for (end, needs) in [(0, 4), (3, 4), (4, 8), (7, 8), (8, 12), (11, 12)] {
        assert_eq!(Walker::new(3).step(&stream[..end]), Ok(Front::Needs(needs)), "{end}");
    }
    for (end, needs) in [(12, 4), (15, 4), (16, 7), (18, 7)] {
        let front = Walker::in_stream(3).step(&stream[12..end]);
        assert_eq!(front, Ok(Front::Needs(needs)), "{end}");
    }
}

#[test]
fn the_last_frame_of_a_torn_stream_remains() {
    let stream = b"\0\0\0\0\0\0\0\x04\0\0\0\x02\0\0\0\x03one\0\0\0\x14too long";
    let passed = |end: usize| walk(&stream[..end], iter::once(end));
    assert_eq!(passed(18), [Passed::Start, Passed::Rest(6)]);
    assert_eq!(passed(19), [Passed::Start, Passed::Frame(7)]);
    assert_eq!(passed(31), [Passed::Start, Passed::Frame(7), Passed::Rest(0)]);
}
