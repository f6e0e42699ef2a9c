//! What the commands of `ubmcctl` mean to the console: each of them, so that a new one has to be decided about.

use super::meaning::{Command, No};
use crate::{
    app::{Deed, Item, LogStream, Pane, PowerPane, ServiceVerb, View, menu},
    ctl::{
        area::{
            bmc, boot, chassis, events, fans, host, inventory, leds, logs, machines, operations, platform, policy,
            power, resources, schedule, sensors, services, simulation, transition, zones,
        },
        cli,
        graph::Drawing,
    },
    grammar,
    model::{Entry, LedPattern, Model, Severity},
};

type Meant = Result<Command, No>;

const NOT_HERE: No = No::Elsewhere("the console has nothing for this");
const TABLE: No = No::Elsewhere("the console has no place for a table like this");
const DRAWING: No = No::Elsewhere("this drawing is a file for other programs");

/// What a command of `ubmcctl` means.
pub(super) fn command(model: &Model, command: cli::Command) -> Meant {
    match command {
        cli::Command::Platform(command) => of_platform(model, command),
        cli::Command::Services(command) => of_services(model, command),
        cli::Command::Host(command) => of_host(model, command),
        cli::Command::Chassis(command) => of_chassis(model, &command),
        cli::Command::Bmc(command) => match command {
            bmc::Command::Status => machine(model, bmc::BMC),
            bmc::Command::Reboot(how) => transition(model, bmc::BMC, "reboot", how),
            bmc::Command::Maintenance(wanted) => maintenance(model, bmc::BMC, &wanted),
            bmc::Command::Upgrade(wanted) => {
                let request = match wanted.phase {
                    transition::Phase::Begin => "update-begin",
                    transition::Phase::End => "update-end",
                };
                transition(model, bmc::BMC, request, wanted.how)
            }
        },
        cli::Command::Machines(command) => of_machines(model, command),
        cli::Command::Operations(command) => match command {
            operations::Command::List { .. } => Ok(Command::View(View::Operations)),
            operations::Command::Show { id } | operations::Command::Watch { id } => {
                operation(model, &id).map(|id| Command::Show(View::Operations, Item::Operation(id)))
            }
            operations::Command::Cancel { id } => {
                operation(model, &id).map(|id| Command::Do(Deed::CancelOperation { id }))
            }
        },
        cli::Command::Sensors(command) => match command {
            sensors::Command::List => Ok(Command::View(View::Sensors)),
            sensors::Command::Watch { names } => match names.as_slice() {
                [] => Ok(Command::View(View::Sensors)),
                [name] => sensor(model, name),
                _ => Err(No::Elsewhere("the console selects one sensor at a time")),
            },
            sensors::Command::Show { name } | sensors::Command::History { name, .. } => sensor(model, &name),
        },
        cli::Command::Fans(command) => of_fans(model, command),
        cli::Command::Zones(command) => match command {
            zones::Command::List => Ok(Command::View(View::Thermal)),
            zones::Command::Explain { name } => {
                let name = known("zone", &name, model.zones.iter().map(|one| &one.name))?;
                Ok(Command::Show(View::Thermal, Item::Zone(name)))
            }
        },
        cli::Command::Power(power::Command::Rails) => {
            Ok(hardware_of(model.hardware.rails.as_deref(), |one| Item::Rail(one.name.clone())))
        }
        cli::Command::Power(power::Command::Supplies) => {
            Ok(hardware_of(model.hardware.supplies.as_deref(), |one| Item::Supply(one.name.clone())))
        }
        cli::Command::Leds(leds::Command::List) => {
            Ok(hardware_of(model.hardware.leds.as_deref(), |one| Item::Led(one.name.clone())))
        }
        cli::Command::Leds(leds::Command::Set { name, pattern, time }) => {
            let led = match &model.hardware.leds {
                Some(leds) => known("LED", &name, leds.iter().map(|one| &one.name))?,
                // Not fetched yet: ubmcd knows.
                None => name,
            };
            let pattern = match pattern {
                leds::Pattern::Off => Some(LedPattern::Off),
                leds::Pattern::On => Some(LedPattern::On),
                leds::Pattern::Blink => Some(LedPattern::Blink),
                leds::Pattern::FastBlink => Some(LedPattern::FastBlink),
                leds::Pattern::Auto => None,
            };
            Ok(Command::Do(Deed::Light { led, pattern, for_s: time.unwrap_or(0.0) }))
        }
        cli::Command::Inventory(inventory::Command::List) => {
            Ok(hardware_of(model.hardware.items.as_deref(), |one| Item::Part(one.name.clone())))
        }
        cli::Command::Inventory(inventory::Command::Show { name }) => {
            let name = known("item", &name, model.hardware.items.iter().flatten().map(|one| &one.name))?;
            Ok(Command::Show(View::Hardware, Item::Part(name)))
        }
        cli::Command::Resources(resources::Command::List) => {
            Ok(hardware_of(model.hardware.resources.as_deref(), |one| Item::Resource(one.name.clone())))
        }
        cli::Command::Events(command) => of_events(model, command),
        cli::Command::Why(arguments) if arguments.if_stopped => {
            Err(No::Elsewhere("the console says it when a service is to be stopped"))
        }
        cli::Command::Why(arguments) => {
            let all = model.machines.iter().map(|one| &one.name).chain(model.services.iter().map(|one| &one.name));
            known("service or machine", &arguments.name, all).map(Command::Why)
        }
        cli::Command::Boot(boot::Command::Timeline | boot::Command::CriticalPath) => Ok(Command::View(View::Boot)),
        cli::Command::Sim(command) => of_simulation(model, command),
        cli::Command::Schedule(schedule::Command::List) => {
            Ok(Command::Machine { name: None, pane: PowerPane::Standing })
        }
        cli::Command::Schedule(schedule::Command::Cancel { id }) => {
            let id = known("request that waits", &id, model.schedules.iter().flatten().map(|one| &one.id))?;
            Ok(Command::Do(Deed::CancelSchedule { id }))
        }
        cli::Command::Shell | cli::Command::Completions(_) | cli::Command::Man(_) => Err(NOT_HERE),
    }
}

