//! A view, or a question, as plain lines.

use crate::{
    app::{Modal, Plan, Size, State, View},
    model::Condition,
    style::{Depth, Look},
    view,
};

/// As wide as a view can be with everything in one column, and high enough for every list.
fn page(view: View) -> Size {
    let columns = match view {
        View::Overview | View::Thermal => 71,
        View::Services
        | View::Sensors
        | View::Power
        | View::Operations
        | View::Events
        | View::Boot
        | View::Hardware => 109,
    };
    Size { columns, rows: 160 }
}

/// What the present view shows, without rules, blank lines and the frame around it.
pub fn view(state: &State) -> Vec<String> {
    let mut state = state.clone();
    (state.size, state.modal, state.notice) = (page(state.view), None, None);
    let picture = view::draw(&state, Look::new(Depth::Mono, false));
    let cells = &picture.cells;
    let row = |y: u16| -> String {
        (0..cells.area.width).filter_map(|x| cells.cell((x, y)).map(|cell| cell.symbol().to_owned())).collect()
    };
    let words = |line: String| line.split_whitespace().filter(|word| !is_rule(word)).collect::<Vec<_>>().join(" ");
    // The frame: two rows above, one below.
    (2..cells.area.height.saturating_sub(1)).map(row).map(words).filter(|line| says_something(line)).collect()
}

/// Blank lines and lines of a graph do not.
fn says_something(line: &str) -> bool {
    line.chars().any(char::is_alphabetic)
}

fn is_rule(word: &str) -> bool {
    word.len() > 2 && word.chars().all(|char| matches!(char, '-' | '.'))
}

/// What stands in front, and what can be answered.
pub fn modal(modal: &Modal) -> Vec<String> {
    match modal {
        Modal::Confirm(confirm) => {
            let title = confirm.deed.title();
            let mut lines = vec![format!("{title}?")];
            match &confirm.plan {
                Plan::Asked(_) => return vec![format!("{title}: asking ubmcd what this would do")],
                Plan::Known(operation) => {
                    lines.extend(operation.steps.iter().map(|step| format!("step: {}", step.name)));
                    if !operation.affects.is_empty() {
                        lines.push(format!("changes: {}", operation.affects.join(", ")));
                    }
                    lines.extend(operation.conditions.iter().map(condition));
                }
                Plan::Foreseen(what_if) => {
                    lines.extend(what_if.consequences.iter().map(|(_, text)| format!("what follows: {text}")));
                    lines.extend(what_if.obstacles.iter().map(condition));
                }
                Plan::None => {}
                Plan::Refused(refusal) => {
                    lines.push(format!("{}: {}", refusal.code, refusal.message));
                    lines.extend(refusal.conditions.iter().map(condition));
                }
            }
            if !confirm.reason.is_empty() {
                lines.push(format!("reason: {}", confirm.reason.text()));
            }
            lines.push(if !confirm.can_be_done() {
                "it cannot be done now; an empty line leaves".to_owned()
            } else if confirm.deed.is_destructive() {
                format!("type `{}` to do it; anything else cancels", confirm.deed.target())
            } else {
                "type `yes` to do it; anything else cancels".to_owned()
            });
            lines
        }
        Modal::Why(shown) => match &shown.answer {
            Ok(why) => {
                let mut lines = vec![why.answer.clone()];
                lines.extend(why.chain.iter().skip(1).map(|link| format!("because {}", condition(link))));
                lines
            }
            Err(_) => vec![format!("asking ubmcd why {} is as it is", shown.name)],
        },
        Modal::Refused { what, refusal, .. } => {
            let mut lines = vec![format!("{what}: {}: {}", refusal.code, refusal.message)];
            lines.extend(refusal.conditions.iter().map(condition));
            lines
        }
        // An operation's steps are announced as they change.
        Modal::Progress { .. }
        | Modal::Help(_)
        | Modal::Filter { .. }
        | Modal::Search { .. }
        | Modal::Palette(_)
        | Modal::Menu(_) => Vec::new(),
    }
}

fn condition(one: &Condition) -> String {
    if one.remedy.is_empty() { one.text.clone() } else { format!("{}; what helps: {}", one.text, one.remedy) }
}

/// What can be typed.
pub fn help() -> Vec<String> {
    let views: Vec<&str> = View::ALL.into_iter().map(View::name).collect();
    vec![
        format!("a view reads it: {}", views.join(", ")),
        "what is wrong: status, why NAME".to_owned(),
        "what can be done: lines of ubmcctl, as `host on host.0`, `services restart SERVICE`, `chassis identify on`".to_owned(),
        "and: `fans set ZONE 60 --for 600`, `fans auto ZONE`, `events list --severity error`, open NAME, reconnect, help, quit".to_owned(),
        "what interrupts something is done only after its name was typed; `--reason TEXT` on the line says why".to_owned(),
        "part of a command is enough when only one fits".to_owned(),
    ]
}

/// What can be done with a thing, for a question that fits several.
pub fn which(names: &[String]) -> String {
    const NAMED: usize = 8;
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("which one: {}{more}", names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
}
