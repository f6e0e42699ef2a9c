//! Verification of machines before they are trusted with power (SPEC ST-10): everything that can happen is tried.
//!
//! ```text
//! definitions ──sheet──▶ tables ─┬─ alone ────▶ each machine by itself, any fault of its lines
//!   (asked as the bank does)     ├─ product ──▶ all together, hardware that obeys: requests are fulfilled, nothing
//!                                │              rests where it must not
//!                                └─ product ──▶ each with what it stands in, any fault: nothing is switched on that
//!                                               must not be
//! ```
//!
//! The search is breadth first over explicit states, so the first way to a mistake is a shortest one, and is told step by
//! step. A state is: each machine's state, the levels that were read last, the outputs that are held, where its sequence
//! stands, and what its hardware was asked to do by a pulse.
//!
//! What the model takes for granted:
//! - *Hardware that obeys*: power-good follows the machine's power outputs, sequences and button as long as what it
//!   stands in has power; post-complete follows power-good and falls on a reset; software that is asked to shut down does.
//!   All of that happens at some time, in any order. A host may also switch itself off or reset itself. Lines with other
//!   names may change whenever they like.
//! - *Any fault*: every line may rise, fall or become unreadable at any time whatever it was told, which also says stuck
//!   and lost; every sequence may fail; every rail may be lost.
//! - In both: a time-out may strike as soon as its state is entered (nothing is known of how long anything takes); critical
//!   services become ready and fail; the daemon may die and discover anew in any state; requests come in any order, as
//!   far as the interlocks that bind machines to each other let them through. Interlocks of heat and supplies would only
//!   forbid more. An operation that is cancelled is one whose requests simply stop.
//! - Which arrow is taken is not modelled: [`sheet`] tabulates the definition's own functions, which the bank uses too.
//! - Machines alike in all but their name beyond those that may power on together, and one, are left out: they are bound
//!   only by their parent and that limit.

mod alone;
mod model;
mod product;
mod report;
mod search;
mod sheet;
mod world;

pub use report::{Explored, Finding, FindingKind, Report};

use crate::{
    board::Board,
    ids::{MachineId, Name},
    machines::MachineKind,
};
use model::Model;
use sheet::Sheet;
use world::Packing;

/// States after which an exploration stops, unless somebody says otherwise: some seconds, some 100 MB.
pub const BOUND: usize = 2_000_000;

/// Why something cannot be explored at all.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused(String);

/// What a board says must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeverSpec {
    /// Each of these machines in one of these states, all at once; at least one.
    pub when: Vec<(MachineId, Vec<Name>)>,
    /// Not even on the way. Else it must not last: nothing that is due would change it.
    pub briefly: bool,
    /// Why, or what it is, for people.
    pub text: String,
}

/// The same, in places of the machines that are explored.
#[derive(Clone, Debug)]
struct Never {
    when: Vec<(usize, Vec<Name>)>,
    briefly: bool,
    text: String,
}

