//! What happens while something stands in front, or while the connection is lost: what stands there must stay true, and what
//! came of what was begun here is told.

use ubmc_proto::v1;
use ubmc_tui::{
    app::{Answer, App, Effect, Event, LinkEvent, Modal},
    model::{Operation, Refusal, Update, from_wire},
    style::{Depth, Look},
    view,
};

use crate::{board, desk, screens};

fn shown(app: &App) -> String {
    screens::text(&view::draw(app.state(), Look::new(Depth::Mono, true)).cells)
}

fn footer(app: &App) -> String {
    shown(app).lines().last().unwrap_or_default().to_owned()
}

fn operation(id: &str, kind: &str, target: &str, state: v1::OperationState, reason: &str) -> Operation {
    let wire = v1::Operation {
        id: id.into(),
        kind: kind.into(),
        target: target.into(),
        state: state.into(),
        reason: reason.into(),
        ..Default::default()
    };
    from_wire::operation(desk::NOW, wire)
}

fn answer(app: &mut App, answer: Result<Answer, Refusal>) -> Vec<Effect> {
    let token = app.state().last_token;
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result: answer }))
}

/// Begins what `operation` is, on a service.
fn begin(app: &mut App, operation: Operation) {
    desk::press(app, desk::NOW, "2 / ^U f l a k y Enter a j Enter Tab Enter");
    answer(app, Ok(Answer::Operation(Box::new(operation))));
}

fn notice(app: &App) -> &str {
    app.state().notice.as_ref().map_or("-", |notice| notice.text.as_str())
}

#[test]
fn what_became_of_an_operation_while_the_connection_was_lost_is_told_at_the_next_snapshot() {
    use v1::OperationState::{Failed, Running, Succeeded};
    let off = |state, reason| operation("op-18", "host-off", "host.0", state, reason);
    let on = |state| operation("op-19", "host-on", "host.1", state, "");
    // By run of the daemon: what its snapshot holds, what is told then.
    for (anew, held, told) in [
        (true, vec![off(Failed, "interrupted by the end of ubmcd")], "host-off host.0 failed: interrupted"),
        (false, vec![off(Failed, "power-good stays high")], "host-off host.0 failed: power-good stays high"),
        (false, vec![off(Succeeded, "")], "host-off host.0 succeeded"),
        (false, vec![off(Running, "")], "-"),
        (true, vec![], "op-18 host-off host.0: ubmcd was started anew and does not know how it ended"),
        (
            true,
            vec![operation("op-18", "host-on", "host.1", Succeeded, "")],
            "op-18 host-off host.0: ubmcd was started",
        ),
        (false, vec![], "op-18 host-off host.0: ubmcd does not know any more"),
    ] {
        let mut app = desk::connected(80, 24);
        begin(&mut app, off(Running, ""));
        app.handle(desk::NOW, Event::Link(LinkEvent::Down { reason: "gone".into(), retry_in_s: 1.0 }));
        if anew {
            app.handle(desk::NOW, Event::Link(LinkEvent::NewDaemon));
        }
        app.handle(desk::NOW, Event::Link(LinkEvent::Up));
        desk::press(&mut app, desk::NOW, "Esc Esc Esc");
        app.handle(desk::NOW, desk::news(Update::Operations(held.clone())));
        assert!(notice(&app).starts_with(told), "{anew} {held:?}: {}", notice(&app));
        let waits = told == "-";
        assert_eq!(app.state().awaited.is_empty(), !waits, "{anew} {held:?}");
    }
    // Before the connection was lost a snapshot that is older than the answer proves nothing.
    let mut app = desk::connected(80, 24);
    begin(&mut app, off(Running, ""));
    app.handle(desk::NOW, desk::news(Update::Operations(Vec::new())));
    assert!(!app.state().awaited.is_empty());
    // Several at once, in one snapshot or one after the other.
    for together in [true, false] {
        let mut app = desk::connected(80, 24);
        begin(&mut app, on(Running));
        desk::press(&mut app, desk::NOW, "Esc");
        begin(&mut app, off(Running, ""));
        let ended = [on(Succeeded), off(Failed, "interrupted")];
        if together {
            app.handle(desk::NOW, desk::news(Update::Operations(ended.to_vec())));
        } else {
            ended.into_iter().rev().for_each(|one| {
                app.handle(desk::NOW, desk::news(Update::Operation(one)));
            });
        }
        assert_eq!(
            notice(&app),
            "2 operations have ended, the worst: host-off host.0 failed: interrupted",
            "{together}"
        );
    }
}

