//! The line mode: what is said when something changes, and what a typed line does.

use ubmc_tui::{
    announce::{Speaker, typed},
    app::{Answer, App, Event, LinkEvent},
    model::{Mono, Update, from_wire},
};

use crate::{board, desk, details};

/// An app with a speaker that has told how everything is.
fn listened() -> (App, Speaker, Vec<String>) {
    let mut app = desk::blank(140, 60);
    let mut speaker = Speaker::default();
    speaker.hear(app.state());
    app.handle(desk::NOW, Event::Link(LinkEvent::Up));
    for update in desk::all_news() {
        app.handle(desk::NOW, desk::news(update));
    }
    let said = speaker.hear(app.state());
    (app, speaker, said)
}

fn line(app: &mut App, speaker: &mut Speaker, text: &str) -> String {
    let heard = typed::take(app, desk::NOW, text);
    let mut lines = heard.lines;
    lines.extend(speaker.hear(app.state()));
    lines.extend(heard.effects.iter().map(|effect| format!("{effect:?}")));
    lines.join("\n")
}

fn answer(app: &mut App, answer: Answer) {
    let token = app.state().last_token;
    app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result: Ok(answer) }));
}

#[test]
fn at_first_it_says_how_everything_is_and_then_only_what_changes() {
    let (mut app, mut speaker, said) = listened();
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[0].starts_with("connected to") && said[1].contains("3 problems: demo-flaky"), "{said:#?}");
    assert_eq!(speaker.hear(app.state()), Vec::<String>::new());

    let mut machine = board::machines().remove(1);
    machine.state = "off".into();
    machine.cause = "power-good fell".into();
    app.handle(desk::NOW, desk::news(Update::Machine(from_wire::machine(desk::NOW, machine))));
    let mut sensor = board::sensors().remove(2);
    (sensor.value, sensor.status) = (Some(96.0), ubmc_proto::v1::SensorStatus::Critical.into());
    let name = sensor.name.clone();
    app.handle(desk::NOW, desk::news(Update::SensorsChanged(vec![from_wire::sensor(desk::NOW, sensor)])));
    let status = ubmc_proto::v1::SystemStatus { problems: Vec::new(), ..board::status() };
    app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
    let said = speaker.hear(app.state());
    assert!(said.contains(&"host.0 is off, was running: power-good fell".to_owned()), "{said:#?}");
    assert!(said.contains(&format!("{name} is critical: 96.0 °C")), "{said:#?}");
    assert_eq!(said.iter().filter(|text| text.starts_with("no problem any more")).count(), 3, "{said:#?}");
    assert!(said.contains(&"all is well".to_owned()), "{said:#?}");
}

#[test]
fn a_lost_connection_and_its_return_are_said_once_each() {
    let (mut app, mut speaker, _) = listened();
    for _ in 0..3 {
        let reason = "ubmcd ended the connection".to_owned();
        app.handle(desk::NOW, Event::Link(LinkEvent::Down { reason, retry_in_s: 1.0 }));
        app.handle(desk::NOW, Event::Link(LinkEvent::Connecting));
        app.handle(desk::NOW, Event::Link(LinkEvent::Down { reason: "no such socket".to_owned(), retry_in_s: 1.0 }));
    }
    assert_eq!(speaker.hear(app.state()), ["no connection: no such socket; it is tried again"]);
    assert_eq!(speaker.hear(app.state()), Vec::<String>::new());
    app.handle(desk::NOW, Event::Link(LinkEvent::Up));
    assert_eq!(speaker.hear(app.state()), ["connected to unix:/run/ubmc/ubmcd.sock"]);
}