fn of_platform(model: &Model, command: platform::Command) -> Meant {
    match command {
        platform::Command::Status => Ok(Command::View(View::Overview)),
        platform::Command::Health => Ok(Command::View(View::Services)),
        platform::Command::Start(wanted) => on_services(model, ServiceVerb::Start, &wanted.names, wanted.force),
        platform::Command::Stop(wanted) => on_services(model, ServiceVerb::Stop, &wanted.names, wanted.force),
        platform::Command::Restart(wanted) => on_services(model, ServiceVerb::Restart, &wanted.names, wanted.force),
        platform::Command::Logs(wanted) => log(model, wanted),
        // What holds it up is shown in any case.
        platform::Command::Shutdown { emergency, wait: _ } => Ok(Command::Do(Deed::Shutdown { emergency })),
    }
}

fn of_services(model: &Model, command: services::Command) -> Meant {
    let on_page = |name: &str, pane| service_name(model, name).map(|name| page(name, pane));
    match command {
        services::Command::List { running, category, group } => {
            let running = running.then(|| "running".to_owned());
            let mut words = [running, category, group].into_iter().flatten();
            match (words.next(), words.next()) {
                (filter, None) => Ok(Command::Services { filter: filter.unwrap_or_default(), tree: false }),
                _ => Err(No::Elsewhere("the console filters services by one word")),
            }
        }
        services::Command::Watch => Ok(Command::View(View::Services)),
        services::Command::Status { name } | services::Command::Monitor { name, .. } => on_page(&name, Pane::Log),
        services::Command::Health { name } => on_page(&name, Pane::History),
        services::Command::Logs(wanted) => log(model, wanted),
        services::Command::Dependencies { name: Some(name), format: Drawing::Text } => on_page(&name, Pane::Ties),
        services::Command::Dependencies { name: None, format: Drawing::Text } => {
            Ok(Command::Services { filter: String::new(), tree: true })
        }
        services::Command::Start(wanted) => on_services(model, ServiceVerb::Start, &wanted.names, wanted.force),
        services::Command::Stop(wanted) => on_services(model, ServiceVerb::Stop, &wanted.names, wanted.force),
        services::Command::Restart(wanted) => on_services(model, ServiceVerb::Restart, &wanted.names, wanted.force),
        services::Command::Reset { name } => {
            service_name(model, &name).map(|service| Command::Do(Deed::Reset { service }))
        }
        // The question shows what would change, and the operation is followed: a dry run is one that is not confirmed.
        services::Command::Reload { .. } => Ok(Command::Do(Deed::Reload)),
        services::Command::Dependencies { format: Drawing::Dot | Drawing::Mermaid, .. } => Err(DRAWING),
        services::Command::Validate { .. } | services::Command::Check { .. } | services::Command::Readiness => {
            Err(TABLE)
        }
    }
}

