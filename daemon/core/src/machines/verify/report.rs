//! What a verification found.

use std::fmt;

use crate::ids::Name;

/// What kind of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Whatever happens, the machine never gets there.
    UnreachableState,
    /// From there a request can never be fulfilled any more.
    DeadEnd,
    /// A transitional state may last for ever.
    UnboundedWait,
    /// States send each other on without end.
    NeverRests,
    /// The hardware changes, and the machine neither follows nor calls it a fault.
    UnhandledEvent,
    /// A power output stays high where there should be no power.
    LeftOn,
    /// A fault state switches power on.
    FaultDrivesUp,
    /// The daemon's restart alone changes an output of a machine that is on.
    RestartDrives,
    /// A machine is switched on while the machine it stands in is not on.
    OnWithoutParent,
    /// A machine rests with power while the machine it stands in has none, though the hardware obeys.
    RestsWithoutParent,
    /// The board as a whole comes to rest where a request can never be fulfilled any more.
    Deadlock,
    /// A request is accepted, and is never fulfilled though the hardware obeys.
    NeverFulfilled,
    /// What the board says must never be.
    Forbidden,
}

impl FindingKind {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnreachableState => "unreachable-state",
            Self::DeadEnd => "dead-end",
            Self::UnboundedWait => "unbounded-wait",
            Self::NeverRests => "never-rests",
            Self::UnhandledEvent => "unhandled-event",
            Self::LeftOn => "left-on",
            Self::FaultDrivesUp => "fault-drives-up",
            Self::RestartDrives => "restart-drives",
            Self::OnWithoutParent => "on-without-parent",
            Self::RestsWithoutParent => "rests-without-parent",
            Self::Deadlock => "deadlock",
            Self::NeverFulfilled => "never-fulfilled",
            Self::Forbidden => "forbidden",
        }
    }

    /// What to do about it, one sentence.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::UnreachableState => "remove it, or add a transition that leads there",
            Self::DeadEnd => "add a transition that leads on from there",
            Self::UnboundedWait => "add `timeout` and an unguarded `{ event = \"timeout\", to = STATE }`",
            Self::NeverRests => "let one of them end in a state that is not transitional",
            Self::UnhandledEvent => "add a transition on that line: to what it means, or to a fault",
            Self::LeftOn => "set it low on entry of that state",
            Self::FaultDrivesUp => "let a fault be left by a request, or by what the hardware shows",
            Self::RestartDrives => "let discovery lead to a state that rests, and changes no output to get there",
            Self::OnWithoutParent => {
                "only `request = \"on\"` is held back while the parent is not on: switch on there alone"
            }
            Self::RestsWithoutParent => "follow the fall of power-good to a state without power",
            Self::Deadlock => "add a transition that leads out of there, or weaken what holds the request back",
            Self::NeverFulfilled => "let what the request leads to wait for a line that its outputs bring about",
            Self::Forbidden => "follow the trace: one of its steps must not be possible",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// Whose; of several machines with the same definition the first.
    pub machine: Name,
    /// In which state of its definition. Absent: it is about none in particular.
    pub state: Option<Name>,
    /// One sentence without a full stop.
    pub text: String,
    /// A shortest way there, one step a line: what happened → each machine's state and what it drives. Empty: it can be
    /// seen in the definition.
    pub trace: Vec<String>,
}

/// How much of something was explored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Explored {
    /// States.
    pub states: usize,
    /// How often something happened in one of them.
    pub transitions: usize,
    /// Everything that can be reached was; otherwise it stopped at the bound.
    pub complete: bool,
}

impl Explored {
    /// Together with another exploration.
    pub(super) const fn add(&mut self, other: Self) {
        self.states += other.states;
        self.transitions += other.transitions;
        self.complete &= other.complete;
    }
}

/// What was verified, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Each definition by itself, with any fault of its lines, all together.
    pub alone: Explored,
    /// All machines together, with hardware that obeys.
    pub product: Explored,
    /// Each machine with all that it stands in and the BMC, with any fault of any line.
    pub faulty: Explored,
    /// What was not explored, and why; one sentence each.
    pub left_out: Vec<String>,
    /// Mistakes; empty: none.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Everything that can be reached was explored, but for what was left out.
    pub const fn is_complete(&self) -> bool {
        self.alone.complete && self.product.complete && self.faulty.complete
    }

    /// States of all explorations.
    pub const fn states(&self) -> usize {
        self.alone.states + self.product.states + self.faulty.states
    }

    /// Transitions of all explorations.
    pub const fn transitions(&self) -> usize {
        self.alone.transitions + self.product.transitions + self.faulty.transitions
    }
}
