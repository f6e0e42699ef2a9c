//! Before anything is done: what will happen, and whether that is wanted.
//!
//! ```text
//!            plan arrives            harmless: Cancel has the focus, Tab moves it, Enter presses it
//!   asked ───────────────▶ known ──▶ destructive: Enter does it only after the target's name was typed
//!     │                      │
//!     └──────▶ refused       └─Esc, or Enter on Cancel or on an empty line─▶ nothing was done
//! ```

use super::{Ask, Line, ServiceVerb, Token};
use crate::model::{Operation, OperationState, Refusal};

/// Something that changes the machine room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A request to a machine.
    Transition {
        /// The machine.
        machine: String,
        /// The request.
        request: String,
        /// The daemon says that it interrupts something that runs.
        destructive: bool,
    },
    /// A request for a service.
    Service {
        /// What.
        verb: ServiceVerb,
        /// Which.
        name: String,
        /// What goes along: active services that need this one.
        along: Vec<String>,
    },
    /// The end of an operation.
    CancelOperation {
        /// Its id.
        id: String,
    },
    /// The identify LED.
    Identify {
        /// Lit or not.
        on: bool,
    },
}

/// Requests that are taken as destructive whatever the daemon says: a wrong flag must not make them easy.
const ALWAYS_DESTRUCTIVE: [&str; 7] = ["off", "force-off", "reset", "restart", "cycle", "nmi", "emergency-off"];

impl Deed {
    /// What it acts on: the name that has to be typed.
    pub fn target(&self) -> &str {
        match self {
            Self::Transition { machine, .. } => machine,
            Self::Service { name, .. } => name,
            Self::CancelOperation { id } => id,
            Self::Identify { .. } => "identify",
        }
    }

    /// In two or three words: `force-off host.0`.
    pub fn title(&self) -> String {
        match self {
            Self::Transition { machine, request, .. } => format!("{request} {machine}"),
            Self::Service { verb, name, .. } => format!("{} {name}", verb.word()),
            Self::CancelOperation { id } => format!("cancel {id}"),
            Self::Identify { on } => format!("identify {}", if *on { "on" } else { "off" }),
        }
    }

    /// Whether the target's name must be typed.
    pub fn is_destructive(&self) -> bool {
        match self {
            Self::Transition { request, destructive, .. } => {
                *destructive || ALWAYS_DESTRUCTIVE.contains(&request.as_str())
            }
            Self::Service { verb, .. } => verb.is_destructive(),
            Self::CancelOperation { .. } | Self::Identify { .. } => false,
        }
    }

    /// The request that asks for the plan. None: the daemon makes none for this.
    pub fn plan(&self) -> Option<Ask> {
        match self {
            Self::Transition { machine, request, .. } => {
                Some(Ask::Plan { machine: machine.clone(), request: request.clone() })
            }
            Self::Service { .. } | Self::CancelOperation { .. } | Self::Identify { .. } => None,
        }
    }

    /// The request that does it, bound to the plan that was shown.
    pub fn ask(&self, plan: &Plan) -> Ask {
        match self {
            Self::Transition { machine, request, .. } => Ask::Transition {
                machine: machine.clone(),
                request: request.clone(),
                revision: match plan {
                    Plan::Known(operation) => operation.revision.clone(),
                    Plan::Asked(_) | Plan::None | Plan::Refused(_) => String::new(),
                },
            },
            // What goes along was shown, so it is meant.
            Self::Service { verb, name, along } => {
                Ask::Service { verb: *verb, name: name.clone(), force: !along.is_empty() }
            }
            Self::CancelOperation { id } => Ask::CancelOperation { id: id.clone() },
            Self::Identify { on } => Ask::Identify { on: *on },
        }
    }
}

/// What will happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// The daemon has been asked.
    Asked(Token),
    /// The daemon's plan.
    Known(Box<Operation>),
    /// The daemon makes none for this.
    None,
    /// The daemon would refuse it.
    Refused(Refusal),
}

/// A question with Cancel as its default.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirm {
    /// What is to be done.
    pub deed: Deed,
    /// What will happen then.
    pub plan: Plan,
    /// For destructive deeds: what has been typed of the target's name.
    pub typed: Line,
    /// For harmless deeds: the focus is on doing it instead of on Cancel.
    pub go: bool,
}

/// What Enter means now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Do it.
    Do,
    /// Leave it.
    Cancel,
    /// Neither: the name is not right, or the plan is not there yet.
    Stay,
}

impl Confirm {
    /// A question about `deed`.
    pub fn new(deed: Deed, plan: Plan) -> Self {
        Self { deed, plan, typed: Line::default(), go: false }
    }

    /// Whether the plan is known and can be carried out.
    pub fn can_be_done(&self) -> bool {
        match &self.plan {
            Plan::Known(operation) => operation.conditions.is_empty() && operation.state != OperationState::Refused,
            Plan::None => true,
            Plan::Asked(_) | Plan::Refused(_) => false,
        }
    }

    /// What Enter means now.
    pub fn verdict(&self) -> Verdict {
        let refused =
            matches!(self.plan, Plan::Refused(_)) || (!self.can_be_done() && !matches!(self.plan, Plan::Asked(_)));
        if refused {
            return Verdict::Cancel;
        }
        if self.deed.is_destructive() {
            return match self.typed.text().trim() {
                "" => Verdict::Cancel,
                name if name == self.deed.target() && self.can_be_done() => Verdict::Do,
                _ => Verdict::Stay,
            };
        }
        match (self.go, self.can_be_done()) {
            (false, _) => Verdict::Cancel,
            (true, true) => Verdict::Do,
            (true, false) => Verdict::Stay,
        }
    }
}
