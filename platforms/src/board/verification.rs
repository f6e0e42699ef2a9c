//! Machines that nobody has verified before are explored when they are loaded: those of definitions that are not shipped,
//! and those of which the board says what must never be. What is found stands where it was written.

use std::{collections::BTreeMap, rc::Rc};

use ubmc_core::{
    board::Board,
    ids::Name,
    machines::verify::{self, Finding, FindingKind},
};

use super::{diagnostic::Diagnostics, source::Span};

/// States after which an exploration at load stops: a second or two.
const BOUND: usize = 300_000;

/// Where a machine was written.
pub(super) struct Written {
    /// Its definition as the board names it.
    pub(super) at: Span,
    /// The states of its definition. Absent: it is shipped.
    pub(super) states: Option<Rc<BTreeMap<Name, Span>>>,
}

/// Explores the machines of a board that has no errors so far.
pub(super) fn check(board: &Board, machines: &[Written], never: &[Span], out: &mut Diagnostics) {
    if board.never.is_empty() && machines.iter().all(|machine| machine.states.is_none()) {
        return;
    }
    let report = verify::verify(board, BOUND);
    for finding in &report.findings {
        tell(finding, board, machines, never, out);
    }
    let at = machines.iter().find(|machine| machine.states.is_some()).or(machines.first());
    let at = at.map(|machine| machine.at).unwrap_or_default();
    for why in &report.left_out {
        out.warning(at, format!("not verified: {why}")).done();
    }
    if !report.is_complete() {
        let text = format!("the machines were explored in {} states and not further", report.states());
        out.warning(at, text).help("`ubmcd --check` and `ubmcctl machines verify` go further");
    }
}

fn tell(finding: &Finding, board: &Board, machines: &[Written], never: &[Span], out: &mut Diagnostics) {
    let place = board.machines.iter().position(|spec| spec.name == finding.machine);
    let machine = place.and_then(|place| machines.get(place));
    let declared = machine.map(|machine| machine.at).unwrap_or_default();
    let state = finding.state.as_ref();
    let written = machine.and_then(|machine| machine.states.as_ref()?.get(state?).copied());
    let said = board
        .never
        .iter()
        .position(|spec| finding.kind == FindingKind::Forbidden && finding.text.starts_with(&spec.text));
    let said = said.and_then(|place| never.get(place).copied());
    let noted = out.error(said.or(written).unwrap_or(declared), format!("{}: {}", finding.kind, finding.text));
    let noted = if written.is_some() && said.is_none() {
        noted.related(declared, format!("machine `{}`", finding.machine))
    } else {
        noted
    };
    noted.help(finding.kind.remedy()).trace(&finding.trace).done();
}
