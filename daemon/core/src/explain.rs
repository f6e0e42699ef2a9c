//! Answers that need more than one room: why a service or a machine is as it is, what a stop would lead to, what stands
//! against a start.

use crate::{
    core::Core,
    ids::{MachineId, Name, ServiceId},
    machines::{Demand, MachineKind, Tone},
    operations::{book::kind_of, plan::verbs_of},
    refusal::{Obstacle, Refusal},
    services::{Builtin, Deployment},
    time::{Mono, human},
    timers::Timer,
    view::{BootView, Consequence, OperationState, OperationView, StepState, WhatIfView, WhyLink, WhyView},
};

impl Core {
    /// Why a service or a machine is not as it is wanted.
    pub fn why(&self, name: &str, now: Mono) -> Result<WhyView, Refusal> {
        if let Some(id) = self.supervisor.find(name) {
            return Ok(self.supervisor.why(id, now, &self.out.timers));
        }
        match self.board.find_machine(name) {
            Some(id) => Ok(self.why_machine(id, now)),
            None => Err(self.unknown("service or machine", name, true)),
        }
    }

    fn unknown(&self, what: &str, name: &str, machines: bool) -> Refusal {
        let mut known: Vec<Name> = self.supervisor.ids().map(|id| self.supervisor.unit(id).spec.name.clone()).collect();
        known.extend(self.board.machines.iter().filter(|_| machines).map(|spec| spec.name.clone()));
        Refusal::unknown(what, name, &known)
    }

    /// From the machine over what drives it to what that waits for.
    fn why_machine(&self, id: MachineId, now: Mono) -> WhyView {
        let machine = self.machines.get(id);
        let (name, state) = (&machine.spec.name, machine.state_name());
        let subject = |what: &str, name: &str| format!("{what} {name}");
        let kind = machine.spec.definition.kind.as_str();
        let wanted = match machine.requested {
            "on" => Some(Demand::On),
            "off" => Some(Demand::Off),
            _ => None,
        };
        let settled = machine.discovered && machine.state_def().tone == Tone::Normal;
        let as_desired = settled && wanted.is_none_or(|wanted| machine.fulfils(wanted));
        let reason = self.scene().reason(id);
        let mut text = match (machine.requested, reason.as_str()) {
            ("", "") => format!("{name} is {state}"),
            (requested, "") => format!("{name} is {state}, and {requested} was asked of it"),
            ("", reason) => format!("{name} is {state}: {reason}"),
            (requested, reason) => format!("{name} is {state}, and {requested} was asked of it: {reason}"),
        };
        if let Some(at) = self.out.timers.get(Timer::Machine(id)) {
            text = format!("{text}, for at most {} more", human(now.until(at)));
        }
        let mut chain = vec![WhyLink {
            subject: subject(kind, name.as_str()),
            text,
            remedy: String::new(),
            since: Some(machine.since),
        }];
        // The operation that drives it, or else the last one on it, if that did not come to its end.
        let operation = machine.operation.and_then(|id| self.operations.get(id)).or_else(|| {
            let concerns = |view: &&OperationView| {
                view.target == name.as_str() || view.affects.iter().any(|affected| affected == name.as_str())
            };
            let last = self.operations.ids().into_iter().rev().filter_map(|id| self.operations.get(id)).find(concerns);
            last.filter(|view| view.state != OperationState::Succeeded && !as_desired)
        });
        if let Some(view) = operation {
            let open = view.steps.iter().find(|step| matches!(step.state, StepState::Running | StepState::Failed));
            // Where it has ended, its reason names the step.
            let how = match open {
                _ if !view.reason.is_empty() => format!(": {}", view.reason),
                Some(step) => format!(", step `{}`: {}", step.name, step.detail),
                None => String::new(),
            };
            chain.push(WhyLink {
                subject: subject("operation", &view.id.to_string()),
                text: format!("{} ({}) is {}{how}", view.id, view.kind, view.state.as_str()),
                remedy: format!("`ubmcctl operations show {}`", view.id),
                since: Some(view.created),
            });
        }
        if !as_desired && wanted == Some(Demand::On) && !machine.fulfils(Demand::On) {
            let against = self.scene().power_on_obstacles(id);
            chain.extend(against.into_iter().map(|Obstacle { subject, text, remedy, since, .. }| WhyLink {
                subject,
                text,
                remedy,
                since,
            }));
        }
        let answer = match chain.as_slice() {
            [_, .., root] if !as_desired => format!("{name} is {state} because {}", root.text),
            [first, ..] => first.text.clone(),
            [] => String::new(),
        };
        WhyView { name: name.clone(), kind, as_desired, answer, chain }
    }

