//! What the link brings.

use super::{
    About, Answer, Area, Asked, Awaited, Deed, Effect, Item, LinkEvent, LinkState, Modal, ServiceVerb, State, Token,
    Tone, confirm::Plan, intent, look, outcome, renewal,
};
use crate::model::{Condition, Entry, Mono, Operation, OperationState, Refusal, Update, WhatIf};

/// The daemon's word for a plan that does not hold any more.
pub const STALE_PLAN: &str = "stale-plan";

/// Takes what comes over the link, or of it.
pub(super) fn take(state: &mut State, event: LinkEvent, effects: &mut Vec<Effect>) {
    match event {
        LinkEvent::Connecting => set_link(state, LinkState::Connecting),
        LinkEvent::Up => up(state, effects),
        LinkEvent::NewDaemon => {
            state.model.tail.push(Entry::Restarted);
            state.daemon_anew = true;
            renewal::new_daemon(state);
            state.model.boot = None;
            state.model.chain = None;
            state.model.verification = None;
        }
        LinkEvent::Down { reason, retry_in_s } => down(state, reason, retry_in_s),
        LinkEvent::News(update) => news(state, *update, effects),
        LinkEvent::Missing(area) => {
            state.missing.insert(area);
        }
        LinkEvent::NotSent(token) => not_sent(state, token),
        LinkEvent::Answer { token, result } => answer(state, token, result),
    }
}

/// So much waits to be sent already that this was not taken.
fn not_sent(state: &mut State, token: Token) {
    // What is asked for by itself may be what was not sent: it is asked for again.
    state.graphs_asked.clear();
    for history in state.model.histories.values_mut() {
        history.fetched = false;
    }
    let refusal = Refusal {
        code: "not sent".to_owned(),
        message: "too much waits to be sent already: ask again in a moment".to_owned(),
        conditions: Vec::new(),
    };
    answer(state, token, Err(refusal));
}

fn set_link(state: &mut State, link: LinkState) {
    // A new attempt after a failed one is still the same outage: its beginning is what people ask for.
    let outage_goes_on = link != LinkState::Up && state.link != LinkState::Up;
    if !outage_goes_on {
        state.link_since = state.now;
    }
    state.link = link;
}

fn up(state: &mut State, effects: &mut Vec<Effect>) {
    set_link(state, LinkState::Up);
    state.lost = None;
    state.missing.clear();
    state.hardware_asked = None;
    state.faults_asked = None;
    state.boot_asked = None;
    state.schedules_asked = None;
    state.graphs_asked.clear();
    for history in state.model.histories.values_mut() {
        history.fetched = false;
    }
    // The log starts over: what was captured meanwhile comes again with the first lines.
    if let Some(name) = state.open_service().map(str::to_owned) {
        state.model.log.open(Some(name.clone()));
        state.log_anchor = None;
        effects.push(Effect::FollowLog(Some(name)));
    }
    look::at_what_has_no_stream(state, effects);
    if state.notice.as_ref().is_some_and(|notice| notice.about == About::NoLink) {
        state.notice = None;
    }
    // Nobody knows what has changed meanwhile.
    renewal::ask_anew(state, effects);
}

fn down(state: &mut State, reason: String, retry_in_s: f64) {
    let retry_at = state.now.after(retry_in_s);
    state.lost = Some(reason.clone());
    set_link(state, LinkState::Down { reason, retry_at });
    // What was asked for and not answered may or may not have been heard: that must be said.
    let unanswered: Vec<String> = state.asked.drain(..).map(|asked| asked.title).collect();
    for one in state.awaited.values_mut() {
        one.parted = true;
    }
    // Whether it still goes on nobody knows.
    if state.notice.as_ref().is_some_and(|notice| matches!(notice.about, About::UnderWay(_))) {
        state.notice = None;
    }
    if !unanswered.is_empty() {
        let text = format!("the connection was lost before an answer to: {}", unanswered.join(", "));
        intent::tell(state, text, Tone::Bad);
    }
    if matches!(&state.modal, Some(Modal::Why(shown)) if shown.answer.is_err()) {
        state.modal = None;
    }
    // A plan that was never answered will not come any more.
    if let Some(Modal::Confirm(confirm)) = &mut state.modal
        && (confirm.renewal.take().is_some() || matches!(confirm.plan, Plan::Asked(_)))
    {
        confirm.plan = Plan::Refused(Refusal {
            code: "no connection".to_owned(),
            message: "the connection was lost before the plan came".to_owned(),
            conditions: Vec::new(),
        });
    }
}

