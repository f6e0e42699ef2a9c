//! The one output layer: the same objects as tables for people, or as JSON for programs.
//!
//! - standard output carries the answer, and nothing else;
//! - standard error carries progress (only on a terminal), warnings and errors;
//! - text from the daemon never reaches a terminal with its control characters alive.

mod figures;
mod page;
mod style;
mod table;
mod time;
mod wrap;

use std::io::{self, IsTerminal, Write};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use serde::Serialize;

pub(crate) use figures::{bytes, duration, measure, or_dash, percent};
pub(crate) use page::Page;
pub(crate) use style::{Canvas, Paint, plain_text};
pub(crate) use table::{Cell, Table, left, right};
pub(crate) use time::{clock, rfc3339, time_of_day, unix_seconds};
pub(crate) use wrap::hang;

use super::exit::{Failure, Refusal};
use crate::term::caps::Surroundings;

/// In which form answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document; streams print one object a line.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// Where answers go and how they look there.
pub(crate) struct Out {
    format: Format,
    stdout: io::Stdout,
    stdout_canvas: Canvas,
    stderr_canvas: Canvas,
    stderr_is_terminal: bool,
    /// So many lines, the last without its newline, stand on standard error to be overwritten by what comes next.
    transient: usize,
}

impl Out {
    /// For the standard streams. `color` false: never; true: where the stream is a terminal that can.
    pub(crate) fn new(format: Format, color: bool) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let surroundings = Surroundings::from_env(|name| std::env::var_os(name));
        Self {
            format,
            stdout_canvas: Canvas::of(&stdout, &surroundings, color),
            stderr_canvas: Canvas::of(&stderr, &surroundings, color),
            stderr_is_terminal: stderr.is_terminal(),
            stdout,
            transient: 0,
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    pub(crate) fn stderr_is_terminal(&self) -> bool {
        self.stderr_is_terminal
    }

    /// How things are drawn on standard error.
    pub(crate) fn stderr_canvas(&self) -> Canvas {
        self.stderr_canvas
    }

    /// A list: one JSON array, one object a line, or what `draw` makes of it.
    pub(crate) fn list<T: Serialize>(
        &mut self,
        items: &[T],
        draw: impl FnOnce(Canvas) -> String,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.text(&draw(self.stdout_canvas)),
            Format::Json => self.text(&document(&items)?),
            Format::Jsonl => items.iter().try_for_each(|item| self.text(&json_line(item)?)),
        }
    }

