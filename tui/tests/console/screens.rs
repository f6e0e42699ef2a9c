//! What is on the screen, as text: every view at four sizes, in UTF-8 and in ASCII.

use ratatui::buffer::Buffer;
use ubmc_tui::{
    app::{Answer, App, Event, LinkEvent},
    model::{LogEntry, Mono, Update, from_wire},
    style::{Depth, Look},
    view,
};

use crate::{board, desk, details};

const SIZES: [(u16, u16); 4] = [(40, 15), (80, 24), (120, 40), (200, 50)];

/// The text of a screen; blanks at the ends of rows are left out.
pub(crate) fn text(cells: &Buffer) -> String {
    let mut text = String::new();
    for y in cells.area.top()..cells.area.bottom() {
        let mut row = String::new();
        let mut x = cells.area.left();
        while x < cells.area.right() {
            let symbol = cells.cell((x, y)).map_or(" ", |cell| cell.symbol());
            row.push_str(symbol);
            x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol).max(1)).unwrap_or(1);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// Compares the screens of an app at all sizes with those that were approved.
fn check(name: &str, prepare: impl Fn(&mut App)) {
    for (columns, rows) in SIZES {
        for utf8 in [true, false] {
            let mut app = desk::connected(columns, rows);
            prepare(&mut app);
            let picture = view::draw(app.state(), Look::new(Depth::Mono, utf8));
            let shown = text(&picture.cells);
            if !utf8 {
                assert!(shown.is_ascii(), "{name} at {columns}x{rows} is not ASCII:\n{shown}");
            }
            let charset = if utf8 { "utf8" } else { "ascii" };
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(format!("{name}-{columns}x{rows}-{charset}"), shown);
            });
        }
    }
}

fn keys(keys: &'static str) -> impl Fn(&mut App) {
    move |app| {
        desk::press(app, desk::NOW, keys);
    }
}

#[test]
fn overview() {
    check("overview", keys("1"));
}

#[test]
fn services() {
    check("services", keys("2 j j j j j j j j j j j j j j j j"));
}

#[test]
fn a_service_with_its_log() {
    check("service", |app| {
        desk::press(app, desk::NOW, "2 j j j j j j j j j j j j j Enter");
        for number in 1..=60_u32 {
            let entry = if number == 50 {
                LogEntry::Gap(18)
            } else {
                LogEntry::Line {
                    stderr: number.is_multiple_of(7),
                    time_s: board::WALL_S - 60.0 + f64::from(number),
                    text: format!("GET /index.html from 10.0.0.{} took {number} ms", number % 9),
                }
            };
            app.handle(desk::NOW, desk::news(Update::Log { service: "demo-web".into(), entry }));
        }
    });
}

#[test]
fn sensors() {
    check("sensors", keys("3 j j"));
}

#[test]
fn thermal() {
    check("thermal", keys("4"));
}

#[test]
fn thermal_of_a_zone_in_fail_safe() {
    check("thermal-failsafe", keys("4 j"));
}

#[test]
fn power() {
    check("power", keys("5 j j Right"));
}

#[test]
fn a_machine_drawn() {
    check("machine", keys("5 j j v"));
}

#[test]
fn services_by_dependency() {
    check("services-tree", keys("2 t j j j"));
}

#[test]
fn what_happened_to_a_service() {
    check("service-history", keys("2 j j j j j j j j j j j j j Enter v"));
}

#[test]
fn how_a_service_started() {
    check("service-start", keys("2 j j j j j j j j j j j j j Enter v v"));
}

#[test]
fn what_a_service_is_tied_to() {
    check("service-ties", keys("2 j j j j j j j j j j j j j Enter v v v"));
}

#[test]
fn why_something_is_as_it_is() {
    check("why", |app| {
        desk::press(app, desk::NOW, "2 j w");
        let token = app.state().last_token;
        let result = Ok(Answer::Why(Box::new(from_wire::why(details::why("demo-flaky")))));
        app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
    });
}

#[test]
fn operations() {
    check("operations", keys("6 j"));
}

#[test]
fn events() {
    check("events", keys("7 k k k"));
}

#[test]
fn an_event_with_its_cause() {
    check("event", keys("7 k k Enter"));
}

#[test]
fn boot() {
    check("boot", keys("8"));
}

#[test]
fn a_start_that_goes_on() {
    check("booting", |app| {
        desk::press(app, desk::NOW, "8 G k k");
        let status = ubmc_proto::v1::SystemStatus { uptime_s: 2.0, state: "starting".into(), ..board::status() };
        app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
        app.handle(desk::NOW, desk::news(from_wire::boot(board::booting())));
    });
}

