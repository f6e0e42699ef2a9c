//! What the app does, as data: a line is what happens, `=>`, and what must then be true of state and effects.

use ubmc_tui::{
    app::{
        Answer, App, Ask, Confirm, Deed, Effect, Event, Item, LinkEvent, LinkState, Modal, Page, Plan, Token,
        confirm::Focus, log, rows,
    },
    model::{Condition, Entry, LogEntry, Mono, OperationState, Refusal, Update, from_wire},
    style::{Depth, Look},
    view,
};

use crate::{board, desk, details};

/// Runs a script. What happens: `keys …`, `type TEXT`, `paste TEXT`, `wait SECONDS`, `link down|up|connecting|new`,
/// `event N`, `lost A B`, `plan`, `foresee`, `refuse-plan`, `answer begun|refused|done`, `ended succeeded|failed`, `read-only`.
/// `removed SERVICE`, `booting`, `booted`, `why`, `log N` (so many lines in all), `screen COLUMNS ROWS` (a new console), `drawn`.
/// What must be true: parts of [`told`], separated by commas; with `!` in front, what must not.
pub(crate) fn check(script: &str) {
    let mut app = desk::connected(80, 24);
    let mut now = desk::NOW;
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (input, expected) = line.split_once("=>").unwrap_or((line, ""));
        let effects = happen(&mut app, &mut now, input.trim());
        let told = told(&app, &effects);
        for part in expected.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.strip_prefix('!') {
                Some(absent) => assert!(!told.contains(absent), "{line}\nmust not hold: {absent}\n{told}"),
                None => assert!(told.contains(part), "{line}\nmust hold: {part}\n{told}"),
            }
        }
    }
}

fn happen(app: &mut App, now: &mut Mono, input: &str) -> Vec<Effect> {
    let (word, rest) = input.split_once(' ').unwrap_or((input, ""));
    let numbers: Vec<u64> = rest.split(' ').filter_map(|text| text.parse().ok()).collect();
    let event = match word {
        "keys" => return desk::press(app, *now, rest),
        "type" => {
            return rest.chars().flat_map(|char| app.handle(*now, Event::Key(char.into()))).collect();
        }
        "paste" => Event::Paste(rest.to_owned()),
        "wait" => {
            *now = now.after(numbers[0] as f64);
            Event::Tick { wall_s: board::WALL_S + now.since(desk::NOW), bytes_per_s: None }
        }
        "link" => Event::Link(match rest {
            "down" => LinkEvent::Down { reason: "ubmcd ended the connection".into(), retry_in_s: 4.0 },
            "up" => LinkEvent::Up,
            "connecting" => LinkEvent::Connecting,
            "new" => LinkEvent::NewDaemon,
            _ => panic!("{input}"),
        }),
        "event" => desk::news(Update::Tail(Entry::Event(from_wire::event(board::event(numbers[0]))))),
        "lost" => {
            desk::news(Update::Tail(Entry::Lost { first: numbers[0], last: numbers[1], reason: "expired".into() }))
        }
        "removed" => desk::news(Update::ServiceRemoved(rest.to_owned())),
        "booting" => desk::news(from_wire::boot(board::booting())),
        "booted" => {
            let mut boot = board::boot();
            boot.services.iter_mut().filter(|one| rest == one.name).for_each(|one| one.outcome = "pending".into());
            desk::news(from_wire::boot(boot))
        }
        "plan" | "foresee" | "refuse-plan" | "answer" => answer(app, word, rest),
        "ended" => {
            let state = if rest == "failed" { OperationState::Failed } else { OperationState::Succeeded };
            let mut operation = from_wire::operation(*now, board::operations().remove(2));
            operation.id = "op-18".into();
            operation.state = state;
            operation.duration_s = Some(4.2);
            desk::news(Update::Operation(operation))
        }
        "why" => {
            let token = app.state().last_token;
            Event::Link(LinkEvent::Answer {
                token,
                result: Ok(Answer::Why(Box::new(from_wire::why(details::why("it"))))),
            })
        }
        "log" => {
            let service = app.state().open_service().expect("a page is open").to_owned();
            for number in app.state().model.log.end() + 1..=numbers[0] {
                let (stderr, time_s) = (number.is_multiple_of(7), board::WALL_S);
                let entry = LogEntry::Line { stderr, time_s, text: format!("request took {number} ms") };
                app.handle(*now, desk::news(Update::Log { service: service.clone(), entry }));
            }
            return Vec::new();
        }
        "screen" => {
            let side = |index: usize| u16::try_from(numbers[index]).expect("a screen is small");
            *app = desk::connected(side(0), side(1));
            return Vec::new();
        }
        "drawn" => Event::Drawn(view::draw(app.state(), Look::new(Depth::Mono, false)).ends),
        "read-only" => {
            let mut state = app.state().clone();
            state.read_only = true;
            *app = App::new(state);
            return Vec::new();
        }
        _ => panic!("nothing is called {word}"),
    };
    app.handle(*now, event)
}

