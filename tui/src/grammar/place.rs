//! Which argument takes which names: the one thing that the definition does not say.

use super::Named;

/// The names that argument `id` of the command `path` takes. None: it takes something else.
pub(super) fn named(path: &[&str], id: &str) -> Option<Named> {
    Some(match (path, id) {
        (["platform" | "services", ..], "name" | "names") => Named::Service,
        (["services", "list"], "category") => Named::Category,
        (["services", "list"], "group") => Named::Group,
        (["services", "check"], "operation") => Named::RequiredFor,
        (["host", ..], "name") => Named::Host,
        (["machines", ..], "name") => Named::Machine,
        (["machines", "override-interlock"], "condition") => Named::Condition,
        (["machines", "restore-interlock"], "condition") => Named::Overridden,
        (["operations", "cancel"], "id") => Named::Running,
        (["operations", ..], "id") => Named::Operation,
        (["schedule", ..], "id") => Named::Scheduled,
        (["sensors", ..], "name" | "names") => Named::Sensor,
        (["fans", ..], "target") => Named::FanOrZone,
        (["fans", "set"], "percent") => Named::Duty,
        (["fans" | "leds", "set"], "time") | (["machines", "override-interlock"], "duration") => Named::Seconds,
        (["zones", ..], "name") => Named::Zone,
        (["leds", ..], "name") => Named::Led,
        (["inventory", ..], "name") => Named::Item,
        (["events", ..], "subjects") => Named::Subject,
        (["why"], "name") => Named::ServiceOrMachine,
        (["chassis", "identify"], "what") => Named::Identify,
        (["sim", "fault", "inject"], "kind") => Named::FaultKind,
        (["sim", "fault", "inject"], "target") => Named::FaultTarget,
        (["sim", "fault", "clear"], "kind") => Named::ActiveFault,
        (["sim", "fault", "clear"], "target") => Named::ActiveTarget,
        (["sim", "set"], "name") => Named::Simulated,
        (_, "at") => Named::Moment,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::definition;

    /// Arguments in places that no name of the daemon fits.
    const FREE: [&str; 4] = ["events cause seq", "man directory", "sim fault inject value", "sim set value"];

    #[test]
    fn every_place_in_a_command_has_its_names_or_needs_none() {
        let mut unknown = Vec::new();
        visit(definition(), &mut Vec::new(), &mut unknown);
        assert_eq!(unknown, FREE, "give it names in `named`, or say here that none fit");
    }

    fn visit<'a>(command: &'a clap::Command, path: &mut Vec<&'a str>, unknown: &mut Vec<String>) {
        for argument in command.get_positionals() {
            let id = argument.get_id().as_str();
            if argument.get_possible_values().is_empty() && named(path, id).is_none() {
                unknown.push(format!("{} {id}", path.join(" ")));
                unknown.sort();
            }
        }
        for inner in command.get_subcommands() {
            path.push(inner.get_name());
            visit(inner, path, unknown);
            path.pop();
        }
    }
}
