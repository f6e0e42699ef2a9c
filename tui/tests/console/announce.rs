//! The line mode: what is said when something changes, and what a typed line does.

use ubmc_tui::{
    announce::{Speaker, typed},
    app::{Answer, App, Event, LinkEvent},
    model::{Entry, LogEntry, Mono, Update, from_wire},
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
    assert!(said.contains(&format!("{name} 96.0 °C, critical, the limit is 95.0 °C")), "{said:#?}");
    assert_eq!(said.iter().filter(|text| text.starts_with("no problem any more")).count(), 3, "{said:#?}");
    assert!(said.contains(&"all is well".to_owned()), "{said:#?}");
}

#[test]
fn what_is_alike_is_told_together_and_what_is_quiet_not_at_all() {
    let (mut app, mut speaker, _) = listened();
    let mut zones = board::zones();
    for fan in &mut zones.fans {
        fan.mode = ubmc_proto::v1::FanMode::Manual.into();
        fan.health = ubmc_proto::v1::Health::Healthy.into();
        (fan.duty, fan.reason) = (60.0, "held by an operator".to_owned());
    }
    zones.zones.clear();
    let changed = ubmc_proto::v1::watch_zones_response::Update::Changed(zones);
    let wire = ubmc_proto::v1::WatchZonesResponse { update: Some(changed) };
    app.handle(desk::NOW, desk::news(from_wire::zones(desk::NOW, wire).expect("it says something")));
    // fan.2 was held before.
    let all = "fan.0, fan.1, fan.3, fan.4 and fan.5 are healthy, held at 60 %: held by an operator";
    assert_eq!(speaker.hear(app.state()), [all]);

    let (mut app, mut speaker, _) = listened();
    let mut sensor = board::sensors().into_iter().find(|one| one.name == "outlet_temp").expect("there is one");
    sensor.quality = ubmc_proto::v1::Quality::Unpowered.into();
    app.handle(desk::NOW, desk::news(Update::SensorsChanged(vec![from_wire::sensor(desk::NOW, sensor.clone())])));
    assert_eq!(speaker.hear(app.state()), Vec::<String>::new(), "it was switched off with what it measures");
    sensor.quality = ubmc_proto::v1::Quality::Failed.into();
    app.handle(desk::NOW, desk::news(Update::SensorsChanged(vec![from_wire::sensor(desk::NOW, sensor)])));
    assert!(speaker.hear(app.state())[0].starts_with("outlet_temp is failed"));
}

#[test]
fn a_problem_tells_of_its_thing_once() {
    let (mut app, mut speaker, _) = listened();
    let mut service = board::services().into_iter().find(|one| one.name == "demo-needs-web").expect("there is one");
    service.state = ubmc_proto::v1::ServiceState::Failed.into();
    service.reason = "exit code 1".to_owned();
    app.handle(desk::NOW, desk::news(Update::Service(Box::new(from_wire::service(desk::NOW, service)))));
    let mut status = board::status();
    let problem = |kind: &str, text: &str| ubmc_proto::v1::Condition {
        kind: kind.to_owned(),
        subject: "service demo-needs-web".to_owned(),
        text: text.to_owned(),
        ..Default::default()
    };
    status.problems.push(problem("service-backoff", "demo-needs-web is waiting for its next start"));
    app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status.clone()))));
    assert_eq!(speaker.hear(app.state()), ["problem: demo-needs-web is waiting for its next start"]);
    status.problems.pop();
    status.problems.push(problem("service-failed", "demo-needs-web has failed"));
    app.handle(desk::NOW, desk::news(Update::Status(from_wire::status(desk::NOW, status))));
    assert_eq!(speaker.hear(app.state()), ["problem: demo-needs-web has failed"]);
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
        said.contains("off host.0?\ntakes usually")
            && said.ends_with("type `host.0` to do it; anything else, or nothing, cancels"),
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
fn what_is_so_already_is_said_to_be() {
    let (mut app, mut speaker, _) = listened();
    line(&mut app, &mut speaker, "on host.0");
    let plan = ubmc_proto::v1::Operation {
        bound_s: Some(0.0),
        expected_s: Some(0.0),
        steps: Vec::new(),
        conditions: Vec::new(),
        ..board::plan("host.0", "on")
    };
    answer(&mut app, Answer::Operation(Box::new(from_wire::operation(desk::NOW, plan))));
    let said = speaker.hear(app.state());
    assert_eq!(said[1], "nothing to do: host.0 is running already", "{said:#?}");
    assert!(!said.iter().any(|line| line.starts_with("takes")), "{said:#?}");
}

