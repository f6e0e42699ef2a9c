//! From what is wrong to what can be done about it: what is offered, where a problem leads, and what is said when nothing
//! more can come of a key.

use ubmc_proto::v1;
use ubmc_tui::{
    app::{Answer, App, Event, Item, LinkEvent, Modal, View, rows},
    model::{LogEntry, Refusal, Update, from_wire},
    style::{Depth, Look},
    view,
};

use crate::{board, desk, details, scenarios::check, screens};

fn shown(app: &App) -> String {
    screens::text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells)
}

fn footer(app: &App) -> String {
    shown(app).lines().last().unwrap_or_default().to_owned()
}

/// A console on the overview with one problem, about this.
fn with_problem(subject: &str) -> App {
    let mut app = desk::connected(80, 24);
    let problem = v1::Condition {
        kind: "some".into(),
        subject: subject.into(),
        text: "it is not as it should be".into(),
        ..v1::Condition::default()
    };
    let status = v1::SystemStatus { problems: vec![problem], ..board::status() };
    app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
    desk::press(&mut app, desk::NOW, "1 g");
    app
}

#[test]
fn a_problem_leads_to_the_view_that_shows_what_it_is_about_and_to_what_can_be_asked_of_it() {
    let name = str::to_owned;
    for (subject, view, item, asked) in [
        ("fan fan.3", View::Thermal, Some(Item::Fan(name("fan.3"))), true),
        ("zone system", View::Thermal, Some(Item::Zone(name("system"))), true),
        ("machine host.1", View::Power, Some(Item::Machine(name("host.1"))), true),
        ("sensor p12v", View::Sensors, Some(Item::Sensor(name("p12v"))), false),
        ("supply psu.1", View::Hardware, Some(Item::Supply(name("psu.1"))), false),
        ("rail p5v", View::Hardware, Some(Item::Rail(name("p5v"))), false),
        ("led led.identify", View::Hardware, Some(Item::Led(name("led.identify"))), true),
        ("service demo-web", View::Services, Some(Item::Service(name("demo-web"))), true),
        // Of several things by one name the kind tells which is meant: there is a chassis among the machines and the parts.
        ("chassis", View::Power, Some(Item::Machine(name("chassis"))), true),
        ("operation op-17", View::Operations, Some(Item::Operation(name("op-17"))), false),
        ("board sim-2u", View::Hardware, Some(Item::Resource(name("7-0052/pwm1"))), false),
        ("guardian", View::Thermal, Some(Item::Zone(name("cpu"))), false),
    ] {
        let mut app = with_problem(subject);
        assert_eq!(footer(&app).contains("a act"), asked, "{subject}: {}", footer(&app));
        desk::press(&mut app, desk::NOW, "a");
        match (&app.state().modal, &item) {
            (Some(Modal::Menu(menu)), Some(item)) if asked => assert_eq!(menu.target, *item, "{subject}"),
            (None, _) if !asked => {}
            (other, _) => panic!("{subject}: {other:?}"),
        }
        let mut app = with_problem(subject);
        desk::press(&mut app, desk::NOW, "Enter");
        assert_eq!((app.state().view, rows::selected(app.state())), (view, item), "{subject}");
        let page = matches!(app.state().page, Some(ubmc_tui::app::Page::Service(_)));
        assert_eq!(page, view == View::Services, "{subject}");
    }
    let mut app = with_problem("something that no view shows");
    desk::press(&mut app, desk::NOW, "Enter");
    assert!(matches!(app.state().modal, Some(Modal::Why(_))), "{:?}", app.state().modal);
}

