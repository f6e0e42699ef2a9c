//! The palette takes the lines of `ubmcctl`: typed in full, found by a part, completed, refused with what can do it.

use ubmc_tui::{
    app::{Answer, Code, Event, Key, LinkEvent},
    style::{Depth, Look},
    view,
};

use crate::{desk, scenarios::check};

#[test]
fn what_changes_something_is_asked_about() {
    check(
        "
        keys :
        type fans set cpu 63 --for 90
        keys Enter                => modal=confirm hold cpu at 63 % for 90 s
        keys Tab Enter            => effects=[DO hold cpu 63 90]
        keys :
        type host off host.0
        keys Enter                => modal=confirm off host.0, effects=[graph host.0; plan off host.0]
        keys Esc :
        type ubmcctl services restart demo-web
        keys Enter                => modal=confirm restart demo-web
        keys Esc :
        type chassis identify on
        keys Enter                => modal=confirm identify on
        keys Esc :
        type sim fault clear fan-fail fan.3
        keys Enter                => modal=confirm repair fan-fail fan.3
        ",
    );
}

#[test]
fn what_shows_something_leads_to_its_view() {
    check(
        "
        keys :
        type events list --severity error --subject service.>
        keys Enter                => view=events, filter=\"service.\", follow=true
        keys :
        type sensors history p12v --since 60
        keys Enter                => view=sensors, selected=p12v
        keys :
        type services list --group interface
        keys Enter                => view=services, filter=\"interface\"
        keys :
        type services logs demo-web --stream stderr
        keys Enter                => page=service demo-web, effects=[log demo-web]
        keys :
        type services dependencies demo-web
        keys Enter                => page=service demo-web, pane=Ties
        keys :
        type zones explain cpu
        keys Enter                => view=thermal, selected=cpu
        keys :
        type host status host.1
        keys Enter                => view=power, selected=host.1
        keys :
        type boot critical-path
        keys Enter                => view=boot
        keys :
        type platform status
        keys Enter                => view=overview
        keys :
        type open p12v
        keys Enter                => view=sensors, selected=p12v
        keys :
        type open demo-web
        keys Enter                => page=service demo-web
        ",
    );
}

#[test]
fn the_best_fit_of_a_part_comes_first() {
    check(
        "
        keys :
        type off host.0
        keys Tab                  => modal=palette \"host off host.0 \"
        keys Enter                => modal=confirm off host.0
        keys Esc :
        type web restart
        keys Tab                  => modal=palette \"services restart demo-web \"
        keys Esc :
        type view pow
        keys Enter                => view=power
        ",
    );
}

#[test]
fn a_line_that_no_list_has_is_completed_word_by_word() {
    check(
        "
        keys :
        type events list --sev
        keys Enter                => modal=palette \"events list --sev\", problem=unexpected argument '--sev'
        keys Tab                  => modal=palette \"events list --severity \"
        type warn
        keys Tab                  => modal=palette \"events list --severity warning \"
        keys Enter                => modal=-, view=events
        ",
    );
}

#[test]
fn what_is_wrong_or_done_elsewhere_is_said_and_the_line_stays() {
    check(
        "
        keys :
        type fans set cpu 700 --for 60
        keys Enter                => !DO, problem=invalid value '700' for '<PERCENT>'
        keys Backspace            => modal=palette \"fans set cpu 700 --for 6\", !problem=
        keys Esc :
        type host off host.7
        keys Enter                => problem=there is no host `host.7`: did you mean `host.0`?
        keys Esc :
        type machines history host.0
        keys Enter                => !plan, problem=the console has no place for a table like this; `ubmcctl machines history host.0` can do it
        keys Esc :
        type machines override-interlock host.0 no-supply --for 600
        keys Enter                => problem=an override needs a reason: add `--reason TEXT`
        keys Esc :
        type services start demo-web --yes
        keys Enter                => problem=options of every command are not the console's
        keys Esc :
        type services list --reason audit
        keys Enter                => problem=`--reason` has no place here
        keys Esc :
        type services start 'demo
        keys Enter                => problem=a quote ' is not closed
        keys Esc :
        type completions bash
        keys Enter                => problem=the console has nothing for this; `ubmcctl completions bash` can do it
        ",
    );
}

#[test]
fn a_paste_of_many_lines_that_comes_as_keys_confirms_nothing() {
    check(
        "
        keys :
        type fans set cpu 63 --for 90
        keys Enter                => modal=confirm hold cpu at 63 % for 90 s
        type services list
        keys Enter                => !DO, modal=-
        keys :
        type fans set cpu 63 --for 90
        keys Enter
        type leds list for all
        keys Enter                => !DO, modal=-
        keys :
        type fans set cpu 63 --for 90
        keys Enter l Enter        => effects=[DO hold cpu 63 90]
        keys :
        type fans set cpu 63 --for 90
        keys Enter x l Right Enter => effects=[DO hold cpu 63 90]
        ",
    );
}

#[test]
fn several_services_are_one_request_with_one_plan() {
    check(
        "
        keys :
        type services restart demo-web demo-flaky demo-web
        keys Enter                => effects=[what if demo-web demo-flaky], modal=confirm restart demo-web demo-flaky
        foresee
        type demo-web demo-flaky
        keys Enter                => effects=[DO restart demo-web demo-flaky force=false]
        keys :
        type services start demo-web demo-flaky --force
        keys Enter                => modal=confirm start demo-web demo-flaky by force
        keys Tab Enter            => effects=[DO start demo-web demo-flaky force=true]
        keys Esc :
        type services start demo-web nobody
        keys Enter                => problem=there is no service `nobody`
        keys Esc :
        type platform stop
        keys Enter                => modal=confirm stop all services, !what if
        type all services
        keys Enter                => effects=[DO stop  force=false]
        ",
    );
}

