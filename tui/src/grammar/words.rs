//! A line into words, as far as it has been typed.
//!
//! Blanks divide words; `'…'` and `"…"` keep them together; `\` takes the next character as it is, except within `'…'`;
//! `#` at the beginning of a word makes the rest a comment.

/// A quote that nothing closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quote {0} is not closed: close it, or write \\{0} for the character itself")]
pub(crate) struct Unclosed(pub char);

/// A word and where it begins.
#[derive(Debug, PartialEq, Eq)]
struct Word {
    text: String,
    start: usize,
}

/// A line as far as it goes.
#[derive(Debug, Default)]
struct Lexed {
    words: Vec<Word>,
    /// The quote that is still open.
    open: Option<char>,
    /// The line ends within its last word.
    within: bool,
    /// The line ends in a comment.
    comment: bool,
}

fn lex(line: &str) -> Lexed {
    let mut lexed = Lexed::default();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        if lexed.open.is_none() && character.is_whitespace() {
            lexed.within = false;
            continue;
        }
        if !lexed.within {
            if character == '#' {
                lexed.comment = true;
                return lexed;
            }
            lexed.within = true;
            lexed.words.push(Word { text: String::new(), start: at });
        }
        let Some(word) = lexed.words.last_mut() else { continue };
        match (character, lexed.open) {
            ('\'' | '"', None) => lexed.open = Some(character),
            (quote, Some(open)) if quote == open => lexed.open = None,
            ('\\', None | Some('"')) => word.text.extend(characters.next().map(|(_, escaped)| escaped)),
            (plain, _) => word.text.push(plain),
        }
    }
    lexed
}

/// The words of a whole line.
pub(crate) fn split(line: &str) -> Result<Vec<String>, Unclosed> {
    let lexed = lex(line);
    match lexed.open {
        Some(quote) => Err(Unclosed(quote)),
        None => Ok(lexed.words.into_iter().map(|word| word.text).collect()),
    }
}

/// Where the end of a line stands: the words before, and the one being typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub before: Vec<String>,
    pub word: String,
    /// Where the word begins in the line.
    pub start: usize,
}

/// What stands before the end of `line`. None within a comment.
pub(crate) fn cursor(line: &str) -> Option<Cursor> {
    let mut lexed = lex(line);
    if lexed.comment {
        return None;
    }
    let last = if lexed.within { lexed.words.pop() } else { None };
    let (word, start) = last.map_or((String::new(), line.len()), |word| (word.text, word.start));
    Some(Cursor { before: lexed.words.into_iter().map(|word| word.text).collect(), word, start })
}

/// A word as it has to be typed to be one.
pub(super) fn quoted(word: &str) -> String {
    let plain = |character: char| !character.is_whitespace() && !matches!(character, '\'' | '"' | '\\');
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('#') {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_words() {
        for (line, expected) in [
            ("", &[][..]),
            ("  host   off host.0 ", &["host", "off", "host.0"]),
            ("host off host.0 --reason 'a new disk'", &["host", "off", "host.0", "--reason", "a new disk"]),
            (r#"--reason "it's \"loud\"""#, &["--reason", r#"it's "loud""#]),
            (r"a\ b c\#d", &["a b", "c#d"]),
            (r"'a\b'", &[r"a\b"]),
            ("'' x", &["", "x"]),
            ("# nothing", &[]),
            ("host list # all of them", &["host", "list"]),
            ("events#1 \"#2\"", &["events#1", "#2"]),
        ] {
            assert_eq!(split(line).unwrap(), expected, "{line}");
        }
        assert_eq!(split("--reason 'a new"), Err(Unclosed('\'')));
    }

    #[test]
    fn the_cursor_stands_in_a_word_or_before_the_next() {
        let at = |line: &str| cursor(line).map(|found| (found.before.join("|"), found.word, found.start));
        let stands = |before: &str, word: &str, start| Some((before.to_owned(), word.to_owned(), start));
        assert_eq!(at(""), stands("", "", 0));
        assert_eq!(at("host of"), stands("host", "of", 5));
        assert_eq!(at("host off "), stands("host|off", "", 9));
        assert_eq!(at("x --reason 'a b"), stands("x|--reason", "a b", 11));
        assert_eq!(at("host # of"), None);
    }

    #[test]
    fn a_quoted_word_is_read_as_it_was() {
        for word in ["plain", "two words", "", "#x", r#"a"b\c'd"#] {
            assert_eq!(split(&quoted(word)).unwrap(), [word]);
        }
    }
}