#[test]
fn the_selection_stays_on_its_problem_when_others_come_and_go() {
    let mut app = desk::connected(80, 24);
    let problem = |subject: &str| v1::Condition {
        kind: "some".into(),
        subject: subject.into(),
        text: format!("{subject} is not as it should be"),
        ..v1::Condition::default()
    };
    let tell = |app: &mut App, subjects: &[&str]| {
        let problems = subjects.iter().map(|subject| problem(subject)).collect();
        let status = v1::SystemStatus { problems, ..board::status() };
        app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
    };
    tell(&mut app, &["fan fan.3", "sensor p12v", "sensor p12v", "zone cpu"]);
    // Two that are alike in kind and subject are two all the same.
    desk::press(&mut app, desk::NOW, "1 g j j j");
    tell(&mut app, &["machine host.1", "fan fan.3", "service demo-web", "zone cpu"]);
    desk::press(&mut app, desk::NOW, "Enter");
    assert_eq!(rows::selected(app.state()), Some(Item::Zone("cpu".into())));
}

#[test]
fn what_was_broken_on_purpose_is_repaired_from_where_it_shows() {
    let mut app = with_problem("sensor host0_cpu_temp");
    let mut faults = details::faults();
    faults.active.push(v1::Fault {
        kind: "sensor-stuck".into(),
        target: "host.0.cpu_temp".into(),
        ..v1::Fault::default()
    });
    app.handle(desk::NOW, desk::news(from_wire::faults(faults)));
    desk::press(&mut app, desk::NOW, "a Enter");
    let Some(Modal::Confirm(confirm)) = &app.state().modal else { panic!("{:?}", app.state().modal) };
    assert_eq!(confirm.deed.title(), "repair sensor-stuck host.0.cpu_temp");
    desk::press(&mut app, desk::NOW, "Esc a");
    assert!(shown(&app).contains("repair sensor-stuck"), "in full: {}", shown(&app));
}

#[test]
fn only_what_can_be_done_is_offered() {
    for (keys, offered, absent) in [
        // A group of services, and a service.
        ("2", "Enter fold", "a act"),
        ("2", "t tree", "w why"),
        ("2 j", "a act", "nothing else"),
        ("2 j", "w why", "nothing else"),
        // An operation that goes on, one that has ended, and one that acts on services.
        ("6", "x cancel it", "nothing else"),
        ("6 j", "/ filter", "x cancel"),
        ("6 G", "/ filter", "x cancel"),
    ] {
        let mut app = desk::connected(80, 24);
        desk::press(&mut app, desk::NOW, keys);
        let footer = footer(&app);
        assert!(!footer.contains(absent), "{keys}: {footer}");
        assert!(footer.contains(offered), "{keys}: {footer}");
    }
}

#[test]
fn what_acts_on_services_is_not_offered_to_be_cancelled_while_it_stands_in_front() {
    for (kind, target, offered) in [("host-on", "host.1", true), ("service-restart", "demo-web", false)] {
        let mut app = desk::connected(80, 24);
        desk::press(&mut app, desk::NOW, "2 / f l a k y Enter a j Enter Tab Enter");
        let operation = v1::Operation {
            id: "op-31".into(),
            kind: kind.into(),
            target: target.into(),
            state: v1::OperationState::Running.into(),
            ..Default::default()
        };
        let token = app.state().last_token;
        let result = Ok(Answer::Operation(Box::new(from_wire::operation(desk::NOW, operation))));
        app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
        let shown = shown(&app);
        assert!(shown.contains("Esc leaves it to itself"), "{shown}");
        assert_eq!(shown.contains("x cancels"), offered, "{kind}: {shown}");
        desk::press(&mut app, desk::NOW, "x");
        assert_eq!(matches!(app.state().modal, Some(Modal::Confirm(_))), offered, "{kind}: {:?}", app.state().modal);
    }
}

#[test]
fn who_only_looks_is_not_offered_to_ask() {
    let mut state = desk::connected(80, 24).state().clone();
    state.read_only = true;
    let mut app = App::new(state);
    desk::press(&mut app, desk::NOW, "5 Enter");
    assert!(footer(&app).contains("Esc back") && !footer(&app).contains("ask for it"), "{}", footer(&app));
}

