//! Takes what is not TOML out of a file, so that the rest of it can be read and its problems told too.
//!
//! The parser goes on after a syntax error, but what it finds then is guesswork: after a forgotten `]` every line is an
//! item of the list. So only its first complaint is believed. The statement that it is about is overwritten with blanks,
//! which keeps every other place, and the parser is asked again:
//!
//! ```text
//! fans = ["fan.0"      ── complaint: no comma before `floor` ──▶  hole for `fans`: known to be there, value unknown
//! floor = 20           ── read as usual
//! [zones.b             ── complaint: unclosed table ────────────▶  hole for `zones.b` up to the next header
//! ```
//!
//! Which statement is to blame the parser does not know: the line of the complaint, the statement around it, the one
//! before it that was not closed, or the one that opened the last text of several lines. Of those that are no TOML alone
//! either the one is taken whose removal lets the parser come furthest; of several the shortest.

use std::{borrow::Cow, ops::Range};

use toml::de::DeTable;

use super::{diagnostic::Diagnostics, source::Span};

/// A statement that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    /// What it was to say: the keys from the file's root. Absent when that cannot be read either.
    pub(super) path: Option<Vec<String>>,
    /// Its first line.
    pub(super) at: Span,
}

/// A file without its syntax errors; all of them have been noted.
pub(super) struct Mended<'t> {
    /// As long as the file, so that places remain.
    pub(super) text: Cow<'t, str>,
    pub(super) holes: Vec<Hole>,
}

/// Somebody whose file has more has opened the wrong file, or half of a text is missing.
const MOST_HOLES: usize = 10;

/// What this parser says of keys and tables that are given twice: no matter of syntax.
pub(super) const DUPLICATE: &str = "duplicate key";

/// Notes every syntax error, and answers with what is left; nothing when that is not worth reading.
pub(super) fn mend<'t>(text: &'t str, file: usize, out: &mut Diagnostics) -> Option<Mended<'t>> {
    let mut mended = Mended { text: Cow::Borrowed(text), holes: Vec::new() };
    let Some((mut range, mut message)) = first_complaint(text) else { return Some(mended) };
    let statements = statements(text);
    loop {
        let cut = cuts(text, &statements, range.start)
            .into_iter()
            .map(|cut| (first_complaint(&blanked(&mended.text, &cut.range)), cut))
            .filter(|(next, _)| next.as_ref().is_none_or(|(next, _)| next.start > range.start))
            .min_by_key(|(next, cut)| {
                let reached = next.as_ref().map_or(usize::MAX, |(next, _)| next.start);
                (usize::MAX - reached, cut.range.len())
            });
        let mut noted =
            out.error(Span { file, start: range.start, end: range.end }, format!("this is not TOML: {message}"));
        let value = text.get(range.clone()).unwrap_or_default();
        if message.starts_with("invalid boolean") && !value.starts_with("true") && !value.starts_with("false") {
            noted = noted.help("a word needs quotes around it");
        }
        let Some((next, cut)) = cut else {
            noted.help("what follows could not be read because of this").done();
            return None;
        };
        let at = first_line(text, &cut.range, file);
        if at.end <= range.start && text.get(at.end..range.start).is_some_and(|between| between.contains('\n')) {
            noted.related(at, "what begins here does not end").done();
        }
        mended.text = Cow::Owned(blanked(&mended.text, &cut.range));
        mended.holes.push(Hole { path: cut.path, at });
        match next {
            None => return Some(mended),
            Some(next) if mended.holes.len() < MOST_HOLES => (range, message) = next,
            Some((next, _)) => {
                out.error(
                    Span { file, start: next.start, end: next.end },
                    "this is not TOML either, and so it goes on",
                )
                .help(format!("after {MOST_HOLES} of these a file is not read further"));
                return None;
            }
        }
    }
}

fn first_complaint(text: &str) -> Option<(Range<usize>, String)> {
    let (_, errors) = DeTable::parse_recoverable(text);
    errors
        .iter()
        .filter(|error| error.message() != DUPLICATE)
        .map(|error| (error.span().unwrap_or(0..0), error.message().to_owned()))
        .min_by_key(|(range, _)| range.start)
}

/// The text with blanks in that range; lines stay.
fn blanked(text: &str, range: &Range<usize>) -> String {
    let mut out = String::with_capacity(text.len());
    out.push_str(text.get(..range.start).unwrap_or_default());
    for byte in text.get(range.clone()).unwrap_or_default().bytes() {
        out.push(if byte == b'\n' { '\n' } else { ' ' });
    }
    out.push_str(text.get(range.end..).unwrap_or_default());
    out
}

