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
    app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
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
    app.handle(desk::NOW.after(49.0), Event::Tick { wall_s: board::WALL_S, bytes_per_s: None });
    assert!(verdict(&app).contains("all is well"));
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
