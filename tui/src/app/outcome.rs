//! The ends of operations that were begun here: each is told once, whatever became of the connection meanwhile.

use std::mem;

use super::{Modal, State, Tone, intent, state::About};
use crate::model::{Mono, Operation, OperationState};

/// Seconds within which ends are told in one notice: one must not wipe the other off before it was read.
const TOGETHER_S: f64 = 3.0;

/// What is kept of an operation that was begun here, to know it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// e.g. `host-on`.
    pub kind: String,
    /// What it acts on.
    pub target: String,
    /// The connection was lost since: only then can it be that the daemon does not know it any more.
    pub parted: bool,
}

impl Awaited {
    pub(super) fn new(operation: &Operation) -> Self {
        Self { kind: operation.kind.clone(), target: operation.target.clone(), parted: false }
    }

    /// Another run of the daemon may give the same id to something else.
    fn is(&self, operation: &Operation) -> bool {
        self.kind == operation.kind && self.target == operation.target
    }
}

/// One operation has changed.
pub(super) fn of_one(state: &mut State, operation: &Operation) {
    if !operation.state.is_final() {
        return;
    }
    forget_that_it_goes_on(state, &operation.id);
    if state.awaited.get(&operation.id).is_some_and(|one| one.is(operation)) {
        state.awaited.remove(&operation.id);
        tell(state, vec![sentence(operation)]);
    }
}

/// All operations that the daemon knows, at the beginning of a connection: what ended while there was none, and what is
/// not known any more.
pub(super) fn of_all(state: &mut State, all: &[Operation]) {
    let anew = mem::take(&mut state.daemon_anew);
    let mut ends = Vec::new();
    for (id, one) in mem::take(&mut state.awaited) {
        match all.iter().find(|operation| operation.id == id && one.is(operation)) {
            Some(operation) if operation.state.is_final() => {
                forget_that_it_goes_on(state, &id);
                ends.push(sentence(operation));
            }
            None if one.parted => {
                forget_that_it_goes_on(state, &id);
                // What has its id now is something else.
                if matches!(&state.modal, Some(Modal::Progress { id: shown, .. }) if *shown == id) {
                    state.modal = None;
                }
                let why = if anew {
                    "ubmcd was started anew and does not know how it ended"
                } else {
                    "ubmcd does not know any more how it ended"
                };
                ends.push((format!("{id} {} {}: {why}", one.kind, one.target), Tone::Bad));
            }
            Some(_) | None => {
                state.awaited.insert(id, one);
            }
        }
    }
    tell(state, ends);
}

/// A sentence that it is under way is not true any more.
fn forget_that_it_goes_on(state: &mut State, id: &str) {
    if state.notice.as_ref().is_some_and(|notice| matches!(&notice.about, About::UnderWay(other) if other == id)) {
        state.notice = None;
    }
}

/// The end of an operation, in a sentence.
fn sentence(operation: &Operation) -> (String, Tone) {
    let tone = if operation.state == OperationState::Succeeded { Tone::Good } else { Tone::Bad };
    let mut text = format!("{} {} {}", operation.kind, operation.target, operation.state.word());
    if let Some(took) = operation.duration_s {
        let took = if took < 0.05 { format!("{:.0} ms", took * 1_000.0) } else { format!("{took:.1} s") };
        text = format!("{text} after {took}");
    }
    if tone == Tone::Bad && !operation.reason.is_empty() {
        text = format!("{text}: {}", operation.reason);
    }
    (text, tone)
}

/// Several ends at once are one notice: how many there are, and the worst of them.
fn tell(state: &mut State, new: Vec<(String, Tone)>) {
    if new.is_empty() {
        return;
    }
    let (mut ends, first): (_, Mono) = match state.notice.take().map(|notice| notice.about) {
        Some(About::Ends { ends, first }) if state.now.since(first) < TOGETHER_S => (ends, first),
        _ => (Vec::new(), state.now),
    };
    ends.extend(new);
    let worst = ends.iter().find(|(_, tone)| *tone == Tone::Bad).or(ends.last());
    let Some((worst, tone)) = worst.cloned() else { return };
    let text = match (ends.len(), tone) {
        (1, _) => worst,
        (count, Tone::Bad) => format!("{count} operations have ended, the worst: {worst}"),
        (count, _) => format!("{count} operations have ended, the last: {worst}"),
    };
    intent::tell_about(state, text, tone, About::Ends { ends, first });
}