/// The first line of a range without the blanks around it.
fn first_line(text: &str, range: &Range<usize>, file: usize) -> Span {
    let within = text.get(range.clone()).unwrap_or_default();
    let start = range.start + (within.len() - within.trim_start().len());
    let line = within.trim_start().lines().next().unwrap_or_default().trim_end();
    Span { file, start, end: start + line.len() }
}

/// A line that begins something, as far as that can be told from the line alone.
struct Statement {
    start: usize,
    is_header: bool,
    /// As written there: of a key, within the last header.
    keys: Option<Vec<String>>,
}

/// What may be taken out.
struct Cut {
    range: Range<usize>,
    /// What of it must be TOML by itself: not what stands below a header.
    alone: Range<usize>,
    path: Option<Vec<String>>,
}

fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_inclusive('\n').scan(0, |end, line| {
        let start = *end;
        *end += line.len();
        Some(start..*end)
    })
}

fn statements(text: &str) -> Vec<Statement> {
    lines(text).filter_map(|range| statement(range.start, text.get(range)?)).collect()
}

fn statement(start: usize, line: &str) -> Option<Statement> {
    let line = line.trim();
    if let Some(inner) = line.strip_prefix('[') {
        let inner = inner.strip_prefix('[').unwrap_or(inner);
        let (inner, rest) = inner.split_once(']').unwrap_or((inner, ""));
        let rest = rest.trim_start_matches(']').trim_start();
        let looks_like_one = !inner.contains([',', '=', '{', '[']) && (rest.is_empty() || rest.starts_with('#'));
        let (keys, rest) = keys(inner);
        let keys = keys.filter(|_| rest.trim().is_empty());
        return looks_like_one.then_some(Statement { start, is_header: true, keys });
    }
    let (keys, rest) = keys(line);
    (keys.is_some() && rest.starts_with('=')).then_some(Statement { start, is_header: false, keys })
}

/// The dotted key that a text begins with, and what follows it.
fn keys(text: &str) -> (Option<Vec<String>>, &str) {
    let mut keys = Vec::new();
    let mut rest = text.trim_start();
    loop {
        let (key, after) = if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            match rest.get(1..).and_then(|inner| inner.split_once(quote)) {
                Some(split) => split,
                None => return (None, rest),
            }
        } else {
            let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            rest.split_at(rest.find(|c| !is_key(c)).unwrap_or(rest.len()))
        };
        if key.is_empty() {
            return (None, rest);
        }
        keys.push(key.to_owned());
        rest = after.trim_start();
        match rest.strip_prefix('.') {
            Some(more) => rest = more.trim_start(),
            None => return (Some(keys), rest),
        }
    }
}

/// Everything that may be to blame for a complaint at `at`.
fn cuts(text: &str, statements: &[Statement], at: usize) -> Vec<Cut> {
    let around = statements.partition_point(|statement| statement.start <= at);
    let mut cuts = Vec::new();
    if let Some(line) = lines(text).find(|line| line.contains(&at) || line.end == text.len()) {
        let begins_there = around.checked_sub(1).and_then(|own| statements.get(own)).filter(|s| s.start == line.start);
        if begins_there.is_none() {
            cuts.push(lone_line(text, &statements[..around], line));
        } else if around == 0 {
            cuts.push(Cut { alone: line.clone(), range: line, path: None });
        }
    }
    // The statement around it, and the one before: that may be the one that does not end.
    cuts.extend((around.saturating_sub(2)..around).map(|index| whole(text, statements, index)));
    let opened = text.get(..at).and_then(|before| before.rfind("\"\"\"").max(before.rfind("'''")));
    if let Some(opened) = opened
        && let Some(index) = statements.partition_point(|statement| statement.start <= opened).checked_sub(1)
    {
        cuts.push(whole(text, statements, index));
    }
    let is_wrong_alone = |cut: &Cut| first_complaint(text.get(cut.alone.clone()).unwrap_or_default()).is_some();
    if cuts.iter().any(is_wrong_alone) {
        cuts.retain(is_wrong_alone);
    }
    cuts
}

/// A line that begins nothing: part of the value above it, or a statement of its own without its `=`.
fn lone_line(text: &str, before: &[Statement], line: Range<usize>) -> Cut {
    let path = before.last().and_then(|last| {
        let above_is_complete = text.get(last.start..line.start).is_some_and(|above| first_complaint(above).is_none());
        if !above_is_complete {
            return path(before, last);
        }
        let (own, _) = keys(text.get(line.clone())?);
        Some(header(before)?.into_iter().chain(own?).collect())
    });
    Cut { alone: line.clone(), range: line, path }
}