/// The daemon's answer to the last request.
fn answer(app: &App, word: &str, rest: &str) -> Event {
    let token = app.state().last_token;
    let refusal = Refusal {
        code: "refused".into(),
        message: "it is not possible now".into(),
        conditions: vec![Condition {
            kind: "operation-running".into(),
            subject: "host.1".into(),
            ..Condition::default()
        }],
    };
    let result = match (word, rest) {
        ("plan", _) => {
            let plan = from_wire::operation(desk::NOW, board::plan("host.0", "off"));
            Ok(Answer::Operation(Box::new(plan)))
        }
        ("foresee", _) => Ok(Answer::WhatIf(Box::new(from_wire::what_if(details::what_if())))),
        ("refuse-plan", _) | (_, "refused") => Err(refusal),
        (_, "done") => Ok(Answer::Done),
        _ => {
            let mut operation = from_wire::operation(desk::NOW, board::operations().remove(2));
            operation.id = "op-18".into();
            Ok(Answer::Operation(Box::new(operation)))
        }
    };
    Event::Link(LinkEvent::Answer { token, result })
}

/// State and effects in words.
fn told(app: &App, effects: &[Effect]) -> String {
    let state = app.state();
    let selected = match rows::selected(state) {
        None => "-".to_owned(),
        Some(
            Item::Group(name)
            | Item::Service(name)
            | Item::Machine(name)
            | Item::Zone(name)
            | Item::Sensor(name)
            | Item::Operation(name)
            | Item::Led(name)
            | Item::Supply(name)
            | Item::Rail(name)
            | Item::Part(name)
            | Item::Fan(name)
            | Item::Resource(name)
            | Item::Fault(name, _),
        ) => name,
        Some(item @ Item::Problem { .. }) => {
            let index = rows::items(state).iter().position(|other| *other == item).unwrap_or(usize::MAX);
            format!("problem {index}")
        }
        Some(Item::Entry(number)) => format!("entry {number}"),
    };
    let page = match &state.page {
        None => "-".to_owned(),
        Some(Page::Service(name)) => format!("service {name}"),
        Some(Page::Entry(number)) => format!("entry {number}"),
    };
    let modal = match &state.modal {
        None => "-".to_owned(),
        Some(Modal::Help(_)) => "help".to_owned(),
        Some(Modal::Filter { .. }) => "filter".to_owned(),
        Some(Modal::Palette(palette)) => {
            let problem = palette.problem.iter().map(|text| format!(", problem={text}"));
            format!("palette {:?}{}", palette.line.text(), problem.collect::<String>())
        }
        Some(Modal::Menu(menu)) => format!("menu {}", menu.selected),
        Some(Modal::Confirm(confirm)) => question(confirm),
        Some(Modal::Why(shown)) => match &shown.answer {
            Ok(why) => format!("why {}: {}", shown.name, why.answer),
            Err(_) => format!("why {} asked", shown.name),
        },
        Some(Modal::Search { .. }) => format!("search {:?}", state.search.text()),
        Some(Modal::Progress { id, .. }) => format!("progress of {id}"),
        Some(Modal::Refused { what, refusal, .. }) => format!("refused {what}: {}", refusal.message),
    };
    let link = match &state.link {
        LinkState::Connecting => "connecting",
        LinkState::Up => "up",
        LinkState::Down { .. } => "down",
    };
    let notice = state.notice.as_ref().map_or("-", |notice| notice.text.as_str());
    let lines = log::shown(state);
    let log = match state.log_anchor {
        None => format!("{} following", lines.len()),
        Some(anchor) => format!("{} at {anchor}", lines.len()),
    };
    let effects: Vec<String> = effects.iter().map(effect).collect();
    let scrolled = match &state.modal {
        Some(Modal::Help(scrolled) | Modal::Progress { scrolled, .. } | Modal::Refused { scrolled, .. }) => *scrolled,
        Some(Modal::Confirm(confirm)) => confirm.scrolled,
        Some(Modal::Why(shown)) => shown.scrolled,
        _ => state.standing_scrolled,
    };
    format!(
        "view={} selected={selected} request={:?} page={page} modal={modal} filter={:?} follow={} link={link} \
         missed={} shown={} log={log} pane={:?} scrolled={scrolled} notice={notice} effects=[{}]",
        state.view.name(),
        state.request,
        state.filter(),
        state.follow,
        state.model.tail.missed,
        rows::items(state).len(),
        state.pane,
        effects.join("; "),
    )
}

