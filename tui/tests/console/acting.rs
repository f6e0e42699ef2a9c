//! What stands in front while something is done, what ends by itself, and what is asked for only when somebody wants it.

use ubmc_proto::v1;
use ubmc_tui::{
    app::{Answer, App, Event, LinkEvent, Modal},
    model::{Update, from_wire},
    style::{Depth, Look},
    view,
};

use crate::{board, desk, scenarios::check, screens};

#[test]
fn asking_a_machine_shows_what_is_asked_for_whatever_part_was_open() {
    // The machine drawn covers the requests at 80x24: Enter brings them back before one can be pressed.
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "5 j v Enter");
    let shown = screens::text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells);
    assert_eq!(app.state().request, Some(0));
    assert!(shown.contains("Requests to host.0"), "{shown}");
}

#[test]
fn an_operation_that_was_begun_here_is_shown_as_it_goes_and_leaves_when_it_went_well() {
    check(
        "
        keys 5 j Enter j Enter
        type host.0
        plan
        keys Enter
        answer begun       => modal=progress of op-18
        keys 6             => view=operations, modal=-
        ",
    );
    let mut app = desk::connected(80, 24);
    let state = |id: &str, state: v1::OperationState, took: Option<f64>| {
        let wire = v1::Operation {
            id: id.into(),
            kind: "host-on".into(),
            target: "host.1".into(),
            state: state.into(),
            age_s: 4.0,
            duration_s: took,
            ..Default::default()
        };
        from_wire::operation(desk::NOW, wire)
    };
    for (end, stays) in [(v1::OperationState::Succeeded, false), (v1::OperationState::Failed, true)] {
        desk::press(&mut app, desk::NOW, "5 g j j Enter j Enter");
        let plan = from_wire::operation(desk::NOW, board::plan("host.1", "off"));
        let answer = |app: &mut App, operation: ubmc_tui::model::Operation| {
            let token = app.state().last_token;
            let result = Ok(Answer::Operation(Box::new(operation)));
            app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
        };
        answer(&mut app, plan);
        desk::press(&mut app, desk::NOW, "h o s t . 1 Enter");
        answer(&mut app, state("op-30", v1::OperationState::Running, None));
        assert!(matches!(app.state().modal, Some(Modal::Progress { .. })), "{:?}", app.state().modal);
        app.handle(desk::NOW, desk::news(Update::Operation(state("op-30", end, Some(4.0)))));
        let tick = Event::Tick { wall_s: board::WALL_S + 11.0, bytes_per_s: None };
        app.handle(desk::NOW.after(11.0), tick);
        assert_eq!(app.state().modal.is_some(), stays, "{end:?}");
        desk::press(&mut app, desk::NOW, "Esc");
        app.handle(desk::NOW, desk::news(Update::Operations(Vec::new())));
    }
}

#[test]
fn a_service_that_runs_between_two_crashes_is_a_problem_until_that_counts_as_over() {
    let mut app = desk::connected(80, 24);
    let status = v1::SystemStatus { problems: Vec::new(), health: v1::Health::Healthy.into(), ..board::status() };
    app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status.clone()))));
    let verdict = |app: &App| screens::text(&view::draw(app.state(), Look::new(Depth::Mono, false)).cells);
    assert!(verdict(&app).contains("all is well"), "{}", verdict(&app));
    let crashed = v1::Service {
        name: "demo-web".into(),
        state: v1::ServiceState::Running.into(),
        crashes: 3,
        last_exit: Some(v1::Exit { text: "exit code 7".into(), ..Default::default() }),
        settles_in_s: Some(48.0),
        ..Default::default()
    };
    let service = Box::new(from_wire::service(desk::NOW, crashed));
    app.handle(desk::NOW, desk::news(Update::Service(service)));
    let shown = verdict(&app);
    assert!(shown.contains("1 problem") && shown.contains("demo-web runs again after it crashed 3 times"), "{shown}");
    let later = desk::NOW.after(49.0);
    app.handle(later, Event::Tick { wall_s: board::WALL_S, bytes_per_s: None });
    app.handle(later, desk::news(Update::Status(from_wire::status(later, status))));
    assert!(verdict(&app).contains("all is well"), "{}", verdict(&app));
}

