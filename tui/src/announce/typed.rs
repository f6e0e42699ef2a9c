//! A line that was typed: an answer to what was asked, a view to be read, or a command of the palette.

use crate::{
    app::{
        App, Code, Effect, Event, Key, Modal, View,
        palette::{self, Command},
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
    match line.to_lowercase().as_str() {
        "" => Heard::default(),
        "status" => say(vec![changes::summary(app.state())]),
        "help" | "?" => say(reading::help()),
        "q" | "quit" | "exit" => Heard { effects: vec![Effect::Quit], ..Heard::default() },
        words => match words.parse::<View>() {
            Ok(view) => {
                let number = u8::try_from(view.index()).unwrap_or(0);
                let effects = keys(app, now, &[Code::Char(char::from(b'1' + number))]);
                Heard { effects, lines: reading::view(app.state()) }
            }
            Err(_) => command(app, now, words),
        },
    }
}

/// Yes, a name, or no.
fn answer(app: &mut App, now: Mono, line: &str) -> Heard {
    let Some(Modal::Confirm(confirm)) = &app.state().modal else { return Heard::default() };
    let title = confirm.deed.title();
    let (destructive, possible) = (confirm.deed.is_destructive(), confirm.can_be_done());
    let meant = if destructive { line == confirm.deed.target() } else { matches!(line, "y" | "yes") };
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

/// The command of that name, or the only one that fits.
fn command(app: &mut App, now: Mono, words: &str) -> Heard {
    let fitting = palette::fitting(&app.state().model, words);
    let exact = fitting.iter().find(|(name, _)| name.to_lowercase() == words);
    let chosen = match (exact, fitting.as_slice()) {
        (Some((name, command)), _) | (None, [(name, command)]) => (name.clone(), command.clone()),
        (None, []) => {
            return Heard { lines: vec![format!("no command fits `{words}`: type help")], ..Heard::default() };
        }
        (None, several) => {
            let names: Vec<String> = several.iter().map(|(name, _)| name.clone()).collect();
            return Heard { lines: vec![reading::which(&names)], ..Heard::default() };
        }
    };
    let (name, command) = chosen;
    let mut effects = keys(app, now, &[Code::Char(':')]);
    effects.extend(app.handle(now, Event::Paste(name)));
    effects.extend(keys(app, now, &[Code::Enter]));
    // A page or a list that opens is read; what asks something is told when it stands.
    let lines = match command {
        Command::View(_) | Command::OpenService(_) | Command::OpenSensor(_) => reading::view(app.state()),
        Command::Do(_) | Command::Why(_) | Command::Help | Command::Reconnect | Command::Repaint | Command::Quit => {
            Vec::new()
        }
    };
    Heard { effects, lines }
}

fn keys(app: &mut App, now: Mono, codes: &[Code]) -> Vec<Effect> {
    codes.iter().flat_map(|code| app.handle(now, Event::Key(Key::plain(*code)))).collect()
}
