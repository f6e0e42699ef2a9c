//! What stands in the way, and what resolves it.

use std::fmt::Write;

use serde::Serialize;
use ubmc_proto::v1;

use super::{present, word};
use crate::ctl::output::{Canvas, Paint, duration, hang, plain_text};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Condition {
    pub kind: String,
    pub subject: String,
    pub text: String,
    /// Absent when nothing but time helps.
    pub remedy: Option<String>,
    /// How bad it is, where it is a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// Since when, in seconds of the daemon's monotonic clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_mono_s: Option<f64>,
    /// For how long by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_s: Option<f64>,
}

impl From<v1::Condition> for Condition {
    fn from(wire: v1::Condition) -> Self {
        let severity = (wire.severity != 0).then(|| word!(Severity, "SEVERITY_", wire.severity));
        Self {
            severity,
            kind: wire.kind,
            subject: wire.subject,
            text: wire.text,
            remedy: present(wire.remedy),
            since_mono_s: wire.since_s,
            age_s: None,
        }
    }
}

impl Condition {
    /// The same, told at `now` of the daemon's monotonic clock.
    pub(crate) fn aged(self, now: f64) -> Self {
        Self { age_s: self.since_mono_s.map(|since| (now - since).max(0.0)), ..self }
    }

    /// The same where it stands already whom it is about.
    pub(crate) fn about(self, subject: &str) -> Self {
        if self.subject == subject { Self { subject: String::new(), ..self } } else { self }
    }

    /// One indented line, and one for the way out. The subject leads unless the sentence begins with it, or with its
    /// name: `service web` and `web has failed`.
    pub(crate) fn draw(&self, canvas: Canvas) -> String {
        format!("  - {}", self.draw_at(4, canvas))
    }

    /// The same without the mark in front, begun `indent` columns in.
    pub(crate) fn draw_at(&self, indent: usize, canvas: Canvas) -> String {
        let subject = plain_text(&self.subject);
        let mut text = plain_text(&self.text).into_owned();
        let name = subject.rsplit(' ').next().unwrap_or_default();
        let begins_so = [subject.as_ref(), name].into_iter().any(|name| text.trim_start_matches('`').starts_with(name));
        if !begins_so {
            text = format!("{subject}: {text}");
        }
        if let Some(age) = self.age_s {
            // Held together by blanks at which no line ends.
            let _ = write!(text, " (for\u{a0}{})", duration(age).replace(' ', "\u{a0}"));
        }
        let mut drawn = hang(&text, indent, canvas).replace('\u{a0}', " ");
        if !begins_so && let Some(rest) = drawn.strip_prefix(subject.as_ref()) {
            drawn = format!("{}{rest}", canvas.paint(Paint::Strong, &subject));
        }
        if let Some(remedy) = &self.remedy {
            let remedy = hang(&format!("resolve: {}", plain_text(remedy)), indent + 2, canvas);
            let _ = write!(drawn, "\n{:indent$}{remedy}", "");
        }
        drawn
    }
}

/// Several, one below the other.
pub(crate) fn draw_all(conditions: &[Condition], canvas: Canvas) -> String {
    conditions.iter().fold(String::new(), |text, condition| text + &condition.draw(canvas) + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_says_since_when_and_goes_on_under_itself_where_the_terminal_ends() {
        let wire = v1::Condition {
            kind: "port-taken".into(),
            subject: "service web".into(),
            text: "port 8080 is taken by nginx (pid 812)".into(),
            remedy: "stop nginx, or give web another port".into(),
            since_s: Some(10.0),
            severity: 0,
        };
        let condition = Condition::from(wire).aged(202.0);
        assert_eq!(
            condition.draw(Canvas::PLAIN),
            "  - service web: port 8080 is taken by nginx (pid 812) (for 3m 12s)\n    resolve: stop nginx, or give web \
             another port"
        );
        assert_eq!(
            condition.draw(Canvas::narrow(40)),
            "  - service web: port 8080 is taken by\n    nginx (pid 812) (for 3m 12s)\n    resolve: stop nginx, or \
             give web\n      another port"
        );
    }
}
