//! Refusals as gRPC statuses with `google.rpc` details.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, PreconditionViolation, StatusExt};
use ubmc_core::refusal::{Obstacle, Refusal, RefusalClass};

use crate::configuration::NotReloaded;

/// Whose reasons ours are.
const DOMAIN: &str = "ubmc";
/// A status goes as headers, for which common clients have 16 KiB: its text, written twice and with every space three
/// bytes long, and its conditions, in base64, must fit in there.
const MAX_MESSAGE: usize = 2 << 10;
/// See [`MAX_MESSAGE`].
const MAX_CONDITIONS: usize = 3 << 10;

/// A refusal of the core.
pub fn status_of(refusal: &Refusal) -> Status {
    let code = match refusal.class {
        RefusalClass::NotFound => Code::NotFound,
        RefusalClass::Invalid => Code::InvalidArgument,
        RefusalClass::Precondition => Code::FailedPrecondition,
        RefusalClass::Permission => Code::PermissionDenied,
    };
    let mut details = ErrorDetails::new();
    details.set_error_info(refusal.reason, DOMAIN, HashMap::new());
    if !refusal.obstacles.is_empty() {
        details.set_precondition_failure(violations(&refusal.obstacles));
    }
    Status::with_error_details(code, bounded(&refusal.text, ""), details)
}

/// As many as fit, and how many did not.
fn violations(obstacles: &[Obstacle]) -> Vec<PreconditionViolation> {
    let mut told: Vec<PreconditionViolation> = Vec::new();
    let mut bytes = 0;
    for obstacle in obstacles {
        let description = if obstacle.remedy.is_empty() {
            obstacle.text.clone()
        } else {
            format!("{} — resolve: {}", obstacle.text, obstacle.remedy)
        };
        bytes += obstacle.kind.len() + obstacle.subject.len() + description.len();
        if bytes > MAX_CONDITIONS && !told.is_empty() {
            let rest = obstacles.len() - told.len();
            told.push(PreconditionViolation::new("more", "", format!("{rest} more conditions are not shown")));
            break;
        }
        told.push(PreconditionViolation::new(obstacle.kind, &obstacle.subject, bounded(&description, "")));
    }
    told
}

/// What fits of a text; whole lines where there are several. `hint` says where the rest is.
fn bounded(text: &str, hint: &str) -> String {
    if text.len() <= MAX_MESSAGE {
        return text.to_owned();
    }
    // With room for what is said of the rest.
    let mut end = MAX_MESSAGE - hint.len() - 32;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let (kept, _) = text.split_at(end);
    let kept = kept.rfind('\n').map_or(kept, |newline| kept.split_at(newline).0);
    format!("{kept}\n… {} bytes more{hint}", text.len() - kept.len())
}

/// A reload that was not done.
pub fn not_reloaded(failure: &NotReloaded) -> Status {
    match failure {
        NotReloaded::Errors { refusal, .. } => {
            let text =
                bounded(failure.to_string().trim_end(), "; `ubmcd --check` with the daemon's arguments shows all");
            status_of(&Refusal { text, ..refusal.clone() })
        }
        NotReloaded::Refused(refusal) => status_of(refusal),
        NotReloaded::Slow(_) => with_reason(Code::DeadlineExceeded, "CONFIGURATION_UNREAD", failure.to_string()),
        NotReloaded::Busy(_) => with_reason(Code::Aborted, "RELOAD_UNDER_WAY", failure.to_string()),
        NotReloaded::Gone => gone(),
    }
}

/// A status of the API's own, with its reason in the same form.
pub fn with_reason(code: Code, reason: &str, text: impl Into<String>) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(reason, DOMAIN, HashMap::new());
    Status::with_error_details(code, text, details)
}

/// The loop has ended while somebody asked.
pub fn gone() -> Status {
    with_reason(Code::Unavailable, "STOPPING", "ubmcd is stopping")
}

#[cfg(test)]
mod tests {
    use ubmc_core::refusal::Obstacle;

    use super::*;

    #[test]
    fn a_refusal_carries_its_reason_and_every_condition_with_its_remedy() {
        let obstacle = |remedy: &str| Obstacle {
            kind: "dependents-running",
            subject: "service web".into(),
            text: "`proxy` needs `web` and runs".into(),
            remedy: remedy.into(),
            since: None,
        };
        let refusal = Refusal::precondition(
            "DEPENDENTS_RUNNING",
            "`web` is not stopped: `proxy` needs it",
            vec![obstacle("stop `proxy` first, or use force"), obstacle("")],
        );
        let status = status_of(&refusal);
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(status.message(), refusal.text);
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("DEPENDENTS_RUNNING", "ubmc"));
        let told: Vec<_> =
            status.get_details_precondition_failure().unwrap().violations.into_iter().map(|v| v.description).collect();
        assert_eq!(
            told,
            [
                "`proxy` needs `web` and runs — resolve: stop `proxy` first, or use force",
                "`proxy` needs `web` and runs"
            ]
        );
    }

    #[test]
    fn each_class_has_its_code() {
        for (class, code) in [
            (RefusalClass::NotFound, Code::NotFound),
            (RefusalClass::Invalid, Code::InvalidArgument),
            (RefusalClass::Precondition, Code::FailedPrecondition),
            (RefusalClass::Permission, Code::PermissionDenied),
        ] {
            let refusal = Refusal { class, reason: "X", text: "x".into(), obstacles: Vec::new() };
            assert_eq!(status_of(&refusal).code(), code);
        }
    }
}
