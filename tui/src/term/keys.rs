//! From bytes to keys.
//!
//! On a slow or laggy line the bytes of one key may come apart: ESC now, `[A` a moment later. So an ESC that ends what
//! was read is held for [`HOLD_S`]; only when nothing follows is it the Esc key. What nobody knows is dropped whole, so
//! that the tail of an unknown sequence is never taken for letters.

use crate::{
    app::{Code, Key},
    model::Mono,
};

/// Seconds that an unfinished sequence is waited for.
pub const HOLD_S: f64 = 0.075;
/// Longest sequence of an honest terminal; anything longer is noise.
const LONGEST: usize = 32;
/// Longest paste that is taken; the rest of it is dropped.
const PASTE_KEPT: usize = 4_096;
/// Ends a paste.
const PASTE_END: &[u8] = b"\x1b[201~";

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typed {
    /// A key.
    Key(Key),
    /// Text that was pasted.
    Paste(String),
    /// The first button of the mouse went down on this cell.
    Press {
        /// From 0.
        column: u16,
        /// From 0.
        row: u16,
    },
    /// The wheel was turned by one notch.
    Wheel {
        /// Away from the hand.
        up: bool,
    },
}

/// Takes bytes as they come and gives keys.
#[derive(Debug, Default)]
pub struct Parser {
    held: Vec<u8>,
    /// When the last byte came.
    fed: Mono,
    /// Within a paste: what it has brought so far.
    paste: Option<Vec<u8>>,
}

/// What the beginning of the held bytes is.
enum Found {
    /// So many bytes are this key.
    Key(usize, Key),
    /// So many bytes are this, of the mouse.
    Mouse(usize, Typed),
    /// So many bytes are nothing known.
    Nothing(usize),
    /// So many bytes open a paste.
    PasteBegins(usize),
    /// More bytes are needed.
    Unfinished,
}

impl Parser {
    /// Takes bytes that came at `now`.
    pub fn feed(&mut self, now: Mono, bytes: &[u8], typed: &mut Vec<Typed>) {
        self.fed = now;
        self.held.extend_from_slice(bytes);
        self.take(false, typed);
    }

    /// When [`Parser::expire`] has to be called. None when nothing is held.
    pub fn deadline(&self) -> Option<Mono> {
        // Within a paste nothing expires: a terminal that opens one closes it.
        (!self.held.is_empty() && self.paste.is_none()).then(|| self.fed.after(HOLD_S))
    }

    /// Gives up waiting for the rest of a sequence: a lone ESC was the Esc key.
    pub fn expire(&mut self, now: Mono, typed: &mut Vec<Typed>) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.take(true, typed);
        }
    }

    fn take(&mut self, expired: bool, typed: &mut Vec<Typed>) {
        loop {
            if self.paste.is_some() {
                if !self.take_paste(typed) {
                    return;
                }
                continue;
            }
            match first(&self.held, expired) {
                None | Some(Found::Unfinished) => return,
                Some(Found::Key(length, key)) => {
                    self.drop_held(length);
                    typed.push(Typed::Key(key));
                }
                Some(Found::Mouse(length, one)) => {
                    self.drop_held(length);
                    typed.push(one);
                }
                Some(Found::Nothing(length)) => self.drop_held(length),
                Some(Found::PasteBegins(length)) => {
                    self.drop_held(length);
                    self.paste = Some(Vec::new());
                }
            }
        }
    }

    fn drop_held(&mut self, length: usize) {
        self.held.drain(..length.min(self.held.len()));
    }

    /// Moves held bytes into the paste; true when it has ended.
    fn take_paste(&mut self, typed: &mut Vec<Typed>) -> bool {
        let Some(paste) = &mut self.paste else { return true };
        let end = self.held.windows(PASTE_END.len()).position(|window| window == PASTE_END);
        // Without the end, its first bytes may be among the last ones held.
        let text = end.unwrap_or(self.held.len().saturating_sub(PASTE_END.len() - 1));
        paste.extend(self.held.drain(..text));
        paste.truncate(PASTE_KEPT);
        if end.is_none() {
            return false;
        }
        self.held.drain(..PASTE_END.len());
        let text = String::from_utf8_lossy(paste).into_owned();
        self.paste = None;
        typed.push(Typed::Paste(text));
        true
    }
}