fn news(state: &mut State, update: Update, effects: &mut Vec<Effect>) {
    let machines = matches!(update, Update::Machine(_) | Update::Machines(_));
    let ending = matches!(update, Update::Operation(_) | Update::Operations(_) | Update::Schedules(_));
    match &update {
        Update::Operation(operation) => outcome::of_one(state, operation),
        Update::Operations(all) => outcome::of_all(state, all),
        Update::ServiceRemoved(name) => vanished(state, std::slice::from_ref(name)),
        Update::Services(all) => {
            let gone = state.model.services.iter().map(|one| &one.name);
            let gone: Vec<_> = gone.filter(|name| !all.iter().any(|one| one.name == **name)).cloned().collect();
            vanished(state, &gone);
        }
        // Rails, supplies and LEDs follow the machines, and have no stream of their own.
        Update::Machine(_) => state.hardware_asked = None,
        _ => {}
    }
    state.model.apply(state.now, update);
    if machines {
        renewal::machines_changed(state, effects);
    }
    if ending {
        renewal::end_of_cancelling(state);
    }
}

/// Services are not declared any more: nothing can be done with them, so what offers that goes away.
fn vanished(state: &mut State, names: &[String]) {
    let targets = match &state.modal {
        Some(Modal::Menu(menu)) => match &menu.target {
            Item::Service(name) => std::slice::from_ref(name),
            _ => return,
        },
        Some(Modal::Confirm(confirm)) => match &confirm.deed {
            Deed::Services { names, .. } => names.as_slice(),
            Deed::Reset { service } => std::slice::from_ref(service),
            _ => return,
        },
        _ => return,
    };
    if let Some(target) = targets.iter().find(|target| names.contains(target)) {
        let text = format!("{target} is not declared any more: a reload has removed it");
        state.modal = None;
        intent::tell(state, text, Tone::Bad);
    }
}

fn answer(state: &mut State, token: Token, result: Result<Answer, Refusal>) {
    let now = state.now;
    // What the link made up for a daemon that is silent is no word of it.
    if result.is_ok() {
        state.model.heard = Some(now);
    }
    if let Some(Modal::Confirm(confirm)) = &mut state.modal
        && confirm.awaits(token)
    {
        let plan = match result {
            Ok(Answer::Operation(operation)) => Plan::Known(operation),
            Ok(Answer::WhatIf(mut what_if)) => {
                among_themselves(&confirm.deed, &mut what_if);
                Plan::Foreseen(what_if)
            }
            Ok(Answer::Done | Answer::Why(_)) => Plan::None,
            // An older daemon cannot say what follows; it can still do it.
            Err(refusal) if refusal.code == "not in this daemon" && matches!(confirm.deed, Deed::Services { .. }) => {
                Plan::None
            }
            Err(mut refusal) => {
                let known = match &confirm.deed {
                    Deed::Transition { machine, request, .. } => state
                        .model
                        .machine(machine)
                        .and_then(|machine| machine.requests.iter().find(|known| known.name == *request))
                        .map(|request| request.blocked_by.as_slice()),
                    _ => None,
                };
                add_remedies(&mut refusal, known.unwrap_or_default());
                Plan::Refused(refusal)
            }
        };
        planned(state, plan);
        return;
    }
    if let Some(Modal::Why(shown)) = &mut state.modal
        && shown.answer == Err(token)
    {
        match result {
            Ok(Answer::Why(why)) => shown.answer = Ok(why),
            Ok(_) => state.modal = None,
            Err(refusal) => {
                state.modal = None;
                intent::tell(state, refusal.message, Tone::Bad);
            }
        }
        return;
    }
    let Some(index) = state.asked.iter().position(|asked| asked.token == token) else { return };
    let Asked { title: what, deed, .. } = state.asked.remove(index);
    match result {
        Ok(Answer::Operation(operation)) => begun(state, &what, now, *operation),
        Ok(Answer::Done | Answer::Why(_) | Answer::WhatIf(_)) => {
            state.hardware_asked = None;
            state.faults_asked = None;
            state.schedules_asked = None;
            intent::tell(state, format!("{what}: done"), Tone::Good);
        }
        Err(refusal) => {
            // Only where nothing else has the keys is the new plan offered: there its refusal stands.
            let stale = refusal.conditions.iter().any(|one| one.kind == STALE_PLAN);
            state.stale = deed.filter(|_| stale && state.modal.is_none());
            refused(state, what, refusal);
        }
    }
}

