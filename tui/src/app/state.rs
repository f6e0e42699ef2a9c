//! All that the screen is drawn from.

use std::collections::{BTreeMap, BTreeSet};

use super::{Area, Awaited, Confirm, Deed, Line, Menu, Palette, Size, Token, View, keymap::Keymap};
use crate::model::{Condition, Model, Mono, Refusal, Severity, Why};

/// Something that can be selected in a list. Kept by name, so that the selection stays on it when the list changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A problem.
    Problem {
        /// What is wrong.
        kind: String,
        /// What it is about.
        subject: String,
        /// How many of the same kind and subject come before it.
        nth: usize,
    },
    /// A group of services.
    Group(String),
    /// A service.
    Service(String),
    /// A machine.
    Machine(String),
    /// A zone.
    Zone(String),
    /// A sensor.
    Sensor(String),
    /// An operation, by id.
    Operation(String),
    /// An entry of the tail, by number.
    Entry(u64),
    /// An LED.
    Led(String),
    /// A supply.
    Supply(String),
    /// A rail.
    Rail(String),
    /// An inventory item.
    Part(String),
    /// A fan.
    Fan(String),
    /// A line, channel or output.
    Resource(String),
    /// A fault of the simulated board: kind and target.
    Fault(String, String),
}

/// What is selected in a view: the item, and where it was should it vanish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pick {
    /// None until something was selected: then the first is.
    pub item: Option<Item>,
    /// Its place in the list when it was selected.
    pub index: usize,
}

impl Pick {
    /// The place of the selection in `items`; 0 when there are none.
    pub fn place(&self, items: &[Item]) -> usize {
        let kept = self.item.as_ref().and_then(|item| items.iter().position(|other| other == item));
        kept.unwrap_or(self.index.min(items.len().saturating_sub(1)))
    }
}

/// The way to the daemon.
#[derive(Clone, Debug, PartialEq)]
pub enum LinkState {
    /// An attempt is under way.
    Connecting,
    /// It answers.
    Up,
    /// It does not.
    Down {
        /// Why.
        reason: String,
        /// When the next attempt is due.
        retry_at: Mono,
    },
}

/// A page opened over a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// A service: its particulars and its log.
    Service(String),
    /// An entry of the tail, by number.
    Entry(u64),
}

/// What stands in front of the view and takes the keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Modal {
    /// Help; how far it is scrolled.
    Help(usize),
    /// A filter being typed, and what it was before.
    Filter {
        /// What Esc brings back.
        before: String,
    },
    /// The palette.
    Palette(Palette),
    /// What can be done.
    Menu(Menu),
    /// Why something is as it is.
    Why(WhyShown),
    /// A search being typed, and what it was before.
    Search {
        /// What Esc brings back.
        before: String,
    },
    /// Whether to do it.
    Confirm(Confirm),
    /// An operation that was begun here, as it goes. Only Esc, Enter and what scrolls are its own: any other key closes it
    /// and is taken for the view.
    Progress {
        /// Its id.
        id: String,
        /// Rows by which it is scrolled.
        scrolled: usize,
    },
    /// It was refused, and why.
    Refused {
        /// What was asked.
        what: String,
        /// The answer.
        refusal: Refusal,
        /// Rows by which it is scrolled.
        scrolled: usize,
    },
}

/// The answer to "why", as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct WhyShown {
    /// What was asked about.
    pub name: String,
    /// None: the daemon has been asked under this token.
    pub answer: Result<Box<Why>, Token>,
    /// Rows by which it is scrolled.
    pub scrolled: usize,
}

/// What the lower part of a service's page shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// Its output.
    #[default]
    Log,
    /// What happened to it: states, verdicts, starts.
    History,
    /// Its first start, among those that it waited for.
    Start,
    /// What it needs and what needs it, to the end.
    Ties,
}

impl Pane {
    /// All of them, in the order in which a key goes through them.
    pub const ALL: [Self; 4] = [Self::Log, Self::History, Self::Start, Self::Ties];

    /// As its heading says.
    pub fn title(self) -> &'static str {
        match self {
            Self::Log => "Log",
            Self::History => "History",
            Self::Start => "Start",
            Self::Ties => "Dependencies",
        }
    }

    /// The next one, around the end.
    #[must_use]
    pub fn next(self) -> Self {
        let index = Self::ALL.iter().position(|other| *other == self).unwrap_or(0);
        Self::ALL.get((index + 1) % Self::ALL.len()).copied().unwrap_or_default()
    }
}

