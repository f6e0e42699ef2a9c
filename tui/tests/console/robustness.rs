//! Random keys, sizes and news: whatever comes, the console neither panics nor gets stuck.

use std::{env, hash::BuildHasher};

use ubmc_proto::v1;
use ubmc_tui::{
    app::{Answer, App, Code, Event, Item, Key, LinkEvent, Place, Size, Token, View, rows},
    model::{Entry, LogEntry, Mono, Refusal, Update, from_wire},
    style::{Depth, Look},
    term::screen::Screen,
    view,
};

use crate::{board, desk, details};

/// A small generator: the same seed gives the same run everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("it is an index")].clone()
    }

    /// A number that nobody expects.
    fn odd(&mut self) -> f64 {
        let plain = self.below(2_000) as f64 / 10.0 - 40.0;
        self.one_of(&[plain, plain, plain, 0.0, -0.0, 1e300, -1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY])
    }

    fn text(&mut self) -> String {
        self.one_of(&[
            "",
            "host.0",
            "a sentence that is far longer than any column that it could ever be put into on any screen at all",
            "日本語の長い文字列がここに入ります",
            "e\u{301}\u{200d}👩\u{200d}👩\u{200d}👧 \u{202e}right to left",
            "\u{1b}[2J\u{7}\u{0}control",
            "ß\tä\nnew line",
        ])
        .to_owned()
    }
}

fn key(dice: &mut Dice) -> Event {
    let code = match dice.below(4) {
        0 => Code::Char(char::from(b' ' + u8::try_from(dice.below(95)).expect("a printable character"))),
        1 => dice.one_of(&[Code::Up, Code::Down, Code::Left, Code::Right, Code::PageUp, Code::PageDown]),
        2 => dice.one_of(&[Code::Enter, Code::Esc, Code::Tab, Code::BackTab, Code::Backspace, Code::Home, Code::End]),
        _ => Code::Char(dice.one_of(&[
            '1', '2', '3', '4', '5', '6', '7', '8', '9', '/', ':', '?', 'a', 'f', 'x', 'i', 'w', 't', 'v', 'e', 's',
            'n', 'N', 'c', 'b', 'é', '日',
        ])),
    };
    let plain = dice.below(20);
    Event::Key(Key { code, ctrl: plain == 0, alt: plain == 1 })
}

/// On something that the last frame showed: seldom what the state would draw now. Or on what it never shows like this.
fn click(dice: &mut Dice, app: &App, places: &[Place]) -> Option<Event> {
    let number = usize::try_from(dice.below(12)).expect("a small number");
    let name = dice.text();
    let place = match dice.below(8) {
        0 => dice.one_of(&[
            Place::Choice(number),
            Place::Offer(number),
            Place::Request(number),
            Place::Tab(View::Power),
            Place::Row(Item::Problem { kind: "sensor-stale".into(), subject: "sensor inlet_temp".into(), nth: number }),
            Place::Row(Item::Service(name)),
        ]),
        // Twice the same: the second opens.
        1..=3 => Place::Row(rows::selected(app.state())?),
        _ if places.is_empty() => return None,
        _ => dice.one_of(places),
    };
    Some(Event::Click(place))
}

fn size(dice: &mut Dice) -> Event {
    let usual =
        dice.one_of(&[(40, 15), (80, 24), (120, 40), (200, 50), (1, 1), (39, 14), (80, 1), (1, 24), (300, 100)]);
    let odd = (1 + dice.below(130), 1 + dice.below(60));
    let (columns, rows) = if dice.below(2) == 0 { usual } else { odd };
    let side = |number: u64| u16::try_from(number).expect("a small number");
    Event::Resize(Size { columns: side(columns), rows: side(rows) })
}