#[test]
fn what_cannot_be_asked_for_without_a_connection_leaves_what_stands_in_front() {
    let mut app = desk::connected(80, 24);
    begin(&mut app, operation("op-18", "host-on", "host.1", v1::OperationState::Running, ""));
    assert!(shown(&app).contains("x cancels") && notice(&app).contains("under way"), "{}", shown(&app));
    app.handle(desk::NOW, Event::Link(LinkEvent::Down { reason: "gone".into(), retry_in_s: 1.0 }));
    assert_eq!(notice(&app), "-", "nobody knows whether it goes on");
    assert!(!shown(&app).contains("x cancels"), "{}", shown(&app));
    desk::press(&mut app, desk::NOW, "x");
    assert!(matches!(&app.state().modal, Some(Modal::Progress { .. })), "{:?}", app.state().modal);
    assert!(footer(&app).contains("no connection: `cancel op-18` cannot be asked for now"), "{}", footer(&app));
    // The sentence is over with the loss.
    app.handle(desk::NOW, Event::Link(LinkEvent::Up));
    assert_eq!(notice(&app), "-");
    app.handle(desk::NOW, Event::Link(LinkEvent::Down { reason: "gone".into(), retry_in_s: 1.0 }));
    desk::press(&mut app, desk::NOW, "Esc 2 j a Enter");
    assert!(matches!(&app.state().modal, Some(Modal::Menu(_))), "{:?}", app.state().modal);
    // A question keeps what was typed for when the connection is back.
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "9 i Tab");
    app.handle(desk::NOW, Event::Link(LinkEvent::Down { reason: "gone".into(), retry_in_s: 1.0 }));
    let effects = desk::press(&mut app, desk::NOW, "Enter");
    assert!(matches!(&app.state().modal, Some(Modal::Confirm(_))) && !sent(&effects).contains("Do {"), "{effects:?}");
    assert!(notice(&app).ends_with("was not sent"), "{}", notice(&app));
    app.handle(desk::NOW, Event::Link(LinkEvent::Up));
    assert!(sent(&desk::press(&mut app, desk::NOW, "Enter")).contains("Do {"));
}

#[test]
fn that_an_operation_goes_on_is_not_said_when_it_has_ended() {
    let mut app = desk::connected(80, 24);
    begin(&mut app, operation("op-18", "host-on", "host.1", v1::OperationState::Running, ""));
    assert!(notice(&app).ends_with("op-18 is under way"), "{}", notice(&app));
    let mut state = app.state().clone();
    // Told already, by whatever way.
    state.awaited.clear();
    let mut app = App::new(state);
    let failed = operation("op-18", "host-on", "host.1", v1::OperationState::Failed, "no power-good");
    app.handle(desk::NOW, desk::news(Update::Operation(failed)));
    assert_eq!(notice(&app), "-");
}

/// The first host, in this state.
fn host(app: &mut App, state: &str) {
    let mut host = board::machines().remove(1);
    (host.state, host.requested) = (state.into(), state.into());
    for request in &mut host.requests {
        request.blocked_by.clear();
    }
    app.handle(desk::NOW, desk::news(Update::Machine(from_wire::machine(desk::NOW, host))));
}

fn plan(revision: &str) -> Answer {
    let plan = v1::Operation { revision: revision.into(), ..board::plan("host.0", "off") };
    Answer::Operation(Box::new(from_wire::operation(desk::NOW, plan)))
}

