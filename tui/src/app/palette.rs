//! The command palette: every command with live names, narrowed by what is typed.

use super::{
    Deed, Item, Line, ServiceVerb, View,
    menu::{self, service_deed},
};
use crate::model::Model;

/// The palette as it stands open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Palette {
    /// What has been typed.
    pub line: Line,
    /// The selected one of the fitting commands.
    pub selected: usize,
}

/// A command of the palette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say why a service or a machine is as it is.
    Why(String),
    /// Go to a view.
    View(View),
    /// Open a service's page.
    OpenService(String),
    /// Select a sensor.
    OpenSensor(String),
    /// Ask before doing this.
    Do(Deed),
    /// Show help.
    Help,
    /// Connect now.
    Reconnect,
    /// Repaint.
    Repaint,
    /// Leave.
    Quit,
}

/// All commands with the words they are called by, in the order they are offered.
pub fn commands(model: &Model) -> Vec<(String, Command)> {
    let mut all: Vec<(String, Command)> =
        View::ALL.into_iter().map(|view| (format!("view {}", view.name()), Command::View(view))).collect();
    for machine in &model.machines {
        for request in &machine.requests {
            let deed = Deed::Transition {
                machine: machine.name.clone(),
                request: request.name.clone(),
                destructive: request.destructive,
            };
            all.push((format!("{} {}", request.name, machine.name), Command::Do(deed)));
        }
    }
    for service in &model.services {
        all.push((format!("open {}", service.name), Command::OpenService(service.name.clone())));
        for verb in ServiceVerb::ALL {
            let deed = service_deed(model, verb, &service.name);
            all.push((format!("{} {}", verb.word(), service.name), Command::Do(deed)));
        }
    }
    for name in model.machines.iter().map(|one| &one.name).chain(model.services.iter().map(|one| &one.name)) {
        all.push((format!("why {name}"), Command::Why(name.clone())));
    }
    let cooled = model.zones.iter().map(|one| &one.name).chain(model.fans.iter().map(|one| &one.name));
    for target in cooled {
        for choice in menu::choices(model, &Item::Zone(target.clone())) {
            if choice.blocked_by.is_empty() {
                all.push((choice.deed.title(), Command::Do(choice.deed)));
            }
        }
    }
    if let Some(faults) = &model.hardware.faults {
        for (kind, target) in &faults.active {
            let deed = Deed::Repair { kind: kind.clone(), target: target.clone() };
            all.push((deed.title(), Command::Do(deed)));
        }
        for kind in &faults.kinds {
            for target in &kind.targets {
                let deed = Deed::Inject { kind: kind.kind.clone(), target: target.clone() };
                all.push((deed.title(), Command::Do(deed)));
            }
        }
    }
    for sensor in &model.sensors {
        all.push((format!("sensor {}", sensor.name), Command::OpenSensor(sensor.name.clone())));
    }
    for on in [true, false] {
        let deed = Deed::Identify { on };
        all.push((deed.title(), Command::Do(deed)));
    }
    all.push(("help".to_owned(), Command::Help));
    all.push(("reconnect".to_owned(), Command::Reconnect));
    all.push(("repaint".to_owned(), Command::Repaint));
    all.push(("quit".to_owned(), Command::Quit));
    all
}

/// The commands that fit what is typed: every typed word occurs; what begins like it comes first.
pub fn fitting(model: &Model, typed: &str) -> Vec<(String, Command)> {
    let typed = typed.trim_start().to_lowercase();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let mut fitting: Vec<_> =
        commands(model).into_iter().filter(|(name, _)| words.iter().all(|word| name.contains(word))).collect();
    // A stable sort: within each half the order stays.
    fitting.sort_by_key(|(name, _)| !name.starts_with(typed.trim_end()));
    fitting
}