#[test]
fn what_interrupts_something_is_done_only_after_its_name() {
    let (mut app, mut speaker, _) = listened();
    assert!(line(&mut app, &mut speaker, "off host.0").contains("asking ubmcd"));
    answer(&mut app, Answer::Operation(Box::new(from_wire::operation(desk::NOW, board::plan("host.0", "off")))));
    let said = speaker.hear(app.state()).join("\n");
    assert!(
        said.contains("off host.0?\nstep: ") && said.ends_with("type `host.0` to do it; anything else cancels"),
        "{said}"
    );
    assert_eq!(line(&mut app, &mut speaker, "yes"), "off host.0: nothing was done");

    line(&mut app, &mut speaker, "off host.0");
    answer(&mut app, Answer::Operation(Box::new(from_wire::operation(desk::NOW, board::plan("host.0", "off")))));
    speaker.hear(app.state());
    let done = line(&mut app, &mut speaker, "host.0");
    assert!(done.contains("off host.0: asked for") && done.contains("Transition { machine: \"host.0\""), "{done}");
}

#[test]
fn what_is_harmless_needs_a_yes() {
    let (mut app, mut speaker, _) = listened();
    let question = line(&mut app, &mut speaker, "reset demo-flaky");
    assert!(question.ends_with("type `yes` to do it; anything else cancels"), "{question}");
    assert!(line(&mut app, &mut speaker, "yes").contains("Services { verb: Reset"));
}

#[test]
fn a_view_is_read_without_rules_and_a_reason_link_by_link() {
    let (mut app, mut speaker, _) = listened();
    let power = line(&mut app, &mut speaker, "power");
    assert!(power.starts_with("Machines\n") && power.contains("host.0 running"), "{power}");
    assert!(!power.contains("---") && power.is_ascii(), "{power}");
    line(&mut app, &mut speaker, "why demo-flaky");
    answer(&mut app, Answer::Why(Box::new(from_wire::why(details::why("demo-flaky")))));
    let said = speaker.hear(app.state());
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said[2].starts_with("because bmc-setup has failed"), "{said:#?}");
}

#[test]
fn what_fits_several_or_nothing_is_asked_back() {
    let (mut app, mut speaker, _) = listened();
    assert!(line(&mut app, &mut speaker, "demo-web").starts_with("which one: "));
    assert_eq!(line(&mut app, &mut speaker, "make coffee"), "no command fits `make coffee`: type help");
    assert!(line(&mut app, &mut speaker, "help").contains("quit"));
    assert_eq!(line(&mut app, &mut speaker, "quit"), "Quit");
}

#[test]
fn lines_of_the_command_line_are_taken_in_full() {
    let (mut app, mut speaker, _) = listened();
    let question = line(&mut app, &mut speaker, "fans set cpu 63 --for 90");
    assert!(question.contains("hold cpu at 63 % for 90 s?") && question.contains("type `yes`"), "{question}");
    assert!(line(&mut app, &mut speaker, "yes").contains("Hold { target: \"cpu\", duty: 63.0, for_s: 90.0 }"));
    let thermal = line(&mut app, &mut speaker, "zones explain cpu");
    assert!(thermal.contains("cpu"), "{thermal}");
    for (typed, said) in [
        ("fans set cpu 700 --for 90", "invalid value '700' for '<PERCENT>': write a duty from 0 to 100 percent"),
        ("host off host.7", "there is no host `host.7`: did you mean `host.0`?"),
        ("host off", "the following required arguments were not provided: <NAME>; usage: host off <NAME>"),
        (
            "machines history host.0",
            "the console has no place for a table like this; `ubmcctl machines history host.0` can do it",
        ),
    ] {
        assert_eq!(line(&mut app, &mut speaker, typed), said, "{typed}");
    }
}

#[test]
fn a_flood_of_changes_is_cut_and_said_to_be() {
    let (mut app, mut speaker, _) = listened();
    for mut service in board::services() {
        service.state = ubmc_proto::v1::ServiceState::Failed.into();
        app.handle(desk::NOW, desk::news(Update::Service(Box::new(from_wire::service(desk::NOW, service)))));
    }
    for mut sensor in board::sensors() {
        sensor.status = ubmc_proto::v1::SensorStatus::Warning.into();
        app.handle(Mono(101.0), desk::news(Update::SensorsChanged(vec![from_wire::sensor(desk::NOW, sensor)])));
    }
    let said = speaker.hear(app.state());
    assert_eq!(said.len(), 21, "{said:#?}");
    assert!(said[20].ends_with("more changes: type `overview` for how everything is"), "{said:#?}");
}
