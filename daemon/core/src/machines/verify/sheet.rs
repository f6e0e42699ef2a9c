//! One machine, tabulated: which arrow it takes on what, in each state, at each combination of levels. The tables are
//! filled by asking the definition the very questions that the bank asks it, so the model cannot decide otherwise.

use super::Refused;
use crate::{
    board::Board,
    ids::{MachineId, Name},
    machines::{Action, Definition, Demand, MachineKind, Tone, Trigger},
    power::StepSpec,
    units::Level,
};

/// More lines than this are not tabulated: two bits for each make a combination of levels.
const MOST_INPUTS: usize = 7;
/// A place in a table that leads nowhere.
pub(super) const NOWHERE: u8 = u8::MAX;

/// Level of a line as it is packed.
pub(super) const LOW: usize = 0;
pub(super) const HIGH: usize = 1;
/// It cannot be read.
pub(super) const UNKNOWN: usize = 2;

/// What a line means to the hardware behind it, by the name of its role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `power-good`
    PowerGood,
    /// `post-complete`
    PostComplete,
    /// Nothing that the model knows: it may change whenever it likes.
    Free,
}

/// What entering a state does to the hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// An output that is held: its place, and to what.
    Set(usize, bool),
    /// The power button.
    PressPower,
    /// The host is asked to shut down.
    AskToShutDown,
    /// The host is reset.
    Reset,
    /// The sequence is brought up.
    Run,
    /// The sequence is taken down.
    Undo,
}

/// An output that some state holds at a level.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) role: Name,
    /// High means power: it is one of `power-…`.
    pub(super) power: bool,
}

/// One machine, tabulated.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub(super) name: Name,
    pub(super) definition: std::sync::Arc<Definition>,
    pub(super) parent: Option<usize>,
    pub(super) inputs: Vec<(Name, Meaning)>,
    pub(super) held: Vec<Held>,
    pub(super) deeds: Vec<Vec<Deed>>,
    /// What can happen to it that is no level.
    pub(super) triggers: Vec<Trigger>,
    /// It runs sequences.
    pub(super) runs: bool,
    /// Inputs that have to carry a level before its sequence is up.
    up_waits: Vec<(usize, usize)>,
    /// Inputs that must not carry a level any more before it is down.
    down_waits: Vec<(usize, usize)>,
    arrows: Vec<u8>,
    drifts: Vec<u8>,
    found: Vec<u8>,
    /// Whether a row of the discovery said so.
    known: Vec<bool>,
    /// By state: a bit for each demand that it fulfils.
    goals: Vec<u16>,
    good: Option<usize>,
    post: Option<usize>,
    /// By state: whether it holds nothing back, as the state `ready` of a BMC does not.
    ready: Vec<bool>,
    powered: Vec<bool>,
    tones: Vec<Tone>,
    timed: Vec<bool>,
}