    /// One object: one JSON document, or what `draw` makes of it.
    pub(crate) fn one<T: Serialize>(&mut self, item: &T, draw: impl FnOnce(Canvas) -> String) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.text(&draw(self.stdout_canvas)),
            Format::Json => self.text(&document(item)?),
            Format::Jsonl => self.text(&json_line(item)?),
        }
    }

    /// One item of a stream: one object a line for programs, whatever `--output` says of documents.
    pub(crate) fn item<T: Serialize>(&mut self, item: &T, draw: impl FnOnce(Canvas) -> String) -> Result<(), Failure> {
        match self.format {
            Format::Table => self.text(&draw(self.stdout_canvas)),
            Format::Json | Format::Jsonl => self.text(&json_line(item)?),
        }
    }

    /// Text on standard output, ended by a newline and flushed. Empty text prints nothing.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        if text.is_empty() {
            return Ok(());
        }
        self.clear_transient();
        let newline = if text.ends_with('\n') { "" } else { "\n" };
        let text = if self.format == Format::Table { self.stdout_canvas.spell(text) } else { text.into() };
        let mut stdout = self.stdout.lock();
        write!(stdout, "{text}{newline}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::Output(error),
        })
    }

    /// Progress: on standard error, and only where a person looks at it.
    pub(crate) fn progress(&mut self, text: &str) {
        if self.stderr_is_terminal {
            self.warn(text);
        }
    }

    /// A progress line that the next output replaces.
    pub(crate) fn progress_now(&mut self, text: &str) {
        self.progress_lines(&[text.to_owned()]);
    }

    /// Progress in several lines, all of which the next output replaces.
    pub(crate) fn progress_lines(&mut self, lines: &[String]) {
        if !self.stderr_is_terminal || !self.stderr_canvas.rewrites {
            return;
        }
        let room = self.stderr_canvas.width.unwrap_or(80).saturating_sub(1);
        // A line that wraps could not be overwritten.
        let lines: Vec<_> = lines.iter().map(|line| table::cut(line, room)).collect();
        let text = format!("{}{}", self.erasure(), self.stderr_canvas.spell(&lines.join("\n")));
        // Nobody can be told that standard error is gone.
        let _ = write!(io::stderr(), "{text}").and_then(|()| io::stderr().flush());
        self.transient = lines.len();
    }

    /// What must be said even in a script: on standard error, always.
    pub(crate) fn warn(&mut self, text: &str) {
        self.clear_transient();
        let _ = writeln!(io::stderr(), "{}", self.stderr_canvas.spell(text));
    }

    /// A question, on standard error: standard output belongs to the answer of the daemon.
    pub(crate) fn ask(&mut self, question: &str) {
        self.clear_transient();
        let _ = write!(io::stderr(), "{} [y/N] ", plain_text(question)).and_then(|()| io::stderr().flush());
    }

    fn clear_transient(&mut self) {
        let erasure = self.erasure();
        if !erasure.is_empty() {
            let _ = write!(io::stderr(), "{erasure}");
        }
    }

    /// What takes the progress lines away, and leaves the cursor where the first began.
    fn erasure(&mut self) -> String {
        match std::mem::take(&mut self.transient) {
            0 => String::new(),
            lines => format!("\r\x1b[K{}", "\x1b[A\x1b[K".repeat(lines - 1)),
        }
    }

    /// The error that ends a command, in the form the user asked for answers in.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        if matches!(failure, Failure::ReaderGone | Failure::AnswerIsNo) {
            return;
        }
        let text = match self.format {
            Format::Table => explain(failure, self.stderr_canvas),
            Format::Json | Format::Jsonl => {
                serde_json::to_string(&failure.report()).unwrap_or_else(|_| failure.to_string())
            }
        };
        self.warn(&text);
    }
}

/// An error for people: the sentence, then each condition and the way out of it.
fn explain(failure: &Failure, canvas: Canvas) -> String {
    let message = failure.to_string();
    let message = named(message, failure);
    // Diagnostics of files come rendered, in lines of their own.
    let lines: Vec<_> = message.trim_end().lines().map(plain_text).collect();
    let mut text = format!("{} {}", canvas.paint(Paint::Bad, "error:"), lines.join("\n"));
    if let Failure::Refused(refusal) = failure {
        // A single condition is often the sentence itself: then only the way out is news.
        if let [only] = refusal.conditions.as_slice()
            && refusal.message.contains(&only.text)
        {
            let remedy = only.remedy.as_ref().filter(|remedy| !refusal.message.contains(remedy.as_str()));
            let remedy = remedy.map(|remedy| format!("\n  resolve: {}", plain_text(remedy)));
            return text + &remedy.unwrap_or_default();
        }
        let rendered = lines.len() > 1;
        for condition in &refusal.conditions {
            if rendered && refusal.message.contains(&condition.text) {
                continue;
            }
            text.push('\n');
            text.push_str(&condition.draw(canvas));
        }
    }
    text
}

/// The sentence with the name of what its only condition is about, should it not say that itself.
fn named(message: String, failure: &Failure) -> String {
    let Failure::Refused(Refusal { conditions, .. }) = failure else { return message };
    match conditions.as_slice() {
        [only] if !only.text.is_empty() => {
            let name = only.subject.rsplit(' ').next().unwrap_or_default();
            if message.contains(name) || message.contains('\n') {
                return message;
            }
            message.replacen(&only.text, &format!("{}: {}", only.subject, only.text), 1)
        }
        _ => message,
    }
}

fn document<T: Serialize>(item: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(item).map_err(|error| Failure::Output(error.into()))
}

fn json_line<T: Serialize>(item: &T) -> Result<String, Failure> {
    serde_json::to_string(item).map_err(|error| Failure::Output(error.into()))
}

