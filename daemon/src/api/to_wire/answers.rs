//! Answers to questions that go across services: why, what if, what a reload changes, how the start went.

use ubmc_core::{
    refusal::Obstacle,
    time::Mono,
    view::{BootView, ChangeEffect, ChangeKind, Outcome, ReloadView, ServiceView, WhatIfView, WhyLink, WhyView},
};
use ubmc_proto::v1;

use super::{conditions, names, services::state};

/// Why something is not as it is wanted.
pub fn why(view: &WhyView) -> v1::WhyResponse {
    v1::WhyResponse {
        name: view.name.to_string(),
        kind: view.kind.to_owned(),
        as_desired: view.as_desired,
        answer: view.answer.clone(),
        chain: view.chain.iter().map(link).collect(),
    }
}

fn link(link: &WhyLink) -> v1::Condition {
    v1::Condition {
        // What kind of condition it is stands in what it is about: `service web`, `operation op-3`.
        kind: link.subject.split(' ').next().unwrap_or_default().to_owned(),
        subject: link.subject.clone(),
        text: link.text.clone(),
        remedy: link.remedy.clone(),
        since_s: link.since.map(Mono::as_secs_f64),
        ..v1::Condition::default()
    }
}

/// What would follow if a service were stopped.
pub fn what_if(view: &WhatIfView) -> v1::WhatIfStoppedResponse {
    let consequences = view.consequences.iter().map(|consequence| v1::Consequence {
        subject: consequence.subject.clone(),
        kind: consequence.kind.to_owned(),
        text: consequence.text.clone(),
    });
    v1::WhatIfStoppedResponse { consequences: consequences.collect(), obstacles: conditions(&view.obstacles) }
}

/// What stands against starting a service.
pub fn report(view: &ServiceView<'_>, problems: &[Obstacle]) -> v1::ServiceReport {
    let spec = view.spec;
    v1::ServiceReport {
        name: spec.name.to_string(),
        group: spec.group.as_str().to_owned(),
        category: spec.category.clone(),
        r#type: spec.kind.clone(),
        state: state(view.state),
        ready: view.ready,
        problems: conditions(problems),
    }
}

/// A service that an operation needs.
pub fn required(view: &ServiceView<'_>) -> v1::RequiredService {
    v1::RequiredService {
        name: view.spec.name.to_string(),
        state: state(view.state),
        ready: view.ready,
        reason: if view.ready { String::new() } else { view.reason.clone() },
    }
}

/// What a reload changed, or would; without the operation.
pub fn reload(view: &ReloadView, applied: bool) -> v1::ReloadServicesResponse {
    let changes = view.changes.iter().map(|change| v1::ServiceChange {
        name: change.name.to_string(),
        kind: change_kind(change.kind),
        fields: change.fields.iter().map(|field| (*field).to_owned()).collect(),
        effect: change_effect(change.effect),
        text: change.text.clone(),
    });
    v1::ReloadServicesResponse {
        changes: changes.collect(),
        restarts: names(&view.restarts),
        notes: view.notes.clone(),
        applied,
        operation: None,
    }
}

fn change_kind(kind: ChangeKind) -> i32 {
    let kind = match kind {
        ChangeKind::Added => v1::ChangeKind::Added,
        ChangeKind::Removed => v1::ChangeKind::Removed,
        ChangeKind::Changed => v1::ChangeKind::Changed,
    };
    kind.into()
}

fn change_effect(effect: ChangeEffect) -> i32 {
    let effect = match effect {
        ChangeEffect::Start => v1::ChangeEffect::Start,
        ChangeEffect::Stop => v1::ChangeEffect::Stop,
        ChangeEffect::Restart => v1::ChangeEffect::Restart,
        ChangeEffect::InPlace => v1::ChangeEffect::InPlace,
        ChangeEffect::NextStart => v1::ChangeEffect::NextStart,
    };
    effect.into()
}

/// How the start of the platform went.
pub fn boot(view: &BootView) -> v1::BootTimeline {
    let seconds = |moment: Option<Mono>| moment.map(Mono::as_secs_f64);
    let phases = view.phases.iter().map(|phase| v1::BootPhase {
        group: phase.group.as_str().to_owned(),
        began_s: seconds(phase.began),
        ended_s: seconds(phase.ended),
    });
    let services = view.services.iter().map(|service| v1::BootService {
        name: service.name.to_string(),
        group: service.group.as_str().to_owned(),
        released_s: seconds(service.released),
        spawned_s: seconds(service.spawned),
        settled_s: seconds(service.settled),
        outcome: outcome(service.outcome).to_owned(),
        waited_for: service.waited_for.clone(),
        critical: service.critical,
    });
    v1::BootTimeline {
        started_s: view.started.as_secs_f64(),
        ended_s: seconds(view.ended),
        timed_out: view.timed_out,
        phases: phases.collect(),
        services: services.collect(),
        critical_path: names(&view.critical_path),
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pending => "pending",
        Outcome::Ready => "ready",
        Outcome::Completed => "completed",
        Outcome::Failed => "failed",
        Outcome::Abandoned => "abandoned",
    }
}