#[test]
fn a_shutdown_with_who_holds_it_up() {
    check("stopping", |app| {
        let held = |name: &str, text: &str, since_s: f64| ubmc_proto::v1::Condition {
            kind: "still-up".into(),
            subject: format!("service {name}"),
            text: text.into(),
            since_s: Some(since_s),
            ..Default::default()
        };
        let status = ubmc_proto::v1::SystemStatus {
            state: "stopping".into(),
            holding_up: vec![
                held("demo-web", "demo-web is stopping: asked to stop, killed in 7 s", 4_207.0),
                held("journal", "journal is stopping: waits for demo-web to stop first", 4_190.0),
            ],
            ..board::status()
        };
        app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
    });
}

#[test]
fn hardware() {
    check("hardware", keys("9"));
}

#[test]
fn help() {
    check("help", keys("5 ?"));
}

#[test]
fn palette() {
    check("palette", |app| {
        desk::press(app, desk::NOW, "1 : h o s t . 0");
    });
}

#[test]
fn what_can_be_done_with_a_machine() {
    check("menu", keys("5 j a"));
}

#[test]
fn a_destructive_request_before_its_name_is_typed() {
    check("confirm", |app| {
        desk::press(app, desk::NOW, "5 j a j Enter");
        let plan = from_wire::operation(desk::NOW, board::plan("host.0", "off"));
        let token = app.state().last_token;
        let result = Ok(Answer::Operation(Box::new(plan)));
        app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
        desk::press(app, desk::NOW, "h o s t");
    });
}

#[test]
fn stopping_a_service_that_others_need() {
    check("confirm-stop", |app| {
        desk::press(app, desk::NOW, "2 j j j j j j j j j j j j j a j j j Enter");
        let token = app.state().last_token;
        let result = Ok(Answer::WhatIf(Box::new(from_wire::what_if(details::what_if()))));
        app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
    });
}

#[test]
fn the_daemon_is_gone() {
    check("lost", |app| {
        let later = Mono(desk::NOW.0 + 12.0);
        let reason = "ubmcd ended the connection".to_owned();
        app.handle(later, Event::Link(LinkEvent::Down { reason, retry_in_s: 4.0 }));
        let now = Mono(later.0 + 1.0);
        app.handle(now, Event::Tick { wall_s: board::WALL_S + 13.0, bytes_per_s: Some(183.0) });
    });
}

#[test]
fn nothing_is_known_yet() {
    for (columns, rows) in SIZES {
        let app = desk::blank(columns, rows);
        let picture = view::draw(app.state(), Look::new(Depth::Mono, true));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("blank-{columns}x{rows}"), text(&picture.cells));
        });
    }
}

#[test]
fn a_screen_that_is_too_small_says_so_and_the_one_thing_that_matters() {
    for (columns, rows) in [(39, 15), (40, 14), (20, 6), (8, 3), (1, 1)] {
        let app = desk::connected(columns, rows);
        let picture = view::draw(app.state(), Look::new(Depth::Mono, true));
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("too-small-{columns}x{rows}"), text(&picture.cells));
        });
    }
}

#[test]
fn a_filter_that_nothing_fits_says_so_in_every_list() {
    for view in '2'..='9' {
        let mut app = desk::connected(80, 24);
        desk::press(&mut app, desk::NOW, &format!("{view} / z z z z Enter"));
        let shown = text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells);
        assert!(shown.contains("fits the filter"), "view {view}:\n{shown}");
    }
}

#[test]
fn what_is_cut_is_marked() {
    let app = desk::connected(80, 24);
    let shown = text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells);
    let problem = &app.state().model.status.as_ref().expect("there is a status").problems[0].text;
    let header = shown.lines().next().unwrap_or_default();
    assert!(!header.contains(problem.as_str()) && header.contains('…'), "{header}");
}

#[test]
fn colour_is_never_alone() {
    // The same cells with and without colours carry the same text: every meaning has a sign or a word.
    let app = desk::connected(120, 40);
    let mono = view::draw(app.state(), Look::new(Depth::Mono, true));
    for depth in [Depth::Eight, Depth::Sixteen, Depth::Indexed, Depth::Rgb] {
        let coloured = view::draw(app.state(), Look::new(depth, true));
        assert_eq!(text(&mono.cells), text(&coloured.cells), "{depth:?}");
    }
    assert!(mono.cells.content().iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
}
