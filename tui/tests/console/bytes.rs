//! The bytes that a terminal gets: that they show what was drawn, and how many they are.

use ubmc_tui::{
    app::{App, Event},
    model::{Mono, Update, from_wire},
    style::{Depth, Look},
    term::{
        pace::{Pace, Urgency},
        screen::Screen,
    },
    view,
};

use crate::{board, desk, screens};

/// An empty terminal.
pub(crate) fn terminal(columns: u16, rows: u16) -> vt100::Parser {
    let side = |number| std::num::NonZeroU16::new(number).expect("a terminal has cells");
    vt100::Parser::new(side(rows), side(columns), 0)
}

/// What a terminal emulator shows after `bytes`.
pub(crate) fn emulated(parser: &mut vt100::Parser, bytes: &[u8]) -> String {
    parser.process(bytes);
    let screen = parser.screen();
    let columns = screen.size().1.into();
    screen.rows(0, columns).map(|row| row.trim_end().to_owned() + "\n").collect()
}

#[test]
fn a_terminal_shows_what_was_drawn_whatever_the_budget() {
    for (columns, rows) in [(80, 24), (120, 40)] {
        for (depth, utf8) in [(Depth::Mono, false), (Depth::Sixteen, true), (Depth::Rgb, true)] {
            for budget in [60, 500, usize::MAX] {
                let mut app = desk::connected(columns, rows);
                let mut screen = Screen::new(columns, rows);
                let mut parser = terminal(columns, rows);
                let cleared = screen.clear(columns, rows);
                parser.process(&cleared);
                for keys in ["1", "2", "j j j", "3", "4", "5 j", "a", "Esc", "7", "k k", "8", "9", "?", "Esc", "1"] {
                    desk::press(&mut app, desk::NOW, keys);
                    let picture = view::draw(app.state(), Look::new(depth, utf8));
                    let mut frames = 0;
                    let shown = loop {
                        let frame = screen.paint(&picture.cells, &picture.first, &picture.last, budget);
                        let shown = emulated(&mut parser, &frame.bytes);
                        frames += 1;
                        assert!(frames < 500, "the screen is never complete after {keys}");
                        if frame.complete {
                            break shown;
                        }
                    };
                    assert_eq!(shown, screens::text(&picture.cells), "after {keys} at {columns}x{rows} {depth:?}");
                    // Nothing has changed: nothing is sent.
                    let again = screen.paint(&picture.cells, &picture.first, &picture.last, budget);
                    assert_eq!(again.bytes, b"", "after {keys}");
                }
            }
        }
    }
}

/// How many bytes it takes to show the state on an empty screen.
fn first_paint(app: &App, look: Look) -> usize {
    let size = app.state().size;
    let mut screen = Screen::new(size.columns, size.rows);
    let cleared = screen.clear(size.columns, size.rows).len();
    let picture = view::draw(app.state(), look);
    cleared + screen.paint(&picture.cells, &[], &[], usize::MAX).bytes.len()
}

/// Ceilings of the first paint in bytes: at a size, with colours and characters.
const FIRST: [(u16, u16, Depth, bool, usize); 18] = [
    (40, 15, Depth::Mono, false, 900),
    (40, 15, Depth::Mono, true, 1_500),
    (40, 15, Depth::Sixteen, false, 1_300),
    (40, 15, Depth::Sixteen, true, 1_900),
    (40, 15, Depth::Rgb, true, 2_400),
    (80, 24, Depth::Mono, false, 2_700),
    (80, 24, Depth::Mono, true, 4_300),
    (80, 24, Depth::Sixteen, false, 3_400),
    (80, 24, Depth::Sixteen, true, 5_000),
    (80, 24, Depth::Rgb, true, 6_000),
    (120, 40, Depth::Mono, false, 5_600),
    (120, 40, Depth::Sixteen, true, 11_000),
    (120, 40, Depth::Rgb, false, 10_000),
    (120, 40, Depth::Rgb, true, 14_000),
    (200, 50, Depth::Mono, false, 9_000),
    (200, 50, Depth::Sixteen, true, 16_000),
    (200, 50, Depth::Rgb, false, 15_000),
    (200, 50, Depth::Rgb, true, 20_000),
];

