//! What the core tells of itself: views by id, and the whole in one answer.

use crate::{
    core::Core,
    event::Severity,
    ids::{FanId, LedId, MachineId, Name, OperationId, RailId, SensorId, ServiceId, SignalId, SupplyId, ZoneId},
    leds::policy::{BmcMood, Scene as LedScene},
    machines::{Demand, MachineKind, Tone},
    power::RailSwitch,
    refusal::Obstacle,
    services::supervisor::Phase,
    time::Mono,
    timers::Timer,
    view::{
        FanView, Health, LedView, MachineView, OperationView, Problem, RailView, SensorView, ServiceView, SupplyView,
        SystemState, SystemView, ZoneView,
    },
};

impl Core {
    /// Every service, in start order.
    pub fn service_ids(&self) -> Vec<ServiceId> {
        self.supervisor.graph().order().to_vec()
    }

    /// The service of that name.
    pub fn find_service(&self, name: &str) -> Option<ServiceId> {
        self.supervisor.find(name)
    }

    /// A service as it is now.
    pub fn service(&self, id: ServiceId) -> ServiceView<'_> {
        self.supervisor.view(id, &self.out.timers)
    }

    /// A machine as it is now.
    pub fn machine(&self, id: MachineId, _now: Mono) -> MachineView<'_> {
        let machine = self.machines.get(id);
        let state = machine.state_def();
        MachineView {
            name: &machine.spec.name,
            kind: machine.spec.definition.kind,
            state: machine.state_name(),
            tone: state.tone,
            since: machine.since,
            requested: machine.requested,
            operation: machine.operation,
            timeout_at: self.out.timers.get(Timer::Machine(id)),
            cause: &machine.brought_by,
            parent: machine.spec.parent.map(|parent| &self.machines.get(parent).spec.name),
            reason: self.scene().reason(id),
            verbs: self.scene().verbs(id),
            restore: self.restoration(id),
            waivers: self.waivers.of(id).collect(),
        }
    }

    /// Every operation that is kept, oldest first.
    pub fn operations(&self) -> Vec<OperationId> {
        self.operations.ids()
    }

    /// An operation as it is now.
    pub fn operation(&self, id: OperationId) -> Option<&OperationView> {
        self.operations.get(id)
    }

    /// A sensor as it is now.
    pub fn sensor(&self, id: SensorId) -> SensorView<'_> {
        self.sensors.view(id)
    }

    /// A zone as it is now.
    pub fn zone(&self, id: ZoneId) -> ZoneView<'_> {
        self.thermal.view_zone(id, &self.sensors)
    }

    /// A fan as it is now.
    pub fn fan(&self, id: FanId) -> FanView<'_> {
        self.thermal.view_fan(id, &self.sensors)
    }

    /// What machines' power is told, and what it answers.
    pub fn rails(&self) -> Vec<RailView<'_>> {
        let line = |machine: MachineId, role: &str| self.machines.get(machine).spec.signals.get(role).copied();
        let name = |line: Option<SignalId>| line.map_or("", |line| self.board.signal(line).name.as_str());
        let high =
            |line: Option<SignalId>| line.and_then(|line| self.machines.level(line)).map(crate::units::Level::is_high);
        let of_machines = self
            .machines
            .ids()
            .map(|id| (id, line(id, "power-control"), line(id, "power-good")))
            .filter(|(_, control, good)| control.is_some() || good.is_some())
            .map(|(id, control, good)| RailView {
                name: &self.machines.get(id).spec.name,
                enabled: high(control).or_else(|| self.is_sequenced_on(id)),
                power_good: high(good),
                control_signal: name(control),
                good_signal: name(good),
                voltage: None,
                requires: Vec::new(),
                machine: Some(&self.machines.get(id).spec.name),
                progress: self.machines.progress(id).map(|progress| progress.text),
            });
        let sequencer = self.machines.sequencer();
        let of_rails = self.board.rails.iter().enumerate().map(|(place, spec)| {
            let id = RailId::new(place);
            let switches = |machine: &MachineId| {
                self.machines.get(*machine).spec.sequences.values().any(|sequence| sequencer.switches(*sequence, id))
            };
            let machine = self.machines.ids().find(switches);
            let control = match spec.switch {
                RailSwitch::Line(line) => Some(line),
                RailSwitch::Pmbus => None,
            };
            RailView {
                name: &spec.name,
                enabled: sequencer.told(id, self.machines.lines()),
                power_good: high(spec.good),
                control_signal: name(control),
                good_signal: name(spec.good),
                voltage: spec.voltage.and_then(|sensor| self.sensors.good(sensor)),
                requires: spec.requires.iter().map(|rail| &self.board.rail(*rail).name).collect(),
                machine: machine.map(|machine| &self.machines.get(machine).spec.name),
                progress: machine.and_then(|machine| self.machines.progress(machine)).map(|progress| progress.text),
            }
        });
        of_machines.chain(of_rails).collect()
    }

    /// Whether the sequences of a machine have something switched on. Absent: it has none.
    fn is_sequenced_on(&self, id: MachineId) -> Option<bool> {
        let (sequencer, lines) = (self.machines.sequencer(), self.machines.lines());
        let sequences = self.machines.get(id).spec.sequences.values();
        sequences.map(|sequence| sequencer.is_anything_on(*sequence, lines)).reduce(|one, other| one || other)
    }

    /// A supply as it is now.
    pub fn supply(&self, id: SupplyId) -> SupplyView<'_> {
        let spec = self.board.supply(id);
        let high =
            |line: Option<SignalId>| line.and_then(|line| self.machines.level(line)).map(crate::units::Level::is_high);
        let (present, good) = (high(spec.present), high(spec.good));
        SupplyView {
            spec,
            present,
            good,
            power_w: spec.power.and_then(|sensor| self.sensors.good(sensor)),
            temperature: spec.temperature.and_then(|sensor| self.sensors.good(sensor)),
            health: match (present, good) {
                (Some(true), Some(true)) => Health::Healthy,
                (Some(false), _) | (_, Some(false)) => Health::Unhealthy,
                (None, _) | (_, None) => Health::Unknown,
            },
            fault_registers: self.supplies.registers(id),
            faults_read_at: self.supplies.read_at(id),
        }
    }

    /// An LED as it is now.
    pub fn led(&self, id: LedId) -> LedView<'_> {
        self.leds.view(id)
    }

    /// The whole in one answer.
    pub fn system(&self, now: Mono) -> SystemView {
        let mut problems = self.problems();
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
        let worst = problems.first().map(|problem| problem.severity);
        let state = match self.supervisor.phase() {
            Phase::Booting => SystemState::Starting,
            Phase::Stopping { .. } | Phase::Ended => SystemState::Stopping,
            Phase::Up if worst >= Some(Severity::Error) => SystemState::Degraded,
            Phase::Up => SystemState::Ready,
        };
        SystemView {
            state,
            health: match worst {
                Some(Severity::Critical | Severity::Error) => Health::Unhealthy,
                Some(Severity::Warning) => Health::Degraded,
                Some(Severity::Notice | Severity::Info | Severity::Debug) | None => Health::Healthy,
            },
            problems,
            groups: self.supervisor.groups(),
            holding_up: self.supervisor.holding_up(now, &self.out.timers),
        }
    }

    /// Everything that is not as it should be.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.supervisor.problems();
        problems.extend(self.reach.problem(&self.board));
        problems.extend(self.machine_problems());
        problems.extend(self.thermal.problems());
        problems.extend(self.sensors.problems());
        problems.extend(self.supply_problems());
        problems.extend(self.leds.problems());
        problems.extend(self.guardian_problem());
        problems.extend(self.waivers.problems());
        problems.extend(self.emergency.problems(&self.board));
        problems
    }

    fn machine_problems(&self) -> Vec<Problem> {
        let scene = self.scene();
        self.machines
            .ids()
            .filter_map(|id| {
                let machine = self.machines.get(id);
                let name = &machine.spec.name;
                let unfulfilled =
                    machine.requested == "on" && !machine.fulfils(Demand::On) && machine.operation.is_none();
                let stays_on = machine.requested == "off" && machine.is_powered() && machine.operation.is_none();
                let (kind, severity) = match machine.state_def().tone {
                    _ if !machine.discovered => ("state-unknown", Severity::Notice),
                    Tone::Fault => ("machine-fault", Severity::Error),
                    Tone::Normal if stays_on => ("not-as-requested", Severity::Warning),
                    Tone::Normal if unfulfilled => ("not-as-requested", Severity::Error),
                    Tone::Normal | Tone::Transitional => return None,
                };
                let remedy = if machine.discovered {
                    format!("look at `ubmcctl machines show {name}`")
                } else {
                    "wait until its lines have been read".to_owned()
                };
                Some(Problem {
                    severity,
                    obstacle: Obstacle {
                        kind,
                        subject: format!("machine {name}"),
                        text: format!("{name} is {}: {}", machine.state_name(), scene.reason(id)),
                        remedy,
                        since: Some(machine.since),
                    },
                })
            })
            .collect()
    }

    fn supply_problems(&self) -> Vec<Problem> {
        (0..self.board.supplies.len())
            .map(SupplyId::new)
            .filter_map(|id| {
                let view = self.supply(id);
                let name: &Name = &view.spec.name;
                let (kind, text, remedy) = match (view.present, view.good) {
                    (Some(false), _) => ("supply-absent", format!("{name} is not plugged in"), "plug it in"),
                    (_, Some(false)) => (
                        "supply-failed",
                        format!("the output of {name} is not good"),
                        "look at its AC, then replace it",
                    ),
                    (Some(true) | None, Some(true) | None) => return None,
                };
                Some(Problem {
                    severity: Severity::Warning,
                    obstacle: Obstacle {
                        kind,
                        subject: format!("supply {name}"),
                        text,
                        remedy: remedy.to_owned(),
                        since: None,
                    },
                })
            })
            .collect()
    }

    pub(crate) fn led_scene(&self) -> LedScene {
        let of_kind = |kind| self.machines.ids().find(|id| self.machines.get(*id).spec.definition.kind == kind);
        let chassis_on = of_kind(MachineKind::Chassis).map(|id| self.machines.get(id)).filter(|it| it.discovered);
        let bmc = of_kind(MachineKind::Bmc).map(|id| self.machines.get(id));
        LedScene {
            chassis_on: chassis_on.map(|machine| match machine.state_def().tone {
                Tone::Transitional => None,
                Tone::Normal | Tone::Fault => Some(machine.is_powered()),
            }),
            bmc: match bmc.map(|machine| machine.state_def().tone) {
                Some(Tone::Normal) if bmc.is_some_and(|machine| machine.fulfils(Demand::MaintenanceOn)) => {
                    BmcMood::Busy
                }
                Some(Tone::Fault) => BmcMood::Broken,
                Some(Tone::Transitional) => BmcMood::Busy,
                Some(Tone::Normal) | None => BmcMood::Ready,
            },
            worst: [
                // Services are many: their worst is looked up without a word.
                self.supervisor.worst(),
                self.reach.problem(&self.board).map(|problem| problem.severity),
                self.machine_problems().into_iter().map(|problem| problem.severity).max(),
                self.thermal.problems().into_iter().map(|problem| problem.severity).max(),
                self.sensors.problems().into_iter().map(|problem| problem.severity).max(),
                self.supply_problems().into_iter().map(|problem| problem.severity).max(),
            ]
            .into_iter()
            .flatten()
            .max(),
        }
    }
}