fn question(confirm: &Confirm) -> String {
    let plan = match &confirm.plan {
        Plan::Asked(_) => "asked".to_owned(),
        Plan::Known(operation) => format!("{} steps", operation.steps.len()),
        Plan::None => "none".to_owned(),
        Plan::Foreseen(what_if) => format!("{} consequences", what_if.consequences.len()),
        Plan::Refused(refusal) => {
            let remedies: Vec<&str> = refusal.conditions.iter().map(|one| one.remedy.as_str()).collect();
            format!("refused, remedies {remedies:?}")
        }
    };
    let along = match &confirm.deed {
        Deed::Services { along, .. } => format!(" along {along:?}"),
        _ => String::new(),
    };
    format!(
        "confirm {} typed {:?} go {} plan {plan}{along}",
        confirm.deed.title(),
        confirm.typed.text(),
        confirm.focus == Focus::Do
    )
}

/// Why, where it was said.
fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" because {reason:?}") }
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Quit => "quit".into(),
        Effect::Repaint => "repaint".into(),
        Effect::Suspend => "suspend".into(),
        Effect::Reconnect => "reconnect".into(),
        Effect::FollowLog(service) => format!("log {}", service.as_deref().unwrap_or("-")),
        Effect::Ask(Token(_), ask) => match ask {
            Ask::Plan { machine, request } => format!("plan {request} {machine}"),
            Ask::PlanReload => "plan reload".into(),
            Ask::Do { deed, revision, reason } => {
                let revision = if revision.is_empty() { String::new() } else { format!(" as {revision}") };
                format!("DO {}{revision}{}", done(deed), because(reason))
            }
            Ask::History { sensor } => format!("history {sensor}"),
            Ask::Hardware => "hardware".into(),
            Ask::Boot => "boot".into(),
            Ask::Graph { machine } => format!("graph {machine}"),
            Ask::Why { name } => format!("why {name}"),
            Ask::WhatIf { services } => format!("what if {}", services.join(" ")),
            Ask::Faults => "faults".into(),
            Ask::Schedules => "schedules".into(),
            Ask::Verify => "verify".into(),
            Ask::Chain { cause } => format!("chain {cause}"),
        },
    }
}