fn of_host(model: &Model, command: host::Command) -> Meant {
    let asked = |target: host::Target, request: &str| {
        let hosts = model.machines.iter().filter(|one| one.kind == crate::model::MachineKind::Host);
        known("host", &target.name, hosts.map(|one| &one.name))?;
        transition(model, &target.name, request, target.how)
    };
    match command {
        host::Command::List | host::Command::Status { name: None } => Ok(Command::View(View::Power)),
        host::Command::Status { name: Some(name) } => machine(model, &name),
        host::Command::On(target) => asked(target, "on"),
        host::Command::Off(target) => asked(target, "off"),
        host::Command::ForceOff(target) => asked(target, "force-off"),
        host::Command::Reset(target) => asked(target, "reset"),
        host::Command::Restart(target) => asked(target, "restart"),
        host::Command::Cycle(target) => asked(target, "cycle"),
        host::Command::Nmi(target) => asked(target, "nmi"),
        host::Command::Policy { name, choice, attempts } => policy(model, &name, &choice, attempts.boot_attempts),
    }
}

fn of_chassis(model: &Model, command: &chassis::Command) -> Meant {
    let asked = |how, request: &str| transition(model, chassis::CHASSIS, request, how);
    match command {
        chassis::Command::Status => machine(model, chassis::CHASSIS),
        chassis::Command::On(how) => asked(*how, "on"),
        chassis::Command::Off(how) => asked(*how, "off"),
        chassis::Command::Cycle(how) => asked(*how, "cycle"),
        chassis::Command::EmergencyOff(how) => asked(*how, "emergency-off"),
        chassis::Command::Policy(choice) => policy(model, chassis::CHASSIS, choice, None),
        chassis::Command::Maintenance(wanted) => maintenance(model, chassis::CHASSIS, wanted),
        chassis::Command::Identify { what } => Ok(Command::Do(match *what {
            chassis::Identify::On => Deed::Identify { on: true, for_s: 0.0 },
            chassis::Identify::Off => Deed::Identify { on: false, for_s: 0.0 },
            chassis::Identify::For(for_s) => Deed::Identify { on: true, for_s },
        })),
    }
}

fn of_machines(model: &Model, command: machines::Command) -> Meant {
    match command {
        machines::Command::List => Ok(Command::View(View::Power)),
        machines::Command::Show { name } => machine(model, &name),
        machines::Command::Graph { name, format: Drawing::Text } => standing(model, &name, PowerPane::Drawn),
        machines::Command::Graph { format: Drawing::Dot | Drawing::Mermaid, .. } => Err(DRAWING),
        machines::Command::Counts { .. } | machines::Command::History { .. } => Err(TABLE),
        machines::Command::OverrideInterlock { name, condition, duration } => {
            let machine = machine_name(model, &name)?;
            Ok(Command::Do(Deed::OverrideInterlock { machine, condition, for_s: duration }))
        }
        machines::Command::RestoreInterlock { name, condition: None } => {
            let machine = machine_name(model, &name)?;
            Ok(Command::Do(Deed::RestoreInterlock { machine, condition: String::new() }))
        }
        machines::Command::RestoreInterlock { name, condition: Some(condition) } => {
            let machine = machine_name(model, &name)?;
            let overrides = model.machine(&machine).into_iter().flat_map(|one| &one.overrides);
            let condition = known("override", &condition, overrides.map(|one| &one.condition))?;
            Ok(Command::Do(Deed::RestoreInterlock { machine, condition }))
        }
        machines::Command::Verify { bound: 0 } => Ok(Command::Verify),
        machines::Command::Verify { .. } => Err(No::Elsewhere("the console verifies as far as ubmcd goes by itself")),
    }
}

