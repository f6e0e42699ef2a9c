//! How a command ends: the exit codes that scripts rely on, and the errors that lead to them.

use std::{collections::BTreeMap, io, process::ExitCode};

use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use ubmc_proto::v1;

use super::object::Condition;

/// The exit codes of `ubmcctl`. They never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It is done.
    Done = 0,
    /// It was tried and failed, was rolled back or cancelled.
    Failed = 1,
    /// The command line is wrong, or a value the daemon cannot take.
    Usage = 2,
    /// The daemon cannot be reached, or the connection broke.
    Unreachable = 3,
    /// Refused: dependents, interlock, conflict, stale plan.
    Refused = 4,
    /// There is no such name.
    NotFound = 5,
    /// It took longer than it may.
    TimedOut = 6,
    /// This user may not do it.
    NotPermitted = 7,
    /// Interrupted with Ctrl-C before anything was shown or done.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Failed(String),
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Unreachable(String),
    #[error("{}", .0.message)]
    Refused(Refusal),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    TimedOut(String),
    #[error("{0}")]
    NotPermitted(String),
    /// What was asked has been answered, and the answer is no. Nothing more is to be said.
    #[error("the answer is no")]
    AnswerIsNo,
    /// Standard output cannot be written, other than by a reader that went away.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// Nobody reads standard output any more, as after `| head`. Not an error to the user.
    #[error("the reader of the output has gone")]
    ReaderGone,
}

/// A request that the daemon understood and declined.
#[derive(Debug, Default)]
pub(crate) struct Refusal {
    pub message: String,
    /// `ErrorInfo.reason`, UPPER_SNAKE; empty when the daemon gave none.
    pub reason: String,
    pub metadata: BTreeMap<String, String>,
    /// Every violated condition.
    pub conditions: Vec<Condition>,
}

/// What divides a violation's sentence from its remedy in `PreconditionFailure.violations.description`.
const REMEDY_MARK: &str = " — resolve: ";

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Failed(_) | Self::Output(_) | Self::AnswerIsNo => Exit::Failed,
            Self::Usage(_) => Exit::Usage,
            Self::Unreachable(_) => Exit::Unreachable,
            Self::Refused(_) => Exit::Refused,
            Self::NotFound(_) => Exit::NotFound,
            Self::TimedOut(_) => Exit::TimedOut,
            Self::NotPermitted(_) => Exit::NotPermitted,
            Self::ReaderGone => Exit::Done,
        }
    }

    /// What a program reads on standard error with `--output json|jsonl`.
    pub(crate) fn report(&self) -> ErrorReport<'_> {
        let (reason, metadata, conditions) = match self {
            Self::Refused(refusal) => (
                Some(refusal.reason.as_str()).filter(|reason| !reason.is_empty()),
                Some(&refusal.metadata).filter(|metadata| !metadata.is_empty()),
                refusal.conditions.as_slice(),
            ),
            _ => (None, None, [].as_slice()),
        };
        ErrorReport { error: ErrorBody { code: self.word(), message: self.to_string(), reason, metadata, conditions } }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Failed(_) | Self::AnswerIsNo => "failed",
            Self::Usage(_) => "usage",
            Self::Unreachable(_) => "unreachable",
            Self::Refused(_) => "refused",
            Self::NotFound(_) => "not-found",
            Self::TimedOut(_) => "timed-out",
            Self::NotPermitted(_) => "not-permitted",
            Self::Output(_) | Self::ReaderGone => "output",
        }
    }

    /// An operation that was refused rather than started.
    pub(crate) fn refused(message: String, conditions: Vec<Condition>) -> Self {
        Self::Refused(Refusal { message, conditions, ..Refusal::default() })
    }
}

#[derive(Serialize)]
pub(crate) struct ErrorReport<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    message: String,
    reason: Option<&'a str>,
    metadata: Option<&'a BTreeMap<String, String>>,
    conditions: &'a [Condition],
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        // Only a status that this side made of a broken connection has a source: one that the daemon sent has none.
        if let Some(cause) = std::error::Error::source(&status) {
            return Self::Unreachable(format!("the connection to ubmcd broke: {}", plain(innermost(cause))));
        }
        let message = sentence(&status);
        match status.code() {
            // Something behind ubmcd: it was reached, and calling again is of no use.
            Code::Unavailable if reason(&status).starts_with("SIMULATION") => Self::Failed(message),
            Code::Unavailable => Self::Unreachable(message),
            Code::DeadlineExceeded => Self::TimedOut(message),
            Code::NotFound => Self::NotFound(message),
            Code::PermissionDenied | Code::Unauthenticated => Self::NotPermitted(message),
            Code::InvalidArgument | Code::OutOfRange => Self::Usage(message),
            Code::FailedPrecondition | Code::Aborted | Code::AlreadyExists => Self::Refused(refusal(&status, message)),
            Code::Unimplemented => Self::Failed(format!("this ubmcd does not offer that: {message}")),
            Code::Ok | Code::Cancelled | Code::Unknown | Code::ResourceExhausted | Code::Internal | Code::DataLoss => {
                Self::Failed(message)
            }
        }
    }
}

