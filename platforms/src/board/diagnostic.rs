//! Problems of configuration files, as they are collected.

use std::ops::Range;

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
    pub(super) source: usize,
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
    /// How it comes about, one step a line. Empty: that is plain.
    pub trace: Vec<String>,
    /// Other places that belong to it.
    pub related: Vec<Related>,
    pub(super) source: Option<usize>,
}

/// Every problem of every file of a load, with the texts they are about. Its `Display` is for people.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    pub(super) sources: Vec<Source>,
    pub(super) items: Vec<Diagnostic>,
    /// All that were ever noted, and the errors among them; no more than `MOST_KEPT` are in `items`.
    pub(super) noted: usize,
    pub(super) errors: usize,
    /// How often something was met that has been told already.
    met_again: usize,
}

/// Nobody reads more; and a file can be made to hold a million mistakes.
const MOST_KEPT: usize = 1000;

/// A circle of services can have thousands of members: its sentence names them all, so many are also shown.
const MOST_RELATED: usize = 8;

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

    /// The errors alone, for where there is little room.
    #[must_use]
    pub fn without_warnings(mut self) -> Self {
        self.items.retain(|item| item.severity == Severity::Error);
        self.noted = self.errors;
        self
    }

    /// Something cannot be used, and why has been told.
    pub(super) fn met_again(&mut self) {
        self.met_again += 1;
    }

    /// Grows with every problem that is met, whether or not it is told anew: who asks before and after knows whether
    /// what lies between could be read.
    pub(super) fn met(&self) -> usize {
        self.noted + self.met_again
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
            trace: Vec::new(),
            related: Vec::new(),
            source: None,
        })
    }

    fn note(&mut self, severity: Severity, at: Span, message: String) -> Noted<'_> {
        if self.items.len() >= MOST_KEPT {
            // Not worth the search for its line.
            self.noted += 1;
            self.errors += usize::from(severity == Severity::Error);
            return Noted { index: usize::MAX, all: self };
        }
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
            trace: Vec::new(),
            related: Vec::new(),
            source: Some(at.file),
        })
    }

    fn push(&mut self, item: Diagnostic) -> Noted<'_> {
        self.noted += 1;
        self.errors += usize::from(item.severity == Severity::Error);
        self.items.push(item);
        Noted { index: self.items.len() - 1, all: self }
    }

    fn place(&self, at: Span) -> (String, (usize, usize), Range<usize>) {
        match self.sources.get(at.file) {
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

    /// Says how it comes about, step by step.
    pub(super) fn trace(self, trace: &[String]) -> Self {
        self.change(|item| item.trace = trace.to_vec())
    }

    /// Labels the place with the name that was probably meant, when there is one.
    pub(super) fn meant(self, candidate: Option<&str>) -> Self {
        match candidate {
            Some(candidate) => self.label(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }

    pub(super) fn related(self, at: Span, label: impl Into<String>) -> Self {
        if self.all.items.get(self.index).is_none_or(|item| item.related.len() >= MOST_RELATED) {
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
