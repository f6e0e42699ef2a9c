//! What is done without any client, and whatever operation is going on (SPEC ST-7).
//!
//! - Heat: a trip is latched, in the thermal room, until somebody asks for off. As long as it is, what the zone cools is
//!   powered off.
//! - Supplies: what is on may draw more, at most, than the good supplies can give. Machines are powered off, last in the
//!   board file first, until the rest can be carried. A supply whose lines cannot be read counts as good here: nothing is
//!   powered off only because something cannot be known.
//! - Parts: something that a machine needs has failed while it is on.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    board::Board,
    core::Core,
    event::Severity,
    ids::{FanId, MachineId, Name, SensorId, ZoneId},
    input::Verb,
    machines::{Demand, MachineKind},
    outbox::{Cause, Outbox},
    power::{SupplySpec, supplies::Standing},
    refusal::Obstacle,
    sensors::bank::Sensors,
    thermal::control::Thermal,
    time::Mono,
    timers::Timer,
    view::{Health, Problem, Quality, Status},
};

/// How long a trip waits for a host to go off before it tries again; longer than the definition's own bound.
const TRIP_RETRY: Duration = Duration::from_secs(12);
/// After so many tries at a host its chassis goes off.
const TRIP_TRIES: u32 = 2;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Nothing but telling.
    Alert,
    /// Machines shut down, and are powered off when they do not.
    ShutDown,
    /// Machines are powered off at once.
    ForceOff,
    /// The machine shuts down, and is not powered on until somebody has asked for off.
    Isolate,
}

impl Response {
    /// What is demanded of a machine. Absent: nothing.
    const fn demand(self) -> Option<Demand> {
        match self {
            Self::Alert => None,
            Self::ShutDown | Self::Isolate => Some(Demand::Off),
            Self::ForceOff => Some(Demand::ForceOff),
        }
    }
}

/// When and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// What.
    pub response: Response,
    /// After it has lasted so long.
    pub after: Duration,
}

/// What a board wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmergencyPolicy {
    /// When the good supplies cannot carry what is on.
    pub supplies: Reaction,
    /// When a part fails that a machine needs.
    pub parts: Reaction,
}

impl Default for EmergencyPolicy {
    fn default() -> Self {
        Self {
            supplies: Reaction { response: Response::ShutDown, after: Duration::from_secs(3) },
            parts: Reaction { response: Response::Alert, after: Duration::from_secs(30) },
        }
    }
}

/// A part that a machine needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Its reading is good and within its critical limits.
    Sensor(SensorId),
    /// It turns as it should.
    Fan(FanId),
}

impl Need {
    /// The part's name.
    pub fn name(self, board: &Board) -> &Name {
        match self {
            Self::Sensor(id) => &board.sensor(id).name,
            Self::Fan(id) => &board.fan(id).name,
        }
    }

    /// What is wrong with it, to follow its name. Absent: nothing.
    pub fn trouble(self, sensors: &Sensors, thermal: &Thermal) -> Option<String> {
        match self {
            Self::Sensor(id) => {
                let view = sensors.view(id);
                match (view.quality, view.status) {
                    // What has just been powered is read in a moment; when it is not, it becomes stale.
                    (Quality::Unpowered | Quality::NotYetRead, _)
                    | (Quality::Good, Status::Ok | Status::Unknown | Status::Warning) => None,
                    (Quality::Good, Status::Critical | Status::Fatal) => {
                        Some(format!("is beyond its {} limit", view.status.as_str()))
                    }
                    (quality, _) => Some(format!("has no valid reading ({})", quality.as_str())),
                }
            }
            Self::Fan(id) => {
                let failed = thermal.view_fan(id, sensors).health == Health::Unhealthy;
                failed.then(|| "does not turn as it should".to_owned())
            }
        }
    }
}

/// Something that lasts.
#[derive(Clone, Debug)]
struct Lasting {
    since: Mono,
    what: String,
    /// What it is due to, and what is done about it.
    cause: Cause,
    /// It has lasted long enough, and was acted upon.
    answered: bool,
}

impl Lasting {
    /// It has just begun.
    fn begun(what: &str, out: &Outbox) -> Self {
        Self { since: out.now(), what: what.to_owned(), cause: out.cause(), answered: false }
    }
}

/// What goes on, and what was done about it.
#[derive(Clone, Debug, Default)]
pub struct Emergency {
    shortage: Option<Lasting>,
    failing: BTreeMap<MachineId, Lasting>,
    isolated: BTreeMap<MachineId, (Mono, String)>,
    /// Machines that a latched trip is powering off: how often it was tried, and when last.
    tripped: BTreeMap<MachineId, (u32, Mono)>,
}