    /// What would follow if a service were stopped now. Changes nothing.
    pub fn what_if_stopped(&self, name: &str) -> Result<WhatIfView, Refusal> {
        let id = self.supervisor.find(name).ok_or_else(|| self.unknown("service", name, false))?;
        let mut view = self.supervisor.what_if_stopped(id);
        for member in self.supervisor.stopped_with(id) {
            if let Deployment::Builtin(builtin) = self.supervisor.unit(member).spec.deployment {
                // Two services may be needed for the same: once is enough to know.
                for consequence in self.without(builtin) {
                    let known =
                        |other: &Consequence| (&other.subject, other.kind) == (&consequence.subject, consequence.kind);
                    if !view.consequences.iter().any(known) {
                        view.consequences.push(consequence);
                    }
                }
            }
        }
        Ok(view)
    }

    /// What hardware does without a built-in service.
    fn without(&self, builtin: Builtin) -> Vec<Consequence> {
        let failsafe = |why: &str| {
            let of = |zone: &crate::thermal::ZoneSpec| Consequence {
                subject: format!("zone {}", zone.name),
                kind: "fail-safe",
                text: format!("the fans of zone {} go to their fail-safe speed: {why}", zone.name),
            };
            self.board.zones.iter().map(of).collect::<Vec<_>>()
        };
        let operations = |what: &str| {
            vec![Consequence {
                subject: "operations on machines".to_owned(),
                kind: "operation",
                text: format!("requests on hosts and chassis are refused: {what}"),
            }]
        };
        match builtin {
            Builtin::Thermalmgr => failsafe("nobody controls them"),
            Builtin::Sensormon => failsafe("no temperature is read any more"),
            Builtin::Powermgr => operations("nobody drives the power lines"),
            Builtin::Statemgr => operations("nobody follows the lines of the machines"),
            Builtin::Ledmgr | Builtin::Journal | Builtin::Inventory | Builtin::Api => Vec::new(),
        }
    }

    /// How the start of the platform went, or how far it is.
    pub fn boot(&self) -> BootView {
        self.supervisor.boot_view()
    }

    /// The services that an operation needs; none for an operation of ours that needs none.
    pub fn required_for(&self, operation: &str) -> Result<Vec<ServiceId>, Refusal> {
        let kinds = [MachineKind::Host, MachineKind::Chassis, MachineKind::Bmc];
        let ours = |kind: MachineKind| verbs_of(kind).iter().any(|verb| kind_of(kind, *verb) == operation);
        match self.supervisor.required_for(operation) {
            Err(_) if kinds.into_iter().any(ours) => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// What the core itself knows against starting a service now; the machine is for the shell to ask.
    pub fn start_obstacles(&self, id: ServiceId) -> Vec<Obstacle> {
        self.supervisor.obstacles_to_start(id)
    }

    /// Services that would be started for these, so that the machine can be asked about them first. Unknown names are
    /// left out: the request itself refuses them.
    pub fn to_survey(&self, names: &[Name], restart: bool) -> Vec<ServiceId> {
        self.supervisor.to_survey(names, restart)
    }

    /// Whether there is such a service: a reload may have taken it away.
    pub fn is_listed(&self, id: ServiceId) -> bool {
        self.supervisor.is_listed(id)
    }
}
