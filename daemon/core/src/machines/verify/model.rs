//! What can happen next, and what follows from it: the machines by their tables, the interlocks, and the hardware.

use super::{
    sheet::{Deed, HIGH, LOW, Meaning, Sheet, UNKNOWN, level_of, level_text, with_level},
    world::{Course, Part, Rails, Urge, World},
};
use crate::machines::{Demand, MachineKind, Tone, Trigger};

/// As in the bank: a definition that moves on without end is cut off.
const MOVES_AT_ONCE: usize = 16;

/// How the hardware behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Environment {
    /// It does what it is told, sooner or later.
    Obedient,
    /// Any line may be anything at any time, any sequence may fail, any rail may be lost.
    AnyFault,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// A line is read anew.
    Line { machine: usize, input: usize, level: usize },
    /// A state has lasted as long as it may.
    Timeout { machine: usize },
    /// A sequence has come to its end.
    SequenceEnds { machine: usize, done: bool },
    /// A rail is not good any more.
    RailLost { machine: usize },
    /// A trigger of that place: what services do.
    Happens { machine: usize, trigger: usize },
    /// Somebody asks, and the interlocks allow it.
    Ask { machine: usize, demand: Demand },
    /// The daemon dies, and discovers anew.
    Restart,
}

/// Why something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It cannot fail to: hardware that obeys, a time-out, the end of a sequence.
    Due,
    /// By itself, or not at all: services, what runs on a host, lines that nobody knows the meaning of.
    May,
    /// Somebody wants it.
    Asked,
    /// Something is broken.
    Fault,
    /// The daemon has died.
    Death,
}

/// Something that must not be, seen while one thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Breach {
    /// A machine was commanded on while its parent is not.
    OnWithoutParent(usize),
    /// A machine that was found on had an output changed, for nothing but the daemon's restart.
    DrivenByRestart(usize),
    /// A machine in a fault state was switched on without anybody's wish.
    FaultDrivesUp(usize),
    /// A machine moves on without end at the same levels.
    Endless(usize),
}

/// The board's machines and what binds them.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub(super) sheets: &'a [Sheet],
    /// Hosts that may power on at the same time.
    pub(super) together: usize,
}