fn of_fans(model: &Model, command: fans::Command) -> Meant {
    let names = || model.zones.iter().map(|one| &one.name).chain(model.fans.iter().map(|one| &one.name));
    match command {
        fans::Command::List => Ok(Command::View(View::Thermal)),
        fans::Command::Set { target, percent, time } => {
            let target = known("fan or zone", &target, names())?;
            Ok(Command::Do(Deed::Hold { target, duty: percent, for_s: time }))
        }
        fans::Command::Auto { target } => {
            Ok(Command::Do(Deed::Release { target: known("fan or zone", &target, names())? }))
        }
    }
}

fn of_events(model: &Model, command: events::Command) -> Meant {
    match command {
        events::Command::List { filter, .. } | events::Command::Tail { filter } => {
            if filter.since.is_some() || filter.subjects.len() > 1 {
                return Err(No::Elsewhere("the console shows all that it knows, or one kind of subject"));
            }
            let least = filter.severity.map_or(Severity::Debug, |severity| match severity {
                events::Severity::Debug => Severity::Debug,
                events::Severity::Info => Severity::Info,
                events::Severity::Notice => Severity::Notice,
                events::Severity::Warning => Severity::Warning,
                events::Severity::Error => Severity::Error,
                events::Severity::Critical => Severity::Critical,
            });
            // A filter is words that all occur: what a pattern leaves open divides them.
            let parts = filter.subjects.iter().flat_map(|pattern| pattern.split(['*', '>']));
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            Ok(Command::Events { filter: parts.join(" "), least })
        }
        events::Command::Cause { seq } => {
            let found = model.tail.entries.iter().find_map(|entry| match entry {
                Entry::Event(event) if event.seq == seq => Some(event.cause),
                Entry::Event(_) | Entry::Lost { .. } | Entry::Restarted => None,
            });
            match found {
                Some(0) => Err(No::Unknown(format!("nothing else is known of the cause of event {seq}"))),
                Some(cause) => Ok(Command::Events { filter: format!("cause:{cause}"), least: Severity::Debug }),
                None => Err(No::Elsewhere("the console does not know this event any more")),
            }
        }
    }
}

fn of_simulation(model: &Model, command: simulation::Command) -> Meant {
    use simulation::{Command as Sim, FaultCommand as Fault};
    let faults = || model.hardware.faults.iter();
    match command {
        Sim::Fault(Fault::List) => {
            Ok(hardware_of(model.hardware.faults.as_ref().map(|faults| faults.active.as_slice()), |(kind, target)| {
                Item::Fault(kind.clone(), target.clone())
            }))
        }
        Sim::Fault(Fault::Inject { kind, target, value }) => {
            // Not fetched yet: ubmcd knows.
            let kind = match &model.hardware.faults {
                Some(faults) => known("kind of fault", &kind, faults.kinds.iter().map(|one| &one.kind))?,
                None => kind,
            };
            let target = match faults().flat_map(|all| &all.kinds).find(|one| one.kind == kind) {
                Some(one) => known(&format!("target of {kind}"), &target, one.targets.iter())?,
                None => target,
            };
            Ok(Command::Do(Deed::Inject { kind, target, value }))
        }
        Sim::Fault(Fault::Clear { kind, target }) => {
            let active = faults().flat_map(|all| &all.active).map(|(kind, _)| kind);
            let kind = kind.map(|kind| known("active kind of fault", &kind, active)).transpose()?;
            let (kind, target) = (kind.unwrap_or_default(), target.unwrap_or_default());
            if !target.is_empty() {
                let active = faults().flat_map(|all| &all.active).filter(|(other, _)| *other == kind);
                known(&format!("active {kind} at"), &target, active.map(|(_, target)| target))?;
            }
            Ok(Command::Do(Deed::Repair { kind, target }))
        }
        Sim::Set { name, value } => Ok(Command::Do(Deed::Surround { name, value })),
        Sim::Start => Ok(Command::Do(Deed::Plug { on: true })),
        Sim::Stop => Ok(Command::Do(Deed::Plug { on: false })),
        Sim::Show => Err(TABLE),
    }
}

