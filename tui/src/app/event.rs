//! Everything that can happen to the console, and everything it can want.

use super::{Deed, Key, Place};
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

/// How far what was drawn last can be scrolled, in rows. None: it is not on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// What stands in front.
    pub front: Option<usize>,
    /// What holds for a machine.
    pub standing: Option<usize>,
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
    /// The screen was drawn: only now is it known where things end.
    Drawn(Ends),
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
    /// A request could not be passed on.
    NotSent(Token),
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
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// What a transition would do.
    Plan {
        /// The machine.
        machine: String,
        /// The request.
        request: String,
    },
    /// What the configuration on the disk would change.
    PlanReload,
    /// Something is done, bound to the plan that was shown.
    Do {
        /// What.
        deed: Deed,
        /// The revision of the plan that was confirmed; empty: there was none.
        revision: String,
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
    /// What would follow if services were stopped.
    WhatIf {
        /// Which.
        services: Vec<String>,
    },
    /// What is broken on a simulated board; it comes as news.
    Faults,
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
}

impl ServiceVerb {
    /// All of them, the harmless first.
    pub const ALL: [Self; 3] = [Self::Start, Self::Restart, Self::Stop];

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }

    /// Whether it interrupts something that runs.
    pub fn is_destructive(self) -> bool {
        match self {
            Self::Stop | Self::Restart => true,
            Self::Start => false,
        }
    }
}

/// What the shell around the app has to do.
#[derive(Clone, Debug, PartialEq)]
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