#[test]
fn the_page_of_a_service_that_failed_says_its_reason_once_and_that_nothing_checks_it_now() {
    let mut app = desk::connected(80, 24);
    let failed = v1::Service {
        name: "demo-web".into(),
        group: "interface".into(),
        state: v1::ServiceState::Failed.into(),
        reason: "exit code 1 before it was ready".into(),
        last_error: "exit code 1 before it was ready".into(),
        health_check: "http".into(),
        health_text: "status 200".into(),
        ..v1::Service::default()
    };
    app.handle(desk::NOW, desk::news(Update::Service(Box::new(from_wire::service(desk::NOW, failed)))));
    desk::press(&mut app, desk::NOW, "2 / d e m o - w e b Enter Enter");
    let shown = shown(&app);
    let page: Vec<&str> = shown.lines().skip(2).collect();
    assert_eq!(page.join(" ").matches("before it was ready").count(), 1, "{shown}");
    assert!(shown.contains("  not checked now, http"), "{shown}");
}

#[test]
fn a_refusal_is_said_once_and_takes_what_was_asked_for_off_the_screen() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "6 x Tab Enter");
    assert!(app.state().notice.is_some(), "it was asked for");
    let text = "op-17 has ended already: succeeded after 6.2s";
    let refusal = Refusal {
        code: "refused".into(),
        message: text.into(),
        conditions: vec![ubmc_tui::model::Condition { text: text.into(), ..Default::default() }],
    };
    let token = app.state().last_token;
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result: Err(refusal) }));
    let shown = shown(&app);
    assert_eq!(shown.matches("has ended already").count(), 1, "{shown}");
    assert!(!shown.contains("asked for"), "{shown}");
}

#[test]
fn the_key_to_the_next_part_skips_what_is_on_the_screen() {
    check(
        "
        screen 200 50
        keys 2 j Enter    => pane=Log
        keys v            => pane=Start
        keys v v          => pane=Log
        keys Esc 5 v      => notice=all parts are on the screen already
        screen 120 24
        keys 5 v          => notice=-
        screen 80 24
        keys 2 j Enter v  => pane=History
        ",
    );
    let mut app = desk::connected(200, 50);
    desk::press(&mut app, desk::NOW, "5");
    assert!(!footer(&app).contains("next part"), "{}", footer(&app));
}

#[test]
fn a_filter_selects_the_first_service_that_fits() {
    check(
        "
        keys 2 /
        type chatty
        keys Enter        => selected=demo-chatty
        keys /
        keys ^U
        type demo
        keys Enter        => selected=demo-chatty
        keys Esc g /
        type nobody
        keys Enter        => selected=-
        ",
    );
}

#[test]
fn a_log_is_being_read_until_the_daemon_has_said_what_there_is() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "2 j Enter");
    assert!(shown(&app).contains("its output is being read") && !shown(&app).contains("no output"), "{}", shown(&app));
    app.handle(desk::NOW, desk::news(Update::LogCaughtUp("somebody-else".into())));
    assert!(shown(&app).contains("its output is being read"), "{}", shown(&app));
    app.handle(desk::NOW, desk::news(Update::LogCaughtUp("journal".into())));
    assert!(shown(&app).contains("no output yet"), "{}", shown(&app));
    let entry = LogEntry::Line { stderr: false, time_s: board::WALL_S, text: "here I am".into() };
    app.handle(desk::NOW, desk::news(Update::Log { service: "journal".into(), entry }));
    assert!(shown(&app).contains("here I am"), "{}", shown(&app));
}

#[test]
fn hiding_what_is_less_serious_says_how_much_is_hidden() {
    check(
        "
        keys 7 k k c      => filter=\"cause:112\", shown=3
        keys e e          => notice=warnings and worse are shown, 1 other is hidden
        keys e            => shown=1, notice=errors and worse are shown, 2 others are hidden
        keys e            => shown=3, notice=events of every severity are shown
        ",
    );
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "7 k k c e e e");
    let heading = shown(&app).lines().nth(2).unwrap_or_default().to_owned();
    assert!(heading.contains("errors and worse (2 hidden)"), "{heading}");
    // At the end of the list nothing is below, which needs no words.
    assert!(!heading.contains("0 below"), "{heading}");
    desk::press(&mut app, desk::NOW, "c / z z z Enter");
    assert!(shown(&app).contains("no event fits the filter"), "{}", shown(&app));
}

