//! What the console can do to the machine room: each deed is one request.

use std::borrow::Cow;

use super::{Ask, Plan, ServiceVerb};
use crate::{
    ctl::output::{clock, rfc3339},
    model::{At, LedPattern},
};

/// Something that changes the machine room.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// A request to a machine.
    Transition {
        /// The machine.
        machine: String,
        /// The request.
        request: String,
        /// The daemon says that it interrupts something that runs.
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

/// Requests that are taken as destructive whatever the daemon says: a wrong flag must not make them easy.
const ALWAYS_DESTRUCTIVE: [&str; 7] = ["off", "force-off", "reset", "restart", "cycle", "nmi", "emergency-off"];

/// So many services are named one by one.
const NAMED: usize = 3;

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

    /// In two or three words: `force-off host.0`.
    pub fn title(&self) -> String {
        match self {
            Self::Transition { machine, request, .. } => format!("{request} {machine}"),
            Self::Schedule { machine, request, at, .. } => format!("schedule {request} {machine} {}", when(*at)),
            Self::Services { verb, names, force, .. } => {
                let forced = if *force { " by force" } else { "" };
                format!("{} {}{forced}", verb.word(), services(names))
            }
            Self::Reload => "reload services".to_owned(),
            Self::CancelOperation { id } | Self::CancelSchedule { id } => format!("cancel {id}"),
            Self::Policy { machine, policy, once, attempts } => {
                let once = if *once { " once" } else { "" };
                let policy = if policy.is_empty() { String::new() } else { format!(" {policy}{once}") };
                let attempts = attempts.map(|count| format!(" {}", counted(u64::from(count), "boot attempt")));
                format!("policy of {machine}:{policy}{}", attempts.unwrap_or_default())
            }
            Self::OverrideInterlock { machine, condition, for_s } => {
                format!("override {condition} of {machine} for {}", minutes(*for_s))
            }
            Self::RestoreInterlock { machine, condition } if condition.is_empty() => {
                format!("restore all interlocks of {machine}")
            }
            Self::RestoreInterlock { machine, condition } => format!("restore {condition} of {machine}"),
            Self::Identify { on, for_s } => {
                format!("identify {}{}", if *on { "on" } else { "off" }, for_a_while(*for_s))
            }
            Self::Light { led, pattern, for_s } => {
                format!("{led} {}{}", pattern.map_or("automatic", LedPattern::word), for_a_while(*for_s))
            }
            Self::Hold { target, duty, for_s } => format!("hold {target} at {duty} % for {}", minutes(*for_s)),
            Self::Release { target } => format!("release {target}"),
            Self::Inject { kind, target, value } => {
                let value = value.map(|value| format!(" at {value}")).unwrap_or_default();
                format!("inject {kind} {target}{value}")
            }
            Self::Repair { kind, target } => match (kind.as_str(), target.as_str()) {
                ("", _) => "repair everything".to_owned(),
                (kind, "") => format!("repair every {kind}"),
                (kind, target) => format!("repair {kind} {target}"),
            },
            Self::Surround { name, value } => format!("set {name} to {value}"),
            Self::Plug { on: true } => "start the simulated board".to_owned(),
            Self::Plug { on: false } => "stop the simulated board".to_owned(),
            Self::Shutdown { emergency: false } => "shut ubmcd down".to_owned(),
            Self::Shutdown { emergency: true } => "shut ubmcd down at once".to_owned(),
        }
    }

    /// What comes of it, in a sentence, where the daemon makes no plan for it.
    pub fn consequence(&self) -> String {
        match self {
            Self::Transition { .. } => String::new(),
            Self::Schedule { machine, request, at, .. } => format!(
                "ubmcd will ask {machine} for {request} {}. What stands against it is judged when its time has come.",
                when(*at)
            ),
            Self::Services { verb, names, along, force } => services_consequence(*verb, names, along, *force),
            Self::Reload => "ubmcd will go over to the configuration as it is on the disk now.".to_owned(),
            Self::CancelOperation { id } => format!("ubmcd will be asked to end {id} and to undo what it has done."),
            Self::CancelSchedule { id } => format!("{id} will not be done."),
            Self::Policy { machine, policy, once, attempts } => {
                let time = if *once { "The next time only, ubmcd" } else { "From now on ubmcd" };
                let policy = match policy.as_str() {
                    "" => None,
                    "always-on" => Some(format!("{time} powers {machine} on after the loss of power.")),
                    "always-off" => Some(format!("{time} leaves {machine} off after the loss of power.")),
                    "last-state" => Some(format!("{time} brings {machine} back as it was after the loss of power.")),
                    _ => Some(format!("{time} leaves {machine} as it is found after the loss of power.")),
                };
                let attempts = attempts.map(|count| {
                    let boots = counted(u64::from(count), "boot");
                    format!("{boots} of {machine} may fail before ubmcd gives up, this time.")
                });
                policy.into_iter().chain(attempts).collect::<Vec<_>>().join(" ")
            }
            Self::OverrideInterlock { machine, condition, for_s } => format!(
                "{condition} will not stand against powering on {machine} for {}. Protection that powers off is \
                 untouched by it.",
                minutes(*for_s)
            ),
            Self::RestoreInterlock { machine, condition } if condition.is_empty() => {
                format!("Everything that was overridden will stand against powering on {machine} again.")
            }
            Self::RestoreInterlock { machine, condition } => format!(
                "{condition} will stand against powering on {machine} again, as it did before it was overridden."
            ),
            Self::Identify { on: true, for_s } if *for_s > 0.0 => {
                format!("The identify LED will be lit{}.", for_a_while(*for_s))
            }
            Self::Identify { on: true, .. } => "The identify LED will be lit until it is switched off.".to_owned(),
            Self::Identify { on: false, .. } => "The identify LED will be switched off.".to_owned(),
            Self::Light { led, pattern: None, .. } => format!("{led} will follow its policy again."),
            Self::Light { led, for_s, .. } if *for_s > 0.0 => {
                format!("{led} will be held{}, and follow its policy then.", for_a_while(*for_s))
            }
            Self::Light { led, .. } => format!("{led} will be held until it is given back with `auto`."),
            Self::Hold { target, .. } => format!(
                "{target} keeps this duty, whatever its controllers ask for. What protects may still raise it; the hold \
                 goes on after that."
            ),
            Self::Release { target } => format!("{target} follows its controllers again."),
            Self::Inject { kind, target, .. } => {
                format!("The simulated board gets the fault {kind} at {target}, until repaired.")
            }
            Self::Repair { kind, target } => match (kind.as_str(), target.as_str()) {
                ("", _) => "All faults of the simulated board are repaired.".to_owned(),
                (kind, "") => format!("The fault {kind} of the simulated board is repaired wherever it is."),
                (kind, target) => format!("The fault {kind} at {target} of the simulated board is repaired."),
            },
            Self::Surround { name, value } => format!("{name} of the simulated board becomes {value}."),
            Self::Plug { on: true } => "The simulated board runs again.".to_owned(),
            Self::Plug { on: false } => {
                "The simulated board ends, as unplugging it would: hosts lose their power.".to_owned()
            }
            Self::Shutdown { emergency: false } => {
                "ubmcd ends, and with it everything that it supervises, in order.".to_owned()
            }
            Self::Shutdown { emergency: true } => {
                "ubmcd ends, and with it everything that it supervises, without stopping anything gracefully."
                    .to_owned()
            }
        }
    }

    /// Whether the target's name must be typed.
    pub fn is_destructive(&self) -> bool {
        match self {
            Self::Transition { request, destructive, .. } | Self::Schedule { request, destructive, .. } => {
                *destructive || ALWAYS_DESTRUCTIVE.contains(&request.as_str())
            }
            Self::Services { verb, .. } => verb.is_destructive(),
            // What a reload interrupts is in its plan only.
            Self::Reload | Self::OverrideInterlock { .. } | Self::Plug { on: false } | Self::Shutdown { .. } => true,
            Self::CancelOperation { .. }
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

/// Services by name, where they are few.
fn services(names: &[String]) -> Cow<'_, str> {
    match names {
        [] => Cow::Borrowed("all services"),
        [name] => Cow::Borrowed(name),
        few if few.len() <= NAMED => Cow::Owned(few.join(" ")),
        many => Cow::Owned(counted(many.len() as u64, "service")),
    }
}

fn services_consequence(verb: ServiceVerb, names: &[String], along: &[String], force: bool) -> String {
    let which = match names {
        [] if verb == ServiceVerb::Start => "every service that starts by itself".to_owned(),
        [] if verb == ServiceVerb::Restart => "every service that runs".to_owned(),
        [] => "every service".to_owned(),
        names => names.join(", "),
    };
    let skipped = match verb {
        ServiceVerb::Start | ServiceVerb::Restart if force => " What is checked before a start is skipped.",
        _ => "",
    };
    let along = match along {
        _ if names.is_empty() => String::new(),
        [] if names.len() > 1 => " No other running service needs them.".to_owned(),
        [] => " No running service needs it.".to_owned(),
        along => format!(" With it goes what needs it: {}.", along.join(", ")),
    };
    format!("ubmcd will be asked to {} {which}.{along}{skipped}", verb.word())
}

fn counted(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// A time in words: whole hours or minutes where it is.
pub(super) fn minutes(seconds: f64) -> String {
    if seconds >= 3_600.0 && seconds % 3_600.0 == 0.0 {
        format!("{} h", seconds / 3_600.0)
    } else if seconds >= 60.0 && seconds % 60.0 == 0.0 {
        format!("{} min", seconds / 60.0)
    } else {
        format!("{seconds} s")
    }
}

fn for_a_while(seconds: f64) -> String {
    if seconds > 0.0 { format!(" for {}", minutes(seconds)) } else { String::new() }
}

fn when(at: At) -> String {
    match at {
        At::Time(at_s) => format!("at {}", clock(rfc3339(at_s).as_ref())),
        At::After(after_s) => format!("in {}", minutes(after_s)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Condition, WhatIf};

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
