//! Long-running requests and their steps.

use serde::Serialize;
use ubmc_proto::v1;

use super::{Condition, numbered, present, word};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Operation {
    pub id: String,
    pub kind: String,
    pub target: String,
    pub state: String,
    pub steps: Vec<Step>,
    /// Why it ended as it did, or what it waits for.
    pub reason: Option<String>,
    pub requested_by: Option<String>,
    /// The reason that the requester gave.
    pub request_reason: Option<String>,
    pub age_s: f64,
    pub duration_s: Option<f64>,
    pub expected_s: Option<f64>,
    /// Most seconds it may take.
    pub bound_s: Option<f64>,
    pub progress: f64,
    pub conditions: Vec<Condition>,
    pub affects: Vec<String>,
    pub revision: Option<String>,
    pub cause: Option<u64>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Step {
    pub name: String,
    pub state: String,
    pub duration_s: Option<f64>,
    pub detail: Option<String>,
}

impl From<v1::Operation> for Operation {
    fn from(wire: v1::Operation) -> Self {
        Self {
            id: wire.id,
            kind: wire.kind,
            target: wire.target,
            state: word!(OperationState, "OPERATION_STATE_", wire.state),
            steps: wire.steps.into_iter().map(Step::from).collect(),
            reason: present(wire.reason),
            requested_by: present(wire.requested_by),
            request_reason: present(wire.request_reason),
            age_s: wire.age_s,
            duration_s: wire.duration_s,
            expected_s: wire.expected_s,
            bound_s: wire.bound_s,
            progress: wire.progress,
            conditions: wire.conditions.into_iter().map(Condition::from).collect(),
            affects: wire.affects,
            revision: present(wire.revision),
            cause: numbered(wire.cause),
        }
    }
}

impl From<v1::Step> for Step {
    fn from(wire: v1::Step) -> Self {
        Self {
            name: wire.name,
            state: word!(StepState, "STEP_STATE_", wire.state),
            duration_s: wire.duration_s,
            detail: present(wire.detail),
        }
    }
}

impl Operation {
    /// Whether nothing more will happen to it.
    pub(crate) fn ended(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "failed" | "rolled-back" | "cancelled" | "refused")
    }

    /// What it does, in words: the kind says the target's area already, so `host-on` of `host.0` is `host.0 on`, and
    /// `service-start` of `web db` is `start web db`.
    pub(crate) fn title(&self) -> String {
        if let Some(verb) = self.kind.strip_prefix("service-").filter(|_| !self.target.is_empty()) {
            return format!("{verb} {}", self.target);
        }
        let verb = self.kind.split_once('-').map_or(self.kind.as_str(), |(_, verb)| verb);
        if self.target.is_empty() { self.kind.clone() } else { format!("{} {verb}", self.target) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_has_its_promised_keys_and_so_have_its_steps() {
        let wire = v1::Operation {
            id: "op-17".into(),
            kind: "host-force-off".into(),
            target: "host.0".into(),
            state: v1::OperationState::RolledBack.into(),
            steps: vec![v1::Step {
                name: "set line".into(),
                state: v1::StepState::Failed.into(),
                duration_s: Some(0.5),
                detail: String::new(),
            }],
            requested_by: "uid 0 (root)".into(),
            ..v1::Operation::default()
        };
        let operation = Operation::from(wire);
        let json = serde_json::to_string(&operation).unwrap();
        assert!(
            json.starts_with(concat!(
                r#"{"id":"op-17","kind":"host-force-off","target":"host.0","state":"rolled-back","#,
                r#""steps":[{"name":"set line","state":"failed","duration_s":0.5,"detail":null}],"#,
                r#""reason":null,"requested_by":"uid 0 (root)","#
            )),
            "{json}"
        );
        assert_eq!(operation.title(), "host.0 force-off");
        assert!(operation.ended());
    }
}
