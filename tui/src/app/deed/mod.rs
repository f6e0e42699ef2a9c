//! What the console can do to the machine room: each deed is one request; [`words`] is what is said of it, and [`facts`]
//! what there is to say of it as things stand.

mod facts;
mod words;

use std::borrow::Cow;

use super::{Ask, Plan, ServiceVerb};
use crate::model::{At, LedPattern};
pub use facts::Fact;
pub(super) use words::minutes;
use words::services;

/// Something that changes the machine room.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A request to a machine.
    Transition {
        /// The machine.
        machine: String,
        /// The request.
        request: String,
        /// It interrupts something that runs, as the daemon says; where it says nothing, it is taken to.
        destructive: bool,
    },
    /// A request to a machine for later.
    Schedule {
        /// The machine.
        machine: String,
        /// The request.
        request: String,
        /// As of a transition.
        destructive: bool,
        /// When.
        at: At,
    },
    /// A request for services.
    Services {
        /// What.
        verb: ServiceVerb,
        /// Which; empty: all.
        names: Vec<String>,
        /// What goes along: active services that need these.
        along: Vec<String>,
        /// What is checked before a start is skipped; what protects the hardware is stopped all the same.
        force: bool,
    },
    /// A service's failures are forgotten. One service: several would be several requests, of which some may fail.
    Reset {
        /// Which.
        service: String,
    },
    /// The configuration of the services as it is on the disk now.
    Reload,
    /// The end of an operation.
    CancelOperation {
        /// Its id.
        id: String,
    },
    /// The end of a request that waits for its time.
    CancelSchedule {
        /// Its id.
        id: String,
    },
    /// How a machine comes back after the loss of power.
    Policy {
        /// The machine.
        machine: String,
        /// Empty: as it is.
        policy: String,
        /// For the next time only.
        once: bool,
        /// Boots that may fail. None: as it is.
        attempts: Option<u32>,
    },
    /// A condition does not stand against powering a machine on, for a time.
    OverrideInterlock {
        /// The machine.
        machine: String,
        /// e.g. `no-supply`.
        condition: String,
        /// Seconds.
        for_s: f64,
    },
    /// The end of an interlock's override.
    RestoreInterlock {
        /// The machine.
        machine: String,
        /// The condition that stands against powering it on again; empty: all of them.
        condition: String,
    },
    /// The identify LED.
    Identify {
        /// Lit or not.
        on: bool,
        /// Seconds until it goes out by itself; 0: it does not.
        for_s: f64,
    },
    /// An LED at a pattern.
    Light {
        /// Which.
        led: String,
        /// None: it follows its policy again.
        pattern: Option<LedPattern>,
        /// Seconds until it follows its policy again; 0: until it is given back.
        for_s: f64,
    },
    /// Fans at a fixed duty for a time.
    Hold {
        /// A fan or a zone.
        target: String,
        /// Percent.
        duty: f64,
        /// Seconds.
        for_s: f64,
    },
    /// Fans back to their controllers.
    Release {
        /// A fan or a zone.
        target: String,
    },
    /// A fault on the simulated board.
    Inject {
        /// How.
        kind: String,
        /// What.
        target: String,
        /// Its meaning depends on the kind. None: the kind's own.
        value: Option<f64>,
    },
    /// The end of faults on the simulated board.
    Repair {
        /// How it was broken; empty: however.
        kind: String,
        /// What; empty: whatever.
        target: String,
    },
    /// The surroundings of the simulated board.
    Surround {
        /// e.g. `ambient`.
        name: String,
        /// In its own unit.
        value: f64,
    },
    /// The simulated board is plugged in, or not.
    Plug {
        /// It runs.
        on: bool,
    },
    /// The end of ubmcd.
    Shutdown {
        /// Without stopping anything gracefully.
        emergency: bool,
    },
}

