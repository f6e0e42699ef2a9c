//! What is wrong with the machines.

use serde::Serialize;
use ubmc_proto::v1;

use super::present;

/// What a verification found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Verification {
    /// States of all explorations.
    pub states: u64,
    /// Transitions of all explorations.
    pub transitions: u64,
    /// All machines together, with hardware that obeys.
    pub product: Explored,
    /// Each machine by itself, any fault.
    pub alone: Explored,
    /// Each machine with what it stands in, any fault.
    pub faulty: Explored,
    pub complete: bool,
    pub duration_s: f64,
    pub left_out: Vec<String>,
    pub findings: Vec<Finding>,
}

/// How much was explored.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Explored {
    pub states: u64,
    pub transitions: u64,
    pub complete: bool,
}

/// Something that is wrong.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub kind: String,
    pub machine: String,
    pub state: Option<String>,
    pub text: String,
    pub remedy: Option<String>,
    pub trace: Vec<String>,
}

impl From<v1::Exploration> for Explored {
    fn from(wire: v1::Exploration) -> Self {
        Self { states: wire.states, transitions: wire.transitions, complete: wire.complete }
    }
}

impl From<v1::MachineFinding> for Finding {
    fn from(wire: v1::MachineFinding) -> Self {
        Self {
            kind: wire.kind,
            machine: wire.machine,
            state: present(wire.state),
            text: wire.text,
            remedy: present(wire.remedy),
            trace: wire.trace,
        }
    }
}

impl From<v1::VerifyMachinesResponse> for Verification {
    fn from(wire: v1::VerifyMachinesResponse) -> Self {
        let explored = |wire: Option<v1::Exploration>| Explored::from(wire.unwrap_or_default());
        let (alone, product, faulty) = (explored(wire.alone), explored(wire.product), explored(wire.faulty));
        let all = [&alone, &product, &faulty];
        Self {
            states: all.iter().map(|one| one.states).sum(),
            transitions: all.iter().map(|one| one.transitions).sum(),
            complete: all.iter().all(|one| one.complete),
            duration_s: wire.duration_s,
            left_out: wire.left_out,
            findings: wire.findings.into_iter().map(Finding::from).collect(),
            alone,
            product,
            faulty,
        }
    }
}