fn first(bytes: &[u8], expired: bool) -> Option<Found> {
    let (&byte, rest) = bytes.split_first()?;
    if byte == 0x1b {
        return Some(escape(rest, expired));
    }
    if byte < 0x80 {
        return Some(Found::Key(1, control(byte)));
    }
    Some(utf8(bytes, expired))
}

/// A byte below 0x80.
fn control(byte: u8) -> Key {
    match byte {
        b'\r' | b'\n' => Code::Enter.into(),
        b'\t' => Code::Tab.into(),
        0x7f | 0x08 => Code::Backspace.into(),
        0 => Key::ctrl(' '),
        1..=26 => Key::ctrl(char::from(byte - 1 + b'a')),
        27..=31 => Key::ctrl(char::from(byte - 27 + b'[')),
        _ => Key::char(char::from(byte)),
    }
}

fn utf8(bytes: &[u8], expired: bool) -> Found {
    let length = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return Found::Nothing(1),
    };
    match bytes.get(..length) {
        Some(whole) => match std::str::from_utf8(whole).ok().and_then(|text| text.chars().next()) {
            Some(char) => Found::Key(length, Key::char(char)),
            None => Found::Nothing(1),
        },
        None if expired => Found::Nothing(bytes.len()),
        None => Found::Unfinished,
    }
}

/// What follows an ESC.
fn escape(rest: &[u8], expired: bool) -> Found {
    match rest.first() {
        None if expired => Found::Key(1, Code::Esc.into()),
        None => Found::Unfinished,
        // Two of them: the first stands alone.
        Some(0x1b) => Found::Key(1, Code::Esc.into()),
        Some(b'[') => csi(rest, expired),
        Some(b'O') => match rest.get(1) {
            None if expired => Found::Key(2, Key { alt: true, ..Key::char('O') }),
            None => Found::Unfinished,
            Some(last) => letter(*last).map_or(Found::Nothing(3), |code| Found::Key(3, code.into())),
        },
        Some(byte) if *byte < 0x80 => Found::Key(2, Key { alt: true, ..control(*byte) }),
        Some(_) => Found::Nothing(1),
    }
}

/// A control sequence: `[`, parameters, a final byte.
fn csi(rest: &[u8], expired: bool) -> Found {
    // The Linux console sends F1 to F5 as `[[A` to `[[E`.
    if rest.get(1) == Some(&b'[') {
        return match rest.get(2) {
            Some(last @ b'A'..=b'E') => Found::Key(4, Code::F(last - b'A' + 1).into()),
            Some(_) => Found::Nothing(4),
            None if expired => Found::Nothing(1 + rest.len()),
            None => Found::Unfinished,
        };
    }
    if rest.get(1) == Some(&b'M') {
        return old_mouse(rest, expired);
    }
    let body = rest.get(1..).unwrap_or_default();
    let Some(end) = body.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        return if expired || body.len() > LONGEST { Found::Nothing(1 + rest.len()) } else { Found::Unfinished };
    };
    let length = end + 3;
    if let Some(report) = body.get(..end).and_then(|report| report.strip_prefix(b"<")) {
        return mouse_report(report, body.get(end) == Some(&b'M'), length);
    }
    let mut numbers = body
        .get(..end)
        .unwrap_or_default()
        .split(|byte| *byte == b';')
        .map(|digits| std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u16>().ok()));
    let first = numbers.next().flatten();
    let modifiers = numbers.next().flatten().unwrap_or(1).saturating_sub(1);
    let code = match (body.get(end), first) {
        (Some(b'~'), Some(200)) => return Found::PasteBegins(length),
        (Some(b'~'), Some(number)) => numbered(number),
        (Some(b'Z'), _) => Some(Code::BackTab),
        (Some(last), _) => letter(*last),
        (None, _) => None,
    };
    let with = |code| Key { code, ctrl: modifiers & 4 != 0, alt: modifiers & 2 != 0 };
    code.map_or(Found::Nothing(length), |code| Found::Key(length, with(code)))
}