/// A deed as it is sent.
fn done(deed: &Deed) -> String {
    match deed {
        Deed::Transition { machine, request, .. } => format!("{request} {machine}"),
        Deed::Services { verb, names, force, .. } => format!("{} {} force={force}", verb.word(), names.join(" ")),
        Deed::CancelOperation { id } | Deed::CancelSchedule { id } => format!("cancel {id}"),
        Deed::Identify { on, for_s: 0.0 } => format!("identify {on}"),
        Deed::Hold { target, duty, for_s } => format!("hold {target} {duty} {for_s}"),
        Deed::RestoreInterlock { machine, condition } => format!("restore {condition} {machine}"),
        other => other.title(),
    }
}

#[test]
fn numbers_and_tab_go_through_the_views_in_order() {
    check(
        "
        keys 1          => view=overview
        keys Tab        => view=services
        keys Tab        => view=sensors
        keys Tab        => view=thermal
        keys Tab        => view=power
        keys Tab        => view=operations
        keys Tab        => view=events
        keys Tab        => view=boot
        keys Tab        => view=hardware
        keys Tab        => view=overview
        keys Shift-Tab  => view=hardware
        keys 5          => view=power
        keys q          => effects=[quit]
        ",
    );
}

#[test]
fn switching_a_host_off_needs_its_plan_and_its_name() {
    check(
        "
        keys 5 j Enter     => selected=host.0, request=Some(0)
        keys j Enter       => modal=confirm off host.0, plan asked, effects=[plan off host.0]
        type host.0        => typed \"host.0\"
        keys Enter         => modal=confirm off host.0, !DO
        plan               => plan 3 steps
        keys Enter         => modal=-, effects=[DO off host.0 as r7]
        answer begun       => notice=off host.0: op-18 is under way
        ended succeeded    => notice=host-on host.1 succeeded after 4.2 s
        ",
    );
}

#[test]
fn cancel_is_what_happens_without_a_decision() {
    check(
        "
        keys 5 j Enter j Enter => modal=confirm off host.0
        plan                   => plan 3 steps
        keys Enter             => modal=-, !DO
        keys Enter             => modal=confirm off host.0
        type host.1            => typed \"host.1\"
        plan                   => plan 3 steps
        keys Enter             => modal=confirm off host.0, !DO
        keys Esc               => modal=-, !DO
        keys Enter             => modal=confirm off host.0
        plan                   => plan 3 steps
        type host.0            => typed \"host.0\"
        keys ^C                => modal=-, !DO
        ",
    );
}

#[test]
fn a_harmless_request_still_needs_a_word() {
    check(
        "
        keys 5 G Enter     => selected=bmc, request=Some(0)
        keys Enter         => modal=confirm maintenance-on bmc, go false
        plan               => plan 3 steps
        keys Enter         => modal=-, !DO
        keys Enter         => modal=confirm maintenance-on bmc
        plan               => plan 3 steps
        keys Tab           => go true
        keys Enter         => modal=-, effects=[DO maintenance-on bmc as r7]
        ",
    );
}