#[test]
fn the_ends_of_the_zoom_are_told() {
    check(
        "
        keys 3 +          => notice=-
        keys +            => notice=1 min is the least that the graph can show
        keys - - -        => notice=1 min
        keys -            => notice=10 min is the most that the graph can show
        ",
    );
}

#[test]
fn why_does_not_repeat_its_only_sentence() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "5 w");
    let link = v1::Condition {
        subject: "chassis chassis".into(),
        text: "chassis is on, and on was asked of it".into(),
        since_s: Some(4_150.0),
        ..v1::Condition::default()
    };
    let why = v1::WhyResponse {
        name: "chassis".into(),
        kind: "chassis".into(),
        as_desired: true,
        answer: link.text.clone(),
        chain: vec![link],
    };
    let token = app.state().last_token;
    let result = Ok(Answer::Why(Box::new(from_wire::why(why))));
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
    assert_eq!(shown(&app).matches("on was asked of it").count(), 1, "{}", shown(&app));
    assert!(shown(&app).contains("on was asked of it (for 1m"), "{}", shown(&app));
    // A problem has nothing below its sentence either, but its way out.
    desk::press(&mut app, desk::NOW, "Esc 1 g j w");
    let problem = shown(&app);
    assert_eq!(problem.matches("inlet_temp has not been read for 12 s").count(), 2, "the list and the box: {problem}");
    assert!(problem.contains("→ check the bus i2c-3 and the cable"), "{problem}");
}

#[test]
fn what_is_so_already_has_nothing_to_do() {
    let mut app = desk::connected(80, 24);
    let mut host = board::machines().remove(1);
    (host.state, host.requested) = ("off".into(), "off".into());
    for request in &mut host.requests {
        request.blocked_by.clear();
    }
    app.handle(desk::NOW, desk::news(Update::Machine(from_wire::machine(desk::NOW, host))));
    app.handle(desk::NOW, desk::news(from_wire::graph("host.0".into(), details::graph())));
    desk::press(&mut app, desk::NOW, "5 j Enter");
    let row = |name: &str| {
        let shown = shown(&app);
        let requests = shown.lines().skip_while(|line| !line.contains("Requests to"));
        requests.skip(1).find(|line| line.contains(&format!(" {name} "))).unwrap_or(&shown).to_owned()
    };
    assert!(row("off").contains("nothing to do: it is off"), "{}", row("off"));
    assert!(row("force-off").contains("nothing to do: it is off"), "{}", row("force-off"));
    // Made of several, so its definition says nothing; but nothing runs that it could interrupt.
    assert!(row("cycle").ends_with("allowed"), "{}", row("cycle"));
    desk::press(&mut app, desk::NOW, "j Enter");
    let token = app.state().last_token;
    let plan = v1::Operation { expected_s: Some(0.0), bound_s: Some(0.0), ..board::plan("host.0", "off") };
    let result = Ok(Answer::Operation(Box::new(from_wire::operation(desk::NOW, plan))));
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
    assert!(shown(&app).contains("Nothing to do: host.0 is off already."), "{}", shown(&app));
    assert!(!shown(&app).contains("usually 0"), "{}", shown(&app));
}

#[test]
fn what_is_on_its_way_off_can_still_be_interrupted() {
    let mut app = desk::connected(80, 24);
    let mut host = board::machines().remove(1);
    (host.state, host.transitional) = ("shutting-down".into(), true);
    for request in &mut host.requests {
        request.blocked_by.clear();
    }
    app.handle(desk::NOW, desk::news(Update::Machine(from_wire::machine(desk::NOW, host))));
    app.handle(desk::NOW, desk::news(from_wire::graph("host.0".into(), details::graph())));
    desk::press(&mut app, desk::NOW, "5 j");
    let shown = shown(&app);
    let cycle = shown.lines().find(|line| line.contains(" cycle ")).unwrap_or(&shown);
    assert!(cycle.contains("allowed; interrupts what runs"), "{shown}");
}