#[test]
fn a_request_for_later_is_asked_about_as_one_for_now() {
    check(
        "
        keys :
        type host off host.0 --at +10m
        keys Enter                => effects=[], modal=confirm schedule off host.0 in 10 min
        keys Tab Tab Tab Enter    => modal=confirm schedule off host.0 in 10 min
        keys Tab
        type host.0
        keys Enter                => effects=[DO schedule off host.0 in 10 min]
        keys :
        type host on host.0 --at 2026-12-01T06:00:00Z
        keys Enter                => modal=confirm schedule on host.0 at 2026-12-01T06:00:00Z
        keys Esc :
        type host on host.0 --at noon
        keys Enter                => problem=invalid value 'noon' for '--at <TIME>'
        ",
    );
}

#[test]
fn policies_overrides_and_reloads_are_asked_for_here_too() {
    check(
        "
        keys :
        type host policy host.0 always-off --once
        keys Enter                => modal=confirm policy of host.0: always-off once
        keys Tab Enter            => effects=[DO policy of host.0: always-off once]
        keys :
        type host policy host.0 --boot-attempts 1
        keys Enter                => modal=confirm policy of host.0: 1 boot attempt
        keys Esc :
        type chassis policy
        keys Enter                => view=power, selected=chassis
        keys :
        type machines override-interlock host.0 no-supply --for 600 --reason 'case 4711'
        keys Enter                => modal=confirm override no-supply of host.0 for 10 min
        type host.0
        keys Enter                => DO override no-supply of host.0 for 10 min because \"case 4711\"
        keys :
        type machines restore-interlock host.0
        keys Enter                => modal=confirm restore all interlocks of host.0
        keys Esc :
        type services reload
        keys Enter                => effects=[plan reload], modal=confirm reload services
        ",
    );
}

#[test]
fn a_simulated_board_is_broken_and_surrounded_from_here() {
    check(
        "
        keys :
        type sim fault inject fan-fail fan.3 0.5
        keys Enter                => modal=confirm inject fan-fail fan.3 at 0.5
        keys Tab Enter            => effects=[DO inject fan-fail fan.3 at 0.5]
        keys :
        type sim fault clear
        keys Enter                => modal=confirm repair everything
        keys Esc :
        type sim set ambient -5
        keys Enter                => modal=confirm set ambient to -5
        keys Esc :
        type sim stop
        keys Enter                => modal=confirm stop the simulated board
        keys Tab Tab Enter        => !DO
        ",
    );
}

#[test]
fn a_reason_on_the_line_is_taken_over_into_the_question() {
    check(
        "
        keys :
        type host off host.0 --reason 'case 4711'
        keys Enter                => effects=[graph host.0; plan off host.0], modal=confirm off host.0
        plan
        type host.0
        keys Enter                => DO off host.0 as r7 because \"case 4711\"
        keys Esc :
        type fans set cpu 60 --for 300 --reason 'quiet please'
        keys Enter Tab Enter      => DO hold cpu 60 300 because \"quiet please\"
        ",
    );
}

#[test]
fn that_checks_are_skipped_is_told_with_what_follows() {
    for (line, told) in [("services restart demo-web", false), ("services restart demo-web --force", true)] {
        let mut app = desk::connected(80, 24);
        app.handle(desk::NOW, Event::Key(Key::char(':')));
        app.handle(desk::NOW, Event::Paste(line.to_owned()));
        app.handle(desk::NOW, Event::Key(Key::plain(Code::Enter)));
        let (token, result) = (app.state().last_token, Ok(Answer::WhatIf(Box::default())));
        app.handle(desk::NOW, Event::Link(LinkEvent::Answer { token, result }));
        let picture = view::draw(app.state(), Look::new(Depth::Mono, false));
        let text: String = picture.cells.content().iter().map(ratatui::buffer::Cell::symbol).collect();
        assert_eq!(text.contains("what is checked before the start is skipped"), told, "{line}: {text}");
    }
}

#[test]
fn of_a_line_that_is_too_long_its_end_is_seen() {
    let mut app = desk::connected(80, 24);
    app.handle(desk::NOW, Event::Key(Key::char(':')));
    app.handle(desk::NOW, Event::Paste(format!("host off host.0 --reason '{} of it", "x".repeat(120))));
    let picture = view::draw(app.state(), Look::new(Depth::Mono, false));
    let text: String = picture.cells.content().iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(text.contains("xxx of it"), "{text}");
}

#[test]
fn a_part_of_the_only_target_of_a_fault_is_that_target_and_what_is_no_target_is_refused() {
    check(
        "
        keys :
        type sim fault inject fan-fail 3
        keys Enter                => modal=confirm inject fan-fail fan.3
        keys Esc :
        type sim fault inject fan-fail fan.8
        keys Enter                => there is no target of fan-fail `fan.8`: did you mean `fan.
        keys Esc :
        type sim fault clear fan-fail fan.0
        keys Enter                => there is no active fan-fail at `fan.0`: did you mean `fan.3`?
        keys Esc :
        type sim fault clear fan-fail fan.3
        keys Enter                => modal=confirm repair fan-fail fan.3
        ",
    );
}