/// What the lower part of the power view shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PowerPane {
    /// What can be asked of the machine, and the last that was.
    #[default]
    Requests,
    /// Its definition.
    Drawn,
    /// Supplies and rails.
    Rails,
    /// What stands for it: policy, overrides, schedules, verification.
    Standing,
}

impl PowerPane {
    /// The next one, around the end.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Requests => Self::Drawn,
            Self::Drawn => Self::Rails,
            Self::Rails => Self::Standing,
            Self::Standing => Self::Requests,
        }
    }
}

/// Which lines of a log are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogStream {
    /// All.
    #[default]
    Both,
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

impl LogStream {
    /// The next one, around the end.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Both => Self::Err,
            Self::Err => Self::Out,
            Self::Out => Self::Both,
        }
    }
}

/// How a notice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// For your information.
    Plain,
    /// It worked.
    Good,
    /// It did not.
    Bad,
}

/// A sentence that is shown for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// The sentence.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// When it goes.
    pub until: Mono,
    /// What it is about: it goes sooner when that is over.
    pub about: About,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// What has happened: it stays true.
    What,
    /// That there is no connection.
    NoLink,
    /// That an operation of this id goes on.
    UnderWay(String),
    /// That operations have ended.
    Ends {
        /// Each in a sentence.
        ends: Vec<(String, Tone)>,
        /// When the first of them was told.
        first: Mono,
    },
}

/// A request that was sent and not answered yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Under which its answer comes.
    pub token: Token,
    /// What to call it.
    pub title: String,
    /// What was confirmed, and why it is done. None: nothing was.
    pub deed: Option<(Deed, String)>,
}

/// Seconds of the past that a sensor graph can show.
pub const GRAPH_SPANS: [u32; 4] = [60, 120, 300, 600];

/// All that the screen is drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The last event's moment.
    pub now: Mono,
    /// Wall time in seconds since 1970, as of the last tick.
    pub wall_s: f64,
    /// Bytes a second that the screen has taken of late. None: not worth showing.
    pub bytes_per_s: Option<f64>,
    /// The screen.
    pub size: Size,
    /// Where the daemon is looked for, as the user wrote it.
    pub address: String,
    /// No action is possible.
    pub read_only: bool,
    /// The daemon's mirror.
    pub model: Model,
    /// The way to it.
    pub link: LinkState,
    /// Since when the link is as it is.
    pub link_since: Mono,
    /// Why the last session or attempt ended. None while the link is up, and before the first attempt has failed.
    pub lost: Option<String>,
    /// What this daemon does not serve.
    pub missing: BTreeSet<Area>,
    /// The view.
    pub view: View,
    /// A page over it.
    pub page: Option<Page>,
    /// What takes the keys.
    pub modal: Option<Modal>,
    /// A sentence at the bottom.
    pub notice: Option<Notice>,
    /// By view.
    pub picks: [Pick; 9],
    /// By view; empty: none.
    pub filters: [Line; 9],
    /// Groups that are folded away.
    pub folded: BTreeSet<String>,
    /// Which key does what.
    pub keymap: Keymap,
    /// In the power view: the selected request of the selected machine. None: the machine list has the keys.
    pub request: Option<usize>,
    /// Whether the event tail follows the newest.
    pub follow: bool,
    /// On a service's page: the number of the lowest shown log entry. None: the newest.
    pub log_anchor: Option<u64>,
    /// On a service's page: what is shown below.
    pub pane: Pane,
    /// On a service's page: which lines of the log.
    pub log_stream: LogStream,
    /// On a service's page: what the lines of the log must hold; empty: anything.
    pub log_filter: Line,
    /// What is looked for in the log or in the events; empty: nothing.
    pub search: Line,
    /// Services as a tree of what needs what, instead of by group.
    pub by_dependency: bool,
    /// The least serious events that are shown.
    pub least: Severity,
    /// In the power view, where there is no room for all: what is shown below the machines.
    pub power_pane: PowerPane,
    /// Rows by which what stands for a machine is scrolled.
    pub standing_scrolled: usize,
    /// Index into [`GRAPH_SPANS`].
    pub span: usize,
    /// Operations begun here whose end has not been told yet, by id.
    pub awaited: BTreeMap<String, Awaited>,
    /// It is another run of the daemon, and it has not told of its operations yet.
    pub daemon_anew: bool,
    /// Requests under way.
    pub asked: Vec<Asked>,
    /// What was refused because its plan was stale, and why it is done: Enter on that refusal looks at the new plan.
    pub stale: Option<(Deed, String)>,
    /// The last token given out.
    pub last_token: Token,
    /// When LEDs, inventory, rails and supplies were last asked for. None: not since the link came up.
    pub hardware_asked: Option<Mono>,
    /// When the faults of a simulated board were asked for last.
    pub faults_asked: Option<Mono>,
    /// When the requests that wait for their time were last asked for. None: not since the link came up.
    pub schedules_asked: Option<Mono>,
    /// Machines whose definition has been asked for.
    pub graphs_asked: BTreeSet<String>,
    /// When the boot timeline was last asked for. None: not since the link came up.
    pub boot_asked: Option<Mono>,
}