fn news(dice: &mut Dice, now: Mono) -> Update {
    match dice.below(18) {
        0 => {
            let mut status = board::status();
            status.problems.truncate(usize::try_from(dice.below(4)).expect("a small number"));
            status.uptime_s = dice.odd();
            status.state = dice.text();
            for _ in 0..dice.below(3) {
                status.limitations.push(dice.text());
                let (text, since_s) = (dice.text(), Some(dice.odd()));
                status.holding_up.push(v1::Condition { text, since_s, ..v1::Condition::default() });
            }
            Update::Status(from_wire::status(now, status))
        }
        1 | 2 => {
            let mut service = dice.one_of(&board::services());
            service.state = i32::try_from(dice.below(11)).expect("a small number");
            service.health = i32::try_from(dice.below(6)).expect("a small number");
            service.uptime_s = Some(dice.odd());
            service.cpu_percent = Some(dice.odd());
            service.rss_bytes = Some(dice.roll());
            service.retry_in_s = Some(dice.odd());
            service.reason = dice.text();
            service.name = if dice.below(9) == 0 { dice.text() } else { service.name };
            service.dependencies = vec![dice.text(), service.name.clone()];
            Update::Service(Box::new(from_wire::service(now, service)))
        }
        3 => Update::ServiceRemoved(dice.one_of(&board::services()).name),
        4 => {
            let mut machine = dice.one_of(&board::machines());
            machine.state = dice.text();
            machine.state_age_s = dice.odd();
            let requests = usize::try_from(dice.below(8)).expect("a small number");
            machine.requests.truncate(requests);
            Update::Machine(from_wire::machine(now, machine))
        }
        5 => {
            let mut operation = dice.one_of(&board::operations());
            operation.id = format!("op-{}", dice.below(300));
            operation.state = i32::try_from(dice.below(9)).expect("a small number");
            operation.progress = dice.odd();
            operation.duration_s = Some(dice.odd());
            let step = v1::Step { name: dice.text(), state: 2, duration_s: Some(dice.odd()), detail: dice.text() };
            operation.steps.extend(std::iter::repeat_n(step, usize::try_from(dice.below(40)).expect("small")));
            Update::Operation(from_wire::operation(now, operation))
        }
        6 | 7 => {
            let mut sensor = dice.one_of(&board::sensors());
            sensor.value = Some(dice.odd());
            sensor.quality = i32::try_from(dice.below(8)).expect("a small number");
            sensor.status = i32::try_from(dice.below(7)).expect("a small number");
            sensor.unit = dice.one_of(&["°C", "V", "", "RPM", "parsec"]).into();
            let limit = dice.odd();
            sensor.thresholds = Some(v1::Thresholds {
                warning_high: Some(limit),
                critical_low: Some(dice.odd()),
                ..v1::Thresholds::default()
            });
            sensor.minimum = Some(dice.odd());
            Update::SensorsChanged(vec![from_wire::sensor(now, sensor)])
        }
        8 => {
            let mut zones = board::zones();
            zones.zones[0].duty = dice.odd();
            let points = dice.below(4);
            zones.zones[0].controllers[0].curve =
                (0..points).map(|_| v1::CurvePoint { temperature: dice.odd(), duty: dice.odd() }).collect();
            zones.zones[0].controllers[0].input = Some(dice.odd());
            zones.zones[0].controllers[0].output = Some(dice.odd());
            zones.fans[0].duty = dice.odd();
            zones.fans[0].rpm = Some(dice.odd());
            let changed = v1::watch_zones_response::Update::Changed(zones);
            from_wire::zones(now, v1::WatchZonesResponse { update: Some(changed) }).expect("it has an update")
        }
        9 => {
            let (first, last) = (dice.roll(), dice.below(1_000));
            Update::Tail(dice.one_of(&[
                Entry::Lost { first: 1, last, reason: "expired".into() },
                Entry::Lost { first, last, reason: String::new() },
                Entry::Restarted,
            ]))
        }
        10 => {
            let mut event = board::event(dice.below(100_000));
            event.text = dice.text();
            event.subject = dice.text();
            event.time_s = dice.odd();
            Update::Tail(Entry::Event(from_wire::event(event)))
        }
        11 => {
            let points = (0..dice.below(900)).map(|age| (now.ago(age as f64), Some(dice.odd()))).collect();
            Update::History { sensor: dice.one_of(&board::sensors()).name, points }
        }
        12 => {
            let mut boot = if dice.below(2) == 0 { board::boot() } else { board::booting() };
            boot.started_s = dice.odd();
            boot.ended_s = (dice.below(2) == 0).then(|| dice.odd());
            boot.critical_path.push(dice.text());
            for service in &mut boot.services {
                service.released_s = (dice.below(3) > 0).then(|| dice.odd());
                service.settled_s = (dice.below(3) > 0).then(|| dice.odd());
                service.waited_for = dice.text();
            }
            for phase in &mut boot.phases {
                (phase.began_s, phase.ended_s) = (Some(dice.odd()), (dice.below(2) == 0).then(|| dice.odd()));
            }
            from_wire::boot(boot)
        }
        13 => {
            let mut graph = details::graph();
            for transition in &mut graph.transitions {
                let (from, to) = (dice.one_of(&graph.states).name, dice.one_of(&graph.states).name);
                (transition.from, transition.to, transition.on) = (from, to, dice.text());
            }
            graph.states.truncate(usize::try_from(dice.below(9)).expect("a small number"));
            from_wire::graph(dice.one_of(&board::machines()).name, graph)
        }
        14 => {
            let mut resources = details::resources();
            resources.resources.iter_mut().for_each(|one| one.name = dice.text());
            from_wire::resources(resources)
        }
        15 => {
            let mut faults = details::faults();
            faults.active.truncate(usize::try_from(dice.below(2)).expect("a small number"));
            faults.kinds[0].targets.push(dice.text());
            from_wire::faults(faults)
        }
        _ => {
            let entry = LogEntry::Line { stderr: dice.below(2) == 0, time_s: dice.odd(), text: dice.text() };
            Update::Log { service: dice.one_of(&board::services()).name, entry }
        }
    }
}