#[test]
fn a_daemon_that_hangs_is_told_although_the_connection_stands() {
    let mut app = desk::connected(80, 24);
    let header = |app: &App| {
        let shown = screens::text(&view::draw(app.state(), Look::new(Depth::Mono, false)).cells);
        shown.lines().next().unwrap_or_default().to_owned()
    };
    for (second, silent) in [(1, false), (4, false), (6, true), (9, true)] {
        let now = desk::NOW.after(f64::from(second));
        app.handle(now, Event::Tick { wall_s: board::WALL_S + f64::from(second), bytes_per_s: None });
        let told = header(&app).contains(&format!("no word from ubmcd for {second}s"));
        assert_eq!(told, silent, "{second}: {}", header(&app));
    }
}

#[test]
fn a_notice_goes_by_itself() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "6 G x");
    assert!(app.state().notice.is_some());
    for second in 1..=12 {
        let now = desk::NOW.after(f64::from(second));
        app.handle(now, Event::Tick { wall_s: board::WALL_S + f64::from(second), bytes_per_s: None });
    }
    assert_eq!(app.state().notice, None);
}

#[test]
fn what_waits_and_what_is_overridden_can_be_ended_from_the_machine() {
    check(
        "
        keys 5 j j Enter G Enter  => modal=confirm restore supply-budget of host.1
        keys Tab Enter            => effects=[DO restore supply-budget host.1]
        keys Esc Enter G k Enter  => modal=confirm cancel at-3
        keys Tab Enter            => effects=[DO cancel at-3]
        ",
    );
}

#[test]
fn the_machines_are_verified_when_asked_and_never_unasked() {
    check(
        "
        keys 5     => !verify
        keys V     => effects=[verify]
        keys V     => effects=[]
        ",
    );
}

#[test]
fn a_cause_is_looked_into_once_back_to_what_began_it() {
    check(
        "
        keys 7 k k Enter   => page=entry 37, effects=[chain 112]
        keys Esc c         => filter=\"cause:112\"
        ",
    );
}

#[test]
fn what_had_been_done_before_this_start_says_so() {
    let mut app = desk::connected(80, 24);
    let mut boot = board::boot();
    let oneshot = boot.services.iter_mut().find(|one| one.name == "demo-oneshot").expect("it is in the fixture");
    (oneshot.released_s, oneshot.spawned_s, oneshot.settled_s) = (None, None, Some(0.1));
    app.handle(desk::NOW, desk::news(from_wire::boot(boot)));
    desk::press(&mut app, desk::NOW, "8 G k");
    let shown = screens::text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells);
    assert!(shown.contains("demo-oneshot had done its work before"), "{shown}");
}

#[test]
fn a_plan_that_is_longer_than_the_screen_is_scrolled_and_says_what_part_it_is() {
    let mut app = desk::connected(40, 15);
    desk::press(&mut app, desk::NOW, "5 j Enter j Enter");
    let mut plan = board::plan("host.0", "off");
    let obstacle = |number: u32| v1::Condition {
        kind: "no-supply".into(),
        text: format!("obstacle {number} stands in the way"),
        remedy: format!("way out {number}"),
        ..Default::default()
    };
    plan.conditions = (1..=9).map(obstacle).collect();
    let token = app.state().last_token;
    let result = Ok(Answer::Operation(Box::new(from_wire::operation(desk::NOW, plan))));
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
    let shown = |app: &App| screens::text(&view::draw(app.state(), Look::new(Depth::Mono, false)).cells);
    let first = shown(&app);
    assert!(first.contains("obstacle 1 ") && first.contains("way out 1") && !first.contains("way out 9"), "{first}");
    assert!(first.contains(" of ") && first.contains("Up, Down"), "{first}");
    desk::press(&mut app, desk::NOW, "PgDn PgDn PgDn");
    let last = shown(&app);
    assert!(last.contains("wait for power") && !last.contains("obstacle 1 "), "{last}");
    // Nothing of it was typed, and nothing was done.
    assert!(last.contains("it cannot be done now"), "{last}");
}