/// Explores the machines of a board; each exploration stops after `bound` states. Takes long: not for the loop.
pub fn verify(board: &Board, bound: usize) -> Report {
    let mut report = Report::default();
    let mut sheets: Vec<Sheet> = Vec::new();
    let explored = representatives(board, &mut report.left_out);
    for id in &explored {
        match Sheet::new(board, *id) {
            Ok(sheet) => sheets.push(sheet),
            Err(Refused(why)) => {
                report.left_out.push(why);
                return report;
            }
        }
    }
    // Places among all machines become places among those that are explored.
    for sheet in &mut sheets {
        let parent = sheet.parent.map(MachineId::new);
        sheet.parent = parent.and_then(|parent| explored.iter().position(|id| *id == parent));
    }
    report.alone.complete = true;
    let mut seen: Vec<&Sheet> = Vec::new();
    for sheet in &sheets {
        if seen.iter().any(|other| other.is_like(sheet)) {
            continue;
        }
        seen.push(sheet);
        let (explored, findings) = alone::verify(sheet, bound);
        report.alone.add(explored);
        report.findings.extend(findings);
    }
    let bits = Packing::new(&sheets).bits;
    if bits > u128::BITS {
        report.left_out.push(format!(
            "all machines together: {} machines take {bits} bits, and no more than {} can be explored",
            sheets.len(),
            u128::BITS
        ));
        return report;
    }
    let model = Model { sheets: &sheets, together: board.policy.max_concurrent_power_on.max(1) };
    let never: Vec<_> = board.never.iter().filter_map(|spec| placed(spec, &explored)).collect();
    let (explored, findings) = product::obedient(&model, &never, bound);
    report.product = explored;
    report.findings.extend(findings);
    report.faulty.complete = true;
    for family in families(&sheets) {
        let model = Model { sheets: &family, together: usize::MAX };
        let (explored, findings) = product::faulty(&model, bound);
        report.faulty.add(explored);
        for finding in findings {
            let known = |other: &Finding| other.kind == finding.kind && other.machine == finding.machine;
            if !report.findings.iter().any(known) {
                report.findings.push(finding);
            }
        }
    }
    report
}

fn placed(spec: &NeverSpec, explored: &[MachineId]) -> Option<Never> {
    let place = |(machine, states): &(MachineId, Vec<Name>)| {
        Some((explored.iter().position(|id| id == machine)?, states.clone()))
    };
    let when = spec.when.iter().map(place).collect::<Option<Vec<_>>>()?;
    Some(Never { when, briefly: spec.briefly, text: spec.text.clone() })
}

/// Each machine that stands in another with all that it stands in, and the BMC. What is left out could only forbid
/// something: whatever the whole board can do, these can do alone.
fn families(sheets: &[Sheet]) -> Vec<Vec<Sheet>> {
    let mut families: Vec<Vec<Sheet>> = Vec::new();
    for (place, sheet) in sheets.iter().enumerate() {
        let mut members = vec![place];
        while let Some(parent) = members.last().and_then(|last| sheets[*last].parent) {
            members.push(parent);
        }
        members.extend((0..sheets.len()).filter(|other| sheets[*other].kind() == MachineKind::Bmc && *other != place));
        members.sort_unstable();
        let family: Vec<_> = members
            .iter()
            .map(|member| {
                let mut sheet = sheets[*member].clone();
                sheet.parent = sheet.parent.and_then(|parent| members.iter().position(|other| *other == parent));
                sheet
            })
            .collect();
        let is_like =
            |known: &Vec<Sheet>| known.len() == family.len() && known.iter().zip(&family).all(|(a, b)| a.is_like(b));
        if sheet.parent.is_some() && !families.iter().any(is_like) {
            families.push(family);
        }
    }
    families
}

/// The machines to explore: of those alike in all but their name as many as may power on together, and one.
fn representatives(board: &Board, left_out: &mut Vec<String>) -> Vec<MachineId> {
    let most = board.policy.max_concurrent_power_on.saturating_add(1).max(2);
    let mut kept: Vec<MachineId> = Vec::new();
    let mut omitted: Vec<&str> = Vec::new();
    for (place, spec) in board.machines.iter().enumerate() {
        let alike = |id: &&MachineId| {
            let other = board.machine(**id);
            other.parent == spec.parent && other.definition == spec.definition && spec.parent.is_some()
        };
        let named = board.never.iter().flat_map(|never| &never.when).any(|(id, _)| id.index() == place);
        let leaf = !board.machines.iter().any(|other| other.parent == Some(MachineId::new(place)));
        if leaf && !named && spec.sequences.is_empty() && kept.iter().filter(alike).count() >= most {
            omitted.push(spec.name.as_str());
        } else {
            kept.push(MachineId::new(place));
        }
    }
    if !omitted.is_empty() {
        left_out.push(format!("{}: like the {most} before, which were explored", omitted.join(", ")));
    }
    kept
}
