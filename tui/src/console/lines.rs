//! The loop of the line mode: news and typed lines in, sentences out. The terminal stays as it is.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::mpsc;

use super::{
    ConsoleError, Signals,
    effects::{self, Own},
    options::Prepared,
};
use crate::{
    announce::{Speaker, typed},
    app::{App, Event, LinkEvent, Size, State},
    link::{self, Clock, Link},
    style::Glyphs,
};

/// Lines that may wait to be taken.
const LINES: usize = 16;
/// What is read aloud has no size.
const SIZE: Size = Size { columns: 140, rows: 60 };

/// What woke the loop up.
enum Woken {
    Line(Option<String>),
    News(LinkEvent),
    Tick,
    Leave,
    Nothing,
}

/// Says what happens, until told to leave.
pub(super) async fn run(prepared: Prepared) -> Result<(), ConsoleError> {
    let clock = Clock::start();
    let mut signals = Signals::new()?;
    let (to_app, mut news) = mpsc::channel(link::NEWS);
    let link = Link::start(prepared.address.clone(), clock, to_app);
    let mut state = State::new(prepared.address.to_string(), SIZE, prepared.view, prepared.read_only);
    state.keymap = prepared.keymap.clone();
    let mut app = App::new(state);
    let glyphs = prepared.look.glyphs;
    let mut speaker = Speaker::default();
    let mut lines = read_lines()?;
    // Somebody who only listens has no keyboard to end it with: then the signals do.
    let mut listens = true;
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    say(glyphs, &[format!("ubmc-tui, one line a change; asking {}; `help` says what can be typed", prepared.address)])?;
    loop {
        let woken = tokio::select! {
            biased;
            () = signals.ends.any() => Woken::Leave,
            // Nothing was changed on the terminal: the default would do, were it not for our handlers.
            _ = signals.stop.recv() => {
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)
                    .map_err(io::Error::from)?;
                Woken::Nothing
            }
            _ = signals.go_on.recv() => Woken::Nothing,
            _ = signals.resized.recv() => Woken::Nothing,
            line = lines.recv(), if listens => Woken::Line(line),
            _ = tick.tick() => Woken::Tick,
            Some(event) = news.recv() => Woken::News(event),
        };
        let now = clock.now();
        let effects = match woken {
            Woken::Leave => return Ok(()),
            Woken::Line(None) if io::stdin().is_terminal() => return Ok(()),
            Woken::Line(None) => {
                listens = false;
                Vec::new()
            }
            Woken::Line(Some(line)) => {
                let heard = typed::take(&mut app, now, &line);
                say(glyphs, &heard.lines)?;
                let effects = heard.effects;
                say(glyphs, &speaker.hear(app.state()))?;
                effects
            }
            Woken::News(event) => {
                // The answer to a question is said at once, everything else once a second.
                let answer = matches!(event, LinkEvent::Answer { .. });
                let effects = app.handle(now, Event::Link(event));
                if answer {
                    say(glyphs, &speaker.hear(app.state()))?;
                }
                effects
            }
            Woken::Tick => {
                let wall_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
                let effects = app.handle(now, Event::Tick { wall_s, bytes_per_s: None });
                say(glyphs, &speaker.hear(app.state()))?;
                effects
            }
            Woken::Nothing => Vec::new(),
        };
        // There is nothing to repaint, and the signal suspends.
        if effects::carry_out(effects, &mut app, now, &link).contains(&Own::Quit) {
            return Ok(());
        }
    }
}

/// Lines from the keyboard, on a thread of its own: a terminal cannot be waited for otherwise without changing it.
fn read_lines() -> io::Result<mpsc::Receiver<String>> {
    let (sender, receiver) = mpsc::channel(LINES);
    thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// One sentence a line; nothing in it can steer a terminal.
fn say(glyphs: Glyphs, lines: &[String]) -> Result<(), ConsoleError> {
    let mut text = String::new();
    for line in lines {
        text.extend(glyphs.spell(line).chars().map(|char| if char.is_control() { ' ' } else { char }));
        text.push('\n');
    }
    let mut out = io::stdout().lock();
    Ok(out.write_all(text.as_bytes()).and_then(|()| out.flush())?)
}
