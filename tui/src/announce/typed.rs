//! A line that was typed: an answer to what was asked, a view to be read, or a command of the palette.

use crate::{
    app::{
        App, Code, Effect, Event, Item, Key, Modal, PowerPane, View,
        palette::{
            self, Command,
            meaning::{self, Unfit},
        },
    },
    model::Mono,
};

use super::{changes, reading};

/// What a line brought about.
#[derive(Debug, Default, PartialEq)]
pub struct Heard {
    /// To be carried out.
    pub effects: Vec<Effect>,
    /// To be said at once.
    pub lines: Vec<String>,
}

/// Takes a line.
pub fn take(app: &mut App, now: Mono, line: &str) -> Heard {
    let line = line.trim();
    match &app.state().modal {
        Some(Modal::Confirm(_)) => return answer(app, now, line),
        Some(_) => {
            keys(app, now, &[Code::Esc]);
        }
        None => {}
    }
    let say = |lines: Vec<String>| Heard { lines, ..Heard::default() };
    match line {
        "" => match app.state().open_service().map(str::to_owned) {
            // Its log would be read on and on.
            Some(name) => {
                let effects = keys(app, now, &[Code::Esc]);
                Heard { effects, lines: vec![format!("what {name} writes is not read any more")] }
            }
            None => Heard::default(),
        },
        // All of them, whatever was read of them before.
        "services" => command(app, now, "services list"),
        "events" => command(app, now, "events list"),
        "status" => say(vec![changes::summary(app.state())]),
        "help" | "?" => say(reading::help()),
        "q" | "quit" | "exit" => Heard { effects: vec![Effect::Quit], ..Heard::default() },
        words => match words.parse::<View>() {
            Ok(view) => {
                let number = u8::try_from(view.index()).unwrap_or(0);
                let effects = keys(app, now, &[Code::Char(char::from(b'1' + number))]);
                Heard { effects, lines: reading::view(app.state()) }
            }
            Err(_) => command(app, now, line),
        },
    }
}

/// Yes, a name, or no.
fn answer(app: &mut App, now: Mono, line: &str) -> Heard {
    let Some(Modal::Confirm(confirm)) = &app.state().modal else { return Heard::default() };
    let title = confirm.deed.title();
    let (destructive, possible) = (confirm.deed.is_destructive(), confirm.can_be_done());
    let meant = if destructive { line == &*confirm.deed.target() } else { matches!(line, "y" | "yes") };
    if !meant || !possible {
        let effects = keys(app, now, &[Code::Esc]);
        return Heard { effects, lines: vec![format!("{title}: nothing was done")] };
    }
    let mut effects = Vec::new();
    if destructive {
        effects.extend(app.handle(now, Event::Paste(line.to_owned())));
        effects.extend(keys(app, now, &[Code::Enter]));
    } else {
        effects.extend(keys(app, now, &[Code::Tab, Code::Enter]));
    }
    Heard { effects, ..Heard::default() }
}

/// A line in full, or the only one that it is a part of.
fn command(app: &mut App, now: Mono, typed: &str) -> Heard {
    let model = &app.state().model;
    let say = |line: String| Heard { lines: vec![line], ..Heard::default() };
    let (line, command) = match meaning::understand(model, typed) {
        Ok(command) => (typed.to_owned(), command),
        Err(unfit) => match palette::chosen(model, typed) {
            Ok(line) => match meaning::understand(model, &line) {
                Ok(command) => (line, command),
                Err(unfit) => return say(unfit.to_string()),
            },
            Err(several) if several.is_empty() => {
                let help = if matches!(unfit, Unfit::NoCommand(_)) { ": type help" } else { "" };
                return say(format!("{unfit}{help}"));
            }
            // What was nearly a command is not guessed at.
            Err(_) if !matches!(unfit, Unfit::NoCommand(_)) => return say(unfit.to_string()),
            Err(several) => return say(reading::which(&several)),
        },
    };
    let mut effects = keys(app, now, &[Code::Char(':')]);
    effects.extend(app.handle(now, Event::Paste(line)));
    effects.extend(keys(app, now, &[Code::Enter]));
    // A page or a list that opens is read; what asks something is told when it stands.
    let lines = match command {
        Command::Show(_, item) => reading::all_of(app.state(), &item),
        Command::FirstOf(_, item) => reading::all_like(app.state(), &item),
        Command::Machine { pane: PowerPane::Drawn, .. } => reading::drawn(app.state()),
        Command::Machine { name: Some(name), .. } => reading::all_of(app.state(), &Item::Machine(name)),
        Command::Machine { name: None, .. } => reading::waiting(app.state()),
        Command::View(_) | Command::Services { .. } | Command::Service { .. } | Command::Events { .. } => {
            reading::view(app.state())
        }
        Command::Help => reading::help(),
        Command::Do(_)
        | Command::DoBecause(..)
        | Command::Why(_)
        | Command::Verify
        | Command::Reconnect
        | Command::Repaint
        | Command::Quit => Vec::new(),
    };
    Heard { effects, lines }
}

fn keys(app: &mut App, now: Mono, codes: &[Code]) -> Vec<Effect> {
    codes.iter().flat_map(|code| app.handle(now, Event::Key(Key::plain(*code)))).collect()
}
