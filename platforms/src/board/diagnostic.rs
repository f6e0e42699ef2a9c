//! Problems of configuration files, and how they are shown to the person who wrote them.

use std::{fmt, ops::Range};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::source::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, but probably not as meant.
    Warning,
    /// Nothing starts before this is corrected.
    Error,
}

/// A second place that belongs to a problem, e.g. where a name was declared first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// As [`Diagnostic::file`].
    pub file: String,
    /// As [`Diagnostic::line`].
    pub line: usize,
    /// As [`Diagnostic::column`].
    pub column: usize,
    /// As [`Diagnostic::span`].
    pub span: Range<usize>,
    /// What is there.
    pub label: String,
    source: usize,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// Path of the file, as it was given. Empty when the problem has no file.
    pub file: String,
    /// From 1; 0 when the problem is not about a place in the file.
    pub line: usize,
    /// In characters, from 1; 0 when the problem is not about a place in the file.
    pub column: usize,
    /// Bytes of the file; empty when the problem is not about a place in it.
    pub span: Range<usize>,
    /// One sentence: what is wrong.
    pub message: String,
    /// A few words at the place itself. May be empty.
    pub label: String,
    /// What to do about it. Absent when the message says it already.
    pub help: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    source: Option<usize>,
}

/// Every problem of every file of a load, with the texts they are about. Its `Display` is for people.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    sources: Vec<Source>,
    items: Vec<Diagnostic>,
    /// All that were ever noted, and the errors among them; no more than `MOST_KEPT` are in `items`.
    noted: usize,
    errors: usize,
}

/// Nobody reads more; and a file can be made to hold a million mistakes.
const MOST_KEPT: usize = 1000;

/// A circle of services can have thousands of members: its sentence names them all, so many are also shown.
const MOST_RELATED: usize = 8;

/// Places further apart than so many lines are shown apart.
const FAR_LINES: usize = 40;

impl Diagnostics {
    /// The problems: by file, then by place; at most a thousand.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.noted == 0
    }

    /// How many were found, those that were too many to keep included.
    pub fn len(&self) -> usize {
        self.noted
    }

    /// How many of them are errors.
    pub fn errors(&self) -> usize {
        self.errors
    }

    pub(super) fn add_source(&mut self, label: impl Into<String>, text: impl Into<String>) -> usize {
        self.sources.push(Source { label: label.into(), text: text.into() });
        self.sources.len() - 1
    }

    /// Notes an error at a place; the answer takes a label and help.
    pub(super) fn error(&mut self, at: Span, message: impl Into<String>) -> Noted<'_> {
        self.note(Severity::Error, at, message.into())
    }

    /// Notes a warning at a place.
    pub(super) fn warning(&mut self, at: Span, message: impl Into<String>) -> Noted<'_> {
        self.note(Severity::Warning, at, message.into())
    }

    /// Notes an error that has no place.
    pub(super) fn error_about(&mut self, file: impl Into<String>, message: impl Into<String>) -> Noted<'_> {
        self.push(Diagnostic {
            severity: Severity::Error,
            file: file.into(),
            line: 0,
            column: 0,
            span: 0..0,
            message: message.into(),
            label: String::new(),
            help: None,
            related: Vec::new(),
            source: None,
        })
    }

    fn note(&mut self, severity: Severity, at: Span, message: String) -> Noted<'_> {
        let (file, (line, column), span) = self.place(at);
        self.push(Diagnostic {
            severity,
            file,
            line,
            column,
            span,
            message,
            label: String::new(),
            help: None,
            related: Vec::new(),
            source: Some(at.file),
        })
    }

    fn push(&mut self, item: Diagnostic) -> Noted<'_> {
        self.noted += 1;
        self.errors += usize::from(item.severity == Severity::Error);
        let index = self.items.len();
        if index < MOST_KEPT {
            self.items.push(item);
        }
        Noted { index, all: self }
    }

    fn place(&self, at: Span) -> (String, (usize, usize), Range<usize>) {
        // Counting lines costs as much as the file is long; what is not kept needs no place.
        match self.sources.get(at.file).filter(|_| self.items.len() < MOST_KEPT || self.noted == MOST_KEPT) {
            Some(source) => (source.label.clone(), source.position(at.start), source.visible(at)),
            None => (String::new(), (0, 0), 0..0),
        }
    }

    /// In the order in which a person corrects them; the same problem found twice is one problem.
    pub(super) fn sort(&mut self) {
        self.items.sort_by(|a, b| (a.source, a.span.start, &a.message).cmp(&(b.source, b.span.start, &b.message)));
        let omitted = self.noted - self.items.len();
        self.items.dedup();
        if omitted == 0 {
            self.noted = self.items.len();
            self.errors = self.items.iter().filter(|item| item.severity == Severity::Error).count();
        }
    }

    fn summary(&self) -> String {
        let plural =
            |count: usize, word: &str| if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") };
        let warnings = self.noted - self.errors;
        let counts = match (self.errors, warnings) {
            (errors, 0) => plural(errors, "error"),
            (0, warnings) => plural(warnings, "warning"),
            (errors, warnings) => format!("{}, {}", plural(errors, "error"), plural(warnings, "warning")),
        };
        match self.noted - self.items.len() {
            0 => counts,
            omitted => format!("{counts}; {omitted} of them are not shown"),
        }
    }

    fn render(&self, item: &Diagnostic) -> String {
        let level = match item.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = printable(&item.message);
        let mut group = match item.source.and_then(|index| Some((index, self.sources.get(index)?))) {
            Some((index, source)) => {
                let (near, far): (Vec<_>, Vec<_>) = item
                    .related
                    .iter()
                    .partition(|related| related.source == index && related.line.abs_diff(item.line) <= FAR_LINES);
                let lines = near.iter().map(|related| related.line).chain([item.line]);
                let window = Window::around(source, lines);
                let mut snippet =
                    window.snippet(source).annotation(window.mark(AnnotationKind::Primary, &item.span, &item.label));
                for related in near {
                    snippet = snippet.annotation(window.mark(AnnotationKind::Context, &related.span, &related.label));
                }
                let mut group = level.primary_title(title).element(snippet);
                for related in far {
                    let Some(source) = self.sources.get(related.source) else { continue };
                    let window = Window::around(source, [related.line]);
                    let mark = window.mark(AnnotationKind::Context, &related.span, &related.label);
                    group = group.element(window.snippet(source).annotation(mark));
                }
                group
            }
            None if item.file.is_empty() => Group::with_title(level.primary_title(title)),
            None => Group::with_title(level.primary_title(format!("{} {title}", printable(&item.file)))),
        };
        if let Some(help) = &item.help {
            group = group.element(Level::HELP.message(printable(help)));
        }
        Renderer::plain().render(&[group])
    }
}