fn link(dice: &mut Dice, last: Token) -> LinkEvent {
    let token = Token(dice.below(40));
    let operation = from_wire::operation(desk::NOW, board::plan("host.0", "off"));
    let refusal = Refusal { message: dice.text(), ..Refusal::default() };
    dice.one_of(&[
        LinkEvent::Up,
        LinkEvent::Up,
        LinkEvent::Connecting,
        LinkEvent::NewDaemon,
        LinkEvent::Down { reason: refusal.message.clone(), retry_in_s: 3.0 },
        LinkEvent::Missing(ubmc_tui::app::Area::Sensors),
        LinkEvent::Answer { token, result: Ok(Answer::Operation(Box::new(operation))) },
        LinkEvent::Answer { token, result: Ok(Answer::Done) },
        LinkEvent::Answer { token: last, result: Ok(Answer::Why(Box::new(from_wire::why(details::why("it"))))) },
        LinkEvent::Answer { token: last, result: Ok(Answer::WhatIf(Box::new(from_wire::what_if(details::what_if())))) },
        LinkEvent::Answer { token: last, result: Err(refusal.clone()) },
        LinkEvent::Answer { token, result: Err(refusal.clone()) },
    ])
}

#[test]
fn random_steps_neither_panic_nor_get_stuck() {
    let random = std::hash::RandomState::new().hash_one(0);
    let seed = env::var("UBMC_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(random);
    let steps: u32 = env::var("UBMC_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(20_000);
    println!("reproduce with UBMC_SEED={seed} UBMC_STEPS={steps}");
    let mut dice = Dice(seed);
    let mut app = desk::connected(80, 24);
    let mut now = desk::NOW;
    let mut screen = Screen::new(80, 24);
    let mut places = Vec::new();
    for step in 0..steps {
        let event = match dice.below(20) {
            0 => size(&mut dice),
            1..=9 => key(&mut dice),
            10 => {
                now = now.after(dice.below(20) as f64 / 10.0);
                Event::Tick { wall_s: board::WALL_S + now.0, bytes_per_s: Some(dice.odd()) }
            }
            11 => Event::Link(link(&mut dice, app.state().last_token)),
            12 => Event::Paste(dice.text()),
            13 => match click(&mut dice, &app, &places) {
                Some(event) => event,
                None => continue,
            },
            _ => desk::news(news(&mut dice, now)),
        };
        app.handle(now, event);
        if step % 7 == 0 {
            let look = Look::new(dice.one_of(&[Depth::Mono, Depth::Rgb]), dice.below(2) == 0);
            places = draw(&app, look, &mut screen, &mut dice);
        }
        // However it stands, from time to time: the keys still work, and the rest goes on from there.
        if step % 1_000 == 999 {
            is_not_stuck(&mut app, now);
        }
    }
    is_not_stuck(&mut app, now);
}

/// A frame and its bytes, with whatever budget.
fn draw(app: &App, look: Look, screen: &mut Screen, dice: &mut Dice) -> Vec<Place> {
    let picture = view::draw(app.state(), look);
    let size = app.state().size;
    if dice.below(9) == 0 || picture.cells.area.width != screen.columns() || picture.cells.area.height != screen.rows()
    {
        screen.clear(size.columns, size.rows);
    }
    let budget = usize::try_from(dice.below(3_000)).expect("a small number");
    let frame = screen.paint(&picture.cells, &picture.first, &picture.last, budget);
    let text = String::from_utf8(frame.bytes).expect("frames are text");
    for control in text.chars().filter(|char| char.is_control()) {
        assert!(matches!(control, '\u{1b}' | '\r' | '\n'), "{control:?} reached the terminal");
    }
    for (area, _) in &picture.places {
        assert_eq!(area.intersection(picture.cells.area), *area, "what can be clicked is on the screen");
    }
    picture.places.into_iter().map(|(_, place)| place).collect()
}

/// However it stands: Esc a few times, and the keys work as ever.
fn is_not_stuck(app: &mut App, now: Mono) {
    desk::press(app, now, "Esc Esc Esc 6");
    assert_eq!(app.state().view.name(), "operations");
    let effects = desk::press(app, now, "q");
    assert_eq!(effects, [ubmc_tui::app::Effect::Quit]);
}