/// `<button;column;row` and `M`, or `m` when it was let go: what a mouse does in the way of mode 1006.
fn mouse_report(report: &[u8], pressed: bool, length: usize) -> Found {
    let numbers: Option<Vec<u16>> =
        std::str::from_utf8(report).ok().and_then(|text| text.split(';').map(|digits| digits.parse().ok()).collect());
    match numbers.as_deref() {
        Some([button, column, row]) if pressed => mouse(*button, *column, *row, length),
        _ => Found::Nothing(length),
    }
}

/// `M` and three bytes: the same from a terminal that knows mode 1000 only. Were they not taken as one, a click would be
/// Enter and three keys.
fn old_mouse(rest: &[u8], expired: bool) -> Found {
    match rest.get(2..5) {
        Some([button, column, row]) => {
            let number = |byte: u8| u16::from(byte.saturating_sub(32));
            mouse(number(*button), number(*column), number(*row), 6)
        }
        _ if expired => Found::Nothing(1 + rest.len()),
        _ => Found::Unfinished,
    }
}

/// Only the first button and the wheel mean something, whatever is held on the keyboard meanwhile; places count from 1.
fn mouse(button: u16, column: u16, row: u16, length: usize) -> Found {
    const HELD: u16 = 4 | 8 | 16;
    let Some((column, row)) = column.checked_sub(1).zip(row.checked_sub(1)) else { return Found::Nothing(length) };
    match button & !HELD {
        0 => Found::Mouse(length, Typed::Press { column, row }),
        64 => Found::Mouse(length, Typed::Wheel { up: true }),
        65 => Found::Mouse(length, Typed::Wheel { up: false }),
        _ => Found::Nothing(length),
    }
}

fn letter(last: u8) -> Option<Code> {
    Some(match last {
        b'A' => Code::Up,
        b'B' => Code::Down,
        b'C' => Code::Right,
        b'D' => Code::Left,
        b'H' => Code::Home,
        b'F' => Code::End,
        b'M' => Code::Enter,
        b'P'..=b'S' => Code::F(last - b'P' + 1),
        _ => return None,
    })
}

