//! Bytes into lines.

/// A longer line is cut here; the rest of it is lost.
pub(super) const LONGEST: usize = 4096;

/// What a pipe has delivered of a line that is not complete yet. Takes no memory between lines.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    held: Vec<u8>,
    /// The line has been given out, cut; what follows up to the newline is lost.
    skipping: bool,
}

impl Splitter {
    /// Gives every line that `bytes` completes, without its newline, and whether it was cut. A line that is too long is
    /// given as soon as that is known: a process that never writes a newline is seen all the same.
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(&[u8], bool)) {
        while let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            let (head, tail) = bytes.split_at(end);
            self.complete(head, &mut line);
            bytes = tail.get(1..).unwrap_or_default();
        }
        if self.skipping || bytes.is_empty() {
            return;
        }
        let room = LONGEST - self.held.len();
        match bytes.split_at_checked(room) {
            Some((head, rest)) if !rest.is_empty() => {
                self.held.extend_from_slice(head);
                line(&self.held, true);
                self.held = Vec::new();
                self.skipping = true;
            }
            Some(_) | None => self.held.extend_from_slice(bytes),
        }
    }

    fn complete(&mut self, head: &[u8], line: &mut impl FnMut(&[u8], bool)) {
        if self.skipping {
            self.skipping = false;
        } else if self.held.is_empty() {
            give(head, line);
        } else {
            let room = LONGEST + 1 - self.held.len();
            self.held.extend_from_slice(head.get(..room).unwrap_or(head));
            give(&self.held, line);
            self.held = Vec::new();
        }
    }

    /// The writer is gone: what is held is a line too.
    pub(super) fn finish(&mut self, mut line: impl FnMut(&[u8], bool)) {
        if !self.held.is_empty() {
            give(&self.held, &mut line);
            self.held = Vec::new();
        }
    }
}

fn give(text: &[u8], line: &mut impl FnMut(&[u8], bool)) {
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    match text.get(..LONGEST) {
        Some(start) if text.len() > LONGEST => line(start, true),
        Some(_) | None => line(text, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `pieces` one after the other, then ends; lines are written with `|`, cut ones with `>`.
    fn check(pieces: &[&[u8]], expected: &[(usize, &str, bool)]) {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        let mut keep = |text: &[u8], cut: bool| {
            let start = String::from_utf8_lossy(text).chars().take(12).collect::<String>();
            lines.push((text.len(), start, cut));
        };
        for piece in pieces {
            splitter.feed(piece, &mut keep);
        }
        splitter.finish(&mut keep);
        let lines: Vec<_> = lines.iter().map(|(len, start, cut)| (*len, start.as_str(), *cut)).collect();
        assert_eq!(lines, expected);
        assert_eq!(splitter.held.capacity(), 0, "an idle splitter holds no memory");
    }

    #[test]
    fn lines_are_cut_at_newlines_wherever_the_pipe_splits_them() {
        check(&[b"one\ntwo\n"], &[(3, "one", false), (3, "two", false)]);
        check(&[b"o", b"ne", b"\nt", b"wo\n"], &[(3, "one", false), (3, "two", false)]);
        check(&[b"one\r\n\nlast"], &[(3, "one", false), (0, "", false), (4, "last", false)]);
        check(&[b"", b"\n", b""], &[(0, "", false)]);
        check(&[], &[]);
    }

    #[test]
    fn a_line_of_4096_bytes_is_whole_and_one_more_is_cut() {
        let line = vec![b'x'; LONGEST];
        check(&[&line, b"\nnext\n"], &[(LONGEST, "xxxxxxxxxxxx", false), (4, "next", false)]);
        check(&[&line, b"y\nnext\n"], &[(LONGEST, "xxxxxxxxxxxx", true), (4, "next", false)]);
        check(&[&line, b"y", b"z\nnext\n"], &[(LONGEST, "xxxxxxxxxxxx", true), (4, "next", false)]);
        check(&[&[&line[..], b"y\nnext\n"].concat()], &[(LONGEST, "xxxxxxxxxxxx", true), (4, "next", false)]);
        check(&[&line[1..], b"yz", b"\n"], &[(LONGEST, "xxxxxxxxxxxx", true)]);
    }

    #[test]
    fn a_flood_without_newline_gives_one_cut_line() {
        let flood = vec![0u8; 10 * LONGEST];
        check(&[&flood, &flood, b"\nafter"], &[(LONGEST, "\0\0\0\0\0\0\0\0\0\0\0\0", true), (5, "after", false)]);
    }
}