impl State {
    /// The state before anything has happened.
    pub fn new(address: String, size: Size, view: View, read_only: bool) -> Self {
        Self {
            now: Mono::default(),
            wall_s: 0.0,
            bytes_per_s: None,
            size,
            address,
            read_only,
            model: Model::default(),
            link: LinkState::Connecting,
            link_since: Mono::default(),
            lost: None,
            missing: BTreeSet::new(),
            view,
            page: None,
            modal: None,
            notice: None,
            picks: <[Pick; 9]>::default(),
            filters: <[Line; 9]>::default(),
            folded: BTreeSet::new(),
            request: None,
            follow: true,
            log_anchor: None,
            pane: Pane::Log,
            log_stream: LogStream::Both,
            log_filter: Line::default(),
            search: Line::default(),
            by_dependency: false,
            least: Severity::Debug,
            keymap: Keymap::default(),
            power_pane: PowerPane::Requests,
            standing_scrolled: 0,
            span: 1,
            awaited: BTreeMap::new(),
            daemon_anew: false,
            asked: Vec::new(),
            stale: None,
            last_token: Token(0),
            hardware_asked: None,
            faults_asked: None,
            schedules_asked: None,
            graphs_asked: BTreeSet::new(),
            boot_asked: None,
        }
    }

    /// Everything that is not as it should be, worst first.
    pub fn problems(&self) -> Vec<Condition> {
        self.model.problems(self.now)
    }

    /// The problems as things that can be selected: they come and go while somebody looks at one of them.
    pub fn problem_items(&self) -> Vec<Item> {
        let problems = self.problems();
        let item = |(index, problem): (usize, &Condition)| {
            let same = |other: &&Condition| (&other.kind, &other.subject) == (&problem.kind, &problem.subject);
            let nth = problems.iter().take(index).filter(same).count();
            Item::Problem { kind: problem.kind.clone(), subject: problem.subject.clone(), nth }
        };
        problems.iter().enumerate().map(item).collect()
    }

    /// The problem that this item stands for, as long as there is one.
    pub fn problem(&self, item: &Item) -> Option<Condition> {
        let index = self.problem_items().iter().position(|other| other == item)?;
        self.problems().into_iter().nth(index)
    }

    /// Whether a request of this title is under way.
    pub fn awaits(&self, title: &str) -> bool {
        self.asked.iter().any(|asked| asked.title == title)
    }

    /// Whether the daemon answers.
    pub fn connected(&self) -> bool {
        self.link == LinkState::Up
    }

    /// The daemon's clock, in seconds from its start. None until it has said how long it is up.
    pub fn daemon_clock(&self) -> Option<f64> {
        self.model.status.as_ref().map(|status| self.now.since(status.started))
    }

    /// The filter of the present view; empty: none.
    pub fn filter(&self) -> &str {
        self.filters.get(self.view.index()).map_or("", Line::text)
    }

    /// The service whose page is open.
    pub fn open_service(&self) -> Option<&str> {
        match &self.page {
            Some(Page::Service(name)) => Some(name),
            Some(Page::Entry(_)) | None => None,
        }
    }
}
