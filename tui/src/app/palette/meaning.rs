//! What a line means to the console: a view with the thing selected, a question whether to do it, or that it has to be
//! done elsewhere.
//!
//! Lines are parsed by the definition of `ubmcctl`; beside it there are a few words of the console's own ([`OWN`]).

use super::commands;
use crate::{
    app::{Deed, Effect, Item, Line, LogStream, Modal, Pane, PowerPane, State, View, handle, intent},
    ctl::{cli::Global, output::Format},
    grammar,
    model::{Model, Severity},
};

/// What the console understands beside the commands.
pub(super) const OWN: [(&str, &str); 6] = [
    ("view", "Goes to a view"),
    ("open", "Opens what has this name"),
    ("help", "Shows the keys"),
    ("reconnect", "Connects anew"),
    ("repaint", "Draws everything anew"),
    ("quit", "Leaves the console"),
];

/// Something that the console does.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Say why a service or a machine is as it is.
    Why(String),
    /// Go to a view.
    View(View),
    /// Go to a view and select something.
    Show(View, Item),
    /// Go to a view, where the first of its kind stands.
    FirstOf(View, Item),
    /// Go to the services, filtered, by group or by dependency.
    Services {
        /// As if typed after `/`.
        filter: String,
        /// As a tree of what needs what.
        tree: bool,
    },
    /// Open a service's page.
    Service {
        /// Whose.
        name: String,
        /// What is shown below.
        pane: Pane,
        /// Which lines of its log.
        stream: LogStream,
        /// What they must hold.
        contains: String,
    },
    /// Go to a machine and what is known of it.
    Machine {
        /// Which. None: whichever is selected.
        name: Option<String>,
        /// What is shown below.
        pane: PowerPane,
    },
    /// Find out whether the machines can come to harm.
    Verify,
    /// Go to the events, filtered.
    Events {
        /// As if typed after `/`.
        filter: String,
        /// The least serious that are shown.
        least: Severity,
    },
    /// Ask before doing this.
    Do(Deed),
    /// The same for this reason.
    DoBecause(Deed, String),
    /// Show help.
    Help,
    /// Connect now.
    Reconnect,
    /// Repaint.
    Repaint,
    /// Leave.
    Quit,
}

/// Why a line is nothing that the console does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It is wrong wherever it is typed.
    #[error("{0}")]
    Wrong(String),
    /// Nothing begins like this.
    #[error("no command fits `{0}`")]
    NoCommand(String),
    /// `ubmcctl` does it.
    #[error("{why}; `ubmcctl {line}` can do it")]
    Elsewhere { why: &'static str, line: String },
}