#[test]
fn a_refused_plan_says_the_way_out_and_cannot_be_done() {
    check(
        "
        keys 5 j j Enter Enter => modal=confirm on host.1, plan on host.1
        refuse-plan            => plan refused, remedies [\"wait for op-17, or cancel it\"]
        keys Tab Enter         => modal=-, !DO
        ",
    );
}

#[test]
fn a_refusal_after_the_fact_is_shown_and_not_swallowed() {
    check(
        "
        keys 2 /               => modal=filter
        type web
        keys Enter Enter       => page=service demo-web, effects=[log demo-web]
        keys a                 => modal=menu 0
        keys j Enter           => modal=confirm reset demo-web
        keys Tab Enter         => effects=[DO reset demo-web]
        answer refused         => modal=refused reset demo-web: it is not possible now
        keys Enter             => modal=-
        ",
    );
}

#[test]
fn stopping_a_service_names_what_goes_along() {
    check(
        "
        keys 2 /                 => modal=filter
        type web
        keys Enter               => selected=demo-web
        keys a j j j Enter       => modal=confirm stop demo-web, along [\"demo-needs-web\"]
        type demo-web
        keys Enter               => modal=confirm, plan asked, !DO
        foresee                  => plan 2 consequences
        keys Enter               => effects=[DO stop demo-web force=true]
        answer begun             => notice=stop demo-web: op-18 is under way
        ended failed             => notice=host-on host.1 failed after 4.2 s: waiting for power-good of host.1
        ",
    );
}

#[test]
fn nothing_can_be_done_read_only_or_without_a_connection() {
    check(
        "
        link down                => link=down
        keys 5 j Enter j Enter   => modal=-, notice=no connection, !plan
        link up                  => link=up, notice=-
        read-only
        keys Enter               => modal=confirm off host.0, effects=[plan off host.0]
        plan                     => plan 3 steps
        type host.0              => typed \"\"
        keys Tab Enter           => modal=-, !DO
        keys 9 i                 => modal=confirm identify
        keys Tab Enter           => modal=-, !DO
        ",
    );
}

#[test]
fn no_single_key_does_anything_to_the_machine_room() {
    for view in '1'..='9' {
        for key in ('!'..='~').chain(['\n']) {
            let mut app = desk::connected(80, 24);
            desk::press(&mut app, desk::NOW, &view.to_string());
            let key = if key == '\n' { desk::key("Enter") } else { key.into() };
            let effects = app.handle(desk::NOW, Event::Key(key));
            let told = told(&app, &effects);
            assert!(!told.contains("DO "), "{view} then {key}: {told}");
        }
    }
}

#[test]
fn pasted_text_is_never_taken_for_keys() {
    check(
        "
        paste q5             => view=overview, !quit
        keys 2 /
        paste demo-web       => filter=\"demo-web\"
        ",
    );
}

#[test]
fn a_filter_narrows_and_esc_brings_everything_back() {
    check(
        "
        keys 3               => shown=30
        keys /               => modal=filter
        type nvme            => shown=8
        keys Enter           => modal=-, shown=8
        keys Esc             => shown=30
        keys /
        type fan
        keys Esc             => modal=-, shown=30
        ",
    );
}

#[test]
fn following_does_not_fight_scrolling() {
    check(
        "
        keys 7               => follow=true, selected=entry 39
        event 41             => selected=entry 40
        keys k k             => follow=false, selected=entry 38
        event 42             => follow=false, selected=entry 38
        keys j j j           => follow=false, selected=entry 41
        event 43             => follow=false, selected=entry 41
        keys f               => follow=true, selected=entry 42
        keys Enter           => page=entry 42, follow=false
        keys Up              => page=entry 41
        keys Esc             => page=-
        keys End             => follow=true
        ",
    );
}

#[test]
fn losing_the_daemon_neither_quits_nor_forgets() {
    check(
        "
        keys 2 /
        type web
        keys Enter Enter       => page=service demo-web, effects=[log demo-web]
        link down              => link=down, page=service demo-web, !quit
        wait 3                 => link=down
        link connecting        => link=connecting
        link new
        link up                => link=up, effects=[log demo-web; boot]
        lost 812 900           => missed=89
        keys Esc 7             => view=events, missed=89
        ",
    );
}

#[test]
fn a_request_that_the_connection_swallowed_is_told() {
    check(
        "
        keys 9 i               => modal=confirm identify on
        keys Tab Enter         => effects=[DO identify true]
        link down              => notice=the connection was lost before an answer to: identify on
        ",
    );
}

#[test]
fn the_palette_completes_live_names_and_asks_before_it_acts() {
    check(
        "
        keys :                 => modal=palette \"\"
        type force 1
        keys Tab               => modal=palette \"host force-off host.1 \"
        keys Enter             => modal=confirm force-off host.1, effects=[graph host.1; plan force-off host.1]
        keys Esc :
        type view the
        keys Enter             => view=thermal
        keys :
        type sensor p12v
        keys Enter             => view=sensors, selected=p12v, effects=[history p12v]
        keys :
        type frobnicate
        keys Enter             => modal=palette \"frobnicate\", problem=no command fits `frobnicate`
        ",
    );
}

#[test]
fn a_problem_opens_what_it_is_about() {
    check(
        "
        keys 1                 => selected=problem 0
        keys Enter             => view=services, page=service demo-flaky
        keys 1 j Enter         => view=sensors, selected=inlet_temp
        ",
    );
}

#[test]
fn the_selection_stays_on_its_thing_when_the_list_changes() {
    let mut app = desk::connected(80, 24);
    desk::press(&mut app, desk::NOW, "3 j j");
    assert!(told(&app, &[]).contains("selected=host0_cpu_temp"));
    let mut sensors = app.state().model.sensors.clone();
    sensors.reverse();
    app.handle(desk::NOW, desk::news(Update::Sensors(sensors)));
    assert!(told(&app, &[]).contains("selected=host0_cpu_temp"));
    app.handle(desk::NOW, desk::news(Update::Sensors(Vec::new())));
    assert!(told(&app, &[]).contains("selected=-"));
}

#[test]
fn a_service_that_a_reload_removes_vanishes_everywhere_and_the_selection_stays_sane() {
    check(
        "
        keys 2 /
        type demo-web
        keys Enter               => selected=demo-web
        keys Esc                 => selected=demo-web, shown=19
        removed demo-web         => shown=18, !selected=demo-web, !selected=-
        keys 8                   => shown=14
        keys :
        type status demo-web
        keys Enter               => problem=no command fits `status demo-web`
        keys Esc 2 G             => selected=demo-übersetzer
        removed demo-übersetzer  => shown=17, selected=demo-oneshot
        ",
    );
}

#[test]
fn what_is_offered_for_a_service_goes_away_with_it() {
    check(
        "
        keys 2 /
        type flaky
        keys Enter Enter         => page=service demo-flaky
        keys a                   => modal=menu 0
        removed demo-flaky       => modal=-, notice=demo-flaky is not declared any more, page=service demo-flaky
        keys a                   => modal=-
        keys Esc                 => page=-
        keys Esc /
        type oneshot
        keys Enter a j j j Enter => modal=confirm stop demo-oneshot
        removed demo-chatty      => modal=confirm stop demo-oneshot
        removed demo-oneshot     => modal=-, notice=demo-oneshot is not declared any more, !DO
        ",
    );
    check(
        "
        keys 2 /
        type chatty
        keys Enter a j Enter     => modal=confirm reset demo-chatty
        removed demo-chatty      => modal=-, notice=demo-chatty is not declared any more
        ",
    );
}

#[test]
fn the_boot_timeline_is_asked_for_when_its_view_opens_and_while_the_platform_starts() {
    check(
        "
        keys 8                   => effects=[boot]
        wait 1                   => !boot]
        booting
        wait 1                   => effects=[boot]
        keys 1                   => view=overview
        wait 5                   => !boot]
        keys 8                   => effects=[boot]
        booted demo-web
        wait 1                   => effects=[]
        wait 4                   => effects=[boot]
        booted
        wait 60                  => effects=[]
        link down
        link up                  => effects=[boot]
        ",
    );
}

