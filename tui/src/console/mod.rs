//! The program `ubmc-tui`: its options, and the loop of frames; [`lines`] has the one of lines.
//!
//! What happens (keys, news, ticks, signals) goes into the app; what it wants is done here; and when something may have
//! changed on the screen, a frame is drawn as soon as the line has room for it.

mod effects;
mod lines;
mod options;
mod painter;
mod signals;
mod suspend;

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{CommandFactory, Parser};
use tokio::sync::mpsc;

pub use options::{ConsoleError, Options};

use crate::{
    app::{App, Code, Effect, Event, LinkEvent, Size, State},
    link::{self, Clock, Link},
    model::Mono,
    term::{
        guard::{self, Guard},
        input,
        keys::Typed,
        pace::Urgency,
        size,
    },
};
use effects::Own;
use options::Prepared;
use painter::Painter;
use signals::Signals;

/// News taken in before the next look at the keyboard, and keys before the next frame: a flood of either must not hold up
/// the other, and a paste where it cannot be told from keys is not worth a frame a letter.
const AT_ONCE: usize = 64;
/// On a slow line, the first key after so many seconds of silence repaints everything: somebody may have just attached a
/// terminal to it, which shows nothing of what was sent before.
const SILENCE_S: f64 = 120.0;
/// Within this a daemon tells the first of everything; what a board does not have never comes.
const SETTLED: Duration = Duration::from_millis(400);

/// Runs the console with the options of the command line; the answer is the exit code.
pub fn main() -> i32 {
    let options = Options::parse();
    let result = match &options.command {
        Some(other) => document(other).and_then(|text| print(&text)),
        None => start(&options),
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            eprintln!("ubmc-tui: {error}");
            error.exit_code()
        }
    }
}

/// The completions or the man page.
fn document(command: &options::Command) -> Result<Vec<u8>, ConsoleError> {
    let mut text = Vec::new();
    match command {
        options::Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Options::command(), "ubmc-tui", &mut text);
        }
        options::Command::Man => clap_mangen::Man::new(Options::command()).render(&mut text)?,
    }
    Ok(text)
}

