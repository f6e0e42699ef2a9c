//! What must hold between services, whichever registries they come from.

use std::collections::BTreeMap;

use ubmc_core::{
    machines::MachineKind,
    services::{Deployment, Epoch, Run, ServiceSpec},
};

use super::{Declared, operations, restart, times};
use crate::board::{
    order::order,
    sections::House,
    source::{At, Span},
    table::{Context, nearest},
};

/// Notes everything that would keep the services from starting, stopping or restarting as meant. Of services that are
/// declared twice only the first remains.
pub(in crate::board) fn check(services: &mut Vec<Declared>, house: &House, cx: &mut Context<'_>) {
    refuse_doubles(services, cx);
    let places: BTreeMap<&str, usize> =
        services.iter().enumerate().map(|(index, service)| (service.spec.name.as_str(), index)).collect();
    for service in services.iter() {
        check_links(service, services, &places, cx);
        check_alone(service, house, cx);
    }
    times::check_all(services, house, cx);
    check_conflicts(services, &places, cx);
    check_ports(services, cx);
    check_tasks(services, cx);
    check_cycles(services, &places, cx);
}

fn refuse_doubles(services: &mut Vec<Declared>, cx: &mut Context<'_>) {
    let mut first: BTreeMap<String, Span> = BTreeMap::new();
    services.retain(|service| {
        let name = service.spec.name.as_str();
        let Some(at) = first.get(name) else {
            first.insert(name.to_owned(), service.at);
            return true;
        };
        cx.out
            .error(service.at, format!("service `{name}` is declared twice"))
            .label("second declaration")
            .related(*at, "first declaration");
        false
    });
}

fn check_links(service: &Declared, all: &[Declared], places: &BTreeMap<&str, usize>, cx: &mut Context<'_>) {
    let name = service.spec.name.as_str();
    let who = format!("service `{name}`");
    // What a registry conflicts with or is ordered against need not be installed here; what it needs must be.
    let links = [
        ("depends on", &service.dependencies, true),
        ("wants", &service.wants, true),
        ("comes after", &service.after, true),
        ("comes before", &service.before, true),
        ("conflicts with", &service.conflicts, false),
    ];
    for (verb, names, must_exist) in links {
        for link in names {
            if link.value == name {
                cx.out.error(link.at, format!("{who} {verb} itself"));
            } else if !places.contains_key(link.value.as_str()) && !cx.unseen && !cx.lost.contains(&link.value) {
                let noted = if must_exist {
                    cx.out.error(link.at, format!("{who} {verb} `{}`, which no registry declares", link.value))
                } else {
                    cx.out.warning(link.at, format!("{who} {verb} `{}`, which no registry declares", link.value))
                };
                noted.meant(nearest(&link.value, places.keys().copied())).done();
            }
        }
    }
    check_groups(service, all, places, cx);
    let target = |link: &At<String>| places.get(link.value.as_str()).and_then(|index| all.get(*index));
    for (link, hard) in service.dependencies.iter().map(|l| (l, true)).chain(service.wants.iter().map(|l| (l, false))) {
        let Some(other) = target(link) else { continue };
        if let Some(conflict) = service.conflicts.iter().find(|conflict| conflict.value == link.value) {
            let verb = if hard { "depends on" } else { "wants" };
            cx.out
                .error(conflict.at, format!("{who} conflicts with `{}`, which it {verb}", link.value))
                .related(link.at, "needed here");
        } else if other.conflicts.iter().any(|conflict| conflict.value == name) {
            cx.out
                .error(link.at, format!("{who} needs `{}`, which conflicts with it", link.value))
                .related(other.at, "declared here");
        }
        if let (true, Deployment::Unsupported { mode }) = (hard, &other.spec.deployment)
            && !matches!(service.spec.deployment, Deployment::Unsupported { .. })
        {
            cx.out
                .warning(link.at, format!("{who} depends on `{}`, which this version cannot run", link.value))
                .label("so it cannot be started either")
                .related(other.at, format!("deployed by {mode}"));
        }
        if hard
            && service.spec.critical
            && !other.spec.critical
            && !other.places.has_lost("critical")
            && service.places.critical.is_some()
        {
            cx.out
                .warning(link.at, format!("{who} is critical, but depends on `{}`, which is not", link.value))
                .label("if this is given up, so is the critical one")
                .related(other.at, "declared here");
        }
    }
}