/// The lines of a file that a snippet needs: to hand over whole files would cost their length for every problem.
struct Window {
    first_line: usize,
    bytes: Range<usize>,
}

impl Window {
    fn around(source: &Source, lines: impl IntoIterator<Item = usize>) -> Self {
        let (mut first, mut last) = (usize::MAX, 1);
        for line in lines {
            first = first.min(line);
            last = last.max(line);
        }
        let first_line = first.min(last).max(1);
        let mut ends = source.text.split_inclusive('\n').scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        let start = if first_line == 1 { 0 } else { ends.nth(first_line - 2).unwrap_or(source.text.len()) };
        let end = ends.nth(last - first_line).unwrap_or(source.text.len());
        Self { first_line, bytes: start..end }
    }

    fn snippet<'s>(&self, source: &'s Source) -> Snippet<'s, Annotation<'s>> {
        let text = source.text.get(self.bytes.clone()).unwrap_or_default();
        Snippet::source(text).line_start(self.first_line).path(printable(&source.label))
    }

    fn mark<'a>(&self, kind: AnnotationKind, span: &Range<usize>, label: &str) -> Annotation<'a> {
        let within = |byte: usize| byte.clamp(self.bytes.start, self.bytes.end) - self.bytes.start;
        let label = Some(printable(label)).filter(|label| !label.is_empty());
        kind.span(within(span.start)..within(span.end)).label(label)
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for item in &self.items {
            writeln!(f, "{}\n", self.render(item))?;
        }
        if self.items.is_empty() { Ok(()) } else { f.write_str(&self.summary()) }
    }
}

impl std::error::Error for Diagnostics {}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A problem just noted, to which more can be said.
pub(super) struct Noted<'a> {
    all: &'a mut Diagnostics,
    index: usize,
}

impl Noted<'_> {
    pub(super) fn label(self, label: impl Into<String>) -> Self {
        self.change(|item| item.label = label.into())
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        self.change(|item| item.help = Some(help.into()))
    }

    /// Labels the place with the name that was probably meant, when there is one.
    pub(super) fn meant(self, candidate: Option<&str>) -> Self {
        match candidate {
            Some(candidate) => self.label(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }

    pub(super) fn related(self, at: Span, label: impl Into<String>) -> Self {
        if self.all.items.get(self.index).is_some_and(|item| item.related.len() >= MOST_RELATED) {
            return self;
        }
        let (file, (line, column), span) = self.all.place(at);
        let related = Related { file, line, column, span, label: label.into(), source: at.file };
        self.change(|item| item.related.push(related))
    }

    /// Where a match arm wants no value.
    #[expect(clippy::unused_self, reason = "ends the chain; there is nothing left to do")]
    pub(super) fn done(self) {}

    fn change(self, change: impl FnOnce(&mut Diagnostic)) -> Self {
        if let Some(item) = self.all.items.get_mut(self.index) {
            change(item);
        }
        self
    }
}

/// Names come from files: what would move the terminal's cursor is escaped.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_debug().collect::<Vec<_>>() } else { vec![c] }).collect()
}
