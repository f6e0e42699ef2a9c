//! What stands in front, and what can be answered.

use crate::{
    announce::say,
    app::{Confirm, Deed, Fact, Modal, Plan, State},
    model::{Condition, Leads, Operation, StepState},
    view::format,
};

/// What stands in front of `state`. Empty: nothing that has to be read.
pub fn modal(state: &State, modal: &Modal) -> Vec<String> {
    match modal {
        Modal::Confirm(confirm) => question(state, confirm),
        Modal::Why(shown) => match &shown.answer {
            Ok(why) => {
                let mut lines = vec![why.answer.clone()];
                // The first link is the thing itself, which the answer tells.
                lines.extend(
                    why.chain.first().filter(|first| !first.remedy.is_empty()).map(|first| helps(&first.remedy)),
                );
                lines.extend(why.chain.iter().skip(1).map(|link| {
                    let since = link.since_s.and_then(|since| state.daemon_clock().map(|clock| clock - since));
                    let since = since.map(|age| format!(", for {}", say::time(age))).unwrap_or_default();
                    let remedy =
                        if link.remedy.is_empty() { String::new() } else { format!("; {}", helps(&link.remedy)) };
                    format!("because {}{since}{remedy}", link.text)
                }));
                lines
            }
            Err(_) => vec![format!("asking ubmcd why {} is as it is", shown.name)],
        },
        Modal::Refused { what, refusal, .. } => {
            let mut lines = vec![format!("{what}: {}: {}", refusal.code, refusal.message)];
            lines.extend(obstacles(&refusal.message, &refusal.conditions));
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

fn question(state: &State, confirm: &Confirm) -> Vec<String> {
    let title = confirm.deed.title();
    if let Plan::Asked(_) = confirm.plan {
        return vec![format!("{title}: asking ubmcd what this would do")];
    }
    let mut lines = vec![format!("{title}?")];
    if confirm.renewed {
        lines.push(confirm.changed().to_owned());
    }
    match &confirm.plan {
        Plan::Asked(_) => {}
        Plan::Known(operation) => {
            lines.extend(obstacles(&operation.reason, &operation.conditions));
            if operation.conditions.is_empty() && !operation.reason.is_empty() {
                lines.push(operation.reason.clone());
            }
            lines.extend(leads(state, confirm, operation));
            lines.extend(takes(operation));
            lines.extend(changes(operation));
            lines.extend(steps(operation));
        }
        Plan::Foreseen(what_if) => {
            if what_if.consequences.is_empty() {
                lines.push("nothing else follows".to_owned());
            }
            lines.extend(what_if.consequences.iter().map(|(_, text)| format!("what follows: {text}")));
            // Whoever types the name has heard it: it is done all the same.
            lines.extend(what_if.obstacles.iter().map(|one| format!("mind: {}", one.text)));
        }
        Plan::None => lines.extend(confirm.deed.facts(state).into_iter().flat_map(fact)),
        Plan::Refused(refusal) => {
            lines.push(format!("{}: {}", refusal.code, refusal.message));
            lines.extend(obstacles(&refusal.message, &refusal.conditions));
        }
    }
    if !confirm.reason.is_empty() {
        lines.push(format!("reason: {}", confirm.reason.text()));
    }
    lines.push(if confirm.looks_only {
        "read-only: it is not done from here; an empty line leaves".to_owned()
    } else if confirm.idle {
        "an empty line leaves".to_owned()
    } else if !confirm.can_be_done() {
        "it cannot be done now; an empty line leaves".to_owned()
    } else if confirm.deed.is_destructive() {
        format!("type `{}` to do it; anything else, or nothing, cancels", confirm.deed.target())
    } else {
        "type `yes` to do it; anything else, or nothing, cancels".to_owned()
    });
    lines.retain(|line| !line.is_empty());
    lines
}

/// Where the request leads, as far as the machine's definition is known, or that nothing is to be done.
fn leads(state: &State, confirm: &Confirm, operation: &Operation) -> Option<String> {
    let Deed::Transition { machine, request, .. } = &confirm.deed else { return None };
    let machine = state.model.machine(machine).filter(|_| operation.conditions.is_empty())?;
    if confirm.idle {
        return Some(format!("nothing to do: {} is {} already", machine.name, machine.state));
    }
    let graph = state.model.graphs.get(&machine.name);
    match graph.map_or(Leads::Unsaid, |graph| graph.leads(&machine.state, request)) {
        Leads::To(next) => Some(format!("leads to {}{}", next.name, say::behind(": ", &next.description))),
        Leads::Nowhere | Leads::Unsaid => None,
    }
}

/// What there is to say where the daemon makes no plan.
fn fact(fact: Fact<'_>) -> Vec<String> {
    match fact {
        Fact::Sentence(text) => vec![text],
        Fact::Label(_, text) if text.is_empty() => Vec::new(),
        Fact::Label(label, text) => vec![format!("{label}: {text}")],
        Fact::Since(seconds) => vec![format!("it has been under way for {}", say::time(seconds))],
        Fact::Forgone(one, in_s) => {
            let (due, at) = (say::time(in_s), format::clock(one.at_s));
            vec![format!("{} of {} will not be asked for in {due}, at {at} UTC", one.request, one.machine)]
        }
        Fact::Operation(operation) => changes(operation).into_iter().chain(steps(operation)).collect(),
    }
}

/// What it touches.
fn changes(operation: &Operation) -> Option<String> {
    (!operation.affects.is_empty()).then(|| format!("changes {}", say::list(&operation.affects)))
}

/// How long it usually takes, and at most; what is done in no time is not timed.
fn takes(operation: &Operation) -> Option<String> {
    let timed = |seconds: &f64| *seconds >= 0.001;
    let usually = operation.expected_s.filter(timed).map(|seconds| format!("usually {}", say::time(seconds)));
    let most = operation.bound_s.filter(timed).map(|seconds| format!("at most {}", say::time(seconds)));
    let parts: Vec<String> = usually.into_iter().chain(most).collect();
    (!parts.is_empty()).then(|| format!("takes {}", parts.join(", ")))
}

/// Each step with what it says of itself.
pub(super) fn steps(operation: &Operation) -> Vec<String> {
    let all = operation.steps.len();
    let step = |(at, step): (usize, &crate::model::Step)| {
        let how = match step.state {
            StepState::Pending => String::new(),
            StepState::Running => "under way".to_owned(),
            StepState::Succeeded => "done".to_owned(),
            StepState::Failed => "failed".to_owned(),
            StepState::Skipped => "skipped".to_owned(),
        };
        let took = step.took_s.map(|took| format!("took {}", say::time(took))).unwrap_or_default();
        let what = say::parts([format!("step {} of {all}: {}", at + 1, step.name), how, took]);
        format!("{what}{}", say::behind(", ", &step.detail))
    };
    operation.steps.iter().enumerate().map(step).collect()
}

/// What stands in the way, each once: what was said already needs only its way out.
fn obstacles(said: &str, conditions: &[Condition]) -> Vec<String> {
    let tell = |one: &Condition| match (said.contains(&one.text), one.remedy.is_empty()) {
        (true, true) => None,
        (true, false) => Some(helps(&one.remedy)),
        (false, _) => Some(format!("in the way: {}", condition(one))),
    };
    conditions.iter().filter_map(tell).collect()
}

fn helps(remedy: &str) -> String {
    format!("what helps: {remedy}")
}

/// A condition with its way out.
pub(super) fn condition(one: &Condition) -> String {
    if one.remedy.is_empty() { one.text.clone() } else { format!("{}; {}", one.text, helps(&one.remedy)) }
}