fn sent(effects: &[Effect]) -> String {
    format!("{effects:?}")
}

#[test]
fn a_plan_that_stands_open_is_asked_for_anew_when_its_machine_changes() {
    let begin = || {
        let mut app = desk::connected(80, 24);
        host(&mut app, "on");
        desk::press(&mut app, desk::NOW, "5 j Enter j Enter");
        answer(&mut app, Ok(plan("r1")));
        desk::press(&mut app, desk::NOW, "h o s t . 0");
        app
    };
    let typed = |app: &App| match &app.state().modal {
        Some(Modal::Confirm(confirm)) => confirm.typed.text().to_owned(),
        other => panic!("{other:?}"),
    };
    let mut app = begin();
    let before = app.state().last_token;
    host(&mut app, "on");
    assert_eq!(app.state().last_token, before, "nothing has changed");
    host(&mut app, "shutting-down");
    assert_ne!(app.state().last_token, before, "the plan is asked for");
    // Until it comes, the old one cannot be carried out.
    assert!(!sent(&desk::press(&mut app, desk::NOW, "Enter")).contains("Do {"));
    answer(&mut app, Ok(plan("r2")));
    assert!(shown(&app).contains("the machine has changed: this is the new plan"), "{}", shown(&app));
    assert_eq!(typed(&app), "");
    let effects = desk::press(&mut app, desk::NOW, "h o s t . 0 Enter");
    assert!(sent(&effects).contains("revision: \"r2\""), "{effects:?}");
    // It has come out as the same plan: whoever types goes on.
    let mut app = begin();
    host(&mut app, "shutting-down");
    answer(&mut app, Ok(plan("r1")));
    assert_eq!(typed(&app), "host.0");
    assert!(!shown(&app).contains("new plan"), "{}", shown(&app));
    // What changed while there was no connection is not known, so it is asked for as well.
    let mut app = begin();
    app.handle(desk::NOW, Event::Link(LinkEvent::Down { reason: "gone".into(), retry_in_s: 1.0 }));
    let effects = app.handle(desk::NOW, Event::Link(LinkEvent::Up));
    assert!(sent(&effects).contains("Plan {"), "{effects:?}");
}

#[test]
fn a_stale_plan_leads_to_the_new_one() {
    let mut app = desk::connected(80, 24);
    host(&mut app, "on");
    desk::press(&mut app, desk::NOW, "5 j Enter j Enter");
    answer(&mut app, Ok(plan("r1")));
    desk::press(&mut app, desk::NOW, "h o s t . 0 Tab f a n Shift-Tab Enter");
    let stale = ubmc_tui::model::Condition {
        kind: "stale-plan".into(),
        subject: "machine host.0".into(),
        text: "the machine has changed since the plan was made".into(),
        ..Default::default()
    };
    let refusal = Refusal { code: "refused".into(), message: "the plan is stale".into(), conditions: vec![stale] };
    answer(&mut app, Err(refusal.clone()));
    assert!(shown(&app).contains("Enter looks at the new plan"), "{}", shown(&app));
    let effects = desk::press(&mut app, desk::NOW, "Enter");
    assert!(sent(&effects).contains("Plan { machine: \"host.0\", request: \"off\" }"), "{effects:?}");
    let Some(Modal::Confirm(confirm)) = &app.state().modal else { panic!("{:?}", app.state().modal) };
    assert_eq!((confirm.typed.text(), confirm.reason.text()), ("", "fan"), "the reason is kept, the name is not");
    // Of any other refusal it is not offered.
    answer(&mut app, Ok(plan("r2")));
    desk::press(&mut app, desk::NOW, "h o s t . 0 Enter");
    answer(&mut app, Err(Refusal { conditions: Vec::new(), ..refusal }));
    assert!(!shown(&app).contains("new plan"), "{}", shown(&app));
    desk::press(&mut app, desk::NOW, "Enter");
    assert!(app.state().modal.is_none(), "{:?}", app.state().modal);
}

