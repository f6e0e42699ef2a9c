//! What stands in the way, and what resolves it.

use std::fmt::Write;

use serde::Serialize;
use ubmc_proto::v1;

use super::present;
use crate::ctl::output::{Canvas, Paint, plain_text};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Condition {
    pub kind: String,
    pub subject: String,
    pub text: String,
    /// Absent when nothing but time helps.
    pub remedy: Option<String>,
}

impl From<v1::Condition> for Condition {
    fn from(wire: v1::Condition) -> Self {
        Self { kind: wire.kind, subject: wire.subject, text: wire.text, remedy: present(wire.remedy) }
    }
}

impl Condition {
    /// One indented line, and one for the way out. The subject leads unless the sentence begins with it, or with its
    /// name: `service web` and `web has failed`.
    pub(crate) fn draw(&self, canvas: Canvas) -> String {
        let subject = plain_text(&self.subject);
        let text = plain_text(&self.text);
        let mut line = String::from("  - ");
        let name = subject.rsplit(' ').next().unwrap_or_default();
        let begins_so = [subject.as_ref(), name].into_iter().any(|name| text.trim_start_matches('`').starts_with(name));
        if !begins_so {
            let _ = write!(line, "{}: ", canvas.paint(Paint::Strong, &subject));
        }
        line.push_str(&text);
        if let Some(remedy) = &self.remedy {
            let _ = write!(line, "\n    resolve: {}", plain_text(remedy));
        }
        line
    }
}

/// Several, one below the other.
pub(crate) fn draw_all(conditions: &[Condition], canvas: Canvas) -> String {
    conditions.iter().fold(String::new(), |text, condition| text + &condition.draw(canvas) + "\n")
}