impl Deed {
    /// What it acts on: the name that has to be typed.
    pub fn target(&self) -> Cow<'_, str> {
        let name = match self {
            Self::Transition { machine, .. }
            | Self::Schedule { machine, .. }
            | Self::Policy { machine, .. }
            | Self::OverrideInterlock { machine, .. }
            | Self::RestoreInterlock { machine, .. } => machine,
            Self::Services { names, .. } => return services(names),
            Self::Reset { service } => service,
            Self::CancelOperation { id } | Self::CancelSchedule { id } => id,
            Self::Identify { .. } => "identify",
            Self::Light { led, .. } => led,
            Self::Hold { target, .. }
            | Self::Release { target }
            | Self::Inject { target, .. }
            | Self::Repair { target, .. } => target,
            Self::Surround { name, .. } => name,
            Self::Reload => "services",
            Self::Plug { .. } => "board",
            Self::Shutdown { .. } => "ubmcd",
        };
        Cow::Borrowed(name)
    }

    /// Whether the target's name must be typed.
    pub fn is_destructive(&self) -> bool {
        match self {
            Self::Transition { destructive, .. } | Self::Schedule { destructive, .. } => *destructive,
            Self::Services { verb, .. } => verb.is_destructive(),
            // What a reload interrupts is in its plan only.
            Self::Reload | Self::OverrideInterlock { .. } | Self::Plug { on: false } | Self::Shutdown { .. } => true,
            Self::Reset { .. }
            | Self::CancelOperation { .. }
            | Self::CancelSchedule { .. }
            | Self::Policy { .. }
            | Self::RestoreInterlock { .. }
            | Self::Identify { .. }
            | Self::Light { .. }
            | Self::Hold { .. }
            | Self::Release { .. }
            | Self::Inject { .. }
            | Self::Repair { .. }
            | Self::Surround { .. }
            | Self::Plug { on: true } => false,
        }
    }

    /// Whether it takes something back or away, so that leaving it must not be called "cancel".
    pub fn cancels(&self) -> bool {
        matches!(self, Self::CancelOperation { .. } | Self::CancelSchedule { .. })
    }

    /// The request that asks for the plan. None: the daemon makes none for this.
    pub fn plan(&self) -> Option<Ask> {
        match self {
            Self::Transition { machine, request, .. } => {
                Some(Ask::Plan { machine: machine.clone(), request: request.clone() })
            }
            Self::Services { verb, names, .. } if verb.is_destructive() && !names.is_empty() => {
                Some(Ask::WhatIf { services: names.clone() })
            }
            Self::Reload => Some(Ask::PlanReload),
            Self::Services { .. }
            | Self::Reset { .. }
            | Self::Schedule { .. }
            | Self::CancelOperation { .. }
            | Self::CancelSchedule { .. }
            | Self::Policy { .. }
            | Self::OverrideInterlock { .. }
            | Self::RestoreInterlock { .. }
            | Self::Identify { .. }
            | Self::Light { .. }
            | Self::Hold { .. }
            | Self::Release { .. }
            | Self::Inject { .. }
            | Self::Repair { .. }
            | Self::Surround { .. }
            | Self::Plug { .. }
            | Self::Shutdown { .. } => None,
        }
    }

    /// Whether the daemon can be told why.
    pub fn takes_reason(&self) -> bool {
        match self {
            Self::Transition { .. }
            | Self::Schedule { .. }
            | Self::Services { .. }
            | Self::Reset { .. }
            | Self::Reload
            | Self::CancelOperation { .. }
            | Self::CancelSchedule { .. }
            | Self::Policy { .. }
            | Self::OverrideInterlock { .. }
            | Self::Identify { .. }
            | Self::Light { .. }
            | Self::Hold { .. }
            | Self::Release { .. }
            | Self::Shutdown { .. } => true,
            Self::RestoreInterlock { .. }
            | Self::Inject { .. }
            | Self::Repair { .. }
            | Self::Surround { .. }
            | Self::Plug { .. } => false,
        }
    }

    /// The request that does it for this reason, bound to the plan that was shown.
    pub fn ask(&self, plan: &Plan, reason: &str) -> Ask {
        let mut deed = self.clone();
        // What stands in the way of a stop was shown with what goes along, so it is meant. A restart asks nobody: there,
        // force would skip what is checked before the start.
        if let Self::Services { verb: ServiceVerb::Stop, along, force, .. } = &mut deed {
            let shown = matches!(plan, Plan::Foreseen(what_if) if !what_if.obstacles.is_empty());
            *force |= shown || !along.is_empty();
        }
        let revision = match plan {
            Plan::Known(operation) => operation.revision.clone(),
            Plan::Asked(_) | Plan::None | Plan::Foreseen(_) | Plan::Refused(_) => String::new(),
        };
        Ask::Do { deed, revision, reason: reason.trim().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::palette::{Command, meaning},
        model::{Condition, Machine, MachineKind, Model, Request, WhatIf},
    };

    fn asked(verb: ServiceVerb, along: &[&str], obstacles: usize) -> bool {
        let along = along.iter().map(|name| (*name).to_owned()).collect();
        let deed = Deed::Services { verb, names: vec!["db".to_owned()], along, force: false };
        let obstacles = vec![Condition::default(); obstacles];
        let plan = Plan::Foreseen(Box::new(WhatIf { obstacles, ..WhatIf::default() }));
        match deed.ask(&plan, "") {
            Ask::Do { deed: Deed::Services { force, .. }, .. } => force,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_stop_is_forced_by_what_was_shown_and_a_restart_never_skips_its_checks() {
        for (verb, along, obstacles, forced) in [
            (ServiceVerb::Stop, &[][..], 0, false),
            (ServiceVerb::Stop, &["web"], 0, true),
            (ServiceVerb::Stop, &[], 1, true),
            (ServiceVerb::Restart, &["web"], 1, false),
            (ServiceVerb::Start, &[], 0, false),
        ] {
            assert_eq!(asked(verb, along, obstacles), forced, "{verb:?} with {along:?}, {obstacles} obstacles");
        }
    }

    #[test]
    fn what_interrupts_something_is_what_the_daemon_says_and_what_it_says_nothing_of() {
        let request = |name: &str, destructive| Request { name: name.to_owned(), destructive, ..Request::default() };
        let requests = vec![request("off", false), request("reboot", true), request("on", false)];
        let host = Machine { name: "host.0".to_owned(), kind: MachineKind::Host, requests, ..Machine::default() };
        let model = Model { machines: vec![host], ..Model::default() };
        for (line, destructive) in [
            ("host off host.0", false),
            ("host on host.0", false),
            ("host off host.0 --at +5m", false),
            ("host nmi host.0", true),
            ("host cycle host.0 --at +5m", true),
        ] {
            match meaning::understand(&model, line) {
                Ok(Command::Do(deed)) => assert_eq!(deed.is_destructive(), destructive, "{line}"),
                other => panic!("{line}: {other:?}"),
            }
        }
        let reboot = Deed::Transition { machine: "bmc".to_owned(), request: "reboot".to_owned(), destructive: true };
        assert!(reboot.is_destructive());
    }

    #[test]
    fn many_services_are_counted_and_few_are_named() {
        let names = |count: usize| (0..count).map(|index| format!("s{index}")).collect::<Vec<_>>();
        for (count, title, target) in [
            (0, "stop all services", "all services"),
            (1, "stop s0", "s0"),
            (2, "stop s0 s1", "s0 s1"),
            (4, "stop 4 services", "4 services"),
        ] {
            let (names, along) = (names(count), Vec::new());
            let deed = Deed::Services { verb: ServiceVerb::Stop, names, along, force: false };
            assert_eq!((deed.title().as_str(), &*deed.target()), (title, target));
        }
    }
}