impl Emergency {
    /// What forbids powering on a machine that was isolated.
    pub fn obstacle(&self, id: MachineId, name: &Name) -> Option<Obstacle> {
        let (since, why) = self.isolated.get(&id)?;
        Some(Obstacle {
            kind: "isolated",
            subject: format!("machine {name}"),
            text: format!("{name} was isolated: {why}"),
            remedy: format!("mend it, then say `ubmcctl host off {name}` to release it"),
            since: Some(*since),
        })
    }

    /// Somebody has asked for off: it may be powered on again.
    pub fn release(&mut self, id: MachineId, name: &Name, out: &mut Outbox) {
        if self.isolated.remove(&id).is_some() {
            let text = format!("{name} is isolated no longer, by {}", out.cause().actor);
            let fields = vec![("machine", name.as_str().into())];
            out.event(format!("state.{name}.released"), "statemgr", Severity::Notice, text, fields);
            out.changed().machines.insert(id);
        }
    }

    /// What is not as it should be.
    pub fn problems(&self, board: &Board) -> Vec<Problem> {
        let shortage = self.shortage.iter().map(|lasting| Problem {
            severity: Severity::Critical,
            obstacle: Obstacle {
                kind: "supply-shortage",
                subject: "supplies".to_owned(),
                text: lasting.what.clone(),
                remedy: "look at `ubmcctl power supplies`; plug one in or restore its AC".to_owned(),
                since: Some(lasting.since),
            },
        });
        let failing = self.failing.iter().filter(|(_, lasting)| lasting.answered).map(|(id, lasting)| Problem {
            severity: Severity::Critical,
            obstacle: Obstacle {
                kind: "needed-part-failed",
                subject: format!("machine {}", board.machine(*id).name),
                text: lasting.what.clone(),
                remedy: "mend it, or power the machine off before it does harm".to_owned(),
                since: Some(lasting.since),
            },
        });
        let isolated = self.isolated.keys().filter_map(|id| {
            let obstacle = self.obstacle(*id, &board.machine(*id).name)?;
            Some(Problem { severity: Severity::Error, obstacle })
        });
        shortage.chain(failing).chain(isolated).collect()
    }
}

impl Core {
    /// Looks whether anything demands an answer that nobody asked for. Returns whether something was done.
    pub(crate) fn watch_over(&mut self) -> bool {
        let shed = self.watch_supplies();
        let acted = self.watch_parts();
        let policy = &self.board.policy.emergency;
        let shortage = self.emergency.shortage.iter().map(|lasting| (lasting, policy.supplies.after));
        let failing = self.emergency.failing.values().map(|lasting| (lasting, policy.parts.after));
        let waiting = shortage.chain(failing).filter(|(lasting, _)| !lasting.answered);
        match waiting.map(|(lasting, after)| lasting.since + after).min() {
            Some(first) => self.out.arm(Timer::Emergency, first),
            None => self.out.cancel(Timer::Emergency),
        }
        shed || acted
    }

    /// What the good supplies can give. Absent: the board has none.
    fn capacity(&self) -> Option<f64> {
        let supplies = &self.board.supplies;
        let carries = |spec: &&SupplySpec| matches!(self.machines.standing(spec), Standing::Good | Standing::Unknown);
        let good = supplies.iter().filter(carries);
        (!supplies.is_empty()).then(|| good.map(|spec| spec.rated_w).sum())
    }

    /// Machines with power, and the most that each may draw, without those that are going off already.
    fn drawing(&self) -> Vec<(MachineId, f64)> {
        let draws = |id: MachineId| {
            let machine = self.machines.get(id);
            let leaves = machine.requested == "off" && machine.operation.is_some();
            machine.spec.max_power_w.filter(|_| machine.is_powered() && !leaves)
        };
        self.machines.ids().filter_map(|id| Some((id, draws(id)?))).collect()
    }