impl Sheet {
    pub(super) fn new(board: &Board, id: MachineId) -> Result<Self, Refused> {
        let spec = board.machine(id);
        let definition = spec.definition.clone();
        let states = definition.states.len();
        let meaning = |role: &Name| match role.as_str() {
            "power-good" => Meaning::PowerGood,
            "post-complete" => Meaning::PostComplete,
            _ => Meaning::Free,
        };
        let inputs: Vec<_> = definition.inputs.iter().map(|role| (role.clone(), meaning(role))).collect();
        if inputs.len() > MOST_INPUTS || states >= usize::from(NOWHERE) {
            return Err(Refused(format!(
                "{} reads {} lines in {states} states; no more than {MOST_INPUTS} lines in 254 states can be explored",
                spec.name,
                inputs.len()
            )));
        }
        let actions = || definition.states.values().flat_map(|state| &state.entry);
        let mut held: Vec<Held> = Vec::new();
        for action in actions() {
            if let Action::Set { role, .. } = action
                && !held.iter().any(|held| held.role == *role)
            {
                held.push(Held { role: role.clone(), power: role.as_str().starts_with("power") });
            }
        }
        let deed = |action: &Action| match action {
            Action::Set { role, level } => {
                Some(Deed::Set(held.iter().position(|held| held.role == *role)?, level.is_high()))
            }
            Action::Pulse { role, .. } => match role.as_str() {
                "shutdown-request" => Some(Deed::AskToShutDown),
                "reset" => Some(Deed::Reset),
                name if name.starts_with("power") => Some(Deed::PressPower),
                _ => None,
            },
            Action::Run { .. } => Some(Deed::Run),
            Action::Undo { .. } => Some(Deed::Undo),
        };
        let deeds = definition.states.values().map(|state| state.entry.iter().filter_map(deed).collect()).collect();
        let mut triggers: Vec<Trigger> = Vec::new();
        for arrow in definition.states.values().flat_map(|state| &state.transitions) {
            if !matches!(arrow.on, Trigger::Rises(_) | Trigger::Falls(_)) && !triggers.contains(&arrow.on) {
                triggers.push(arrow.on.clone());
            }
        }
        let goals = |name: &Name| {
            let fulfilled = definition.goals.iter().filter(|(_, goal)| goal.contains(name));
            fulfilled.fold(0, |bits, (demand, _)| bits | 1 << *demand as u8)
        };
        let mut sheet = Self {
            name: spec.name.clone(),
            parent: spec.parent.map(MachineId::index),
            up_waits: Vec::new(),
            down_waits: Vec::new(),
            runs: !spec.sequences.is_empty(),
            goals: definition.states.keys().map(goals).collect(),
            good: inputs.iter().position(|(_, meaning)| *meaning == Meaning::PowerGood),
            post: inputs.iter().position(|(_, meaning)| *meaning == Meaning::PostComplete),
            ready: definition
                .states
                .keys()
                .map(|name| definition.kind != MachineKind::Bmc || name.as_str() == "ready")
                .collect(),
            powered: definition.states.values().map(|state| state.powered).collect(),
            tones: definition.states.values().map(|state| state.tone).collect(),
            timed: definition.states.values().map(|state| state.timeout.is_some()).collect(),
            arrows: Vec::new(),
            drifts: Vec::new(),
            found: Vec::new(),
            known: Vec::new(),
            held,
            deeds,
            triggers,
            inputs,
            definition,
        };
        sheet.waits(board, id);
        sheet.tabulate();
        Ok(sheet)
    }

    /// What its sequences wait for on the lines that it reads itself.
    fn waits(&mut self, board: &Board, id: MachineId) {
        let spec = board.machine(id);
        let input = |line| self.inputs.iter().position(|(role, _)| spec.signals.get(role) == Some(&line));
        for sequence in spec.sequences.values() {
            for step in &board.sequence(*sequence).steps {
                let StepSpec::Wait { line, level, both_ways, .. } = step else { continue };
                let Some(place) = input(*line) else { continue };
                let wait = (place, if level.is_high() { HIGH } else { LOW });
                self.up_waits.push(wait);
                if *both_ways {
                    self.down_waits.push(wait);
                }
            }
        }
    }

    fn tabulate(&mut self) {
        let place = |name: &Name| {
            self.definition.states.get_index_of(name).and_then(|place| u8::try_from(place).ok()).unwrap_or(NOWHERE)
        };
        for combination in 0..self.combinations() {
            let level = |role: &Name| {
                let input = self.inputs.iter().position(|(name, _)| name == role)?;
                match level_of(combination, input) {
                    LOW => Some(Level::Low),
                    HIGH => Some(Level::High),
                    _ => None,
                }
            };
            let found = self.definition.found(level);
            self.known.push(found.is_some());
            self.found.push(place(found.unwrap_or(&self.definition.undiscovered)));
            for state in self.definition.states.values() {
                self.drifts.push(state.drift(false, level).map_or(NOWHERE, |arrow| place(&arrow.to)));
                for trigger in &self.triggers {
                    self.arrows.push(state.arrow(trigger, level).map_or(NOWHERE, |arrow| place(&arrow.to)));
                }
            }
        }
    }