#[test]
fn a_condition_is_not_introduced_by_the_name_that_it_says_itself() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "6 x Tab Enter");
    let condition = |subject: &str, text: &str| ubmc_tui::model::Condition {
        subject: subject.into(),
        text: text.into(),
        ..Default::default()
    };
    let conditions = vec![
        condition("operation op-17", "what is left of op-17 is under way"),
        condition("machine host.0", "its chassis is off"),
    ];
    let refusal = Refusal { code: "refused".into(), message: "not now".into(), conditions };
    let token = app.state().last_token;
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result: Err(refusal) }));
    let shown = shown(&app);
    assert!(!shown.contains("operation op-17:") && shown.contains("machine host.0: its chassis is off"), "{shown}");
}

#[test]
fn a_question_says_where_the_request_leads() {
    let mut app = desk::connected(80, 24);
    let effects = desk::press(&mut app, desk::NOW, "5 g j Enter j Enter");
    let asks_for = |what: &str| effects.iter().any(|effect| format!("{effect:?}").contains(what));
    assert!(asks_for("Graph { machine: \"host.0\" }"), "{effects:?}");
    let token = app.state().last_token;
    let result = Ok(Answer::Operation(Box::new(from_wire::operation(desk::NOW, board::plan("host.0", "off")))));
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
    app.handle(desk::NOW, desk::news(from_wire::graph("host.0".into(), details::graph())));
    let wanted = "leads to  shutting-down: The host was asked to shut down.";
    assert!(shown(&app).contains(wanted), "{}", shown(&app));
}

#[test]
fn a_hold_says_what_protection_does_to_it() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "4 G a j Enter");
    let shown = shown(&app);
    // Without the frame and the breaks of the lines.
    let said: Vec<&str> = shown.split(['│', '\n']).map(str::trim).collect();
    let said = said.join(" ");
    for wanted in ["raise it; the hold goes on", "Zone system is in fail-safe", "at 90 % or more until that is over"] {
        assert!(said.contains(wanted), "{wanted}: {shown}");
    }
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "4 a j Enter");
    assert!(!self::shown(&app).contains("is in "), "{}", self::shown(&app));
}

#[test]
fn a_reset_of_a_service_says_what_is_forgotten_and_what_follows() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "2 / f l a k y Enter a j Enter");
    let text = shown(&app);
    assert!(text.contains("3 restarts, 3 unexpected ends") && text.contains("It is tried again at once."), "{text}");
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "2 / c h a t t y Enter a j Enter");
    assert!(shown(&app).contains("What runs is not touched."), "{}", shown(&app));
}

#[test]
fn nothing_is_said_of_what_needs_a_service_where_the_daemon_names_nothing() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "2 / w e b Enter a j j Enter");
    let token = app.state().last_token;
    let none = from_wire::what_if(ubmc_proto::v1::WhatIfStoppedResponse::default());
    let result = Ok(Answer::WhatIf(Box::new(none)));
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
    let text = shown(&app);
    assert!(text.contains("nothing else follows") && !text.contains("no running service"), "{text}");
}

#[test]
fn what_is_longer_than_can_be_scrolled_says_where_all_of_it_is() {
    for (steps, cut) in [(100, false), (300, true)] {
        let mut app = desk::connected(80, 24);
        desk::press(&mut app, desk::NOW, ":");
        app.handle(desk::NOW, Event::Paste("services reload".to_owned()));
        desk::press(&mut app, desk::NOW, "Enter");
        let step = |number: usize| v1::Step { name: format!("step {number}"), ..v1::Step::default() };
        let plan = v1::Operation { steps: (0..steps).map(step).collect(), ..board::plan("services", "reload") };
        let token = app.state().last_token;
        let result = Ok(Answer::Operation(Box::new(from_wire::operation(desk::NOW, plan))));
        app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
        for _ in 0..30 {
            desk::press(&mut app, desk::NOW, "PgDn");
        }
        let text = shown(&app);
        assert_eq!(text.contains("there is more: `ubmcctl services reload --dry-run` shows all of it"), cut, "{text}");
    }
}