#[test]
fn a_chain_goes_back_further_than_the_events_that_are_kept_here() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "7 k k Enter");
    let command = v1::Event {
        seq: 2,
        text: "restart of host.1 was asked for".into(),
        actor: "uid 1000 (kim)".into(),
        cause: 112,
        ..board::event(2)
    };
    let events = vec![command, board::event(36)];
    let answer = v1::ListEventsResponse { events, ..Default::default() };
    app.handle(desk::NOW, desk::news(from_wire::chain(112, answer)));
    let shown = screens::text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells);
    assert!(shown.contains("began with  restart of host.1 was asked for, by uid 1000 (kim)"), "{shown}");
    // What came after what was fetched stands behind it, once.
    assert_eq!(shown.matches("op-17 host-on host.1 was acc").count(), 2, "{shown}");
}

#[test]
fn a_guardian_that_does_not_watch_says_why_beside_the_fans() {
    let mut app = desk::connected(120, 40);
    let guardian = v1::Guardian {
        state: "absent".into(),
        since_s: 4_150.0,
        reason: "the state directory cannot be written".into(),
        ..Default::default()
    };
    let status = v1::SystemStatus { guardian: Some(guardian), ..board::status() };
    app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
    desk::press(&mut app, desk::NOW, "4");
    let shown = screens::text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells);
    let line = "no guardian watches over the fans for 1m: the state directory cannot be written";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn a_rail_that_was_lost_stays_to_be_seen_while_its_machine_suffers() {
    let mut app = desk::connected(80, 24);
    let mut rails = board::rails();
    for rail in rails.rails.iter_mut().filter(|rail| rail.machine == "chassis") {
        (rail.enabled, rail.power_good) = (false, Some(false));
    }
    app.handle(desk::NOW, desk::news(from_wire::rails(rails)));
    let mut chassis = board::machines().remove(0);
    (chassis.state, chassis.reason, chassis.state_age_s) = ("off".into(), "rail p5v lost".into(), 12.0);
    app.handle(desk::NOW, desk::news(Update::Machine(from_wire::machine(desk::NOW, chassis.clone()))));
    let lost =
        v1::Event { subject: "rail.p5v.lost".into(), time_s: board::WALL_S - 12.0, cause: 200, ..board::event(41) };
    app.handle(desk::NOW, desk::news(Update::Tail(ubmc_tui::model::Entry::Event(from_wire::event(lost)))));
    desk::press(&mut app, desk::NOW, "5 v v");
    let rail = |app: &App, name: &str| {
        let shown = screens::text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells);
        shown.lines().find(|line| line.contains(&format!("{name}  "))).map(str::to_owned).unwrap_or(shown)
    };
    assert!(rail(&app, "p5v").contains("lost 12s ago"), "{}", rail(&app, "p5v"));
    assert!(rail(&app, "p12v").starts_with("○ p12v         off"), "{}", rail(&app, "p12v"));
    chassis.reason.clear();
    app.handle(desk::NOW, desk::news(Update::Machine(from_wire::machine(desk::NOW, chassis))));
    assert!(rail(&app, "p5v").starts_with("○ p5v          off"), "{}", rail(&app, "p5v"));
}