/// Groups start one after the other; nothing can be ordered against that.
fn check_groups(service: &Declared, all: &[Declared], places: &BTreeMap<&str, usize>, cx: &mut Context<'_>) {
    let own = service.spec.group;
    let links = [
        ("depends on", &service.dependencies, false),
        ("wants", &service.wants, false),
        ("comes after", &service.after, false),
        ("comes before", &service.before, true),
    ];
    for (verb, names, is_before) in links {
        for link in names {
            let Some(other) = places.get(link.value.as_str()).and_then(|index| all.get(*index)) else { continue };
            let group = other.spec.group;
            let contradicts = if is_before { group < own } else { group > own };
            let known = !service.places.has_lost("group") && !other.places.has_lost("group");
            if contradicts && known {
                let when = if is_before { "earlier" } else { "later" };
                cx.out
                    .error(
                        link.at,
                        format!(
                            "service `{}` of group {own} {verb} `{}` of the {when} group {group}",
                            service.spec.name, link.value
                        ),
                    )
                    .label("groups start one after the other")
                    .related(other.at, format!("in group {group}"));
            }
        }
    }
}

fn check_alone(service: &Declared, house: &House, cx: &mut Context<'_>) {
    let ServiceSpec { name, critical, auto_start, .. } = &service.spec;
    if *critical && !auto_start {
        cx.out
            .warning(
                service.places.critical.unwrap_or(service.at),
                format!("service `{name}` is critical, but not started by itself"),
            )
            .label("without it the BMC never becomes ready")
            .help("set `auto_start = true`, or do not call it critical");
    }
    if let Some(machine) = house.machines.get(name.as_str()) {
        cx.out
            .error(service.at, format!("`{name}` is the name of a service and of a machine"))
            .help("`why NAME` must know which of them is meant")
            .related(*machine, "the machine");
    }
    check_epoch(service, house, cx);
    restart::check(&service.spec, &service.restart, cx);
    times::check(service, house, cx);
    operations::check(&service.required_for, &format!("service `{name}`"), cx);
}

/// What runs once per power-on needs something that can be powered on.
fn check_epoch(service: &Declared, house: &House, cx: &mut Context<'_>) {
    let Run::Oneshot { once_per: Some(epoch) } = service.spec.run else { return };
    let (kind, once) = match epoch {
        Epoch::BmcBoot => return,
        Epoch::ChassisPower => (MachineKind::Chassis, "power-on of the chassis"),
        Epoch::HostBoot => (MachineKind::Host, "boot of a host"),
    };
    if house.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&kind)) {
        cx.out
            .error(
                service.places.once_per.unwrap_or(service.at),
                format!("service `{}` runs once per {once}, but this board has no {kind}", service.spec.name),
            )
            .label("it would wait for ever")
            .help(format!(
                "declare a `[machines.NAME]` whose definition is of the kind \"{kind}\", or use \"bmc-boot\""
            ));
    }
}

/// Two services that never run together, and are both started by themselves: one of them would always lose.
fn check_conflicts(services: &[Declared], places: &BTreeMap<&str, usize>, cx: &mut Context<'_>) {
    for (index, service) in services.iter().enumerate() {
        for link in &service.conflicts {
            let Some(other) = places.get(link.value.as_str()).copied() else { continue };
            let told_already =
                other < index && services[other].conflicts.iter().any(|back| back.value == service.spec.name.as_str());
            let needed = |a: &Declared, b: &Declared| {
                a.dependencies.iter().chain(&a.wants).any(|link| link.value == b.spec.name.as_str())
            };
            // One that needs what it conflicts with has been told so.
            let told_already = told_already || needed(service, &services[other]) || needed(&services[other], service);
            let starts = |service: &Declared| service.spec.auto_start && !service.places.has_lost("auto_start");
            if other != index && !told_already && starts(service) && starts(&services[other]) {
                cx.out
                    .error(
                        link.at,
                        format!(
                            "services `{}` and `{}` conflict, and both start by themselves",
                            service.spec.name, link.value
                        ),
                    )
                    .help("set `auto_start = false` for one of them")
                    .related(services[other].at, "declared here");
            }
        }
    }
}

