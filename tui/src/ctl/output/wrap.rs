//! Sentences that are longer than the terminal is wide.

use unicode_width::UnicodeWidthStr;

use super::Canvas;

/// Below this, breaking lines makes a text harder to read than the terminal's own wrapping.
const LEAST: usize = 20;

/// `text` broken between words where the terminal ends, each further line begun `indent` columns in. The first line is
/// taken to begin there too. Where there is no terminal the text stays one line.
pub(crate) fn hang(text: &str, indent: usize, canvas: Canvas) -> String {
    let Some(room) = canvas.width.map(|width| width.saturating_sub(indent)).filter(|room| *room >= LEAST) else {
        return text.to_owned();
    };
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if line.is_empty() {
            line.push_str(word);
        } else if line.width() + 1 + word.width() <= room {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.join(&format!("\n{:indent$}", ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_goes_on_under_its_beginning() {
        let text = "web waits for service db, which has failed: exit code 7";
        assert_eq!(hang(text, 4, Canvas::narrow(34)), "web waits for service db,\n    which has failed: exit code 7");
        assert_eq!(hang(text, 4, Canvas::PLAIN), text, "no terminal, no end of the line");
        assert_eq!(hang(text, 20, Canvas::narrow(34)), text, "too narrow to be worth it");
    }

    #[test]
    fn a_word_that_is_too_long_is_left_whole() {
        let path = "/usr/lib/ubmc/services/a-very-long-name/bin/run";
        assert_eq!(hang(&format!("see {path} now"), 2, Canvas::narrow(30)), format!("see\n  {path}\n  now"));
    }
}