fn numbered(number: u16) -> Option<Code> {
    Some(match number {
        1 | 7 => Code::Home,
        2 => Code::Insert,
        3 => Code::Delete,
        4 | 8 => Code::End,
        5 => Code::PageUp,
        6 => Code::PageDown,
        11..=15 => Code::F(u8::try_from(number - 10).ok()?),
        17..=21 => Code::F(u8::try_from(number - 11).ok()?),
        23 | 24 => Code::F(u8::try_from(number - 12).ok()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each read comes at its own moment; the parser is asked to expire in between, as the reader does.
    fn check(reads: &[(f64, &[u8])], expected: &[&str]) {
        let mut parser = Parser::default();
        let mut typed = Vec::new();
        for (at, bytes) in reads {
            parser.expire(Mono(*at), &mut typed);
            parser.feed(Mono(*at), bytes, &mut typed);
        }
        parser.expire(Mono(1_000.0), &mut typed);
        let words: Vec<String> = typed
            .iter()
            .map(|typed| match typed {
                Typed::Key(key) => key.to_string(),
                Typed::Paste(text) => format!("paste {text:?}"),
                Typed::Press { column, row } => format!("press {column},{row}"),
                Typed::Wheel { up } => format!("wheel {}", if *up { "up" } else { "down" }),
            })
            .collect();
        assert_eq!(words, expected, "{reads:?}");
    }

    #[test]
    fn keys_are_read_from_whole_sequences() {
        check(
            &[(0.0, b"a\x1b[A\x1bOB\x1b[5~\r\t\x1b[Z\x7f")],
            &["a", "Up", "Down", "PgUp", "Enter", "Tab", "Shift-Tab", "Backspace"],
        );
        check(&[(0.0, "é日".as_bytes())], &["é", "日"]);
        check(&[(0.0, b"\x0c\x1a\x03")], &["^L", "^Z", "^C"]);
        check(&[(0.0, b"\x1bOP\x1b[[B\x1b[15~\x1b[24~")], &["F1", "F2", "F5", "F12"]);
        check(&[(0.0, b"\x1b[1;5C\x1bx")], &["Right", "Alt-x"]);
    }

    #[test]
    fn a_sequence_split_across_reads_is_one_key() {
        check(&[(0.0, b"\x1b"), (0.05, b"[A")], &["Up"]);
        check(&[(0.0, b"\x1b["), (0.05, b"5"), (0.1, b"~")], &["PgUp"]);
        check(&[(0.0, b"\xc3"), (0.05, b"\xa9")], &["é"]);
    }

    #[test]
    fn a_lone_escape_is_the_key_after_it_was_held() {
        check(&[(0.0, b"\x1b")], &["Esc"]);
        check(&[(0.0, b"\x1b"), (0.2, b"q")], &["Esc", "q"]);
        check(&[(0.0, b"\x1b\x1b")], &["Esc", "Esc"]);
    }

    #[test]
    fn unknown_sequences_leave_no_letters_behind() {
        check(&[(0.0, b"\x1b[99~x")], &["x"]);
        check(&[(0.0, b"\x1b[?1;2cx")], &["x"]);
        check(&[(0.0, b"\xff\xfex")], &["x"]);
        check(&[(0.0, b"\x1b["), (0.5, b"x")], &["x"]);
    }

    #[test]
    fn the_first_button_and_the_wheel_are_read_and_nothing_else_of_a_mouse() {
        check(&[(0.0, b"\x1b[<0;5;6M\x1b[<0;5;6mx")], &["press 4,5", "x"]);
        check(&[(0.0, b"\x1b[<64;1;1M\x1b[<65;200;50M")], &["wheel up", "wheel down"]);
        // With Shift; the other buttons; motion; places that are none.
        check(&[(0.0, b"\x1b[<4;1;1M\x1b[<1;1;1M\x1b[<2;1;1M\x1b[<32;1;1M\x1b[<66;1;1M")], &["press 0,0"]);
        check(&[(0.0, b"\x1b[<0;0;1M\x1b[<0;1M\x1b[<0;1;1;1M\x1b[<;;M\x1b[<0;99999;1Mx")], &["x"]);
        // Apart, as on a slow line.
        check(&[(0.0, b"\x1b"), (0.05, b"[<0;1"), (0.1, b"2;3"), (0.15, b"M")], &["press 11,2"]);
        // In the old way; what comes too late leaves no key that does something.
        check(&[(0.0, b"\x1b[M !\"x"), (0.05, b"\x1b[M`!!\x1b[M#!!")], &["press 0,1", "x", "wheel up"]);
        check(&[(0.0, b"\x1b[M "), (0.05, b"\xff\x22x")], &["press 222,1", "x"]);
        check(&[(0.0, b"\x1b[M"), (0.5, b"x")], &["x"]);
    }

    #[test]
    fn a_paste_is_text_and_never_keys() {
        check(&[(0.0, b"\x1b[200~qq\rhost.0\x1b[201~x")], &["paste \"qq\\rhost.0\"", "x"]);
        check(&[(0.0, b"\x1b[200~ho"), (0.5, b"st\x1b[20"), (0.6, b"1~")], &["paste \"host\""]);
    }
}
