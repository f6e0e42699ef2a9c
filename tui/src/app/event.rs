//! Everything that can happen to the console, and everything it can want.

use super::{Key, Place};
use crate::model::{Operation, Refusal, Update, WhatIf, Why};

/// The size of the screen in cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns, at least 1.
    pub columns: u16,
    /// Rows, at least 1.
    pub rows: u16,
}

impl Default for Size {
    fn default() -> Self {
        Self { columns: 80, rows: 24 }
    }
}

/// What happens. There is nothing else.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A key.
    Key(Key),
    /// A click on this. What a wheel does comes as the arrow keys.
    Click(Place),
    /// Text that was pasted: it is never taken for keys.
    Paste(String),
    /// A second has passed.
    Tick {
        /// Seconds since 1970.
        wall_s: f64,
        /// Bytes a second that the screen has taken of late. None: the line is fast enough not to matter.
        bytes_per_s: Option<f64>,
    },
    /// The screen has this size now.
    Resize(Size),
    /// From the daemon, or about the way to it.
    Link(LinkEvent),
    /// The shell around the app could not do something, and says why.
    Remark(String),
}

/// What comes over the link, or of it.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkEvent {
    /// An attempt begins.
    Connecting,
    /// The daemon answers; a snapshot of everything follows.
    Up,
    /// It is another run of the daemon than before: event numbers begin anew.
    NewDaemon,
    /// No connection. The next attempt is in so many seconds.
    Down {
        /// Why, in a sentence.
        reason: String,
        /// Seconds to the next attempt.
        retry_in_s: f64,
    },
    /// The model changes.
    News(Box<Update>),
    /// The daemon does not serve this.
    Missing(Area),
    /// The answer to a request.
    Answer {
        /// Of which request.
        token: Token,
        /// What it says.
        result: Result<Answer, Refusal>,
    },
}

/// A part of the API that a daemon may not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// `SystemService`
    Status,
    /// `OperatorService`
    Services,
    /// Machines of `StateService`
    Machines,
    /// Operations of `StateService`
    Operations,
    /// `SensorService`
    Sensors,
    /// `ThermalService`
    Zones,
    /// `EventService`
    Events,
    /// LEDs, inventory, rails, supplies
    Hardware,
    /// The boot timeline of `SystemService`
    Boot,
}

/// Tells an answer which request it belongs to. Counts up from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Token(pub u64);

/// What a request brought.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A plan, or what was begun.
    Operation(Box<Operation>),
    /// Why something is as it is.
    Why(Box<Why>),
    /// What would follow.
    WhatIf(Box<WhatIf>),
    /// Done at once.
    Done,
}

/// What the console asks of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// What a transition would do.
    Plan {
        /// The machine.
        machine: String,
        /// The request.
        request: String,
    },
    /// A transition, bound to the plan that was shown.
    Transition {
        /// The machine.
        machine: String,
        /// The request.
        request: String,
        /// The revision of the plan that was confirmed.
        revision: String,
        /// For the audit trail; may be empty.
        reason: String,
    },
    /// Something for a service.
    Service {
        /// What.
        verb: ServiceVerb,
        /// Which.
        name: String,
        /// With its dependents.
        force: bool,
        /// For the audit trail; may be empty.
        reason: String,
    },
    /// Ends an operation.
    CancelOperation {
        /// Its id.
        id: String,
        /// For the audit trail; may be empty.
        reason: String,
    },
    /// The identify LED.
    Identify {
        /// Lit or not.
        on: bool,
        /// For the audit trail; may be empty.
        reason: String,
    },
    /// The past of a sensor; it comes as news.
    History {
        /// Which.
        sensor: String,
    },
    /// LEDs, inventory, rails, supplies; they come as news.
    Hardware,
    /// How the platform came up; it comes as news.
    Boot,
    /// The definition of a machine; it comes as news.
    Graph {
        /// Whose.
        machine: String,
    },
    /// Requests that wait for their time; they come as news.
    Schedules,
    /// One of them is not wanted any more.
    CancelSchedule {
        /// Its id.
        id: String,
        /// For the audit trail; may be empty.
        reason: String,
    },
    /// A condition stands against powering a machine on again.
    RestoreInterlock {
        /// The machine.
        machine: String,
        /// e.g. `no-supply`.
        condition: String,
    },
    /// Whether the machines can come to harm; it comes as news, after seconds.
    Verify,
    /// Everything that a cause brought about; it comes as news.
    Chain {
        /// Which.
        cause: u64,
    },
    /// Why a service or a machine is as it is.
    Why {
        /// Which.
        name: String,
    },
    /// What would follow if a service were stopped.
    WhatIf {
        /// Which.
        service: String,
    },
    /// Holds fans at a duty for a time.
    Hold {
        /// A fan or a zone.
        target: String,
        /// Percent.
        duty: u32,
        /// Seconds.
        for_s: u32,
        /// For the audit trail; may be empty.
        reason: String,
    },
    /// Gives fans back to their controllers.
    Release {
        /// A fan or a zone.
        target: String,
        /// For the audit trail; may be empty.
        reason: String,
    },
    /// What is broken on a simulated board; it comes as news.
    Faults,
    /// Breaks something of a simulated board.
    Inject {
        /// How.
        kind: String,
        /// What.
        target: String,
    },
    /// Repairs what was broken.
    Repair {
        /// How it was broken.
        kind: String,
        /// What.
        target: String,
    },
}

/// What can be asked for a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceVerb {
    /// Bring it and what it needs up.
    Start,
    /// Bring it down, dependents first.
    Stop,
    /// Down and up again.
    Restart,
    /// Forget its failures.
    Reset,
}

impl ServiceVerb {
    /// All of them, the harmless first.
    pub const ALL: [Self; 4] = [Self::Start, Self::Reset, Self::Restart, Self::Stop];

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reset => "reset",
        }
    }

    /// Whether it interrupts something that runs.
    pub fn is_destructive(self) -> bool {
        match self {
            Self::Stop | Self::Restart => true,
            Self::Start | Self::Reset => false,
        }
    }
}

/// What the shell around the app has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Leave.
    Quit,
    /// Clear the screen and send all of it.
    Repaint,
    /// Hand the terminal back to the shell until continued.
    Suspend,
    /// Try to connect now.
    Reconnect,
    /// Send a request.
    Ask(Token, Ask),
    /// Follow the output of this service only; none: of no service.
    FollowLog(Option<String>),
}