/// A whole statement: a key up to the next statement, a header with everything below it.
fn whole(text: &str, statements: &[Statement], index: usize) -> Cut {
    let (before, after) = statements.split_at(index + 1);
    let Some(own) = before.last() else { return Cut { range: 0..0, alone: 0..0, path: None } };
    let end = |next: Option<&Statement>| next.map_or(text.len(), |next| next.start);
    let alone = own.start..end(after.first());
    let range = if own.is_header { own.start..end(after.iter().find(|next| next.is_header)) } else { alone.clone() };
    Cut { range, alone, path: path(before, own) }
}

/// Where the last of some statements stands in the file.
fn path(before: &[Statement], own: &Statement) -> Option<Vec<String>> {
    if own.is_header {
        return own.keys.clone();
    }
    Some(header(before)?.into_iter().chain(own.keys.clone()?).collect())
}

/// The last header. Absent: it cannot be read.
fn header(before: &[Statement]) -> Option<Vec<String>> {
    before.iter().rfind(|statement| statement.is_header).map_or(Some(Vec::new()), |header| header.keys.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of the complaints, and what is known to be missing.
    fn check(text: &str, lines: &[usize], holes: &[&str]) {
        let mut out = Diagnostics::default();
        let file = out.add_source("x.toml", text);
        let mended = mend(text, file, &mut out).unwrap_or_else(|| panic!("not mended: {text}\n{out}"));
        assert_eq!(out.iter().map(|problem| problem.line).collect::<Vec<_>>(), lines, "{text}\n{out}");
        let found: Vec<_> =
            mended.holes.iter().map(|hole| hole.path.as_ref().map_or("?".to_owned(), |path| path.join("."))).collect();
        assert_eq!(found, holes, "{text}\n{out}");
        assert_eq!(mended.text.len(), text.len());
        assert!(first_complaint(&mended.text).is_none());
    }

    #[test]
    fn what_is_right_is_left_alone() {
        check("", &[], &[]);
        check("[a]\nb = [\n 1,\n 2\n]\n[[c]]\nd = { e = 1 }\n", &[], &[]);
    }

    #[test]
    fn a_bad_value_costs_its_key_alone() {
        check("[a]\nb = soon\nc = 1\n", &[2], &["a.b"]);
        check("[a]\nb =\nc = 1\n", &[2], &["a.b"]);
        check("[a]\nb = 5;\nc.d = 1.2.3\n", &[2, 3], &["a.b", "a.c.d"]);
        check("\"x y\" = nope\n", &[1], &["x y"]);
        check("a = \"no end\nb = 1\n", &[1], &["a"]);
        check("a = 5 b = 3\nc = 3\n", &[1], &["a"]);
        check("a = ]\nb = 1\n", &[1], &["a"]);
    }

    #[test]
    fn a_line_without_its_sign_costs_itself_alone() {
        check("[a]\nb = 1\ninterval 5\nc = 2\n", &[3], &["a.interval"]);
        check("interval 5\nc = 2\n", &[1], &["?"]);
        check("= 5\nb = 3\n", &[1], &["?"]);
    }

    #[test]
    fn what_is_not_closed_costs_itself_and_not_what_follows() {
        check("[a]\nb = [1, 2\nc = 3\nd = 4\n[x]\ny = 1\n", &[3], &["a.b"]);
        check("[a]\nb = [\n 1,\n 2\n[x]\nd = 1\n", &[5], &["a.b"]);
        check("b = { s = \"x\"\nc = 3\nd = 4\n[x]\ny = 1\n", &[2], &["b"]);
        check("b = [\n [1, 2],\n [3, 4\n]\nc = 1\n", &[5], &["b"]);
    }

    #[test]
    fn a_text_of_several_lines_that_does_not_end_costs_what_opened_it() {
        check("[a]\nb = \"\"\"abc\nc = 3\n[x]\nd = 1\n", &[6], &["a.b"]);
    }

    #[test]
    fn a_broken_header_costs_what_stands_below_it() {
        check("[policy\nstart_timeout = 5\n[board]\nname = \"x\"\n", &[1], &["policy"]);
        check("[[z.c]\nx = 1\n[c]\ny = = 2\n", &[1, 4], &["z.c", "c.y"]);
        check("[a b]\nx = 1\n[c]\ny = 2\n", &[1], &["?"]);
    }

    #[test]
    fn a_file_that_is_something_else_is_given_up() {
        let text = "int main(void) {\n  puts(\"hello\");\n}\n".repeat(20);
        let mut out = Diagnostics::default();
        let file = out.add_source("x.toml", text.as_str());
        assert!(mend(&text, file, &mut out).is_none());
        assert!(out.len() <= MOST_HOLES + 1, "{out}");
    }
}
