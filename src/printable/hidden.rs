// SPDX-License-Identifier: MIT OR Apache-2.0
//! Characters that change how a terminal shows others, and are not shown themselves.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns whether a character is a control character, or one of Unicode's format characters and separators of
/// lines: they reverse or hide the text after them.
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

/// Returns `text` with hidden characters escaped, but for ends of lines and tabs: names in it may be
/// those of others, and it goes to a terminal.
pub fn lines(text: &str) -> Cow<'_, str> {
    let is_kept = |character| matches!(character, '\n' | '\t') || !is_hidden(character);
    if text.chars().all(is_kept) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for character in text.chars() {
        if is_kept(character) {
            out.push(character);
        } else {
            push_escaped(&mut out, character);
        }
    }
    Cow::Owned(out)
}

/// Appends `text` as a part of one line, with hidden characters escaped.
pub fn push_line(to: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\t' => to.push(' '),
            hidden if is_hidden(hidden) => push_escaped(to, hidden),
            other => to.push(other),
        }
    }
}

fn push_escaped(to: &mut String, character: char) {
    // A string takes all that it is given.
    let _ = write!(to, "{}", character.escape_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_change_the_terminal_is_escaped() {
        let text = "\u{1b}[2J a\tb\n\u{9b}\u{202e}\u{e9}\r";
        assert_eq!(lines(text), "\\u{1b}[2J a\tb\n\\u{9b}\\u{202e}\u{e9}\\r");
        let mut line = String::new();
        push_line(&mut line, text);
        assert_eq!(line, "\\u{1b}[2J a b\\n\\u{9b}\\u{202e}\u{e9}\\r");
        assert!(matches!(lines("caf\u{e9}\n"), Cow::Borrowed(_)));
    }
}
