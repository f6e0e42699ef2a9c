//! Whether the board answers: as a whole, and piece by piece. When neither a line nor a sensor can be read any more, that
//! is one happening: the board has gone, or everything that leads to it. Fifty events of fifty rows do not say so.

use crate::{
    board::Board,
    core::Core,
    event::Severity,
    ids::{SensorId, SignalId},
    machines::bank::Machines,
    outbox::Outbox,
    power::Direction,
    refusal::Obstacle,
    sensors::bank::Sensors,
    time::{Mono, human},
    view::{Problem, Quality},
};

/// Whether the board answers.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Since when it does not, and what one of its sensors says of it.
    lost: Option<(Mono, String)>,
}

impl Reach {
    /// Readings or lines have changed. `watched` tells whether anybody reads them.
    pub fn follow(&mut self, board: &Board, machines: &Machines, sensors: &Sensors, watched: bool, out: &mut Outbox) {
        let silent = if watched { silence(board, machines, sensors) } else { None };
        match (silent, self.lost.take()) {
            (Some(why), None) => {
                let text = format!("the board does not answer: no line and no sensor can be read ({why})");
                let fields = vec![("reason", why.as_str().into())];
                out.event("hardware.lost".to_owned(), "statemgr", Severity::Critical, text, fields);
                self.lost = Some((out.now(), why));
                out.changed().system = true;
            }
            // While nobody reads them there is nothing new to be known of it.
            (Some(_), Some(lost)) => self.lost = Some(lost),
            (None, Some(lost)) if !watched => self.lost = Some(lost),
            (None, Some((since, _))) => {
                let length = out.now().since(since);
                let text = format!("the board answers again after {}", human(length));
                let fields = vec![("duration_s", length.as_secs_f64().into())];
                out.event("hardware.restored".to_owned(), "statemgr", Severity::Notice, text, fields);
                out.changed().system = true;
            }
            (None, None) => {}
        }
    }

    /// What is not as it should be.
    pub fn problem(&self, board: &Board) -> Option<Problem> {
        let (since, why) = self.lost.as_ref()?;
        Some(Problem {
            severity: Severity::Critical,
            obstacle: Obstacle {
                kind: "hardware-lost",
                subject: format!("board {}", board.name),
                text: format!("{} does not answer: no line and no sensor can be read ({why})", board.name),
                remedy: "look at `ubmcctl resources list`; a simulated board is plugged in by `ubmcctl sim start`"
                    .to_owned(),
                since: Some(*since),
            },
        })
    }
}

/// How a piece of hardware answered when it was used last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// As it should.
    Good,
    /// Not, and what is wrong.
    None(String),
    /// Nothing tells: it was not used yet, or what it measures is off.
    Unknown,
}

impl Core {
    /// How the hardware behind a declaration of the board answers, e.g. `sensor inlet_temp`. Nothing is touched for it;
    /// declarations that do not tell by themselves are [`Answer::Unknown`].
    pub fn answer_of(&self, declaration: &str) -> Answer {
        let Some((kind, name)) = declaration.split_once(' ') else { return Answer::Unknown };
        let found = match kind {
            "signal" => self.board.find_signal(name).map(|id| match self.machines.level(id) {
                Some(_) => Answer::Good,
                None if self.machines.is_seen(id) => Answer::None("it cannot be read or driven".to_owned()),
                None => Answer::Unknown,
            }),
            "sensor" => self.board.find_sensor(name).map(|id| match self.sensors.quality(id) {
                Quality::Good => Answer::Good,
                Quality::NotYetRead | Quality::Unpowered => Answer::Unknown,
                quality @ (Quality::Stale | Quality::Failed | Quality::Absent) => {
                    Answer::None(format!("{}: {}", quality.as_str(), self.sensors.view(id).reason))
                }
            }),
            "fan" => self.board.find_fan(name).map(|id| {
                if self.thermal.refuses(id) {
                    Answer::None("it does not take its duty".to_owned())
                } else {
                    Answer::Good
                }
            }),
            "led" => self
                .board
                .find_led(name)
                .map(|id| self.leds.view(id).error.map_or(Answer::Good, |why| Answer::None(why.to_owned()))),
            _ => None,
        };
        found.unwrap_or(Answer::Unknown)
    }
}

/// What a sensor says when no line and no sensor can be read. Absent: something can, or nothing has been looked at yet.
fn silence(board: &Board, machines: &Machines, sensors: &Sensors) -> Option<String> {
    // What an output was told is no answer.
    let inputs =
        || (0..board.signals.len()).map(SignalId::new).filter(|id| board.signal(*id).direction == Direction::Input);
    let silent = |line| machines.is_seen(line) && machines.level(line).is_none();
    if inputs().next().is_none() || !inputs().all(silent) {
        return None;
    }
    let mut why = None;
    for id in (0..board.sensors.len()).map(SensorId::new) {
        match sensors.quality(id) {
            Quality::Good => return None,
            Quality::Failed | Quality::Stale | Quality::Absent => {
                why.get_or_insert_with(|| format!("{}: {}", sensors.spec(id).name, sensors.view(id).reason));
            }
            Quality::NotYetRead | Quality::Unpowered => {}
        }
    }
    why
}
