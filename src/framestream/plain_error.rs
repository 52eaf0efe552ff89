// SPDX-License-Identifier: MIT OR Apache-2.0
//! Error texts for users.

use std::fmt::Display;

/// Returns the text of an error without the error numbers, "(os error 2)", that the standard
/// library appends to messages of the system, even in the middle of the text.
pub fn plain_error(error: impl Display) -> String {
    const NUMBER: &str = " (os error ";
    let text = error.to_string();
    let mut pieces = text.split(NUMBER);
    let mut plain: String = pieces.next().unwrap_or_default().into();
    for piece in pieces {
        let after = piece.trim_start_matches(|digit: char| digit.is_ascii_digit());
        match after.strip_prefix(')').filter(|_| after.len() < piece.len()) {
            Some(rest) => plain.push_str(rest),
            None => plain.extend([NUMBER, piece]),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::StreamError;

    #[test]
    fn system_errors_lose_their_numbers() {
        let missing = || io::Error::from_raw_os_error(2);
        let text = "No such file or directory";
        assert_eq!(plain_error(missing()), text);
        assert_eq!(plain_error(StreamError::from(missing())), text);
        assert_eq!(plain_error(io::Error::other(missing())), text);
        let two = format_args!("{}; {}; retrying", missing(), missing()).to_string();
        assert_eq!(plain_error(two), format!("{text}; {text}; retrying"));
    }

    #[test]
    fn other_texts_are_unchanged() {
        for text in ["", "a (os error )", "a (os error x) b", "a (os error 1", "(os error 1)"] {
            assert_eq!(plain_error(text), text);
        }
    }
}