#[test]
fn the_first_paint_stays_below_its_ceiling() {
    // In front of the frame: the other screen, no wrapping, no cursor, and what clears it.
    const ENTERED: usize = 40;
    let mut over = Vec::new();
    for (columns, rows, depth, utf8, ceiling) in FIRST {
        let mut most = (0, '0');
        for key in '1'..='9' {
            let mut app = desk::connected(columns, rows);
            desk::press(&mut app, desk::NOW, &key.to_string());
            most = most.max((first_paint(&app, Look::new(depth, utf8)) + ENTERED, key));
        }
        let (bytes, key) = most;
        let told = format!("{columns}x{rows} {depth:?} utf8={utf8}: view {key} takes {bytes} of {ceiling} bytes");
        println!("{told}");
        if bytes > ceiling {
            over.push(told);
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

/// The board as it lives: every second each sensor moves a little, fans follow, an event comes every few seconds.
fn live(app: &mut App, now: Mono, second: u32) {
    let noise = |index: usize| f64::from((second * 7 + u32::try_from(index).unwrap_or(0) * 13) % 11) / 10.0;
    let sensors: Vec<_> = board::sensors()
        .into_iter()
        .enumerate()
        .map(|(index, mut sensor)| {
            sensor.value = sensor.value.map(|value| value * (1.0 + noise(index) * 0.01));
            from_wire::sensor(now, sensor)
        })
        .collect();
    app.handle(now, desk::news(Update::SensorsChanged(sensors)));
    if second.is_multiple_of(4) {
        let event = from_wire::event(board::event(u64::from(41 + second / 4)));
        app.handle(now, desk::news(Update::Tail(ubmc_tui::model::Entry::Event(event))));
    }
    app.handle(now, Event::Tick { wall_s: board::WALL_S + f64::from(second), bytes_per_s: None });
}

/// Bytes a second over a minute of the living board, paced as the program does it.
fn steady(view: char, columns: u16, rows: u16, look: Look, baud: Option<u32>) -> f64 {
    let mut app = desk::connected(columns, rows);
    desk::press(&mut app, desk::NOW, &view.to_string());
    let mut screen = Screen::new(columns, rows);
    screen.clear(columns, rows);
    let mut pace = Pace::new(baud);
    let mut total = 0;
    let mut wanted = None;
    for step in 0..7_200_u32 {
        let now = desk::NOW.after(f64::from(step) / 100.0);
        if step.is_multiple_of(100) {
            live(&mut app, now, step / 100);
            wanted = Some(Urgency::Background);
        }
        let Some(urgency) = wanted else { continue };
        let budget = pace.allowance(now, urgency);
        if budget == 0 {
            continue;
        }
        let picture = view::draw(app.state(), look);
        let frame = screen.paint(&picture.cells, &picture.first, &picture.last, budget);
        if frame.complete {
            wanted = None;
        }
        if !frame.bytes.is_empty() {
            pace.sent(now, frame.bytes.len(), urgency);
        }
        // The first seconds paint the screen at all.
        if step >= 1_200 {
            total += frame.bytes.len();
        }
    }
    total as f64 / 60.0
}

#[test]
fn the_steady_state_stays_below_its_ceiling() {
    for view in '1'..='9' {
        for (columns, rows, depth, utf8, baud, ceiling) in [
            (80, 24, Depth::Mono, false, Some(9_600), 200.0),
            (80, 24, Depth::Sixteen, true, Some(9_600), 200.0),
            (80, 24, Depth::Indexed, true, Some(115_200), 2_000.0),
            (120, 40, Depth::Rgb, true, Some(115_200), 2_000.0),
            (120, 40, Depth::Rgb, true, None, 2_600.0),
        ] {
            let bytes = steady(view, columns, rows, Look::new(depth, utf8), baud);
            println!("view {view} {columns}x{rows} {depth:?} {baud:?}: {bytes:.0} B/s");
            assert!(bytes <= ceiling, "view {view} at {columns}x{rows} {depth:?} {baud:?}: {bytes:.0} B/s");
        }
    }
}

/// Seconds from a key to the moment at which a line of this speed has carried what answers it, for many keys typed into
/// a filter while the board lives; sorted.
fn echoes(baud: u32, look: Look) -> Vec<f64> {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "2 /");
    let mut screen = Screen::new(80, 24);
    screen.clear(80, 24);
    let mut pace = Pace::new(Some(baud));
    let carried = |bytes: usize| bytes as f64 * 10.0 / f64::from(baud);
    // When the line will have carried all that was sent.
    let mut idle_at = desk::NOW.0;
    let (mut wanted, mut pressed): (Option<Urgency>, Option<f64>) = (Some(Urgency::Answer), None);
    let mut echoes = Vec::new();
    for step in 0..30_000_u32 {
        let now = desk::NOW.after(f64::from(step) / 100.0);
        if step.is_multiple_of(100) {
            live(&mut app, now, step / 100);
            wanted = wanted.max(Some(Urgency::Background));
        }
        // From the tenth second on: a key every 0.37 s, as people type.
        if step > 1_000 && step.is_multiple_of(37) {
            let key = if app.state().filter().len() > 6 { "Backspace" } else { "e" };
            desk::press(&mut app, now, key);
            wanted = Some(Urgency::Answer);
            pressed.get_or_insert(now.0);
        }
        let Some(urgency) = wanted else { continue };
        let budget = pace.allowance(now, urgency);
        if budget == 0 {
            continue;
        }
        let picture = view::draw(app.state(), look);
        let frame = screen.paint(&picture.cells, &picture.first, &picture.last, budget);
        wanted = (!frame.complete).then_some(urgency);
        if !frame.bytes.is_empty() {
            pace.sent(now, frame.bytes.len(), urgency);
        }
        idle_at = idle_at.max(now.0) + carried(frame.bytes.len());
        // What was typed stands in the last row, which is sent first.
        if let Some(at) = pressed.take_if(|_| !frame.bytes.is_empty()) {
            echoes.push(idle_at - at);
        }
    }
    echoes.sort_by(f64::total_cmp);
    echoes
}

#[test]
fn a_key_is_answered_at_once_also_at_9600_baud() {
    for (baud, look, most) in [
        (9_600, Look::new(Depth::Mono, false), 0.35),
        (9_600, Look::new(Depth::Sixteen, true), 0.35),
        (115_200, Look::new(Depth::Indexed, true), 0.06),
    ] {
        let echoes = echoes(baud, look);
        let at = |share: usize| echoes[(echoes.len() - 1) * share / 100];
        println!("{baud} {:?}: {} keys, median {:.3} s, p99 {:.3} s", look.depth, echoes.len(), at(50), at(99));
        assert!(echoes.len() > 600 && at(99) <= most, "{baud}: p99 {:.3} s", at(99));
    }
}
