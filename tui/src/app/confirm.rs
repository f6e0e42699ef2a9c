//! Before anything is done: what will happen, and whether that is wanted.
//!
//! ```text
//!            plan arrives            harmless: Cancel has the keys, Tab moves on, Enter presses
//!   asked ───────────────▶ known ──▶ destructive: Enter does it only after the target's name was typed
//!     │                      │
//!     └──────▶ refused       └─Esc, or Enter on Cancel or on an empty line─▶ nothing was done
//! ```

use super::{Ask, Line, ServiceVerb, Token};
use crate::model::{Operation, OperationState, Refusal, WhatIf};

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
    /// The end of a request that waits for its time.
    CancelSchedule {
        /// Its id.
        id: String,
    },
    /// The end of an interlock's override.
    RestoreInterlock {
        /// The machine.
        machine: String,
        /// The condition that stands against powering it on again.
        condition: String,
    },
    /// The identify LED.
    Identify {
        /// Lit or not.
        on: bool,
    },
    /// Fans at a fixed duty for a time.
    Hold {
        /// A fan or a zone.
        target: String,
        /// Percent.
        duty: u32,
        /// Seconds.
        for_s: u32,
    },
    /// Fans back to their controllers.
    Release {
        /// A fan or a zone.
        target: String,
    },
    /// A fault on the simulated board.
    Inject {
        /// How.
        kind: String,
        /// What.
        target: String,
    },
    /// The end of a fault on the simulated board.
    Repair {
        /// How it was broken.
        kind: String,
        /// What.
        target: String,
    },
}

/// Requests that are taken as destructive whatever the daemon says: a wrong flag must not make them easy.
const ALWAYS_DESTRUCTIVE: [&str; 7] = ["off", "force-off", "reset", "restart", "cycle", "nmi", "emergency-off"];

impl Deed {
    /// What it acts on: the name that has to be typed.
    pub fn target(&self) -> &str {
        match self {
            Self::Transition { machine, .. } | Self::RestoreInterlock { machine, .. } => machine,
            Self::Service { name, .. } => name,
            Self::CancelOperation { id } | Self::CancelSchedule { id } => id,
            Self::Identify { .. } => "identify",
            Self::Hold { target, .. }
            | Self::Release { target }
            | Self::Inject { target, .. }
            | Self::Repair { target, .. } => target,
        }
    }

    /// In two or three words: `force-off host.0`.
    pub fn title(&self) -> String {
        match self {
            Self::Transition { machine, request, .. } => format!("{request} {machine}"),
            Self::Service { verb, name, .. } => format!("{} {name}", verb.word()),
            Self::CancelOperation { id } | Self::CancelSchedule { id } => format!("cancel {id}"),
            Self::RestoreInterlock { machine, condition } => format!("restore {condition} of {machine}"),
            Self::Identify { on } => format!("identify {}", if *on { "on" } else { "off" }),
            Self::Hold { target, duty, for_s } => format!("hold {target} at {duty} % for {}", minutes(*for_s)),
            Self::Release { target } => format!("release {target}"),
            Self::Inject { kind, target } => format!("inject {kind} {target}"),
            Self::Repair { kind, target } => format!("repair {kind} {target}"),
        }
    }

    /// Whether the target's name must be typed.
    pub fn is_destructive(&self) -> bool {
        match self {
            Self::Transition { request, destructive, .. } => {
                *destructive || ALWAYS_DESTRUCTIVE.contains(&request.as_str())
            }
            Self::Service { verb, .. } => verb.is_destructive(),
            Self::CancelOperation { .. }
            | Self::CancelSchedule { .. }
            | Self::RestoreInterlock { .. }
            | Self::Identify { .. }
            | Self::Hold { .. }
            | Self::Release { .. }
            | Self::Inject { .. }
            | Self::Repair { .. } => false,
        }
    }

    /// The request that asks for the plan. None: the daemon makes none for this.
    pub fn plan(&self) -> Option<Ask> {
        match self {
            Self::Transition { machine, request, .. } => {
                Some(Ask::Plan { machine: machine.clone(), request: request.clone() })
            }
            Self::Service { verb, name, .. } if verb.is_destructive() => Some(Ask::WhatIf { service: name.clone() }),
            Self::Service { .. }
            | Self::CancelOperation { .. }
            | Self::CancelSchedule { .. }
            | Self::RestoreInterlock { .. }
            | Self::Identify { .. }
            | Self::Hold { .. }
            | Self::Release { .. }
            | Self::Inject { .. }
            | Self::Repair { .. } => None,
        }
    }

    /// Whether the daemon can be told why.
    pub fn takes_reason(&self) -> bool {
        match self {
            Self::Transition { .. }
            | Self::Service { .. }
            | Self::CancelOperation { .. }
            | Self::CancelSchedule { .. }
            | Self::Identify { .. }
            | Self::Hold { .. }
            | Self::Release { .. } => true,
            Self::RestoreInterlock { .. } | Self::Inject { .. } | Self::Repair { .. } => false,
        }
    }