#[test]
fn what_was_scrolled_past_its_end_comes_back_at_once() {
    check(
        "
        screen 40 15
        keys ? PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn
        drawn             => !scrolled=90
        keys PgUp
        drawn             => modal=help
        keys Esc
        ",
    );
    let mut app = desk::connected(40, 15);
    let draw = |app: &mut App| {
        let ends = view::draw(app.state(), Look::new(Depth::Mono, true)).ends;
        app.handle(desk::NOW, Event::Drawn(ends));
        shown(app)
    };
    for (opened, back) in [("?", "PgUp"), ("5 v v v", "PgUp"), ("2 j w", "Up")] {
        desk::press(&mut app, desk::NOW, opened);
        if opened.ends_with('w') {
            let token = app.state().last_token;
            let result = Ok(Answer::Why(Box::new(from_wire::why(details::why("journal")))));
            app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
        }
        draw(&mut app);
        desk::press(&mut app, desk::NOW, "PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn PgDn");
        let end = draw(&mut app);
        desk::press(&mut app, desk::NOW, back);
        assert_ne!(draw(&mut app), end, "{opened}: the first {back} moves nothing");
        desk::press(&mut app, desk::NOW, "Esc");
    }
}

#[test]
fn where_the_reader_of_the_events_stands_is_said_once() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "7 k k k");
    let heading = shown(&app).lines().nth(2).unwrap_or_default().to_owned();
    assert!(heading.contains(" of 40") && !heading.contains("below"), "{heading}");
}

#[test]
fn a_hold_beneath_a_protection_is_shown_with_the_fans() {
    for (held, told) in [(Some(540.0), true), (None, false)] {
        let mut app = desk::connected(80, 24);
        let mut zones = board::zones();
        for fan in zones.fans.iter_mut().filter(|fan| fan.zone == "system") {
            fan.override_left_s = held;
        }
        let update = v1::watch_zones_response::Update::Snapshot(zones);
        let update = from_wire::zones(desk::NOW, v1::WatchZonesResponse { update: Some(update) });
        app.handle(desk::NOW, desk::news(update.expect("a snapshot")));
        desk::press(&mut app, desk::NOW, "4 j");
        assert_eq!(shown(&app).contains("fail-safe, hold 9m left"), told, "{}", shown(&app));
    }
}

#[test]
fn a_curve_does_not_cover_the_names_of_its_limits() {
    let mut app = desk::connected(200, 50);
    let floor = app.state().model.zone("cpu").map_or(0.0, |zone| zone.floor);
    let mut zone = app.state().model.zone("cpu").expect("a zone").clone();
    // As close as makes its dots fall on the line of the floor.
    zone.duty = floor + 4.0;
    let mut now = desk::NOW;
    app.handle(now, desk::news(Update::ZonesChanged(vec![zone], Vec::new())));
    desk::press(&mut app, now, "4");
    for second in 1..=130 {
        now = desk::NOW.after(f64::from(second));
        app.handle(now, Event::Tick { wall_s: board::WALL_S, bytes_per_s: None });
    }
    let line = shown(&app).lines().find(|line| line.starts_with(" 20 ")).unwrap_or_default().to_owned();
    assert!(line.starts_with(" 20 ⠤ floor ⠤"), "{line}");
}

#[test]
fn a_filter_is_where_there_is_a_list_and_keeps_the_zone_of_a_fan_that_fits() {
    check(
        "
        keys 1 /          => modal=-, notice=the overview has no list to filter
        keys 4 /
        type fan.4
        keys Enter        => selected=system, filter=\"fan.4\"
        ",
    );
}
