//! Events: what happened, numbered without gap, with what brought it about.

use std::fmt;

use crate::{ids::CauseId, time::Mono};

/// How serious something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Of interest while looking for a fault only.
    Debug,
    /// As it should be.
    Info,
    /// Somebody should know; nothing is lost yet.
    Notice,
    /// Something is not as it should be.
    Warning,
    /// Something does not work.
    Error,
    /// Hardware or a host is in danger, or protection has acted.
    Critical,
}

impl Severity {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Counts from 1 without gap.
    pub seq: u64,
    /// When.
    pub mono: Mono,
    /// Dotted, e.g. `service.web.exited`.
    pub subject: String,
    /// What says it: a built-in service, or `operator` for the supervisor.
    pub source: &'static str,
    /// How serious.
    pub severity: Severity,
    /// Shared with everything of the same origin.
    pub cause: CauseId,
    /// Who asked for what led here; empty when nobody did.
    pub actor: String,
    /// One sentence for people.
    pub text: String,
    /// Details by name.
    pub fields: Vec<(&'static str, Field)>,
}

/// A detail of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Field {
    /// Text.
    Text(String),
    /// A number; its unit is in the field's name (`_s`, `_rpm`).
    Number(f64),
    /// Yes or no.
    Bool(bool),
}

impl From<&str> for Field {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Field {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Field {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Field {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
