//! Sequences under way: rails brought up step by step, and down again in reverse.
//!
//! ```text
//!              run                      every step done
//!   (nothing) ─────▶ Up: step 1, 2, … n ────────────────▶ done
//!        ▲           │ time-out, a rail lost, a line that cannot be driven
//!        │           └──▶ failed, with a record of what was where; nothing is undone before the machine says so
//!        │    undo                              bounded, whatever fails
//!        └───────── Down: step n, … 2, 1 ◀── undo (from anywhere) ──▶ done, or failed: something stays on
//! ```
//!
//! The way down is the same whether a sequence failed or somebody switched off, so what it leaves behind is the same
//! too. It goes by the declaration, not by memory: a daemon that died on the way up undoes what it finds.

mod step;

use std::{collections::BTreeMap, time::Duration};

use super::{
    RailSpec, RailSwitch, SequenceSpec, StepSpec,
    lines::Lines,
    record::{Record, raise},
};
use crate::{
    board::Board,
    event::Severity,
    ids::{MachineId, Name, RailId, SensorId, SequenceId, SignalId},
    outbox::{Cause, Outbox},
    time::{Mono, human},
    timers::Timer,
    units::Level,
};

/// How a sequence ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every step is done, or undone.
    Done,
    /// It is not; one sentence without a full stop.
    Failed(String),
}

/// Where a sequence under way stands, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// e.g. `chassis-on 3/7: p5v until good`.
    pub text: String,
    /// On the way up.
    pub up: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    Up,
    Down,
}

#[derive(Clone, Debug)]
struct Run {
    sequence: SequenceId,
    course: Course,
    /// Steps that are done, in the direction it goes.
    done: usize,
    /// The step after those has begun, and may last until then.
    until: Option<Mono>,
    /// All of it may last until then.
    deadline: Mono,
    /// On the way down: something was switched since the last delay.
    switched: bool,
    /// On the way down: what did not go off.
    left: Vec<String>,
    /// On the way down: it is to go up again when it has come to its end.
    again: bool,
    cause: Cause,
}

/// What was told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driven {
    /// A line.
    Line(SignalId),
    /// A rail that is switched over PMBus.
    Rail(RailId),
}

/// What a step says when it is looked at.
enum Step {
    Done,
    /// It lasts until then at most; when it is still not done, the text says what is missing.
    Waits(Duration, String),
}

/// All rails and sequences of a board.
#[derive(Clone, Debug)]
pub struct Sequencer {
    rails: Vec<RailSpec>,
    sequences: Vec<SequenceSpec>,
    sensors: BTreeMap<SensorId, (Name, Option<f64>)>,
    /// What rails that are switched over PMBus were told. Absent: nothing yet.
    told: Vec<Option<bool>>,
    runs: BTreeMap<MachineId, Run>,
    finished: Vec<(MachineId, Outcome)>,
}

impl Sequencer {
    /// Nothing is under way.
    pub fn new(board: &Board) -> Self {
        let of_steps = board.sequences.iter().flat_map(|sequence| &sequence.steps).filter_map(|step| match step {
            StepSpec::Voltage { sensor, .. } => Some(*sensor),
            StepSpec::Set { .. }
            | StepSpec::Pulse { .. }
            | StepSpec::Wait { .. }
            | StepSpec::Rail { .. }
            | StepSpec::Delay(_) => None,
        });
        let of_rails = board.rails.iter().filter_map(|rail| rail.voltage);
        let sensors = of_steps.chain(of_rails).map(|id| (id, (board.sensor(id).name.clone(), None))).collect();
        Self {
            rails: board.rails.clone(),
            sequences: board.sequences.clone(),
            sensors,
            told: vec![None; board.rails.len()],
            runs: BTreeMap::new(),
            finished: Vec::new(),
        }
    }

    /// Brings a sequence up. One that is on its way down goes there first.
    pub fn run(&mut self, machine: MachineId, sequence: SequenceId, lines: &mut Lines, out: &mut Outbox) {
        if let Some(run) = self.runs.get_mut(&machine)
            && run.sequence == sequence
        {
            run.again = run.course == Course::Down;
            return;
        }
        self.begin(machine, sequence, Course::Up, out);
        self.go_on(machine, lines, out);
    }

    /// Takes a sequence down, from wherever it stands.
    pub fn undo(&mut self, machine: MachineId, sequence: SequenceId, lines: &mut Lines, out: &mut Outbox) {
        if let Some(run) = self.runs.get_mut(&machine)
            && run.sequence == sequence
            && run.course == Course::Down
        {
            run.again = false;
            return;
        }
        self.begin(machine, sequence, Course::Down, out);
        self.go_on(machine, lines, out);
    }