/// The daemon's sentence, or at least the code in words.
fn sentence(status: &Status) -> String {
    if status.message().is_empty() { status.code().to_string() } else { status.message().to_owned() }
}

/// `ErrorInfo.reason`, or empty.
fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn refusal(status: &Status, message: String) -> Refusal {
    let details = status.get_error_details();
    let (reason, metadata) = details
        .error_info()
        .map(|info| (info.reason.clone(), info.metadata.clone().into_iter().collect()))
        .unwrap_or_default();
    let conditions = details
        .precondition_failure()
        .map(|failure| &failure.violations)
        .into_iter()
        .flatten()
        .map(|violation| {
            let (text, remedy) = violation.description.split_once(REMEDY_MARK).unwrap_or((&violation.description, ""));
            Condition::from(v1::Condition {
                kind: violation.r#type.clone(),
                subject: violation.subject.clone(),
                text: text.to_owned(),
                remedy: remedy.to_owned(),
                ..v1::Condition::default()
            })
        })
        .collect();
    Refusal { message, reason, metadata, conditions }
}

/// The system's words, without numbers where it is only that nobody is there.
fn plain(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => "nobody listens any more".to_owned(),
        _ => error.to_string(),
    }
}

/// The end of an error's chain says what happened; the layers above only say where.
fn innermost<'a>(mut error: &'a (dyn std::error::Error + 'static)) -> &'a (dyn std::error::Error + 'static) {
    while let Some(deeper) = error.source() {
        error = deeper;
    }
    error
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn each_status_code_has_its_exit_code() {
        for (code, exit) in [
            (Code::Unavailable, 3),
            (Code::DeadlineExceeded, 6),
            (Code::NotFound, 5),
            (Code::PermissionDenied, 7),
            (Code::Unauthenticated, 7),
            (Code::InvalidArgument, 2),
            (Code::OutOfRange, 2),
            (Code::FailedPrecondition, 4),
            (Code::Aborted, 4),
            (Code::AlreadyExists, 4),
            (Code::Unimplemented, 1),
            (Code::Unknown, 1),
            (Code::Internal, 1),
            (Code::ResourceExhausted, 1),
        ] {
            assert_eq!(Failure::from(Status::new(code, "x")).exit() as u8, exit, "{code:?}");
        }
    }

    #[test]
    fn a_broken_connection_is_unreachable_whatever_its_code() {
        for code in [Code::Unknown, Code::Internal, Code::Cancelled] {
            let mut status = Status::new(code, "h2 protocol error");
            status.set_source(std::sync::Arc::new(io::Error::from(io::ErrorKind::ConnectionReset)));
            let failure = Failure::from(status);
            assert_eq!(failure.exit(), Exit::Unreachable);
            assert_eq!(failure.to_string(), "the connection to ubmcd broke: connection reset");
        }
    }

    #[test]
    fn an_unplugged_simulation_is_no_unreachable_daemon() {
        for (reason, exit) in [("SIMULATION_STOPPED", Exit::Failed), ("API_STOPPING", Exit::Unreachable)] {
            let mut details = ErrorDetails::new();
            details.set_error_info(reason, "ubmc", []);
            let status = Status::with_error_details(Code::Unavailable, "gone", details);
            assert_eq!(Failure::from(status).exit(), exit, "{reason}");
        }
    }

    #[test]
    fn a_refusal_keeps_every_condition_and_how_to_resolve_it() {
        let mut details = ErrorDetails::new();
        details.set_error_info("INTERLOCK", "ubmc", [("zone".to_owned(), "cpu".to_owned())]);
        details.add_precondition_failure_violation(
            "zone-over-limit",
            "zone cpu",
            "zone cpu is over its limit — resolve: let it cool below 90 °C",
        );
        details.add_precondition_failure_violation("psu-missing", "psu.1", "psu.1 is not there");
        let status = Status::with_error_details(Code::FailedPrecondition, "host.0 cannot power on", details);
        let report = serde_json::to_string(&Failure::from(status).report()).unwrap();
        assert_eq!(
            report,
            concat!(
                r#"{"error":{"code":"refused","message":"host.0 cannot power on","reason":"INTERLOCK","#,
                r#""metadata":{"zone":"cpu"},"conditions":["#,
                r#"{"kind":"zone-over-limit","subject":"zone cpu","text":"zone cpu is over its limit","#,
                r#""remedy":"let it cool below 90 °C"},"#,
                r#"{"kind":"psu-missing","subject":"psu.1","text":"psu.1 is not there","remedy":null}]}}"#
            )
        );
    }
}