/// Resolves when nobody can read standard output any more, so that a quiet stream ends with its reader. Never
/// resolves for files and terminals.
pub(crate) async fn reader_gone() {
    // Looked at again and again: a thread that waited for ever would stay behind each watch that ends.
    let look = || {
        let stdout = io::stdout();
        // Nothing is asked for: an error, and that is a pipe without reader, is reported in any case.
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        match poll(&mut watched, Some(&Timespec { tv_sec: 1, tv_nsec: 0 })) {
            Ok(0) | Err(Errno::INTR) => Reader::There,
            Ok(_) if watched.iter().any(|fd| fd.revents().contains(PollFlags::ERR)) => Reader::Gone,
            // A terminal that hung up, or nothing that can be watched.
            Ok(_) | Err(_) => Reader::NeverGone,
        }
    };
    loop {
        match tokio::task::spawn_blocking(look).await {
            Ok(Reader::There) => {}
            Ok(Reader::Gone) => return,
            Ok(Reader::NeverGone) | Err(_) => std::future::pending().await,
        }
    }
}

/// Who reads standard output.
enum Reader {
    There,
    Gone,
    /// It is nothing that a reader could go from.
    NeverGone,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_whom_its_only_condition_is_about() {
        let condition = ubmc_proto::v1::Condition {
            kind: "no-binary".into(),
            subject: "service web".into(),
            text: "/usr/bin/none does not exist".into(),
            remedy: "install it".into(),
            since_s: None,
            severity: 0,
        };
        let failure = Failure::refused("cannot start: /usr/bin/none does not exist".into(), vec![condition.into()]);
        assert_eq!(
            explain(&failure, Canvas::PLAIN),
            "error: cannot start: service web: /usr/bin/none does not exist\n  resolve: install it"
        );
    }

    #[test]
    fn a_refusal_does_not_say_its_only_condition_twice() {
        let condition = ubmc_proto::v1::Condition {
            kind: "dependents-running".into(),
            subject: "service web".into(),
            text: "web is needed by shop".into(),
            remedy: "stop it first, or use --force".into(),
            since_s: None,
            severity: 0,
        };
        let failure = Failure::refused("cannot stop: web is needed by shop".into(), vec![condition.into()]);
        assert_eq!(
            explain(&failure, Canvas::PLAIN),
            "error: cannot stop: web is needed by shop\n  resolve: stop it first, or use --force"
        );
    }

    #[test]
    fn rendered_diagnostics_keep_their_lines_and_are_not_told_again_as_conditions() {
        let condition = |text: &str, remedy: &str| {
            ubmc_proto::v1::Condition {
                kind: "configuration".into(),
                subject: "services.toml:3:1".into(),
                text: text.into(),
                remedy: remedy.into(),
                since_s: None,
                severity: 0,
            }
            .into()
        };
        let message = "the configuration has 2 errors; nothing was changed\n\nerror: unknown key `dependancies`\n  \
                       ┌─ services.toml:3:1\n3 │ dependancies = []\x1b[2J\n  │ ^^^^^^^^^^^^ did you mean \
                       `dependencies`?\n";
        let conditions = vec![
            condition("unknown key `dependancies`", "did you mean `dependencies`?"),
            condition("web is no service", ""),
        ];
        assert_eq!(
            explain(&Failure::refused(message.into(), conditions), Canvas::PLAIN),
            "error: the configuration has 2 errors; nothing was changed\n\nerror: unknown key `dependancies`\n  \
             ┌─ services.toml:3:1\n3 │ dependancies = []\\u{1b}[2J\n  │ ^^^^^^^^^^^^ did you mean `dependencies`?\n  - \
             services.toml:3:1: web is no service"
        );
    }

    #[test]
    fn a_refusal_names_each_condition_and_the_way_out() {
        let condition = |kind: &str, subject: &str, text: &str, remedy: &str| {
            ubmc_proto::v1::Condition {
                kind: kind.into(),
                subject: subject.into(),
                text: text.into(),
                remedy: remedy.into(),
                since_s: None,
                severity: 0,
            }
            .into()
        };
        let failure = Failure::Refused(Refusal {
            message: "`web` has running dependents".into(),
            conditions: vec![
                condition("dependents-running", "service web", "`shop` needs it", "stop `shop` first, or use --force"),
                condition("busy", "bmc", "op-3 runs", ""),
            ],
            ..Refusal::default()
        });
        assert_eq!(
            explain(&failure, Canvas::PLAIN),
            "error: `web` has running dependents\n  - service web: `shop` needs it\n    resolve: stop `shop` first, or \
             use --force\n  - bmc: op-3 runs"
        );
    }
}