/// The hardware view, where the first of these stands.
fn hardware_of<T>(all: Option<&[T]>, item: impl Fn(&T) -> Item) -> Command {
    match all.and_then(<[T]>::first) {
        Some(first) => Command::FirstOf(View::Hardware, item(first)),
        None => Command::View(View::Hardware),
    }
}

pub(super) fn page(name: String, pane: Pane) -> Command {
    Command::Service { name, pane, stream: LogStream::Both, contains: String::new() }
}

fn log(model: &Model, wanted: logs::Logs) -> Meant {
    let [name] = wanted.names.as_slice() else {
        return Err(No::Elsewhere("the console shows the output of one service at a time"));
    };
    let stream = match wanted.stream {
        None => LogStream::Both,
        Some(logs::Stream::Stdout) => LogStream::Out,
        Some(logs::Stream::Stderr) => LogStream::Err,
    };
    let contains = wanted.contains.unwrap_or_default();
    service_name(model, name).map(|name| Command::Service { name, pane: Pane::Log, stream, contains })
}

fn on_services(model: &Model, verb: ServiceVerb, names: &[String], force: bool) -> Meant {
    let mut each: Vec<String> = Vec::new();
    for name in names {
        let name = service_name(model, name)?;
        if !each.contains(&name) {
            each.push(name);
        }
    }
    Ok(Command::Do(menu::service_deed(model, verb, &each, force)))
}

fn service_name(model: &Model, name: &str) -> Result<String, No> {
    known("service", name, model.services.iter().map(|one| &one.name))
}

fn machine_name(model: &Model, name: &str) -> Result<String, No> {
    known("machine", name, model.machines.iter().map(|one| &one.name))
}

fn machine(model: &Model, name: &str) -> Meant {
    machine_name(model, name).map(|name| Command::Show(View::Power, Item::Machine(name)))
}

fn sensor(model: &Model, name: &str) -> Meant {
    known("sensor", name, model.sensors.iter().map(|one| &one.name))
        .map(|name| Command::Show(View::Sensors, Item::Sensor(name)))
}

fn standing(model: &Model, name: &str, pane: PowerPane) -> Meant {
    machine_name(model, name).map(|name| Command::Machine { name: Some(name), pane })
}

fn policy(model: &Model, name: &str, choice: &policy::Choice, attempts: Option<u32>) -> Meant {
    if choice.value.is_none() && attempts.is_none() {
        return standing(model, name, PowerPane::Standing);
    }
    let policy = choice.value.map_or("", policy::Value::as_str).to_owned();
    let machine = machine_name(model, name)?;
    Ok(Command::Do(Deed::Policy { machine, policy, once: choice.once, attempts }))
}

fn maintenance(model: &Model, name: &str, wanted: &transition::Maintenance) -> Meant {
    let request = match wanted.switch {
        transition::Switch::On => "maintenance-on",
        transition::Switch::Off => "maintenance-off",
    };
    transition(model, name, request, wanted.how)
}

/// The plan is shown and the operation followed in any case.
fn transition(model: &Model, name: &str, request: &str, how: transition::How) -> Meant {
    let machine = machine_name(model, name)?;
    let offered = model.machine(&machine).and_then(|one| one.requests.iter().find(|one| one.name == request));
    // Whether it interrupts something only the daemon knows; where it has not said so, it is taken to.
    let destructive = offered.is_none_or(|one| one.destructive);
    let request = request.to_owned();
    Ok(Command::Do(match how.at {
        Some(at) => Deed::Schedule { machine, request, destructive, at },
        None => Deed::Transition { machine, request, destructive },
    }))
}

fn operation(model: &Model, id: &str) -> Result<String, No> {
    known("operation", id, model.operations.iter().map(|one| &one.id))
}

/// The name as it is, when there is such a thing.
fn known<'a>(what: &str, name: &str, all: impl Iterator<Item = &'a String> + Clone) -> Result<String, No> {
    if all.clone().any(|other| other == name) {
        return Ok(name.to_owned());
    }
    let near = grammar::nearest(name, all.map(String::as_str));
    let near = near.map(|other| format!(": did you mean `{other}`?")).unwrap_or_default();
    Err(No::Unknown(format!("there is no {what} `{name}`{near}")))
}
