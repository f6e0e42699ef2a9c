//! Signal lines: what each carries, and what each output is meant to carry.

use crate::{
    board::Board,
    effect::Effect,
    event::Severity,
    ids::{Name, SignalId},
    input::HardwareCommand,
    outbox::Outbox,
    power::Direction,
    units::Level,
};

/// All lines of a board.
#[derive(Clone, Debug)]
#[allow(clippy::option_option, reason = "not looked at and not readable are different things")]
pub struct Lines {
    names: Vec<Name>,
    directions: Vec<Direction>,
    /// Level of each line; `Some(None)`: it cannot be read; `None`: nobody has looked yet.
    levels: Vec<Option<Option<Level>>>,
    /// What each output is meant to carry. Absent: it has not been driven since the start, and is left as it is.
    intents: Vec<Option<Level>>,
}

impl Lines {
    /// Nobody has looked at any.
    pub fn new(board: &Board) -> Self {
        Self {
            names: board.signals.iter().map(|signal| signal.name.clone()).collect(),
            directions: board.signals.iter().map(|signal| signal.direction).collect(),
            levels: vec![None; board.signals.len()],
            intents: vec![None; board.signals.len()],
        }
    }

    /// Its name.
    pub fn name(&self, id: SignalId) -> &Name {
        &self.names[id.index()]
    }

    /// Level of a line. Absent: unknown or unreadable.
    pub fn level(&self, id: SignalId) -> Option<Level> {
        self.levels[id.index()].flatten()
    }

    /// Somebody has looked at the line.
    pub fn is_seen(&self, id: SignalId) -> bool {
        self.levels[id.index()].is_some()
    }

    /// Somebody has looked at every line.
    pub fn all_seen(&self) -> bool {
        self.levels.iter().all(Option::is_some)
    }

    /// What an output is meant to carry. Absent: nobody has driven it.
    pub fn intent(&self, id: SignalId) -> Option<Level> {
        self.intents[id.index()]
    }

    /// An output has this level and was driven to it. One that only shows it may be stuck, and carry what a daemon before has
    /// driven as soon as it comes free.
    pub fn rests_at(&self, id: SignalId, level: Level) -> bool {
        self.level(id) == Some(level) && self.intent(id) == Some(level)
    }

    /// A line was read; whether that is news.
    pub fn observe(&mut self, id: SignalId, level: Option<Level>, out: &mut Outbox) -> bool {
        let Some(line) = self.levels.get_mut(id.index()) else { return false };
        let was = line.replace(level);
        if was == Some(level) {
            return false;
        }
        let name = self.names[id.index()].clone();
        out.changed().system = true;
        if level.is_none() {
            out.event(
                format!("signal.{name}.unreadable"),
                "statemgr",
                Severity::Warning,
                format!("{name} cannot be read; what follows from it keeps its state"),
                Vec::new(),
            );
        } else if was.is_some() && self.directions[id.index()] == Direction::Input {
            let text =
                format!("{name} is {}", level.map_or("unknown", |level| if level.is_high() { "high" } else { "low" }));
            out.event(format!("signal.{name}.changed"), "statemgr", Severity::Debug, text, Vec::new());
        }
        true
    }

    /// Drives an output.
    pub fn set(&mut self, id: SignalId, level: Level, out: &mut Outbox) {
        self.levels[id.index()] = Some(Some(level));
        self.intents[id.index()] = Some(level);
        out.changed().system = true;
        out.deed(Effect::Command(HardwareCommand::SetSignal(id, level)));
    }

    /// Nobody follows the lines any more: what they carry is not known until they are read again.
    pub fn forget(&mut self) {
        self.levels.fill(None);
    }

    /// A line was not driven as told.
    pub fn drive_failed(&mut self, id: SignalId, why: &str, out: &mut Outbox) {
        let name = self.names[id.index()].clone();
        self.levels[id.index()] = Some(None);
        out.event(
            format!("signal.{name}.drive-failed"),
            "powermgr",
            Severity::Error,
            format!("{name} could not be driven: {why}"),
            vec![("signal", name.as_str().into()), ("reason", why.into())],
        );
        out.changed().system = true;
    }
}
