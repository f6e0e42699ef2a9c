//! Which of the daemon's names an argument may take.

use std::collections::BTreeSet;

/// A kind of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Named {
    Service,
    /// Categories of services.
    Category,
    /// Groups of services.
    Group,
    /// Operations that services are required for.
    RequiredFor,
    Host,
    Machine,
    /// What stands against requests to the machine named before.
    Condition,
    /// What a machine's present overrides are about.
    Overridden,
    /// What can be asked why about.
    ServiceOrMachine,
    Operation,
    /// Operations that have not ended.
    Running,
    /// Requests that wait for their time.
    Scheduled,
    Sensor,
    FanOrZone,
    Zone,
    Led,
    Item,
    /// Patterns of event subjects.
    Subject,
    FaultKind,
    /// What a fault of the kind named before can hit.
    FaultTarget,
    /// Kinds of the present faults.
    ActiveFault,
    /// What present faults of the kind named before have hit.
    ActiveTarget,
    /// Values of a simulated board.
    Simulated,
    /// A duty in percent. Not the daemon's: some that are often wanted.
    Duty,
    /// A time in seconds. Not the daemon's either.
    Seconds,
    /// Until when an LED identifies.
    Identify,
    /// A moment to come. Not the daemon's.
    Moment,
}

impl Named {
    /// What is known without asking. None: the daemon knows.
    pub(crate) fn fixed(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Duty => Some(&["40", "60", "80", "100"]),
            Self::Seconds => Some(&["600", "60", "300"]),
            Self::Identify => Some(&["on", "off"]),
            Self::Moment => Some(&["+10m", "+1h"]),
            Self::Service
            | Self::Category
            | Self::Group
            | Self::RequiredFor
            | Self::Host
            | Self::Machine
            | Self::Condition
            | Self::Overridden
            | Self::ServiceOrMachine
            | Self::Operation
            | Self::Running
            | Self::Scheduled
            | Self::Sensor
            | Self::FanOrZone
            | Self::Zone
            | Self::Led
            | Self::Item
            | Self::Subject
            | Self::FaultKind
            | Self::FaultTarget
            | Self::ActiveFault
            | Self::ActiveTarget
            | Self::Simulated => None,
        }
    }
}

/// Where names come from.
pub(crate) trait Names {
    /// All names of a kind, in the daemon's order. `earlier`: the values of the arguments before this one. Empty when
    /// there are none, or none can be had.
    fn names(&self, kind: Named, earlier: &[String]) -> Vec<String>;
}

/// The names of a kind, asked for only where they are not fixed.
pub(super) fn all(names: &dyn Names, kind: Named, earlier: &[String]) -> Vec<String> {
    match kind.fixed() {
        Some(fixed) => fixed.iter().map(|&name| name.to_owned()).collect(),
        None => names.names(kind, earlier),
    }
}

/// Each once and none empty, in alphabetical order.
pub(crate) fn distinct(all: impl Iterator<Item = String>) -> Vec<String> {
    all.filter(|name| !name.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Subjects as patterns: everything of the first word, of the first two, and each subject itself.
pub(crate) fn patterns(subjects: impl Iterator<Item = String>) -> Vec<String> {
    distinct(subjects.flat_map(|subject| {
        let ends: Vec<usize> = subject.match_indices('.').map(|(at, _)| at).take(2).collect();
        let wider: Vec<String> = ends.into_iter().map(|end| format!("{}.>", &subject[..end])).collect();
        wider.into_iter().chain([subject])
    }))
}

/// One made-up name of every kind.
#[cfg(test)]
pub(crate) mod made_up {
    use super::{Named, Names};

    /// Two hosts, two services, two fans, and faults.
    pub(crate) struct MadeUp;

    impl Names for MadeUp {
        fn names(&self, kind: Named, earlier: &[String]) -> Vec<String> {
            let earlier = earlier.first().map_or("", String::as_str);
            let names: &[&str] = match (kind, earlier) {
                (Named::Service, _) => &["web", "webui", "db"],
                (Named::Host, _) => &["host.0", "host.1"],
                (Named::Machine, _) => &["chassis", "host.0", "host.1"],
                (Named::ServiceOrMachine, _) => &["web", "host.0"],
                (Named::FanOrZone, _) => &["cpu", "fan.0", "fan.1"],
                (Named::Running, _) => &["op-3"],
                (Named::Sensor, _) => &["inlet_temp", "cpu temp"],
                (Named::FaultKind, _) => &["fan-fail", "sensor-stuck"],
                (Named::FaultTarget, "fan-fail") => &["fan.0", "fan.1"],
                (Named::FaultTarget, "sensor-stuck") => &["inlet_temp"],
                (Named::Subject, _) => &["service.>", "service.web.>", "service.web.exit.code", "service.web.state"],
                _ => &[],
            };
            names.iter().map(|&name| name.to_owned()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_offered_as_they_are_and_wider() {
        let subjects = ["service.web.state", "service.web.health", "boot"].map(str::to_owned);
        assert_eq!(
            patterns(subjects.into_iter()),
            ["boot", "service.>", "service.web.>", "service.web.health", "service.web.state"]
        );
    }
}