    fn begin(&mut self, machine: MachineId, sequence: SequenceId, course: Course, out: &Outbox) {
        let deadline = out.now() + self.sequences[sequence.index()].timeout;
        let run = Run {
            sequence,
            course,
            done: 0,
            until: None,
            deadline,
            switched: false,
            left: Vec::new(),
            again: false,
            cause: out.cause(),
        };
        self.runs.insert(machine, run);
    }

    /// A line or a voltage changed: what waits may go on.
    pub fn observed(&mut self, lines: &mut Lines, out: &mut Outbox) {
        for machine in self.runs.keys().copied().collect::<Vec<_>>() {
            self.go_on(machine, lines, out);
        }
    }

    /// A voltage was measured; absent: not known.
    pub fn measured(&mut self, sensor: SensorId, volts: Option<f64>) {
        if let Some((_, value)) = self.sensors.get_mut(&sensor) {
            *value = volts;
        }
    }

    /// The sensors it wants to know of.
    pub fn sensors(&self) -> impl Iterator<Item = SensorId> + '_ {
        self.sensors.keys().copied()
    }

    /// A step, or all of a sequence, has lasted as long as it may.
    pub fn due(&mut self, machine: MachineId, lines: &mut Lines, out: &mut Outbox) {
        self.go_on(machine, lines, out);
    }

    /// A line or rail that was told something did not take it. A sequence on its way up over it has failed; one on its
    /// way down goes on, and tells it in the end.
    pub fn not_driven(&mut self, driven: Driven, lines: &Lines, out: &mut Outbox) {
        if let Driven::Rail(rail) = driven {
            self.told[rail.index()] = None;
        }
        let what = match driven {
            Driven::Line(line) => lines.name(line).clone(),
            Driven::Rail(rail) => self.rails[rail.index()].name.clone(),
        };
        for machine in self.runs.keys().copied().collect::<Vec<_>>() {
            let Some(mut run) = self.runs.remove(&machine) else { continue };
            let steps = &self.sequences[run.sequence.index()].steps;
            let hit = match run.course {
                Course::Up => steps.iter().take(run.done + 1).any(|step| self.drives(step, driven)),
                Course::Down => steps.iter().any(|step| self.drives(step, driven)),
            };
            let why = format!("{what} could not be driven");
            match run.course {
                Course::Up if hit => {
                    let outer = out.cause();
                    out.because(run.cause.clone());
                    let outcome = self.failed(&run, &why, lines, out);
                    self.end(machine, &run, outcome, out);
                    out.because(outer);
                }
                Course::Down if hit => {
                    run.left.push(why);
                    self.runs.insert(machine, run);
                }
                Course::Up | Course::Down => drop(self.runs.insert(machine, run)),
            }
        }
    }

    fn drives(&self, step: &StepSpec, driven: Driven) -> bool {
        match (step, driven) {
            (StepSpec::Set { line, .. } | StepSpec::Pulse { line, .. }, Driven::Line(other)) => *line == other,
            (StepSpec::Rail { rail, .. }, Driven::Line(other)) => {
                self.rails[rail.index()].switch == RailSwitch::Line(other)
            }
            (StepSpec::Rail { rail, .. }, Driven::Rail(other)) => *rail == other,
            (StepSpec::Set { .. } | StepSpec::Pulse { .. }, Driven::Rail(_))
            | (StepSpec::Wait { .. } | StepSpec::Voltage { .. } | StepSpec::Delay(_), _) => false,
        }
    }

    /// What has come to its end since this was called last.
    pub fn take_finished(&mut self) -> Vec<(MachineId, Outcome)> {
        std::mem::take(&mut self.finished)
    }

    /// Whether anything is under way for a machine.
    pub fn progress(&self, machine: MachineId, lines: &Lines) -> Option<Progress> {
        let run = self.runs.get(&machine)?;
        let sequence = &self.sequences[run.sequence.index()];
        let (total, up) = (sequence.steps.len(), run.course == Course::Up);
        let place = if up { run.done } else { total.saturating_sub(run.done + 1) };
        let step = sequence.steps.get(place).map_or_else(String::new, |step| self.describe(step, up, lines));
        Some(Progress { text: format!("{} {}/{total}: {step}", sequence.name, place + 1), up })
    }

    /// A rail that is told to be on and whose power-good has just gone, not with one that it requires.
    pub fn lost_by(&self, line: SignalId, lines: &Lines) -> Option<RailId> {
        let place = self.rails.iter().position(|rail| rail.good == Some(line))?;
        let rail = RailId::new(place);
        // One that went with a rail that it requires is not where the fault is.
        let follows = self.rails[place].requires.iter().any(|needed| self.is_low(*needed, lines));
        (self.is_told_on(rail, lines) && self.is_low(rail, lines) && !follows).then_some(rail)
    }

    /// A rail of a sequence that is told to be on and is known not to be good.
    pub fn lost_of(&self, sequence: SequenceId, lines: &Lines) -> Option<RailId> {
        let mut rails = self.sequences[sequence.index()].rails();
        rails.find(|rail| self.is_told_on(*rail, lines) && self.is_low(*rail, lines))
    }

    /// Whether something of a sequence is on, as far as the lines tell.
    pub fn is_anything_on(&self, sequence: SequenceId, lines: &Lines) -> bool {
        self.sequences[sequence.index()].steps.iter().any(|step| match step {
            StepSpec::Set { line, level } => lines.level(*line) == Some(*level),
            StepSpec::Rail { rail, .. } => self.is_told_on(*rail, lines),
            StepSpec::Pulse { .. } | StepSpec::Wait { .. } | StepSpec::Voltage { .. } | StepSpec::Delay(_) => false,
        })
    }

    /// Whether a machine's sequence is under way.
    pub fn is_running(&self, machine: MachineId) -> bool {
        self.runs.contains_key(&machine)
    }

    /// Whether a sequence switches a rail.
    pub fn switches(&self, sequence: SequenceId, rail: RailId) -> bool {
        self.sequences[sequence.index()].rails().any(|other| other == rail)
    }

    /// A rail's name.
    pub fn rail_name(&self, rail: RailId) -> &Name {
        &self.rails[rail.index()].name
    }

    /// Names of the rails that a sequence switches, in their order.
    pub fn rail_names(&self, sequence: SequenceId) -> impl Iterator<Item = &Name> {
        self.sequences[sequence.index()].rails().map(|rail| &self.rails[rail.index()].name)
    }

    /// Lines that a sequence waits for.
    pub fn inputs(&self, sequence: SequenceId) -> Vec<SignalId> {
        let steps = &self.sequences[sequence.index()].steps;
        let line = |step: &StepSpec| match step {
            StepSpec::Wait { line, .. } => Some(*line),
            StepSpec::Rail { rail, .. } => self.rails[rail.index()].good,
            StepSpec::Set { .. } | StepSpec::Pulse { .. } | StepSpec::Voltage { .. } | StepSpec::Delay(_) => None,
        };
        steps.iter().filter_map(line).collect()
    }

    /// Lines that a sequence drives.
    pub fn outputs(&self, sequence: SequenceId) -> Vec<SignalId> {
        let steps = &self.sequences[sequence.index()].steps;
        let line = |step: &StepSpec| match step {
            StepSpec::Set { line, .. } | StepSpec::Pulse { line, .. } => Some(*line),
            StepSpec::Rail { rail, .. } => match self.rails[rail.index()].switch {
                RailSwitch::Line(line) => Some(line),
                RailSwitch::Pmbus => None,
            },
            StepSpec::Wait { .. } | StepSpec::Voltage { .. } | StepSpec::Delay(_) => None,
        };
        steps.iter().filter_map(line).collect()
    }

    /// What a rail was told. Absent: not known.
    pub fn told(&self, rail: RailId, lines: &Lines) -> Option<bool> {
        match self.rails[rail.index()].switch {
            RailSwitch::Line(line) => lines.level(line).map(Level::is_high),
            RailSwitch::Pmbus => self.told[rail.index()],
        }
    }

    /// It was told to be off, and nothing drives it on that only does not show.
    fn is_told_off(&self, rail: RailId, lines: &Lines) -> bool {
        match self.rails[rail.index()].switch {
            RailSwitch::Line(line) => lines.rests_at(line, Level::Low),
            RailSwitch::Pmbus => self.told[rail.index()] == Some(false),
        }
    }

    fn is_told_on(&self, rail: RailId, lines: &Lines) -> bool {
        self.told(rail, lines) == Some(true)
    }

    /// Its power-good tells that it is not good; one that has none, or cannot be read, tells nothing.
    fn is_low(&self, rail: RailId, lines: &Lines) -> bool {
        self.rails[rail.index()].good.and_then(|line| lines.level(line)) == Some(Level::Low)
    }

    /// As far as it goes now.
    fn go_on(&mut self, machine: MachineId, lines: &mut Lines, out: &mut Outbox) {
        let Some(mut run) = self.runs.remove(&machine) else { return };
        let now = out.now();
        let outer = out.cause();
        out.because(run.cause.clone());
        let sequence = self.sequences[run.sequence.index()].clone();
        let ended = loop {
            if run.done == sequence.steps.len() {
                break match run.course {
                    Course::Up => Some(Outcome::Done),
                    Course::Down => Self::confirm_down(&mut run, &sequence, lines, now),
                };
            }
            let up = run.course == Course::Up;
            if up && let Some(rail) = self.fell_on_the_way(&sequence, run.done, lines) {
                let why = format!("{} lost its power-good on the way up", self.rails[rail.index()].name);
                break Some(self.failed(&run, &why, lines, out));
            }
            let place = if up { run.done } else { sequence.steps.len() - 1 - run.done };
            let step = &sequence.steps[place];
            let begins = run.until.is_none();
            let state = if up {
                self.step_up(step, begins, lines, out)
            } else {
                self.step_down(step, begins, &mut run.switched, lines, out)
            };
            let is_delay = matches!(step, StepSpec::Delay(_) | StepSpec::Pulse { .. });
            match state {
                Step::Done => {}
                Step::Waits(bound, missing) => {
                    let until = *run.until.get_or_insert(now + bound);
                    let over = now >= until || now >= run.deadline;
                    if !over {
                        break None;
                    }
                    if !is_delay && up {
                        let within = human(if now >= until { bound } else { sequence.timeout });
                        let why = format!("step {} of {}: {missing} within {within}", place + 1, sequence.name);
                        break Some(self.failed(&run, &why, lines, out));
                    }
                    if !is_delay {
                        run.left.push(missing);
                    }
                }
            }
            if let (StepSpec::Pulse { line, .. }, true) = (step, up) {
                lines.set(*line, Level::Low, out);
            }
            run.done += 1;
            run.until = None;
            if up {
                out.changed().system = true;
            }
        };
        match ended {
            None => {
                let at = run.until.unwrap_or(run.deadline).min(run.deadline);
                // Past its deadline a way down still has its last look, at once.
                out.arm(Timer::Sequence(machine), at.max(now));
                self.runs.insert(machine, run);
            }
            Some(outcome) => {
                let again = run.again && outcome == Outcome::Done;
                self.end(machine, &run, outcome, out);
                if again {
                    self.run(machine, run.sequence, lines, out);
                }
            }
        }
        out.because(outer);
    }

    fn told_of(&self, run: &Run, outcome: &Outcome, out: &mut Outbox) {
        let name = &self.sequences[run.sequence.index()].name;
        let (word, severity, text) = match (run.course, outcome) {
            (Course::Up, Outcome::Done) => ("done", Severity::Info, format!("{name}: every step is done")),
            // What was off already is not worth a word.
            (Course::Down, Outcome::Done) if !run.switched => return,
            (Course::Down, Outcome::Done) => ("undone", Severity::Info, format!("{name}: everything is off again")),
            (_, Outcome::Failed(why)) => ("failed", Severity::Error, why.clone()),
        };
        out.event(format!("power.{name}.{word}"), "powermgr", severity, text, vec![("sequence", name.as_str().into())]);
        out.changed().system = true;
    }

    /// A failure, with the record of what was where: taken now, because what follows switches off.
    fn failed(&self, run: &Run, why: &str, lines: &Lines, out: &mut Outbox) -> Outcome {
        let sequence = &self.sequences[run.sequence.index()];
        raise(&self.record(sequence, lines), &sequence.name, why, out);
        Outcome::Failed(why.to_owned())
    }

    fn end(&mut self, machine: MachineId, run: &Run, outcome: Outcome, out: &mut Outbox) {
        out.cancel(Timer::Sequence(machine));
        self.told_of(run, &outcome, out);
        self.finished.push((machine, outcome));
    }

    /// A rail of a sequence that is up was lost: an event, with the record of what was where.
    pub fn raise_lost(&self, sequence: SequenceId, rail: RailId, lines: &Lines, out: &mut Outbox) {
        let name = &self.rails[rail.index()].name;
        let why = format!("{name} is told to be on and is not good any more");
        out.event(
            format!("rail.{name}.lost"),
            "powermgr",
            Severity::Critical,
            why.clone(),
            vec![("rail", name.as_str().into())],
        );
        let sequence = self.spec(sequence);
        raise(&self.record(sequence, lines), &sequence.name, &why, out);
    }

    /// A rail that is switched over PMBus did not take it.
    pub fn raise_not_switched(&self, rail: RailId, why: &str, out: &mut Outbox) {
        let name = &self.rails[rail.index()].name;
        out.event(
            format!("rail.{name}.switch-failed"),
            "powermgr",
            Severity::Error,
            format!("{name} could not be switched: {why}"),
            vec![("rail", name.as_str().into()), ("reason", why.into())],
        );
    }

    /// What each rail of a sequence shows now.
    pub fn record(&self, sequence: &SequenceSpec, lines: &Lines) -> Vec<Record> {
        let record = |id: RailId| {
            let rail = &self.rails[id.index()];
            Record {
                rail: rail.name.clone(),
                told_on: self.told(id, lines),
                good: rail.good.map(|line| lines.level(line).map(Level::is_high)),
                volts: rail.voltage.and_then(|sensor| self.sensors.get(&sensor)?.1),
            }
        };
        sequence.rails().map(record).collect()
    }

    /// The sequence.
    pub fn spec(&self, sequence: SequenceId) -> &SequenceSpec {
        &self.sequences[sequence.index()]
    }
}
