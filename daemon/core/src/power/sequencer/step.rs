//! One step of a sequence, in either direction: what it does, and whether it is done.

use super::{Outcome, Run, Sequencer, Step};
use crate::{
    effect::Effect,
    ids::RailId,
    input::HardwareCommand,
    outbox::Outbox,
    power::{RailSwitch, SequenceSpec, StepSpec, lines::Lines},
    time::{Mono, human},
    units::Level,
};

impl Sequencer {
    pub(super) fn fell_on_the_way(&self, sequence: &SequenceSpec, done: usize, lines: &Lines) -> Option<RailId> {
        let mut up = sequence.steps.iter().take(done).filter_map(StepSpec::rail);
        up.find(|rail| self.is_low(*rail, lines))
    }

    pub(super) fn step_up(&mut self, step: &StepSpec, begins: bool, lines: &mut Lines, out: &mut Outbox) -> Step {
        match step {
            StepSpec::Set { line, level } => {
                lines.set(*line, *level, out);
                Step::Done
            }
            StepSpec::Pulse { line, duration } => {
                if begins {
                    lines.set(*line, Level::High, out);
                }
                Step::Waits(*duration, String::new())
            }
            StepSpec::Wait { line, level, timeout, .. } => {
                if lines.level(*line) == Some(*level) {
                    return Step::Done;
                }
                Step::Waits(*timeout, format!("{} did not go {level}", lines.name(*line)))
            }
            StepSpec::Voltage { sensor, low, high, timeout } => {
                let (name, volts) = match self.sensors.get(sensor) {
                    Some((name, volts)) => (name.clone(), *volts),
                    None => ("its sensor".into(), None),
                };
                match volts {
                    Some(volts) if (*low..=*high).contains(&volts) => Step::Done,
                    Some(volts) => {
                        Step::Waits(*timeout, format!("{name} is {volts:.2} V and did not come to {low}–{high} V"))
                    }
                    None => Step::Waits(*timeout, format!("{name} could not be read")),
                }
            }
            StepSpec::Rail { rail, timeout } => {
                if begins {
                    self.switch(*rail, true, lines, out);
                }
                let spec = &self.rails[rail.index()];
                match spec.good {
                    Some(good) if lines.level(good) != Some(Level::High) => {
                        Step::Waits(*timeout, format!("{} did not become good", spec.name))
                    }
                    _ => Step::Done,
                }
            }
            StepSpec::Delay(duration) => Step::Waits(*duration, String::new()),
        }
    }

    pub(super) fn step_down(
        &mut self,
        step: &StepSpec,
        begins: bool,
        switched: &mut bool,
        lines: &mut Lines,
        out: &mut Outbox,
    ) -> Step {
        match step {
            StepSpec::Set { line, level } => {
                let rest = if level.is_high() { Level::Low } else { Level::High };
                *switched |= lines.level(*line) != Some(rest);
                if !lines.rests_at(*line, rest) {
                    lines.set(*line, rest, out);
                }
                Step::Done
            }
            StepSpec::Pulse { line, .. } => {
                if lines.level(*line) == Some(Level::High) {
                    lines.set(*line, Level::Low, out);
                }
                Step::Done
            }
            StepSpec::Rail { rail, timeout } => {
                if begins {
                    *switched |= self.told(*rail, lines) != Some(false);
                    if !self.is_told_off(*rail, lines) {
                        self.switch(*rail, false, lines, out);
                    }
                }
                let spec = &self.rails[rail.index()];
                match spec.good {
                    Some(good) if lines.level(good) == Some(Level::High) => {
                        Step::Waits(*timeout, format!("{} is switched off and still good", spec.name))
                    }
                    _ => Step::Done,
                }
            }
            StepSpec::Delay(duration) if *switched => Step::Waits(*duration, String::new()),
            StepSpec::Wait { .. } | StepSpec::Voltage { .. } | StepSpec::Delay(_) => Step::Done,
        }
    }

    /// Everything is switched off; what has to have left its level?
    pub(super) fn confirm_down(run: &mut Run, sequence: &SequenceSpec, lines: &Lines, now: Mono) -> Option<Outcome> {
        for step in &sequence.steps {
            let StepSpec::Wait { line, level, timeout, both_ways: true } = step else { continue };
            if lines.level(*line) != Some(*level) {
                continue;
            }
            if now < *run.until.get_or_insert((now + *timeout).min(run.deadline)) {
                return None;
            }
            run.left.push(format!("{} stays {level} although everything is switched off", lines.name(*line)));
        }
        Some(match run.left.as_slice() {
            [] => Outcome::Done,
            left => Outcome::Failed(format!("{}: {}", sequence.name, left.join("; "))),
        })
    }

    pub(super) fn switch(&mut self, rail: RailId, on: bool, lines: &mut Lines, out: &mut Outbox) {
        match self.rails[rail.index()].switch {
            RailSwitch::Line(line) => lines.set(line, Level::from_bool(on), out),
            RailSwitch::Pmbus => {
                self.told[rail.index()] = Some(on);
                out.changed().system = true;
                out.deed(Effect::Command(HardwareCommand::SetRail(rail, on)));
            }
        }
    }

    pub(super) fn describe(&self, step: &StepSpec, up: bool, lines: &Lines) -> String {
        let level = |level: Level| Level::from_bool(level.is_high() == up);
        match step {
            StepSpec::Set { line, level: to } => format!("{} to {}", lines.name(*line), level(*to)),
            StepSpec::Pulse { line, duration } => format!("{} for {}", lines.name(*line), human(*duration)),
            StepSpec::Wait { line, level: to, .. } => format!("{} until {}", lines.name(*line), level(*to)),
            StepSpec::Voltage { sensor, low, high, .. } => match self.sensors.get(sensor) {
                Some((name, _)) => format!("{name} until {low}–{high} V"),
                None => format!("until {low}–{high} V"),
            },
            StepSpec::Rail { rail, .. } => {
                format!("{} until {}", self.rails[rail.index()].name, if up { "good" } else { "off" })
            }
            StepSpec::Delay(duration) => format!("wait {}", human(*duration)),
        }
    }
}