/// A reader that has seen enough is no failure.
fn print(text: &[u8]) -> Result<(), ConsoleError> {
    match io::stdout().write_all(text).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn start(options: &Options) -> Result<(), ConsoleError> {
    let prepared = options.prepare(|name| std::env::var_os(name))?;
    if !prepared.announce && (!io::stdin().is_terminal() || !io::stdout().is_terminal()) {
        return Err(ConsoleError::NoTerminal);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if prepared.announce {
        let ended = runtime.block_on(lines::run(prepared));
        // A look at the keyboard may be under way: it is not waited for.
        runtime.shutdown_background();
        return match ended {
            // Whoever listened has gone: that is an end, not a failure.
            Err(ConsoleError::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            ended => ended,
        };
    }
    runtime.block_on(run(prepared))
}

/// What woke the loop up.
enum Woken {
    Typed(Option<Typed>),
    News(LinkEvent),
    Tick,
    Resized,
    Leave,
    Suspend,
    GoOn,
    Paint,
}

async fn run(prepared: Prepared) -> Result<(), ConsoleError> {
    let clock = Clock::start();
    let mut signals = Signals::new()?;
    guard::restore_on_panic();
    let terminal = Guard::enter(prepared.modes)?;
    let mut keyboard = input::start(clock)?;
    let (to_app, mut news) = mpsc::channel(link::NEWS);
    let link = Link::start(prepared.address.clone(), clock, to_app);
    let mut state = State::new(prepared.address.to_string(), screen_size(&prepared), prepared.view, prepared.read_only);
    state.keymap = prepared.keymap.clone();
    let mut app = App::new(state);
    let mut painter = Painter::new(prepared.look, prepared.baud, clock)?;
    painter.repaint();
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut typed_last = clock.now();

    loop {
        let settling = is_settling(app.state(), clock.now(), typed_last);
        let woken = tokio::select! {
            // Leaving and keys first: a flood of news must not hold them up.
            biased;
            () = signals.ends.any() => Woken::Leave,
            _ = signals.stop.recv() => Woken::Suspend,
            _ = signals.go_on.recv() => Woken::GoOn,
            _ = signals.resized.recv() => Woken::Resized,
            typed = keyboard.recv() => Woken::Typed(typed),
            () = painter.due(), if !settling => Woken::Paint,
            () = tokio::time::sleep(SETTLED), if settling => Woken::Paint,
            _ = tick.tick() => Woken::Tick,
            Some(event) = news.recv() => Woken::News(event),
        };
        let now = clock.now();
        let mut effects = Vec::new();
        match woken {
            Woken::Leave | Woken::Typed(None) => break,
            Woken::Suspend => {
                suspend::stop(&terminal)?;
                painter.repaint();
            }
            Woken::GoOn => {
                // Stopped behind our back: the shell had the terminal meanwhile.
                terminal.resume()?;
                effects = app.handle(now, Event::Resize(screen_size(&prepared)));
            }
            Woken::Resized => effects = app.handle(now, Event::Resize(screen_size(&prepared))),
            Woken::Typed(Some(typed)) => {
                if prepared.baud.is_some() && now.since(typed_last) > SILENCE_S {
                    painter.repaint();
                }
                typed_last = now;
                for typed in at_once(typed, &mut keyboard) {
                    if let Some(event) = event_of(typed, prepared.modes.mouse, &painter) {
                        effects.extend(app.handle(now, event));
                        painter.changed(Urgency::Answer);
                    }
                }
                // A flood of keys must not hold up the news either: a console that does not listen takes ubmcd for dead.
                if let Ok(event) = news.try_recv() {
                    effects.extend(take_news(&mut app, now, event, &mut news, &mut painter));
                }
            }
            Woken::Tick => {
                let wall_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
                let bytes_per_s = prepared.baud.map(|_| painter.rate(now));
                effects = app.handle(now, Event::Tick { wall_s, bytes_per_s });
                painter.changed(Urgency::Background);
            }
            Woken::News(event) => {
                effects = take_news(&mut app, now, event, &mut news, &mut painter);
            }
            Woken::Paint => {}
        }
        if carry_out(effects, &mut app, now, &link, &mut painter) {
            break;
        }
        if !is_settling(app.state(), now, typed_last) {
            let drawn = painter.paint(app.state());
            if let Some(ends) = drawn {
                app.handle(now, Event::Drawn(ends));
            }
        }
    }
    Ok(())
}

/// Whether the first of everything is still coming in: a frame now would be drawn over at once. Not for long, and not
/// once a key was pressed.
fn is_settling(state: &State, now: Mono, typed_last: Mono) -> bool {
    let fresh = state.connected() && now.since(state.link_since) < SETTLED.as_secs_f64();
    fresh && !state.model.is_whole() && typed_last < state.link_since
}

/// Takes what has come, up to a bound. A change of the link itself is painted at once, values when there is time.
fn take_news(
    app: &mut App,
    now: Mono,
    first: LinkEvent,
    news: &mut mpsc::Receiver<LinkEvent>,
    painter: &mut Painter,
) -> Vec<Effect> {
    let mut effects = Vec::new();
    for one in at_once(first, news) {
        painter.changed(match one {
            LinkEvent::News(_) | LinkEvent::Missing(_) => Urgency::Background,
            LinkEvent::Connecting
            | LinkEvent::Up
            | LinkEvent::NewDaemon
            | LinkEvent::Down { .. }
            | LinkEvent::NotSent(_)
            | LinkEvent::Answer { .. } => Urgency::Answer,
        });
        effects.extend(app.handle(now, Event::Link(one)));
    }
    effects
}

/// What came first, and what waits behind it, up to the bound; the rest stays where it is.
fn at_once<T>(first: T, more: &mut mpsc::Receiver<T>) -> impl Iterator<Item = T> {
    std::iter::once(first).chain(std::iter::from_fn(|| more.try_recv().ok()).take(AT_ONCE - 1))
}

/// Does what the app wants; true when it wants to leave.
fn carry_out(effects: Vec<Effect>, app: &mut App, now: Mono, link: &Link, painter: &mut Painter) -> bool {
    for own in effects::carry_out(effects, app, now, link) {
        match own {
            Own::Quit => return true,
            Own::Repaint => painter.repaint(),
            Own::Suspend => {
                if let Err(why) = suspend::request() {
                    app.handle(now, Event::Remark(why.to_owned()));
                }
            }
        }
    }
    false
}

/// What was typed, or clicked in the picture that is on the screen. A mouse that was not asked for is not listened to.
fn event_of(typed: Typed, mouse: bool, painter: &Painter) -> Option<Event> {
    match typed {
        Typed::Key(key) => Some(Event::Key(key)),
        Typed::Paste(text) => Some(Event::Paste(text)),
        Typed::Press { .. } | Typed::Wheel { .. } if !mouse => None,
        Typed::Press { column, row } => painter.at(column, row).map(Event::Click),
        Typed::Wheel { up } => Some(Event::Key(if up { Code::Up } else { Code::Down }.into())),
    }
}

fn screen_size(prepared: &Prepared) -> Size {
    let text = |name: &str| std::env::var(name).ok();
    prepared.size.unwrap_or_else(|| size::current(io::stdout(), text("COLUMNS").as_deref(), text("LINES").as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_of_a_flood_of_news_is_lost() {
        let (sender, mut news) = mpsc::channel(500);
        for second in 0..300_u32 {
            let down = LinkEvent::Down { reason: String::new(), retry_in_s: f64::from(second) };
            sender.try_send(down).expect("there is room");
        }
        let mut taken = Vec::new();
        while let Ok(first) = news.try_recv() {
            let some: Vec<LinkEvent> = at_once(first, &mut news).collect();
            assert!(some.len() <= AT_ONCE);
            taken.extend(some);
        }
        assert_eq!(taken.len(), 300);
    }
}
