//! Captured output of services.

use serde::Serialize;
use ubmc_proto::v1;

use super::word;
use crate::ctl::output::rfc3339;

/// A line, or in its place the number of lines that are lost.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LogLine {
    pub service: String,
    pub number: Option<u64>,
    pub time: Option<String>,
    pub stream: Option<String>,
    pub generation: Option<u64>,
    pub text: Option<String>,
    pub truncated: bool,
    /// How many lines are missing here; absent for a line.
    pub lost: Option<u64>,
}

impl From<v1::LogLine> for LogLine {
    fn from(wire: v1::LogLine) -> Self {
        Self {
            service: wire.service,
            number: Some(wire.number),
            time: rfc3339(wire.time_s),
            stream: Some(word!(LogStream, "LOG_STREAM_", wire.stream)),
            generation: Some(wire.generation),
            text: Some(wire.text),
            truncated: wire.truncated,
            lost: None,
        }
    }
}

impl LogLine {
    /// Lines that cannot be had any more.
    pub(crate) fn lost(service: String, lost: u64) -> Self {
        Self {
            service,
            number: None,
            time: None,
            stream: None,
            generation: None,
            text: None,
            truncated: false,
            lost: Some(lost),
        }
    }
}
