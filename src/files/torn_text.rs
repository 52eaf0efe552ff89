// SPDX-License-Identifier: MIT OR Apache-2.0
//! Finds where to continue text that a crash may have cut off: after its last whole line or
//! document.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::content::Content;

/// Maximum length of a torn line or document.
const TORN_MAX: u64 = 1 << 20;

/// Number of bytes read at a time.
const PIECE: u64 = 64 << 10;

/// Returns the number of bytes of whole lines or documents in `file`. Returns `None` if the rest does
/// not look like torn text, and so must not be removed.
pub(crate) fn whole_size(file: &File, content: &Content) -> io::Result<Option<u64>> {
    // After a crash, blocks that the system did not write are zero.
    let size = size_without_zeros(file)?;
    let from = size.saturating_sub(TORN_MAX);
    let mut tail = vec![0; (size - from) as usize];
    file.read_exact_at(&mut tail, from)?;
    let (_, whole) = (content.whole)(&tail);
    let (kept, torn) = tail.split_at(whole);
    let is_text = torn.iter().all(|byte| matches!(byte, b'\n' | b'\t' | b' '..=b'~' | 0x80..));
    let is_known = torn.is_empty() || (is_text && !kept.is_empty());
    Ok(is_known.then_some(from + whole as u64))
}

/// Returns the size of a file without the zeros at its end.
fn size_without_zeros(file: &File) -> io::Result<u64> {
    let mut size = file.metadata()?.len();
    let mut piece = Vec::new();
    while size > 0 {
        let from = size.saturating_sub(PIECE);
        piece.resize((size - from) as usize, 0);
        file.read_exact_at(&mut piece, from)?;
        match piece.iter().rposition(|byte| *byte != 0) {
            Some(last) => return Ok(from + last as u64 + 1),
            None => size = from,
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_torn_text_is_cut_off() {
        let lines = Content::text();
        let documents = Content::documents();
        let long = [&b"one\n"[..], &vec![b'x'; TORN_MAX as usize]].concat();
        let zeros = [&b"one\ntw"[..], &vec![0; 3 * PIECE as usize]].concat();
        for (content, bytes, expected) in [
            (&lines, &b""[..], Some(0)),
            (&lines, b"one\n", Some(4)),
            (&lines, b"one\ntw", Some(4)),
            (&lines, &zeros, Some(4)),
            (&lines, &zeros[6..], Some(0)),
            (&lines, b"one", None),
            (&lines, b"one\ntw\x01", None),
            (&lines, &long, None),
            (&documents, b"a: 1\n---\n", Some(9)),
            (&documents, b"a: 1\n---\na: 2\n--", Some(9)),
            (&documents, b"a: 1\n", None),
        ] {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            let shown = bytes[..bytes.len().min(20)].escape_ascii();
            assert_eq!(whole_size(&file, content).unwrap(), expected, "{shown}");
        }
    }
}
