//! From wanting something to asking the daemon for it.

use super::{Ask, Confirm, Deed, Effect, Modal, Notice, State, Token, Tone, confirm::Plan, look};

/// Seconds a notice stays.
const NOTICE_S: f64 = 10.0;

/// Shows a sentence for a while.
pub(super) fn tell(state: &mut State, text: String, tone: Tone) {
    state.notice = Some(Notice { text, tone, until: state.now.after(NOTICE_S) });
}

/// Opens the question whether to do it, and asks the daemon what it would do.
pub(super) fn consider(state: &mut State, deed: Deed, effects: &mut Vec<Effect>) {
    consider_because(state, deed, String::new(), effects);
}

/// The same for a reason that was given already.
pub(super) fn consider_because(state: &mut State, deed: Deed, reason: String, effects: &mut Vec<Effect>) {
    if state.read_only {
        return tell(state, format!("read-only: `{}` is not possible here", deed.title()), Tone::Bad);
    }
    if !state.connected() {
        return tell(state, format!("no connection: `{}` cannot be asked for now", deed.title()), Tone::Bad);
    }
    if let Deed::Transition { machine, .. } = &deed {
        // Its definition says where the request leads; the view that asks for it may not have been open yet.
        look::fetch_graph(state, machine.clone(), effects);
    }
    let plan = match deed.plan() {
        Some(wish) => Plan::Asked(ask(state, wish, None, effects)),
        None => Plan::None,
    };
    state.modal = Some(Modal::Confirm(Confirm::new(deed, plan, reason)));
}

/// Does what was confirmed.
pub(super) fn carry_out(state: &mut State, confirm: &Confirm, effects: &mut Vec<Effect>) {
    let title = confirm.deed.title();
    if !state.connected() {
        return tell(state, format!("no connection: `{title}` was not sent"), Tone::Bad);
    }
    tell(state, format!("{title}: asked for"), Tone::Plain);
    ask(state, confirm.deed.ask(&confirm.plan, confirm.reason.text()), Some(title), effects);
}

/// Sends a request; `title` is what its outcome will be told by.
pub(super) fn ask(state: &mut State, ask: Ask, title: Option<String>, effects: &mut Vec<Effect>) -> Token {
    let token = Token(state.last_token.0 + 1);
    state.last_token = token;
    if let Some(title) = title {
        state.asked.push((token, title));
    }
    effects.push(Effect::Ask(token, ask));
    token
}
