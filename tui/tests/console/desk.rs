//! An app with the board's news in it.

use ubmc_proto::v1;
use ubmc_tui::{
    app::{App, Code, Effect, Event, Key, LinkEvent, Size, State, View},
    model::{Entry, Mono, Update, from_wire},
};

use crate::{board, details};

/// The moment at which everything in the fixture was told.
pub(crate) const NOW: Mono = Mono(100.0);

/// An app that has not heard anything.
pub(crate) fn blank(columns: u16, rows: u16) -> App {
    App::new(State::new("unix:/run/ubmc/ubmcd.sock".into(), Size { columns, rows }, View::Overview, false))
}

/// News as the link would bring it.
pub(crate) fn news(update: Update) -> Event {
    Event::Link(LinkEvent::News(Box::new(update)))
}

/// Everything that the daemon of the fixture tells at the beginning.
pub(crate) fn all_news() -> Vec<Update> {
    let services = board::services().into_iter().map(|one| from_wire::service(NOW, one)).collect();
    let machines = board::machines().into_iter().map(|one| from_wire::machine(NOW, one)).collect();
    let operations = board::operations().into_iter().map(|one| from_wire::operation(NOW, one)).collect();
    let sensors = board::sensors().into_iter().map(|one| from_wire::sensor(NOW, one)).collect();
    let zones = v1::WatchZonesResponse { update: Some(v1::watch_zones_response::Update::Snapshot(board::zones())) };
    let mut all = vec![
        Update::Status(from_wire::status(NOW, board::status())),
        Update::Services(services),
        Update::Machines(machines),
        Update::Operations(operations),
        Update::Sensors(sensors),
    ];
    all.extend(from_wire::zones(NOW, zones));
    all.extend((1..=40).map(|seq| Update::Tail(Entry::Event(from_wire::event(board::event(seq))))));
    all.extend([
        from_wire::supplies(NOW, board::supplies()),
        from_wire::rails(board::rails()),
        from_wire::schedules(NOW, board::schedules()),
        from_wire::leds(NOW, board::leds()),
        from_wire::items(board::items()),
        from_wire::boot(board::boot()),
        from_wire::graph("host.1".into(), details::graph()),
        from_wire::resources(details::resources()),
        from_wire::faults(details::faults()),
        from_wire::history(NOW, "inlet_temp".into(), board::history()),
        from_wire::history(NOW, "host0_cpu_temp".into(), board::history()),
    ]);
    all
}

/// An app that is connected to the daemon of the fixture.
pub(crate) fn connected(columns: u16, rows: u16) -> App {
    let mut app = blank(columns, rows);
    app.handle(NOW, Event::Link(LinkEvent::Up));
    for update in all_news() {
        app.handle(NOW, news(update));
    }
    app.handle(NOW, Event::Tick { wall_s: board::WALL_S, bytes_per_s: None });
    app
}

/// Presses keys by their names, separated by spaces.
pub(crate) fn press(app: &mut App, now: Mono, keys: &str) -> Vec<Effect> {
    keys.split_whitespace().flat_map(|name| app.handle(now, Event::Key(key(name)))).collect()
}

/// A key by its name, as help writes it.
pub(crate) fn key(name: &str) -> Key {
    let code = match name {
        "Enter" => Code::Enter,
        "Esc" => Code::Esc,
        "Tab" => Code::Tab,
        "Shift-Tab" => Code::BackTab,
        "Up" => Code::Up,
        "Down" => Code::Down,
        "Left" => Code::Left,
        "Right" => Code::Right,
        "Home" => Code::Home,
        "End" => Code::End,
        "PgUp" => Code::PageUp,
        "PgDn" => Code::PageDown,
        "Backspace" => Code::Backspace,
        "Space" => Code::Char(' '),
        _ => {
            let mut chars = name.chars();
            return match (chars.next(), chars.next(), chars.next()) {
                (Some('^'), Some(letter), None) => Key::ctrl(letter.to_ascii_lowercase()),
                (Some(char), None, None) => Key::char(char),
                _ => panic!("no key is called {name}"),
            };
        }
    };
    code.into()
}