    /// The request that does it for this reason, bound to the plan that was shown.
    pub fn ask(&self, plan: &Plan, reason: &str) -> Ask {
        let reason = reason.trim().to_owned();
        match self {
            Self::Transition { machine, request, .. } => Ask::Transition {
                machine: machine.clone(),
                request: request.clone(),
                revision: match plan {
                    Plan::Known(operation) => operation.revision.clone(),
                    Plan::Asked(_) | Plan::None | Plan::Foreseen(_) | Plan::Refused(_) => String::new(),
                },
                reason,
            },
            // What goes along was shown, so it is meant.
            Self::Service { verb, name, along } => {
                Ask::Service { verb: *verb, name: name.clone(), force: !along.is_empty(), reason }
            }
            Self::CancelOperation { id } => Ask::CancelOperation { id: id.clone(), reason },
            Self::CancelSchedule { id } => Ask::CancelSchedule { id: id.clone(), reason },
            Self::RestoreInterlock { machine, condition } => {
                Ask::RestoreInterlock { machine: machine.clone(), condition: condition.clone() }
            }
            Self::Identify { on } => Ask::Identify { on: *on, reason },
            Self::Hold { target, duty, for_s } => {
                Ask::Hold { target: target.clone(), duty: *duty, for_s: *for_s, reason }
            }
            Self::Release { target } => Ask::Release { target: target.clone(), reason },
            Self::Inject { kind, target } => Ask::Inject { kind: kind.clone(), target: target.clone() },
            Self::Repair { kind, target } => Ask::Repair { kind: kind.clone(), target: target.clone() },
        }
    }
}

/// A time in words: whole minutes where it is.
fn minutes(seconds: u32) -> String {
    if seconds.is_multiple_of(60) { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}

/// What will happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// The daemon has been asked.
    Asked(Token),
    /// The daemon's plan.
    Known(Box<Operation>),
    /// What the daemon says would follow.
    Foreseen(Box<WhatIf>),
    /// The daemon makes none for this.
    None,
    /// The daemon would refuse it.
    Refused(Refusal),
}

/// What takes the keys of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The target's name, where it has to be typed.
    Target,
    /// Why it is done, where the daemon can be told.
    Reason,
    /// Leaving it.
    Cancel,
    /// Doing it.
    Do,
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
    /// Why it is done, for the audit trail; may stay empty.
    pub reason: Line,
    /// What takes the keys.
    pub focus: Focus,
    /// Rows by which the plan is scrolled; the drawing stops at its end.
    pub scrolled: usize,
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
    /// The line is complete: on to what comes next.
    GoOn,
}

impl Confirm {
    /// A question about `deed`, for this reason as far as one is known.
    pub fn new(deed: Deed, plan: Plan, reason: String) -> Self {
        let focus = if deed.is_destructive() { Focus::Target } else { Focus::Cancel };
        Self { deed, plan, typed: Line::default(), reason: Line::new(reason), focus, scrolled: 0 }
    }

    /// Whether the plan is known and can be carried out.
    pub fn can_be_done(&self) -> bool {
        match &self.plan {
            Plan::Known(operation) => operation.conditions.is_empty() && operation.state != OperationState::Refused,
            // What goes along is asked for with it, so what the daemon names as obstacles is shown and not in the way.
            Plan::None | Plan::Foreseen(_) => true,
            Plan::Asked(_) | Plan::Refused(_) => false,
        }
    }

    /// Whether nothing but leaving is possible.
    pub fn is_refused(&self) -> bool {
        !self.can_be_done() && !matches!(self.plan, Plan::Asked(_))
    }

    /// What Enter means now.
    pub fn verdict(&self) -> Verdict {
        if self.is_refused() {
            return Verdict::Cancel;
        }
        let name = self.typed.text().trim();
        let named = !self.deed.is_destructive() || name == self.deed.target();
        match self.focus {
            Focus::Cancel => Verdict::Cancel,
            Focus::Target if name.is_empty() => Verdict::Cancel,
            Focus::Reason => Verdict::GoOn,
            Focus::Target | Focus::Do if named && self.can_be_done() => Verdict::Do,
            Focus::Target | Focus::Do => Verdict::Stay,
        }
    }

    /// The keys go to the next (true) or the one before: target, reason, Cancel, doing it, and around.
    pub(super) fn step(&mut self, forward: bool) {
        let all = [
            (Focus::Target, self.deed.is_destructive()),
            (Focus::Reason, self.deed.takes_reason()),
            (Focus::Cancel, true),
            (Focus::Do, true),
        ];
        let there: Vec<Focus> = all.into_iter().filter(|(_, there)| *there).map(|(focus, _)| focus).collect();
        let at = there.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        let by = if forward { 1 } else { there.len() - 1 };
        self.focus = there.get((at + by) % there.len()).copied().unwrap_or(Focus::Cancel);
    }

    /// The line that is being typed. None: a button has the keys.
    pub(super) fn line(&mut self) -> Option<&mut Line> {
        match self.focus {
            Focus::Target => Some(&mut self.typed),
            Focus::Reason => Some(&mut self.reason),
            Focus::Cancel | Focus::Do => None,
        }
    }
}
