//! The loop of the line mode: news and typed lines in, sentences out. The terminal stays as it is.

use std::{
    io::{self, IsTerminal, Write},
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
    ctl::keyboard::Keyboard,
    link::{self, Clock, Link},
    style::Glyphs,
};

/// Lines that may wait to be taken.
const LINES: usize = 16;
/// What is read aloud has no size.
const SIZE: Size = Size { columns: 140, rows: 60 };

/// What woke the loop up.
enum Woken {
    Line(Option<io::Result<String>>),
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
    let mut lines = read_lines();
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
                let line = line.map_err(ConsoleError::Input)?;
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

/// Lines from the keyboard, up to its end or to what cannot be read. On a task of its own: a wait that the loop gave up at
/// each piece of news would leave its look at the keyboard behind every time.
fn read_lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel(LINES);
    tokio::spawn(async move {
        let mut keyboard = Keyboard::default();
        while let Some(line) = keyboard.line().await.transpose() {
            let last = line.is_err();
            if sender.send(line).await.is_err() || last {
                return;
            }
        }
    });
    receiver
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
