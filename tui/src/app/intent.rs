//! From wanting something to asking the daemon for it.

use super::{
    About, Ask, Asked, Confirm, Deed, Effect, Modal, Notice, State, Token, Tone, confirm::Plan, look, renewal,
};

/// Seconds a notice stays.
const NOTICE_S: f64 = 10.0;

/// Shows a sentence for a while.
pub(super) fn tell(state: &mut State, text: String, tone: Tone) {
    tell_about(state, text, tone, About::What);
}

/// The same of something that may be over sooner.
pub(super) fn tell_about(state: &mut State, text: String, tone: Tone, about: About) {
    state.notice = Some(Notice { text, tone, until: state.now.after(NOTICE_S), about });
}

/// Says that something is not possible without a connection.
pub(super) fn no_connection(state: &mut State, what: &str) {
    tell_about(state, format!("no connection: {what}"), Tone::Bad, About::NoLink);
}

/// Opens the question whether to do it, and asks the daemon what it would do.
pub(super) fn consider(state: &mut State, deed: Deed, effects: &mut Vec<Effect>) {
    consider_because(state, deed, String::new(), effects);
}

/// The same for a reason that was given already.
pub(super) fn consider_because(state: &mut State, deed: Deed, reason: String, effects: &mut Vec<Effect>) {
    if !state.connected() {
        return no_connection(state, &format!("`{}` cannot be asked for now", deed.title()));
    }
    if let Deed::Transition { machine, .. } = &deed {
        // Its definition says where the request leads; the view that asks for it may not have been open yet.
        look::fetch_graph(state, machine.clone(), effects);
    }
    let plan = match deed.plan() {
        Some(wish) => Plan::Asked(ask(state, wish, None, effects)),
        None => Plan::None,
    };
    let mut confirm = Confirm::new(deed, plan, reason);
    confirm.basis = renewal::basis(state, &confirm.deed);
    if state.read_only {
        confirm.only_look();
    }
    state.modal = Some(Modal::Confirm(confirm));
}

/// Does what was confirmed.
pub(super) fn carry_out(state: &mut State, confirm: &Confirm, effects: &mut Vec<Effect>) {
    let title = confirm.deed.title();
    if state.read_only {
        return tell(state, format!("read-only: `{title}` is not possible here"), Tone::Bad);
    }
    state.stale = None;
    tell(state, format!("{title}: asked for"), Tone::Plain);
    ask(state, confirm.deed.ask(&confirm.plan, confirm.reason.text()), Some(title), effects);
    if let Some(asked) = state.asked.last_mut() {
        asked.deed = Some((confirm.deed.clone(), confirm.reason.text().to_owned()));
    }
}

/// Sends a request; `title` is what its outcome will be told by.
pub(super) fn ask(state: &mut State, ask: Ask, title: Option<String>, effects: &mut Vec<Effect>) -> Token {
    let token = Token(state.last_token.0 + 1);
    state.last_token = token;
    if let Some(title) = title {
        state.asked.push(Asked { token, title, deed: None });
    }
    effects.push(Effect::Ask(token, ask));
    token
}
