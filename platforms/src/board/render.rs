//! How problems are shown to the person who wrote the file: the sentence, the place, carets, what to do.

use std::{fmt, ops::Range};

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::{
    diagnostic::{Diagnostic, Diagnostics, Severity},
    source::Source,
};

/// Places further apart than so many lines are shown apart.
const FAR_LINES: usize = 40;

impl Diagnostics {
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
        if !item.trace.is_empty() {
            let lines: Vec<_> = item.trace.iter().map(|line| printable(line)).collect();
            group = group.element(Level::NOTE.message(format!("a shortest way there:\n{}", lines.join("\n"))));
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

/// Names come from files: what would move the terminal's cursor is escaped.
fn printable(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_debug().collect::<Vec<_>>() } else { vec![c] }).collect()
}