    /// Whether the other one is the same in all that is looked at with each machine by itself.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.definition == other.definition && self.up_waits == other.up_waits && self.down_waits == other.down_waits
    }

    /// Combinations of levels, those included that no line can have.
    pub(super) fn combinations(&self) -> usize {
        1 << (2 * self.inputs.len())
    }

    /// Those that lines can have.
    pub(super) fn possible(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.combinations())
            .filter(|levels| (0..self.inputs.len()).all(|input| level_of(*levels, input) <= UNKNOWN))
    }

    /// How many states.
    pub(super) fn states(&self) -> usize {
        self.definition.states.len()
    }

    /// Where it goes by itself at these levels. Absent: it stays.
    pub(super) fn drift(&self, state: usize, levels: usize) -> Option<usize> {
        there(self.drifts[levels * self.states() + state])
    }

    /// Where a trigger takes it.
    pub(super) fn arrow(&self, trigger: usize, state: usize, levels: usize) -> Option<usize> {
        there(self.arrows[(levels * self.states() + state) * self.triggers.len() + trigger])
    }

    /// Some state pulses a line on which its hardware acts later.
    pub(super) fn is_pulsed(&self) -> bool {
        self.deeds.iter().flatten().any(|deed| match deed {
            Deed::PressPower | Deed::AskToShutDown | Deed::Reset => true,
            Deed::Set(..) | Deed::Run | Deed::Undo => false,
        })
    }

    /// The same, by what it is; a trigger that no arrow waits for leads nowhere.
    pub(super) fn arrow_on(&self, trigger: &Trigger, state: usize, levels: usize) -> Option<usize> {
        let place = self.triggers.iter().position(|known| known == trigger)?;
        self.arrow(place, state, levels)
    }

    /// The state in which it is found at these levels, before anything follows.
    pub(super) fn found(&self, levels: usize) -> usize {
        usize::from(self.found[levels])
    }

    /// Whether a row of the discovery knows these levels.
    pub(super) fn is_known(&self, levels: usize) -> bool {
        self.known[levels]
    }

    /// Some row of the discovery leads to it.
    pub(super) fn is_discoverable(&self, state: usize) -> bool {
        self.definition.discovery.iter().any(|(_, name)| name == self.state_name(state))
    }

    /// Where it comes to rest when it goes on by itself from there. Absent: it does not.
    pub(super) fn settled(&self, state: usize, levels: usize) -> Option<usize> {
        let mut at = state;
        for _ in 0..=self.states() {
            match self.drift(at, levels) {
                Some(to) => at = to,
                None => return Some(at),
            }
        }
        None
    }

    pub(super) fn kind(&self) -> MachineKind {
        self.definition.kind
    }

    pub(super) fn state_name(&self, state: usize) -> &Name {
        self.definition.states.get_index(state).map_or(&self.name, |(name, _)| name)
    }

    pub(super) fn fulfils(&self, demand: Demand, state: usize) -> bool {
        self.goals[state] >> demand as u8 & 1 == 1
    }

    /// It holds back no power-on.
    pub(super) fn is_ready(&self, state: usize) -> bool {
        self.ready[state]
    }

    pub(super) fn is_powered(&self, state: usize) -> bool {
        self.powered[state]
    }

    pub(super) fn tone(&self, state: usize) -> Tone {
        self.tones[state]
    }

    pub(super) fn is_timed(&self, state: usize) -> bool {
        self.timed[state]
    }

    pub(super) fn input(&self, wanted: Meaning) -> Option<usize> {
        match wanted {
            Meaning::PowerGood => self.good,
            Meaning::PostComplete => self.post,
            Meaning::Free => None,
        }
    }

    /// Whether the lines are as a sequence that is up, or down, wants them.
    pub(super) fn waits_are_over(&self, up: bool, levels: usize) -> bool {
        if up {
            self.up_waits.iter().all(|(input, level)| level_of(levels, *input) == *level)
        } else {
            self.down_waits.iter().all(|(input, level)| level_of(levels, *input) != *level)
        }
    }

    /// Held outputs that stand for power.
    pub(super) fn held_power(&self) -> impl Iterator<Item = usize> + '_ {
        self.held.iter().enumerate().filter(|(_, held)| held.power).map(|(place, _)| place)
    }

    /// e.g. `power-good low, post-complete unreadable`; empty when it reads nothing.
    pub(super) fn levels_text(&self, levels: usize) -> String {
        let texts = self
            .inputs
            .iter()
            .enumerate()
            .map(|(input, (role, _))| format!("{role} {}", level_text(level_of(levels, input))));
        texts.collect::<Vec<_>>().join(", ")
    }
}

fn there(place: u8) -> Option<usize> {
    (place != NOWHERE).then_some(usize::from(place))
}

/// The level of an input in a combination.
pub(super) const fn level_of(combination: usize, input: usize) -> usize {
    combination >> (2 * input) & 3
}

/// The combination with one input changed.
pub(super) const fn with_level(combination: usize, input: usize, level: usize) -> usize {
    combination & !(3 << (2 * input)) | level << (2 * input)
}

pub(super) const fn level_text(level: usize) -> &'static str {
    match level {
        LOW => "low",
        HIGH => "high",
        _ => "unreadable",
    }
}