#[test]
fn what_is_harmless_needs_a_yes() {
    let (mut app, mut speaker, _) = listened();
    let question = line(&mut app, &mut speaker, "reset demo-flaky");
    assert!(question.ends_with("type `yes` to do it; anything else, or nothing, cancels"), "{question}");
    assert!(line(&mut app, &mut speaker, "yes").contains("Reset { service: \"demo-flaky\" }"));
}

#[test]
fn a_view_is_read_in_sentences_and_a_reason_link_by_link() {
    let (mut app, mut speaker, _) = listened();
    let power = line(&mut app, &mut speaker, "power");
    assert!(power.contains("host.0 is running for"), "{power}");
    line(&mut app, &mut speaker, "why demo-flaky");
    answer(&mut app, Answer::Why(Box::new(from_wire::why(details::why("demo-flaky")))));
    let said = speaker.hear(app.state());
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said[2].starts_with("because bmc-setup has failed"), "{said:#?}");
}

/// Everything that can be read of the board, under the line that was typed for it.
fn all_readings() -> Vec<(String, Vec<String>)> {
    let (mut app, mut speaker, _) = listened();
    let mut typed: Vec<String> = ubmc_tui::app::View::ALL.iter().map(|view| view.name().to_owned()).collect();
    typed.extend(
        [
            "open demo-web",
            "",
            "open demo-flaky",
            "",
            "services list --group core",
            "services",
            "sensors show host0_cpu_temp",
            "zones explain cpu",
            "host status host.1",
            "machines graph host.0",
            "host policy host.0",
            "leds list",
            "power rails",
            "operations show op-17",
            "events list --severity warning",
            "events",
            "status",
            "help",
        ]
        .map(str::to_owned),
    );
    let read = |line_typed: String| {
        let text = line(&mut app, &mut speaker, &line_typed);
        (
            line_typed,
            text.lines()
                .filter(|line| !line.starts_with("Ask(") && !line.starts_with("FollowLog("))
                .map(str::to_owned)
                .collect(),
        )
    };
    typed.into_iter().map(read).collect()
}

#[test]
fn nothing_that_is_read_aloud_is_cut_or_drawn_or_repeated() {
    for (typed, lines) in all_readings() {
        for (at, line) in lines.iter().enumerate() {
            let word =
                |word: &str| word.trim_end_matches([',', ';', ':']) == "%" || word.chars().any(char::is_alphanumeric);
            let said = line.trim_start_matches("> ");
            assert!(said.split_whitespace().all(word), "{typed}: a sign that is no word: {line}");
            assert!(!line.contains(['~', '…', '│', '─', '●', '▲', '✖', '◐']), "{typed}: cut, or drawn: {line}");
            assert!(
                !line.contains(": :") && !line.contains(", ,") && !line.ends_with([':', ',', ' ']),
                "{typed}: {line}"
            );
            assert!(!lines[..at].contains(line), "{typed} says twice: {line}");
        }
    }
}

#[test]
fn every_reading_is_as_it_was_looked_at() {
    let text: Vec<String> =
        all_readings().into_iter().map(|(typed, lines)| format!("> {typed}\n{}\n", lines.join("\n"))).collect();
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("readings", text.join("\n"));
    });
}