/// The plan of the open question has come.
fn planned(state: &mut State, plan: Plan) {
    let Some(Modal::Confirm(confirm)) = &state.modal else { return };
    let idle = renewal::is_idle(state, &confirm.deed, &plan);
    let destructive = match &confirm.deed {
        Deed::Transition { machine, request, .. } => {
            let machine = state.model.machine(machine);
            machine.is_some_and(|one| one.requests.iter().any(|own| own.name == *request && own.destructive))
        }
        _ => false,
    };
    let Some(Modal::Confirm(confirm)) = &mut state.modal else { return };
    // What was harmless when it was asked for may interrupt something by now.
    if let Deed::Transition { destructive: known, .. } = &mut confirm.deed {
        *known |= destructive;
    }
    confirm.take(plan, idle);
}

fn begun(state: &mut State, what: &str, now: Mono, operation: Operation) {
    if operation.state == OperationState::Refused {
        let refusal = Refusal {
            code: "refused".to_owned(),
            message: operation.reason.clone(),
            conditions: operation.conditions.clone(),
        };
        return refused(state, what.to_owned(), refusal);
    }
    state.awaited.insert(operation.id.clone(), Awaited::new(&operation));
    // The stream may have told of its end before this answer.
    let newest = state.model.operation(&operation.id).cloned().unwrap_or_else(|| operation.clone());
    outcome::of_one(state, &newest);
    if state.awaited.contains_key(&operation.id) {
        let (text, about) = (format!("{what}: {} is under way", operation.id), About::UnderWay(operation.id.clone()));
        intent::tell_about(state, text, Tone::Plain, about);
        // As it goes, wherever it was asked from; but never over what is being typed.
        if state.modal.is_none() {
            state.modal = Some(Modal::Progress { id: operation.id.clone(), scrolled: 0 });
        }
    }
    // The stream may have told more already.
    if state.model.operation(&operation.id).is_none() {
        state.model.apply(now, Update::Operation(operation));
    }
}

fn refused(state: &mut State, what: String, refusal: Refusal) {
    if state.modal.is_none() {
        // It says all there is to say: that it was asked for is over.
        state.notice = None;
        state.modal = Some(Modal::Refused { what, refusal, scrolled: 0 });
    } else {
        // Never take the keys away from what is being typed.
        intent::tell(state, format!("{what} {}: {}", refusal.code, refusal.message), Tone::Bad);
    }
}

/// An error answer carries no remedies; the machine's own list of what forbids the request does.
fn add_remedies(refusal: &mut Refusal, known: &[Condition]) {
    for condition in &mut refusal.conditions {
        let same = known.iter().find(|other| other.kind == condition.kind && other.subject == condition.subject);
        if let Some(other) = same.filter(|_| condition.remedy.is_empty()) {
            condition.remedy.clone_from(&other.remedy);
        }
    }
    if refusal.conditions.is_empty() {
        refusal.conditions = known.to_vec();
    }
}

/// The daemon was asked of each alone; what stands against one because of another that goes down too does not count.
fn among_themselves(deed: &Deed, what_if: &mut WhatIf) {
    let Deed::Services { verb, names, along, force } = deed else { return };
    // The daemon was asked about the stop only.
    if *force && *verb == ServiceVerb::Restart {
        what_if.consequences.push((String::new(), "what is checked before the start is skipped".to_owned()));
    }
    if names.len() > 1 {
        what_if.consequences.retain(|(subject, _)| {
            let name = subject.strip_prefix("service ").unwrap_or(subject);
            !names.iter().any(|other| other == name)
        });
        what_if.obstacles.retain(|one| !along.is_empty() || one.kind != "dependents-running");
    }
}

/// Whether this daemon serves `area`, as far as is known.
pub fn serves(state: &State, area: Area) -> bool {
    !state.missing.contains(&area)
}
