//! What stands against starting services, and whether others may rely on them.

use std::collections::BTreeMap;

use serde::Serialize;
use ubmc_proto::v1;

use super::{Condition, Service, present, word};

/// What stands against starting each service.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Validation {
    pub total: usize,
    pub valid: usize,
    pub invalid: usize,
    pub services: Vec<ServiceReport>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ServiceReport {
    pub name: String,
    pub group: String,
    #[serde(rename = "type")]
    pub type_word: Option<String>,
    pub category: Option<String>,
    pub state: String,
    pub ready: bool,
    /// Nothing stands against starting it, or it runs.
    pub valid: bool,
    pub problems: Vec<Condition>,
}

impl From<v1::ServiceReport> for ServiceReport {
    fn from(wire: v1::ServiceReport) -> Self {
        Self {
            name: wire.name,
            group: wire.group,
            type_word: present(wire.r#type),
            category: present(wire.category),
            state: word!(ServiceState, "SERVICE_STATE_", wire.state),
            ready: wire.ready,
            valid: wire.problems.is_empty(),
            problems: wire.problems.into_iter().map(Condition::from).collect(),
        }
    }
}

impl From<v1::ValidateServicesResponse> for Validation {
    fn from(wire: v1::ValidateServicesResponse) -> Self {
        let services: Vec<_> = wire.services.into_iter().map(ServiceReport::from).collect();
        let valid = services.iter().filter(|service| service.valid).count();
        Self { total: services.len(), valid, invalid: services.len() - valid, services }
    }
}

/// How far each service is from being of use.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Readiness {
    pub total: usize,
    pub ready: usize,
    pub can_start: usize,
    pub not_ready: usize,
    pub services: Vec<ServiceReadiness>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct ServiceReadiness {
    pub name: String,
    pub group: String,
    #[serde(rename = "type")]
    pub type_word: Option<String>,
    pub category: Option<String>,
    pub state: String,
    /// `ready`: others may rely on it now. `can-start`: it is down, and nothing stands against starting it.
    /// `not-ready`: everything else.
    pub readiness: String,
    /// Why it is not ready; of a service that is, what it has to say.
    pub reason: Option<String>,
    pub problems: Vec<Condition>,
}

impl Readiness {
    /// From pre-flight of all services, and what the services themselves say.
    pub(crate) fn new(validation: Validation, services: Vec<Service>) -> Self {
        let said: BTreeMap<_, _> = services.into_iter().map(|service| (service.name.clone(), service)).collect();
        let services: Vec<_> = validation
            .services
            .into_iter()
            .map(|report| {
                let reason = reason(&report, said.get(&report.name));
                ServiceReadiness {
                    readiness: readiness(&report).to_owned(),
                    reason,
                    name: report.name,
                    group: report.group,
                    type_word: report.type_word,
                    category: report.category,
                    state: report.state,
                    problems: report.problems,
                }
            })
            .collect();
        let count = |word: &str| services.iter().filter(|service| service.readiness == word).count();
        Self {
            total: services.len(),
            ready: count("ready"),
            can_start: count("can-start"),
            not_ready: count("not-ready"),
            services,
        }
    }
}

fn readiness(report: &ServiceReport) -> &'static str {
    let down = matches!(report.state.as_str(), "stopped" | "failed" | "completed");
    match (report.ready, report.valid && down) {
        (true, _) => "ready",
        (false, true) => "can-start",
        (false, false) => "not-ready",
    }
}

fn reason(report: &ServiceReport, said: Option<&Service>) -> Option<String> {
    match report.problems.as_slice() {
        [] => said.and_then(|service| {
            let unready = service.readiness_text.as_ref().filter(|_| !report.ready);
            service.reason.as_ref().or(unready).cloned()
        }),
        [only] => Some(only.text.clone()),
        [first, others @ ..] => Some(format!("{}; and {} more", first.text, others.len())),
    }
}

/// Whether the services that an operation needs are ready.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct OperationCheck {
    pub operation: String,
    pub ready: bool,
    pub services: Vec<RequiredService>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct RequiredService {
    pub name: String,
    pub state: String,
    pub ready: bool,
    pub reason: Option<String>,
}

impl From<v1::CheckOperationResponse> for OperationCheck {
    fn from(wire: v1::CheckOperationResponse) -> Self {
        let required = |wire: v1::RequiredService| RequiredService {
            name: wire.name,
            state: word!(ServiceState, "SERVICE_STATE_", wire.state),
            ready: wire.ready,
            reason: present(wire.reason),
        };
        Self {
            operation: wire.operation,
            ready: wire.ready,
            services: wire.services.into_iter().map(required).collect(),
        }
    }
}
