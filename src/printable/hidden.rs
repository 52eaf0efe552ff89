// SPDX-License-Identifier: MIT OR Apache-2.0
//! Invisible characters that change how a terminal displays text.

use std::borrow::Cow;

/// Returns whether a character is a control character, a Unicode format character or a line separator. The
/// latter two can reverse or hide the text after them.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{600}'..='\u{605}'
                | '\u{61c}'
                | '\u{6dd}'
                | '\u{70f}'
                | '\u{890}'..='\u{891}'
                | '\u{8e2}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{110bd}'
                | '\u{110cd}'
                | '\u{13430}'..='\u{1345f}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Returns `text` with hidden characters escaped, except newlines and tabs, so that names chosen by others
/// cannot control the terminal.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    let is_kept = |character| matches!(character, '\n' | '\t') || !is_hidden(character);
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for character in text.chars() {
        if is_kept(character) {
            out.push(character);
        } else {
            out.extend(character.escape_default());
        }
    }
    Cow::Owned(out)
}

/// Appends `text` as part of one line: hidden characters are escaped, tabs become spaces.
pub fn push_line(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\t' => out.push(' '),
            hidden if is_hidden(hidden) => out.extend(hidden.escape_default()),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_escaped() {
        let text = "\u{1b}[2J a\tb\n\u{9b}\u{202e}\u{e9}\r";
        assert_eq!(escape_lines(text), "\\u{1b}[2J a\tb\n\\u{9b}\\u{202e}\u{e9}\\r");
        let mut line = String::new();
        push_line(&mut line, text);
        assert_eq!(line, "\\u{1b}[2J a b\\n\\u{9b}\\u{202e}\u{e9}\\r");
        assert!(matches!(escape_lines("caf\u{e9}\n"), Cow::Borrowed(_)));
    }
}