/// Two services on one port: one of them cannot start. Those that conflict never run together.
fn check_ports(services: &[Declared], cx: &mut Context<'_>) {
    let mut users: BTreeMap<u16, &Declared> = BTreeMap::new();
    for service in services {
        let Some(port) = service.spec.port else { continue };
        let Some(first) = users.get(&port) else {
            users.insert(port, service);
            continue;
        };
        let conflict = |a: &Declared, b: &Declared| a.conflicts.iter().any(|c| c.value == b.spec.name.as_str());
        if !conflict(first, service) && !conflict(service, first) {
            cx.out
                .error(
                    service.places.port.unwrap_or(service.at),
                    format!("services `{}` and `{}` both use port {port}", first.spec.name, service.spec.name),
                )
                .label("second user")
                .related(first.places.port.unwrap_or(first.at), "first user");
        }
    }
}

/// A built-in task is one task, however many names it gets.
fn check_tasks(services: &[Declared], cx: &mut Context<'_>) {
    let mut tasks = BTreeMap::new();
    for service in services {
        let Deployment::Builtin(task) = service.spec.deployment else { continue };
        if let Some(first) = tasks.insert(task, service) {
            cx.out
                .error(
                    service.at,
                    format!(
                        "services `{}` and `{}` both are the task `{}`",
                        first.spec.name,
                        service.spec.name,
                        task.as_str()
                    ),
                )
                .related(first.at, "the first one");
        }
    }
}

/// What starts before what: hard and soft dependencies and plain order alike.
fn check_cycles(services: &[Declared], places: &BTreeMap<&str, usize>, cx: &mut Context<'_>) {
    let mut before: Vec<Vec<(usize, Span)>> = services.iter().map(|_| Vec::new()).collect();
    for (index, service) in services.iter().enumerate() {
        for link in service.dependencies.iter().chain(&service.wants).chain(&service.after) {
            if let (Some(other), Some(edges)) = (places.get(link.value.as_str()), before.get_mut(index)) {
                edges.push((*other, link.at));
            }
        }
        for link in &service.before {
            if let Some(edges) = places.get(link.value.as_str()).and_then(|other| before.get_mut(*other)) {
                edges.push((index, link.at));
            }
        }
    }
    // A service that depends on itself has been told so already.
    for (index, edges) in before.iter_mut().enumerate() {
        edges.retain(|(other, _)| *other != index);
    }
    let needs: Vec<Vec<usize>> = before.iter().map(|edges| edges.iter().map(|(other, _)| *other).collect()).collect();
    for circle in order(&needs).circles {
        let names: Vec<_> = circle
            .iter()
            .filter_map(|index| services.get(*index))
            .map(|service| format!("`{}`", service.spec.name))
            .collect();
        let edge = |from: usize, to: usize| before.get(from)?.iter().find(|(other, _)| *other == to).map(|(_, at)| *at);
        let mut steps = circle.iter().zip(circle.iter().cycle().skip(1)).filter_map(|(from, to)| edge(*from, *to));
        let first = steps.next().unwrap_or_default();
        let shown = names.iter().chain(names.first()).map(String::as_str).collect::<Vec<_>>().join(" → ");
        let mut noted = cx
            .out
            .error(first, format!("services wait for each other in a circle: {shown}"))
            .label("the circle begins here");
        for step in steps {
            noted = noted.related(step, "and goes on here");
        }
    }
}