/// Why not here.
pub(super) enum No {
    Elsewhere(&'static str),
    Unknown(String),
}

type Meant = Result<Command, No>;

/// What `line` means.
pub(crate) fn understand(model: &Model, line: &str) -> Result<Command, Unfit> {
    let words = grammar::split(line).map_err(|unclosed| Unfit::Wrong(unclosed.to_string()))?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let meant = if let Some(meant) = own(model, &words) {
        meant
    } else {
        let cli = grammar::parse(words.iter().map(|word| (*word).to_owned()));
        let cli = cli.map_err(|error| wrong(&words, &error))?;
        if says_more(&cli.global, &words) {
            Err(No::Elsewhere("options of every command are not the console's"))
        } else {
            commands::command(model, cli.command).and_then(|command| because(command, cli.global.reason))
        }
    };
    meant.map_err(|no| match no {
        No::Unknown(text) => Unfit::Wrong(text),
        No::Elsewhere(why) => Unfit::Elsewhere { why, line: line.trim().trim_start_matches("ubmcctl ").to_owned() },
    })
}

/// A command with the reason that was given for it.
fn because(command: Command, reason: Option<String>) -> Meant {
    match (command, reason) {
        (Command::Do(Deed::OverrideInterlock { .. }), None) => {
            Err(No::Unknown("an override needs a reason: add `--reason TEXT`".to_owned()))
        }
        (command, None) => Ok(command),
        (Command::Do(deed), Some(reason)) if deed.takes_reason() => Ok(Command::DoBecause(deed, reason)),
        (_, Some(_)) => Err(No::Unknown("`--reason` has no place here: nobody is told why this is done".to_owned())),
    }
}

/// What the parser says, or only that nothing fits where not even the first word does.
fn wrong(words: &[&str], error: &clap::Error) -> Unfit {
    match words.first() {
        Some(first) if *first != "ubmcctl" && grammar::definition().find_subcommand(first).is_none() => {
            Unfit::NoCommand(words.join(" "))
        }
        None => Unfit::Wrong("type a command".to_owned()),
        Some(_) => Unfit::Wrong(grammar::in_a_sentence(error)),
    }
}

/// The console's own words.
fn own(model: &Model, words: &[&str]) -> Option<Meant> {
    Some(match words {
        ["view", name] => {
            name.parse().map(Command::View).map_err(|unknown: crate::app::UnknownView| No::Unknown(unknown.to_string()))
        }
        ["open", name] => open(model, name),
        ["help" | "?", ..] => Ok(Command::Help),
        ["reconnect"] => Ok(Command::Reconnect),
        ["repaint"] => Ok(Command::Repaint),
        ["quit" | "exit"] => Ok(Command::Quit),
        _ => return None,
    })
}

/// Whatever has this name.
fn open(model: &Model, name: &str) -> Meant {
    let named = name.to_owned();
    let hardware = &model.hardware;
    if model.service(name).is_some() {
        return Ok(commands::page(named, Pane::Log));
    }
    let (view, item) = if model.machine(name).is_some() {
        (View::Power, Item::Machine(named))
    } else if model.sensor(name).is_some() {
        (View::Sensors, Item::Sensor(named))
    } else if model.zone(name).is_some() {
        (View::Thermal, Item::Zone(named))
    } else if model.fans.iter().any(|one| one.name == name) {
        (View::Thermal, Item::Fan(named))
    } else if hardware.supplies.iter().flatten().any(|one| one.name == name) {
        (View::Hardware, Item::Supply(named))
    } else if hardware.leds.iter().flatten().any(|one| one.name == name) {
        (View::Hardware, Item::Led(named))
    } else if hardware.items.iter().flatten().any(|one| one.name == name) {
        (View::Hardware, Item::Part(named))
    } else if model.operation(name).is_some() {
        (View::Operations, Item::Operation(named))
    } else {
        return Err(No::Unknown(format!("nothing is called `{name}`")));
    };
    Ok(Command::Show(view, item))
}

/// Whether options were given that concern every command. The address comes from the environment too, so that only the
/// words tell.
fn says_more(global: &Global, words: &[&str]) -> bool {
    global.output != Format::default()
        || global.timeout.is_some()
        || global.yes
        || global.no_color
        || words.iter().any(|word| word.starts_with("--connect"))
}

/// Does it.
pub(super) fn carry_out(state: &mut State, command: Command, effects: &mut Vec<Effect>) {
    match command {
        Command::Why(name) => handle::ask_why(state, name, effects),
        Command::View(view) => handle::show(state, view, effects),
        Command::Show(view, item) | Command::FirstOf(view, item) => handle::show_item(state, view, item, effects),
        Command::Services { filter, tree } => {
            handle::show(state, View::Services, effects);
            set_filter(state, filter);
            state.by_dependency = tree;
        }
        Command::Service { name, pane, stream, contains } => {
            handle::show_item(state, View::Services, Item::Service(name.clone()), effects);
            handle::open_service(state, &name, effects);
            (state.pane, state.log_stream, state.log_filter) = (pane, stream, Line::new(contains));
        }
        Command::Machine { name, pane } => {
            match name {
                Some(name) => handle::show_item(state, View::Power, Item::Machine(name), effects),
                None => handle::show(state, View::Power, effects),
            }
            state.power_pane = pane;
        }
        Command::Verify => {
            handle::show(state, View::Power, effects);
            handle::verify(state, effects);
        }
        Command::Events { filter, least } => {
            handle::show(state, View::Events, effects);
            set_filter(state, filter);
            (state.least, state.follow) = (least, true);
        }
        Command::Do(deed) => intent::consider(state, deed, effects),
        Command::DoBecause(deed, reason) => intent::consider_because(state, deed, reason, effects),
        Command::Help => state.modal = Some(Modal::Help(0)),
        Command::Reconnect => effects.push(Effect::Reconnect),
        Command::Repaint => effects.push(Effect::Repaint),
        Command::Quit => effects.push(Effect::Quit),
    }
}

fn set_filter(state: &mut State, to: String) {
    if let Some(filter) = state.filters.get_mut(state.view.index()) {
        *filter = Line::new(to);
    }
}