    fn watch_supplies(&mut self) -> bool {
        let Some(capacity) = self.capacity() else { return false };
        let mut drawing = self.drawing();
        let mut drawn: f64 = drawing.iter().map(|(_, watts)| watts).sum();
        let Reaction { response, after } = self.board.policy.emergency.supplies;
        if drawn <= capacity {
            if let Some(over) = self.emergency.shortage.take()
                && over.answered
            {
                let text = format!("the supplies can carry what is on again: {capacity:.0} W for {drawn:.0} W");
                self.out.event("supply.shortage-over".to_owned(), "powermgr", Severity::Notice, text, Vec::new());
                self.out.changed().system = true;
            }
            return false;
        }
        let what = format!("what is on may draw {drawn:.0} W, and the good supplies give {capacity:.0} W");
        let lasting = self.emergency.shortage.get_or_insert_with(|| Lasting::begun(&what, &self.out));
        lasting.what.clone_from(&what);
        if self.out.now().since(lasting.since) < after {
            return false;
        }
        self.out.because(lasting.cause.clone());
        if !lasting.answered {
            lasting.answered = true;
            let fields = vec![("drawn_w", drawn.into()), ("capacity_w", capacity.into())];
            self.out.event("supply.shortage".to_owned(), "powermgr", Severity::Critical, what.clone(), fields);
            self.out.changed().system = true;
        }
        let Some(demand) = response.demand() else { return false };
        let mut acted = false;
        while drawn > capacity {
            // Hosts first, the last of the board file before the others; a chassis only when no host is left.
            let is_host = |id: MachineId| self.machines.get(id).spec.definition.kind == MachineKind::Host;
            let last = drawing.iter().rposition(|(id, _)| is_host(*id)).or_else(|| drawing.len().checked_sub(1));
            let Some((id, watts)) = last.map(|place| drawing.remove(place)) else { break };
            drawn -= watts;
            self.run(id, Verb::Demand(demand), "policy supplies", &what);
            acted = true;
        }
        acted
    }

    fn watch_parts(&mut self) -> bool {
        let Reaction { response, after } = self.board.policy.emergency.parts;
        let now = self.out.now();
        let mut acted = false;
        for id in self.machines.ids() {
            let machine = self.machines.get(id);
            let needs = if machine.is_powered() { machine.spec.needs.as_slice() } else { &[] };
            let trouble = needs.iter().find_map(|need| {
                let trouble = need.trouble(&self.sensors, &self.thermal)?;
                Some(format!("{} needs {}, which {trouble}", machine.spec.name, need.name(&self.board)))
            });
            let Some(what) = trouble else {
                if self.emergency.failing.remove(&id).is_some() {
                    self.out.changed().machines.insert(id);
                }
                continue;
            };
            let name = machine.spec.name.clone();
            let lasting = self.emergency.failing.entry(id).or_insert_with(|| Lasting::begun(&what, &self.out));
            lasting.what.clone_from(&what);
            if lasting.answered || now.since(lasting.since) < after {
                continue;
            }
            lasting.answered = true;
            self.out.because(lasting.cause.clone());
            let fields = vec![("machine", name.as_str().into())];
            self.out.event(format!("state.{name}.part-failed"), "statemgr", Severity::Critical, what.clone(), fields);
            self.out.changed().machines.insert(id);
            if response == Response::Isolate {
                self.emergency.isolated.insert(id, (now, what.clone()));
            }
            let Some(demand) = response.demand() else { continue };
            self.run(id, Verb::Demand(demand), "policy parts", &what);
            acted = true;
        }
        acted
    }

    /// What a latched trip demands, whoever asks for what.
    pub(crate) fn answer_trips(&mut self) {
        let tripped: Vec<_> = self.thermal.tripped().map(|(zone, why)| (zone, why.to_owned())).collect();
        if tripped.is_empty() {
            self.emergency.tripped.clear();
        }
        for (zone, why) in tripped {
            self.power_off_for(&why, zone);
        }
    }

    /// As long as a trip is latched, whatever the zone cools is powered off, without any client, and that outranks what
    /// is going on. What does not go off is tried again, and in the end its chassis is powered off.
    fn power_off_for(&mut self, reason: &str, zone: ZoneId) {
        let now = self.out.now();
        let hit: Vec<_> = self
            .machines
            .ids()
            .filter(|id| {
                let machine = self.machines.get(*id);
                // A chassis goes off after its hosts; one that has none is itself what runs hot.
                let goes_first = match machine.spec.definition.kind {
                    MachineKind::Host => true,
                    MachineKind::Chassis => !self.board.machines.iter().any(|inner| inner.parent == Some(*id)),
                    MachineKind::Bmc => false,
                };
                goes_first && machine.spec.zones.contains(&zone) && !machine.fulfils(Demand::Off)
            })
            .collect();
        for id in hit {
            let (tries, last) = self.emergency.tripped.get(&id).copied().unwrap_or((0, Mono::ZERO));
            let due = tries == 0 || now.since(last) >= TRIP_RETRY;
            if !due {
                continue;
            }
            self.emergency.tripped.insert(id, (tries + 1, now));
            let target = self.machines.get(id).spec.parent.filter(|_| tries >= TRIP_TRIES).unwrap_or(id);
            let verb = if target == id { Verb::Demand(Demand::ForceOff) } else { Verb::EmergencyOff };
            self.run(target, verb, "policy thermal", reason);
        }
    }

    /// Whether the board says anything that policies could act upon.
    pub(crate) fn has_emergencies(&self) -> bool {
        self.board.machines.iter().any(|spec| spec.max_power_w.is_some() || !spec.needs.is_empty())
    }
}