#[test]
fn what_has_ended_is_not_cancelled() {
    use v1::OperationState::{Failed, Running};
    for (news, wanted) in [
        (
            desk::news(Update::Operation(operation("op-17", "host-on", "host.1", Failed, "no power-good"))),
            "op-17 host-on host.1 has ended: failed: no power-good",
        ),
        (desk::news(Update::Operations(Vec::new())), "ubmcd does not know op-17 any more"),
        (Event::Link(LinkEvent::NewDaemon), "ubmcd was started anew: look at what it does now"),
    ] {
        let mut app = desk::connected(80, 24);
        desk::press(&mut app, desk::NOW, "6 x");
        assert!(shown(&app).contains("undo"), "{}", shown(&app));
        let goes_on = operation("op-17", "host-on", "host.1", Running, "");
        app.handle(desk::NOW, desk::news(Update::Operation(goes_on)));
        assert!(shown(&app).contains("undo"), "{}", shown(&app));
        app.handle(desk::NOW, news);
        let shown = shown(&app);
        assert!(shown.contains(wanted) && !shown.contains("undo") && !shown.contains("[ cancel"), "{shown}");
        let effects = desk::press(&mut app, desk::NOW, "Tab Enter");
        assert!(app.state().modal.is_none() && !sent(&effects).contains("Do {"), "{effects:?}");
    }
}

#[test]
fn a_request_with_nothing_to_do_can_only_be_left() {
    for (state, reason, bound, idle) in [
        ("off", "", 0.0, true),
        // It takes time, so it does something.
        ("off", "", 4.0, false),
        // It is off, but that was not asked for: the request makes it so.
        ("off", "it lost its power", 0.0, false),
    ] {
        let mut app = desk::connected(80, 24);
        let mut host = board::machines().remove(1);
        (host.state, host.reason) = (state.into(), reason.into());
        host.requests.iter_mut().for_each(|request| request.blocked_by.clear());
        app.handle(desk::NOW, desk::news(Update::Machine(from_wire::machine(desk::NOW, host))));
        desk::press(&mut app, desk::NOW, "5 j Enter j Enter h");
        let plan = v1::Operation { bound_s: Some(bound), expected_s: Some(bound), ..board::plan("host.0", "off") };
        answer(&mut app, Ok(Answer::Operation(Box::new(from_wire::operation(desk::NOW, plan)))));
        let shown = shown(&app);
        assert_eq!(shown.contains("Nothing to do: host.0 is off already."), idle, "{state} {reason} {bound}: {shown}");
        assert_eq!(shown.contains("[ Leave ]"), idle, "{shown}");
        assert_eq!(shown.contains("Type host.0 to do it"), !idle, "{shown}");
        let effects = desk::press(&mut app, desk::NOW, "Tab Tab Enter");
        assert!(app.state().modal.is_none(), "{effects:?}");
        assert!(!sent(&effects).contains("Do {"), "{effects:?}");
    }
}

#[test]
fn who_only_looks_sees_what_would_be_possible_and_what_it_would_do() {
    for size in [(80, 24), (40, 15)] {
        let mut state = desk::connected(size.0, size.1).state().clone();
        state.read_only = true;
        let mut app = App::new(state);
        desk::press(&mut app, desk::NOW, "5 j a");
        let menu = shown(&app);
        assert!(menu.contains("host.0, read-only") && !menu.contains("Enter asks"), "{menu}");
        let effects = desk::press(&mut app, desk::NOW, "j Enter");
        assert!(sent(&effects).contains("Plan { machine: \"host.0\""), "{effects:?}");
        answer(&mut app, Ok(plan("r1")));
        let question = shown(&app);
        assert!(question.contains("disable rail") && question.contains("[ Leave ]  read-only"), "{question}");
        assert!(!question.contains("[ off host.0 ]") && !question.contains("Type host.0"), "{question}");
        let effects = desk::press(&mut app, desk::NOW, "Tab Enter");
        assert!(app.state().modal.is_none() && !sent(&effects).contains("Do {"), "{effects:?}");
    }
}