impl Model<'_> {
    /// The daemon's very first start: no power anywhere.
    pub(super) fn start(&self) -> World {
        let off = |sheet: &Sheet| Part {
            state: sheet.found(0),
            levels: 0,
            held: 0,
            urge: Urge::None,
            course: Course::Idle,
            rails: Rails::None,
            opening: false,
        };
        let mut world: World = self.sheets.iter().map(off).collect();
        self.restart(&mut world, &mut Vec::new());
        world
    }

    /// Everything that can happen, each with why.
    pub(super) fn moves(&self, world: &World, environment: Environment, found: &mut Vec<(Move, Why)>) {
        found.clear();
        for (machine, sheet) in self.sheets.iter().enumerate() {
            let part = world[machine];
            match environment {
                Environment::Obedient => self.obey(world, machine, found),
                Environment::AnyFault => {
                    for input in 0..sheet.inputs.len() {
                        let now = level_of(part.levels, input);
                        for level in [LOW, HIGH, UNKNOWN].into_iter().filter(|level| *level != now) {
                            found.push((Move::Line { machine, input, level }, Why::Fault));
                        }
                    }
                    if part.course != Course::Idle {
                        found.push((Move::SequenceEnds { machine, done: false }, Why::Fault));
                    } else if part.rails != Rails::None {
                        found.push((Move::RailLost { machine }, Why::Fault));
                    }
                }
            }
            if part.course != Course::Idle && sheet.waits_are_over(part.course == Course::Up, part.levels) {
                found.push((Move::SequenceEnds { machine, done: true }, Why::Due));
            }
            if sheet.is_timed(part.state) {
                found.push((Move::Timeout { machine }, Why::Due));
            }
            for (trigger, what) in sheet.triggers.iter().enumerate() {
                match what {
                    Trigger::ServicesReady | Trigger::ServicesFailed | Trigger::ShuttingDown => {
                        if sheet.arrow(trigger, part.state, part.levels).is_some() {
                            found.push((Move::Happens { machine, trigger }, Why::May));
                        }
                    }
                    Trigger::Demand(demand) => {
                        if sheet.arrow(trigger, part.state, part.levels).is_some()
                            && self.allows(world, machine, *demand)
                        {
                            found.push((Move::Ask { machine, demand: *demand }, Why::Asked));
                        }
                    }
                    // By levels, by time, by a sequence, by its parent: see above and `enter`.
                    Trigger::Rises(_)
                    | Trigger::Falls(_)
                    | Trigger::Timeout
                    | Trigger::SequenceDone
                    | Trigger::SequenceFailed
                    | Trigger::RailLost
                    | Trigger::ParentOff => {}
                }
            }
        }
        found.push((Move::Restart, Why::Death));
    }

    /// What hardware that works does next.
    fn obey(&self, world: &World, machine: usize, found: &mut Vec<(Move, Why)>) {
        let (sheet, part) = (&self.sheets[machine], world[machine]);
        let good = sheet.input(Meaning::PowerGood);
        let is_good = good.is_some_and(|input| level_of(part.levels, input) == HIGH);
        for (input, (_, meaning)) in sheet.inputs.iter().enumerate() {
            let is_high = level_of(part.levels, input) == HIGH;
            let (rises, falls) = match meaning {
                Meaning::PowerGood => {
                    let wanted = Self::is_told_on(sheet, part) && self.is_fed(world, machine);
                    let why = (sheet.kind() == MachineKind::Host).then_some(Why::May);
                    (wanted.then_some(Why::Due), if !wanted || part.urge == Urge::Off { Some(Why::Due) } else { why })
                }
                Meaning::PostComplete => {
                    let why = if !is_good || part.urge == Urge::Reset { Why::Due } else { Why::May };
                    (is_good.then_some(Why::Due), Some(why))
                }
                Meaning::Free => (Some(Why::May), Some(Why::May)),
            };
            if let Some(why) = if is_high { falls } else { rises } {
                let level = if is_high { LOW } else { HIGH };
                found.push((Move::Line { machine, input, level }, why));
            }
        }
        // What it is fed from is gone: no sequence comes up over that.
        if part.course == Course::Up && !self.is_fed(world, machine) {
            found.push((Move::SequenceEnds { machine, done: false }, Why::Due));
        }
    }

    /// Control lines, rails and buttons say that it is to be on.
    fn is_told_on(sheet: &Sheet, part: Part) -> bool {
        let mut held = sheet.held_power().peekable();
        if held.peek().is_none() && !sheet.runs {
            // A button alone: it stays as it was pressed last.
            let is_good = sheet.input(Meaning::PowerGood).is_some_and(|input| level_of(part.levels, input) == HIGH);
            return part.urge == Urge::On || is_good;
        }
        let rails = !sheet.runs || part.rails == Rails::All || part.course == Course::Up;
        rails && held.all(|place| part.held >> place & 1 == 1)
    }

    fn is_fed(&self, world: &World, machine: usize) -> bool {
        let Some(parent) = self.sheets[machine].parent else { return true };
        match self.sheets[parent].input(Meaning::PowerGood) {
            Some(input) => level_of(world[parent].levels, input) == HIGH,
            None => self.sheets[parent].is_powered(world[parent].state),
        }
    }

    /// The interlocks that bind machines to each other. Those of heat, supplies and services forbid more, never less.
    pub(super) fn allows(&self, world: &World, machine: usize, demand: Demand) -> bool {
        let fulfils = |id: usize, demand| self.sheets[id].fulfils(demand, world[id].state);
        match demand {
            Demand::On => {
                let bmc_ready = self.sheets.iter().zip(world).all(|(sheet, part)| sheet.is_ready(part.state));
                let parent_on = self.sheets[machine].parent.is_none_or(|parent| fulfils(parent, Demand::On));
                let opening = world.iter().filter(|part| part.opening).count();
                let room = self.sheets[machine].kind() != MachineKind::Host || opening < self.together;
                bmc_ready && parent_on && room
            }
            Demand::Off | Demand::ForceOff | Demand::CycleOff => self.children(machine).all(|child| {
                // An emergency goes on over a host that does not go off.
                let given_up = demand == Demand::ForceOff && self.sheets[child].tone(world[child].state) == Tone::Fault;
                fulfils(child, Demand::Off) || given_up
            }),
            Demand::Reset
            | Demand::Nmi
            | Demand::MaintenanceOn
            | Demand::MaintenanceOff
            | Demand::UpdateBegin
            | Demand::UpdateEnd
            | Demand::Reboot => true,
        }
    }

    fn children(&self, machine: usize) -> impl Iterator<Item = usize> + '_ {
        (0..self.sheets.len()).filter(move |child| self.sheets[*child].parent == Some(machine))
    }

    /// One thing happens, with all that follows from it at once.
    pub(super) fn apply(&self, world: &mut World, what: Move, breaches: &mut Vec<Breach>) {
        match what {
            Move::Line { machine, input, level } => {
                let part = &mut world[machine];
                part.levels = with_level(part.levels, input, level);
                let done = match (self.sheets[machine].inputs[input].1, level == HIGH) {
                    (Meaning::PowerGood, true) => part.urge == Urge::On,
                    (Meaning::PowerGood, false) => true,
                    (Meaning::PostComplete, false) => part.urge == Urge::Reset,
                    (Meaning::PostComplete, true) | (Meaning::Free, _) => false,
                };
                if done {
                    part.urge = Urge::None;
                }
                self.follow(world, machine, false, breaches);
            }
            Move::Timeout { machine } => self.trigger(world, machine, &Trigger::Timeout, breaches),
            Move::SequenceEnds { machine, done } => {
                let part = &mut world[machine];
                part.rails = match (part.course, done) {
                    (Course::Up, true) => Rails::All,
                    (Course::Up, false) => Rails::Some,
                    // Also when one does not obey: it was told to be off.
                    (Course::Down | Course::Idle, _) => Rails::None,
                };
                part.course = Course::Idle;
                let trigger = if done { Trigger::SequenceDone } else { Trigger::SequenceFailed };
                self.trigger(world, machine, &trigger, breaches);
            }
            Move::RailLost { machine } => {
                world[machine].rails = Rails::Some;
                self.trigger(world, machine, &Trigger::RailLost, breaches);
            }
            Move::Happens { machine, trigger } => {
                let trigger = self.sheets[machine].triggers[trigger].clone();
                self.trigger(world, machine, &trigger, breaches);
            }
            Move::Ask { machine, demand } => {
                world[machine].opening = demand == Demand::On && self.sheets[machine].parent.is_some();
                self.trigger(world, machine, &Trigger::Demand(demand), breaches);
            }
            Move::Restart => self.restart(world, breaches),
        }
    }

    fn trigger(&self, world: &mut World, machine: usize, trigger: &Trigger, breaches: &mut Vec<Breach>) {
        let part = world[machine];
        let Some(to) = self.sheets[machine].arrow_on(trigger, part.state, part.levels) else { return };
        let wished = matches!(trigger, Trigger::Demand(_));
        self.enter(world, machine, to, wished, breaches);
        self.follow(world, machine, wished, breaches);
    }

    /// Every arrow whose level is there already.
    fn follow(&self, world: &mut World, machine: usize, wished: bool, breaches: &mut Vec<Breach>) {
        let sheet = &self.sheets[machine];
        for _ in 0..MOVES_AT_ONCE {
            let part = world[machine];
            let Some(to) = sheet.drift(part.state, part.levels) else {
                // The operation that powers it on ends where it rests.
                let part = &mut world[machine];
                part.opening &= sheet.tone(part.state) == Tone::Transitional && !sheet.fulfils(Demand::On, part.state);
                return;
            };
            self.enter(world, machine, to, wished, breaches);
        }
        breaches.push(Breach::Endless(machine));
    }

    fn enter(&self, world: &mut World, machine: usize, to: usize, wished: bool, breaches: &mut Vec<Breach>) {
        let sheet = &self.sheets[machine];
        let faulty = sheet.tone(to) == Tone::Fault || sheet.tone(world[machine].state) == Tone::Fault && !wished;
        let parent_on = sheet.parent.is_none_or(|parent| self.sheets[parent].fulfils(Demand::On, world[parent].state));
        let loses_power = sheet.is_powered(world[machine].state) && !sheet.is_powered(to);
        let part = &mut world[machine];
        part.state = to;
        let input_is = |part: &Part, meaning, level| {
            sheet.input(meaning).is_some_and(|input| level_of(part.levels, input) == level)
        };
        for deed in &sheet.deeds[to] {
            let drives_up = match deed {
                Deed::Set(place, high) => {
                    let was = part.held >> place & 1 == 1;
                    part.held = part.held & !(1 << place) | usize::from(*high) << place;
                    *high && !was && sheet.held[*place].power
                }
                Deed::PressPower => {
                    let is_off = input_is(part, Meaning::PowerGood, LOW);
                    part.urge = if is_off { Urge::On } else { Urge::Off };
                    is_off
                }
                Deed::AskToShutDown => {
                    if !input_is(part, Meaning::PowerGood, LOW) {
                        part.urge = Urge::Off;
                    }
                    false
                }
                Deed::Reset => {
                    if input_is(part, Meaning::PostComplete, HIGH) {
                        part.urge = Urge::Reset;
                    }
                    false
                }
                Deed::Run => {
                    let anew = part.course != Course::Up;
                    (part.course, part.rails) = (Course::Up, Rails::Some);
                    anew
                }
                Deed::Undo => {
                    part.course = Course::Down;
                    if part.rails == Rails::All {
                        part.rails = Rails::Some;
                    }
                    false
                }
            };
            if drives_up && !parent_on {
                breaches.push(Breach::OnWithoutParent(machine));
            }
            if drives_up && faulty {
                breaches.push(Breach::FaultDrivesUp(machine));
            }
        }
        if loses_power {
            for child in (0..self.sheets.len()).filter(|child| self.sheets[*child].parent == Some(machine)) {
                self.trigger(world, child, &Trigger::ParentOff, breaches);
            }
        }
    }

    /// What is known is what the lines say; what was driven stays as it is.
    fn restart(&self, world: &mut World, breaches: &mut Vec<Breach>) {
        for (machine, sheet) in self.sheets.iter().enumerate() {
            let part = &mut world[machine];
            let good = sheet.input(Meaning::PowerGood).is_some_and(|input| level_of(part.levels, input) == HIGH);
            if part.course == Course::Up && good {
                part.rails = Rails::All;
            }
            (part.course, part.opening) = (Course::Idle, false);
            part.state = sheet.found(part.levels);
            let (found, held) = (part.state, part.held);
            self.follow(world, machine, false, breaches);
            let part = &mut world[machine];
            if sheet.is_powered(found) && (part.held != held || part.course != Course::Idle) {
                breaches.push(Breach::DrivenByRestart(machine));
            }
            // What a daemon that died half way up has left switched on is taken down.
            if !sheet.is_powered(part.state) && sheet.tone(part.state) == Tone::Normal {
                if part.rails != Rails::None {
                    part.course = Course::Down;
                }
                for deed in &sheet.deeds[part.state] {
                    if let Deed::Set(place, false) = deed {
                        part.held &= !(1 << place);
                    }
                }
            }
        }
    }

    /// What happens, for people.
    pub(super) fn describe(&self, what: Move, why: Why) -> String {
        let name = |machine: usize| &self.sheets[machine].name;
        match what {
            Move::Line { machine, input, level } => {
                let role = &self.sheets[machine].inputs[input].0;
                let does = match level {
                    LOW => "falls",
                    HIGH => "rises",
                    other => return format!("{}: {role} becomes {}", name(machine), level_text(other)),
                };
                let broken = if why == Why::Fault { " (whatever it was told)" } else { "" };
                format!("{}: {role} {does}{broken}", name(machine))
            }
            Move::Timeout { machine } => format!("{}: time-out", name(machine)),
            Move::SequenceEnds { machine, done } => {
                format!("{}: its sequence {}", name(machine), if done { "is done" } else { "fails" })
            }
            Move::RailLost { machine } => format!("{}: a rail is lost", name(machine)),
            Move::Happens { machine, trigger } => {
                format!("{}: {}", name(machine), self.sheets[machine].triggers[trigger])
            }
            Move::Ask { machine, demand } => format!("{}: request {}", name(machine), demand.as_str()),
            Move::Restart => "the daemon dies and discovers anew".to_owned(),
        }
    }

    /// Every machine's state and what it drives, e.g. `chassis on [power-control high], host.0 off`.
    pub(super) fn show(&self, world: &World) -> String {
        let machines = self.sheets.iter().zip(world).map(|(sheet, part)| {
            let mut drives: Vec<String> = (sheet.held.iter().enumerate())
                .filter(|(place, _)| part.held >> place & 1 == 1)
                .map(|(_, held)| format!("{} high", held.role))
                .collect();
            drives.extend(match (part.course, part.rails) {
                (Course::Up, _) => Some("rails going up".to_owned()),
                (Course::Down, _) => Some("rails going down".to_owned()),
                (Course::Idle, Rails::All) => Some("rails on".to_owned()),
                (Course::Idle, Rails::Some) => Some("some rails on".to_owned()),
                (Course::Idle, Rails::None) => None,
            });
            let drives = if drives.is_empty() { String::new() } else { format!(" [{}]", drives.join(", ")) };
            format!("{} {}{drives}", sheet.name, sheet.state_name(part.state))
        });
        machines.collect::<Vec<_>>().join(" · ")
    }
}