#[test]
fn a_folded_group_hides_its_services_but_not_from_a_filter() {
    check(
        "
        keys 2               => shown=19, selected=foundation
        keys Space           => shown=17
        keys /
        type journal         => shown=2
        keys Esc             => shown=17
        keys Right           => shown=19
        ",
    );
}

#[test]
fn why_is_asked_of_what_is_selected_and_its_answer_stands_until_it_is_closed() {
    check(
        "
        keys 2 j w                => modal=why, why
        why                       => because bmc-setup has failed
        keys x                    => modal=why
        keys Esc                  => modal=-
        keys 3 w                  => modal=-, notice=select a service or a machine first
        keys 5 w                  => modal=why chassis asked, effects=[
        link down                 => modal=-
        ",
    );
}

#[test]
fn services_stand_by_group_or_below_what_they_need() {
    check(
        "
        keys 2                    => shown=19
        keys t                    => shown=15
        keys t                    => shown=19
        ",
    );
}

#[test]
fn a_log_is_filtered_and_searched_without_losing_the_place() {
    check(
        "
        keys 2 /                  => modal=filter
        type web
        keys Enter Enter          => page=service demo-web
        log 30                    => log=30 following
        keys e                    => log=4 following
        keys e                    => log=26 following
        keys e /                  => modal=filter, filter=\"web\"
        type took 1
        keys Enter                => modal=-, log=11 following
        keys Up Up                => log=11 at 16
        log 35                    => at 16
        keys f                    => following
        keys s
        type took 12
        keys Enter                => at 11
        keys n                    => at 11, notice=`took 12` is not found above
        keys N                    => notice=`took 12` is not found below
        keys v                    => pane=History
        keys v v v                => pane=Log
        keys Esc                  => page=-
        ",
    );
}

#[test]
fn events_are_narrowed_to_one_cause_and_to_the_serious_ones() {
    check(
        "
        keys 7 k                  => shown=40, selected=entry 38
        keys c                    => filter=\"cause:, selected=entry 38, !shown=40
        keys c                    => filter=\"\", shown=40
        keys e                    => !shown=40
        keys e e e                => shown=40
        keys s
        type demo-flaky ended
        keys Enter                => follow=false, selected=entry 31, !not found
        keys n                    => selected=entry 23
        ",
    );
}

#[test]
fn fans_are_held_and_released_after_a_word() {
    check(
        "
        keys 4 a                  => modal=menu 0
        keys Esc j j a j Enter    => modal=confirm hold fan.0 at 60 % for 10 min
        keys Enter                => modal=-, !DO
        keys a j Enter Tab Enter  => effects=[DO hold fan.0 60 600]
        answer done               => notice=hold fan.0 at 60 % for 10 min: done
        ",
    );
}

#[test]
fn a_simulated_board_is_broken_from_the_palette_and_repaired_from_the_list() {
    check(
        "
        keys 9                    => selected=fan-fail
        keys b                    => modal=palette \"sim fault inject \"
        type psu
        keys Enter                => modal=confirm inject psu-absent psu.0
        keys Tab Enter            => effects=[DO inject psu-absent psu.0]
        keys a Enter Tab Enter    => effects=[DO repair fan-fail fan.3]
        read-only
        keys b
        type fan
        keys Enter                => modal=confirm inject fan
        keys Tab Enter            => modal=-, !DO
        ",
    );
}

#[test]
fn thermal_asks_for_the_past_of_what_drives_the_selected_zone_and_keeps_what_its_fans_were_told() {
    check(
        "
        link down
        link up
        keys 4       => selected=cpu, history host0_cpu_temp
        keys j       => selected=system, history inlet_temp
        keys k       => selected=cpu, !history
        keys j       => selected=system, !history
        ",
    );
    let mut app = desk::connected(200, 50);
    let mut now = desk::NOW;
    let mut after = |app: &mut App, event: Event| {
        app.handle(now, event);
        now = now.after(1.0);
        app.handle(now, Event::Tick { wall_s: board::WALL_S, bytes_per_s: None });
    };
    let mut zone = app.state().model.zone("cpu").expect("a zone").clone();
    zone.duty = 80.0;
    after(&mut app, Event::Resize(ubmc_tui::app::Size { columns: 200, rows: 50 }));
    after(&mut app, desk::news(Update::ZonesChanged(vec![zone], Vec::new())));
    after(&mut app, Event::Link(LinkEvent::Down { reason: String::new(), retry_in_s: 1.0 }));
    let told = app.state().model.duties["cpu"].points().rev().take(3).map(|(_, duty)| *duty);
    let told: Vec<_> = told.collect();
    assert_eq!(told, [None, Some(80.0), Some(58.0)], "newest first; nothing is known while the link is down");
}