#[test]
fn what_comes_later_is_read_when_it_has_come_and_a_log_line_by_line() {
    let mut app = desk::blank(140, 60);
    let mut speaker = Speaker::default();
    app.handle(desk::NOW, Event::Link(LinkEvent::Up));
    for update in desk::all_news().into_iter().filter(|update| !matches!(update, Update::Boot(_))) {
        app.handle(desk::NOW, desk::news(update));
    }
    speaker.hear(app.state());
    assert!(line(&mut app, &mut speaker, "boot").starts_with("asking ubmcd how the platform came up"));
    for update in desk::all_news().into_iter().filter(|update| matches!(update, Update::Boot(_))) {
        app.handle(desk::NOW, desk::news(update));
    }
    assert!(speaker.hear(app.state())[0].starts_with("the platform was up after"));

    let log = |text: &str| Update::Log {
        service: "demo-web".to_owned(),
        entry: LogEntry::Line { stderr: true, time_s: 0.0, text: text.to_owned() },
    };
    line(&mut app, &mut speaker, "services logs demo-web");
    for number in 0..30 {
        app.handle(desk::NOW, desk::news(log(&format!("line {number}"))));
    }
    let said = speaker.hear(app.state());
    assert_eq!((said.len(), said[0].as_str()), (21, "10 lines before these are not read"));
    assert_eq!(said[20], "demo-web at 00:00:00, on stderr: line 29");
    app.handle(desk::NOW, desk::news(log("line 30")));
    assert_eq!(speaker.hear(app.state()), ["demo-web at 00:00:00, on stderr: line 30"]);
    assert!(line(&mut app, &mut speaker, "").starts_with("what demo-web writes is not read any more"));
    app.handle(desk::NOW, desk::news(log("line 31")));
    assert_eq!(speaker.hear(app.state()), Vec::<String>::new());
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

#[test]
fn what_is_remembered_does_not_grow_with_events_and_logs_and_the_past() {
    let (mut app, mut speaker, _) = listened();
    app.handle(desk::NOW, Event::Key(ubmc_tui::app::Key::plain(ubmc_tui::app::Code::Char('1'))));
    speaker.hear(app.state());
    let size = |speaker: &Speaker| format!("{speaker:?}").len();
    let before = size(&speaker);
    for step in 0..2_000_u64 {
        let event = from_wire::event(ubmc_proto::v1::Event { seq: 10_000 + step, ..Default::default() });
        app.handle(desk::NOW, desk::news(Update::Tail(Entry::Event(event))));
        app.handle(desk::NOW.after(step as f64), Event::Tick { wall_s: board::WALL_S, bytes_per_s: None });
    }
    speaker.hear(app.state());
    assert!(size(&speaker) < before + 1_000, "{before} bytes have become {}", size(&speaker));
}

#[test]
fn a_question_says_as_much_as_on_the_screen() {
    let (mut app, mut speaker, _) = listened();
    for (typed, said) in [
        ("services reset demo-flaky", &["3 restarts, 3 unexpected ends", "It is tried again at once."][..]),
        ("fans set system 40 --for 60", &["Zone system is in fail-safe", "at 90 % or more until that is over"]),
        ("operations cancel op-17", &["what: ", "asked by: ", "it has been under way for ", "step 1 of "]),
        ("schedule cancel at-2", &["reset of host.0 will not be asked for in ", "asked by: "]),
    ] {
        let question = line(&mut app, &mut speaker, typed);
        for one in said {
            assert!(question.contains(one), "{one}: {question}");
        }
        line(&mut app, &mut speaker, "no");
    }
}

#[test]
fn what_comes_in_at_the_beginning_is_one_summary_and_not_a_change_of_everything() {
    let mut app = desk::blank(80, 24);
    let mut speaker = Speaker::default();
    let mut said = Vec::new();
    let mut now = desk::NOW;
    app.handle(now, Event::Link(LinkEvent::Up));
    // A slow machine: the speaker is heard between any two pieces.
    for update in desk::all_news() {
        app.handle(now, desk::news(update));
        said.extend(speaker.hear(app.state()));
        now = now.after(0.01);
    }
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].starts_with("sim-2u is ready, 3 problems: "), "{said:?}");
}
