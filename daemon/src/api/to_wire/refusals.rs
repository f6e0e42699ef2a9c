//! Refusals as gRPC statuses with `google.rpc` details.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, PreconditionViolation, StatusExt};
use ubmc_core::refusal::{Refusal, RefusalClass};

/// Whose reasons ours are.
const DOMAIN: &str = "ubmc";

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
        let violation = |obstacle: &ubmc_core::refusal::Obstacle| {
            let description = if obstacle.remedy.is_empty() {
                obstacle.text.clone()
            } else {
                format!("{} — resolve: {}", obstacle.text, obstacle.remedy)
            };
            PreconditionViolation::new(obstacle.kind, &obstacle.subject, description)
        };
        details.set_precondition_failure(refusal.obstacles.iter().map(violation).collect::<Vec<_>>());
    }
    Status::with_error_details(code, &refusal.text, details)
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