#[test]
fn why_something_is_done_is_typed_into_the_question_and_neither_does_it_nor_leaves_it() {
    check(
        "
        keys 5 j Enter j Enter         => modal=confirm off host.0
        plan
        type host.0
        keys Tab
        type a disk is swapped
        paste , case 4711
        keys Enter                     => modal=confirm off host.0 typed \"host.0\", !DO, go false
        keys Enter                     => modal=-, !DO
        keys Enter
        plan
        type host.0
        keys Tab
        type case 4711
        keys Tab Tab                   => go true
        keys Enter                     => DO off host.0 as r7 because \"case 4711\"
        ",
    );
    check(
        "
        keys 5 j Enter j Enter
        plan
        keys Tab Tab Tab               => go true
        keys Enter                     => modal=confirm off host.0, !DO
        keys Tab
        type host.0
        keys Enter                     => DO off host.0 as r7, !because
        ",
    );
    check(
        "
        keys 4 a Enter                 => modal=confirm hold, go false
        keys Tab                       => go true
        keys Tab
        type quiet
        keys Enter                     => modal=confirm hold, !DO, go false
        keys Tab Enter                 => because \"quiet\"
        ",
    );
}

#[test]
fn what_holds_for_a_machine_is_scrolled_where_it_is_longer_than_the_screen() {
    for (columns, rows) in [(80, 15), (80, 18)] {
        let mut app = desk::connected(columns, rows);
        desk::press(&mut app, desk::NOW, "5 j j v v v");
        let shown = |app: &App| screens::text(&view::draw(app.state(), Look::new(Depth::Mono, false)).cells);
        let first = shown(&app);
        assert!(first.contains("1-") && first.contains("PgUp, PgDn") && !first.contains("verified"), "{first}");
        desk::press(&mut app, desk::NOW, "PgDn PgDn PgDn");
        assert!(shown(&app).contains("verified"), "{}", shown(&app));
        desk::press(&mut app, desk::NOW, "PgUp PgUp PgUp");
        assert_eq!(shown(&app), first);
        desk::press(&mut app, desk::NOW, "PgDn k j");
        assert_eq!(shown(&app), first, "another machine is read from its beginning");
    }
}

#[test]
fn a_problem_is_shown_in_full_with_the_way_out() {
    let mut app = desk::connected(80, 24);
    let problem = v1::Condition {
        kind: "needed-part-failed".into(),
        subject: "machine chassis".into(),
        text: "chassis needs inlet_temp, which has no valid reading (absent), and so does everything else here".into(),
        remedy: "mend it, or power the machine off before it does harm".into(),
        severity: v1::Severity::Critical.into(),
        ..v1::Condition::default()
    };
    let status = v1::SystemStatus { problems: vec![problem], ..board::status() };
    app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
    desk::press(&mut app, desk::NOW, "1 g w");
    let shown = screens::text(&view::draw(app.state(), Look::new(Depth::Mono, false)).cells);
    for wanted in ["(absent), and so", "does everything else here", "mend it, or power the machine off", "Esc leaves"] {
        assert!(shown.contains(wanted), "{wanted}:\n{shown}");
    }
    desk::press(&mut app, desk::NOW, "Esc");
    assert!(app.state().modal.is_none());
}

#[test]
fn without_a_daemon_the_whole_reason_stands_on_the_screen_while_it_is_tried_again() {
    let mut app = desk::blank(80, 24);
    let reason =
        "cannot reach ubmcd at unix:/run/ubmc/ubmcd.sock: the socket is there, but nobody listens at it".to_owned();
    let shown = |app: &App| {
        let text = screens::text(&view::draw(app.state(), Look::new(Depth::Mono, false)).cells);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    app.handle(desk::NOW, Event::Link(LinkEvent::Down { reason: reason.clone(), retry_in_s: 4.0 }));
    let text = shown(&app);
    assert!(text.contains(&reason) && text.contains("reconnecting in 4 s") && text.contains("^R tries now"), "{text}");
    app.handle(desk::NOW.after(4.0), Event::Link(LinkEvent::Connecting));
    let text = shown(&app);
    assert!(text.contains(&reason) && text.contains("trying now"), "{text}");
}
