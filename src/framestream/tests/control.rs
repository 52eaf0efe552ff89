// SPDX-License-Identifier: MIT OR Apache-2.0
//! Encoding and decoding of control frames.

use framestream::control::{ControlError, ControlFrame, ControlType, Header};
use proptest::prelude::*;

fn control_type() -> impl Strategy<Value = ControlType> {
    (1u32..=5).prop_map(|value| ControlType::try_from(value).expect("1 to 5"))
}

fn frame() -> impl Strategy<Value = ControlFrame> {
    let content_type = prop::collection::vec(any::<u8>(), 0..=256);
    (control_type(), prop::collection::vec(content_type, 0..4))
        .prop_map(|(which, types)| ControlFrame::new(which, types.iter().map(Vec::as_slice)))
}

proptest! {
    #[test]
    fn an_encoded_frame_decodes_to_the_same_frame(frame in frame(), with_header: bool) {
        let header = if with_header { Header::With } else { Header::Without };
        let Ok(bytes) = frame.encode(header) else {
            prop_assert!(frame.encoded_size(header).is_err());
            return Ok(());
        };
        prop_assert_eq!(bytes.len(), frame.encoded_size(header).expect("encoded"));
        let mut decoded = ControlFrame::default();
        decoded.decode(&bytes, header).expect("own encoding");
        prop_assert_eq!(decoded.control_type, frame.control_type);
        prop_assert_eq!(&decoded.content_types[..], frame.sendable_content_types());
        for own in &decoded.content_types {
            prop_assert!(frame.matches(Some(own)));
        }
        for length in 0..bytes.len() {
            let cut = decoded.decode(&bytes[..length], header);
            let ends_after_a_field = header == Header::Without && cut.is_ok();
            prop_assert!(cut.is_err() || ends_after_a_field);
        }
    }

    #[test]
    fn arbitrary_bytes_that_decode_are_encoded_the_same(bytes: Vec<u8>, with_header: bool) {
        let header = if with_header { Header::With } else { Header::Without };
        let mut frame = ControlFrame::default();
        if frame.decode(&bytes, header).is_ok() {
            prop_assert_eq!(frame.encode(header).expect("decoded"), bytes);
        }
    }
}

/// Checks the example in `docs/frame-streams.md`.
#[test]
fn the_documented_frames_are_correct() {
    let content_type = b"protobuf:dnstap.Dnstap".as_slice();
    let start = ControlFrame::new(ControlType::Start, Some(content_type));
    let mut bytes = vec![0, 0, 0, 0, 0, 0, 0, 34, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 22];
    bytes.extend_from_slice(content_type);
    assert_eq!(start.encode(Header::With), Ok(bytes));
    let stop = ControlFrame::new(ControlType::Stop, None);
    assert_eq!(stop.encode(Header::With), Ok(vec![0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 3]));
}

#[test]
fn errors_give_the_reason() {
    let mut frame = ControlFrame::default();
    let decode = |frame: &mut ControlFrame, bytes: &[u8]| frame.decode(bytes, Header::With);
    assert_eq!(decode(&mut frame, &[]), Err(ControlError::Truncated));
    assert_eq!(decode(&mut frame, &[0, 0, 0, 9]), Err(ControlError::NoEscape(9)));
    let announced = [0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 3];
    let mismatch = ControlError::LengthMismatch { announced: 8, actual: 4 };
    assert_eq!(decode(&mut frame, &announced), Err(mismatch));
    let unknown = [0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 6];
    assert_eq!(decode(&mut frame, &unknown), Err(ControlError::UnknownType(6)));
}
