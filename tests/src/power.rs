//! The power path on the real core, exhaustively: every state of every machine × every request × every hardware event
//! and fault of the simulator, each tried from a copy of the same moment, in simulated time.
//!
//! After each, whatever happened:
//! - a refusal names what stands against the request, and what to do about it;
//! - every operation ends, and every transitional state has its bound and keeps it;
//! - no host is switched on while its chassis is not on;
//! - once the fault is gone, off leads to off: power lines low, whatever went before.

use std::{fmt, time::Duration};

use ubmc_core::{
    ids::{MachineId, SignalId},
    input::Verb,
    machines::{Demand, MachineKind, Tone},
    operations::plan::verbs_of,
    power::Direction,
    services::Builtin,
    units::Level,
};
use ubmc_platforms::sim::{Fault, FaultKind, HostLine, InitialPower, Line, PowerLine, Rail, Target};

use crate::plant::{Plant, transition};

/// Longer than any operation may take by its machines' bounds, and than all the boots that a host has: each may last two
/// minutes, and three that failed are tried again.
const ENDS: Duration = Duration::from_secs(900);
/// How long everything is watched after it has come to rest.
const RESTS: Duration = Duration::from_secs(1);

/// A moment to begin at: a machine in one of its states.
#[derive(Clone)]
pub struct Moment {
    /// Which machine.
    pub machine: &'static str,
    /// In which of its states.
    pub state: &'static str,
    plant: Plant,
}

/// Something that happens to the hardware or to the daemon.
#[derive(Clone, Copy, Debug)]
pub enum Happening {
    /// Nothing does.
    Nothing,
    /// A fault of the simulator, with its value.
    Fault(FaultKind, Target, Option<f64>),
    /// The board's process goes.
    Unplugged,
    /// Every input line becomes unreadable.
    Unreadable,
    /// A task panics.
    Crash(Builtin),
    /// The daemon dies, and starts anew.
    Death,
}

/// What must not be.
#[derive(Debug)]
pub struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn broken<T>(text: impl Into<String>) -> Result<T, Broken> {
    Err(Broken(text.into()))
}

fn id(plant: &Plant, machine: &str) -> MachineId {
    plant.core().board().find_machine(machine).expect("a machine of the board")
}

fn state(plant: &Plant, machine: &str) -> String {
    plant.core().machine_now(id(plant, machine)).state_name().to_string()
}

/// Every machine's every state, each as it comes about.
pub fn moments() -> Vec<Moment> {
    use Deed::{Ask, Inject};
    let on = || ready(InitialPower::On);
    let chassis = || ready(InitialPower::Chassis);
    let off = || ready(InitialPower::Off);
    let host = |state, deeds: &[Deed], from: Plant| reach("host.0", state, deeds, from);
    let chassis_is = |state, deeds: &[Deed], from: Plant| reach("chassis", state, deeds, from);
    let bmc = |state, deeds: &[Deed], from: Plant| reach("bmc", state, deeds, from);
    let hang = Inject(FaultKind::HostHang, Target::Host(0), None);
    let stuck = |target| Inject(FaultKind::PowerGoodStuck, target, Some(1.0));
    let never = |target| Inject(FaultKind::PowerGoodNever, target, None);
    vec![
        host("off", &[], chassis()),
        host("powering-on", &[never(Target::Host(0)), Ask("host.0", "on")], chassis()),
        host("booting", &[Ask("host.0", "on")], chassis()),
        host("running", &[], on()),
        host("shutting-down", &[hang, Ask("host.0", "off")], on()),
        host("powering-off", &[stuck(Target::Host(0)), Ask("host.0", "force-off")], on()),
        host("resetting", &[Inject(FaultKind::GpioStuck, RESET, Some(0.0)), Ask("host.0", "reset")], on()),
        host("quiesced", &[hang, Ask("host.0", "reset")], on()),
        host("diagnostic", &[Ask("host.0", "nmi")], on()),
        host("error", &[stuck(Target::Host(0)), Ask("host.0", "force-off")], on()),
        chassis_is("off", &[], off()),
        chassis_is("powering-on", &[never(Target::Chassis), Ask("chassis", "on")], off()),
        chassis_is("on", &[], chassis()),
        chassis_is("powering-off", &[stuck(Target::Chassis), Ask("chassis", "off")], chassis()),
        chassis_is("draining", &[stuck(Target::Rail(Rail::P12v)), Ask("chassis", "off")], chassis()),
        chassis_is("cycling", &[stuck(Target::Chassis), Ask("chassis", "cycle")], chassis()),
        chassis_is("cycling-drain", &[stuck(Target::Rail(Rail::P12v)), Ask("chassis", "cycle")], chassis()),
        chassis_is("discharging", &[Ask("chassis", "cycle")], chassis()),
        chassis_is("maintenance", &[Ask("chassis", "maintenance-on")], off()),
        chassis_is("fault", &[stuck(Target::Chassis), Ask("chassis", "off")], chassis()),
        chassis_is("rail-fault", &[stuck(Target::Rail(Rail::P12v)), Ask("chassis", "off")], chassis()),
        bmc("ready", &[], on()),
        bmc("maintenance", &[Ask("bmc", "maintenance-on")], chassis()),
        bmc("updating", &[Ask("bmc", "update-begin")], chassis()),
    ]
}

const RESET: Target = Target::Line(Line::Host(0, HostLine::Reset));

#[derive(Clone, Copy)]
enum Deed {
    Ask(&'static str, &'static str),
    Inject(FaultKind, Target, Option<f64>),
}

/// The shipped board with so much of it on, when everything on it is as it should be.
fn ready(power: InitialPower) -> Plant {
    let mut plant = Plant::new(power, &[]);
    for _ in 0..600 {
        if state(&plant, "bmc") == "ready" && plant.now().since_origin() > Duration::from_secs(3) {
            return plant;
        }
        plant.step();
    }
    panic!("the board does not get ready");
}

fn reach(machine: &'static str, wanted: &'static str, deeds: &[Deed], mut plant: Plant) -> Moment {
    for deed in deeds {
        match *deed {
            Deed::Ask(machine, verb) => {
                let verb = Verb::parse(verb).expect("a verb");
                plant.ask(transition(machine, verb)).unwrap_or_else(|refusal| panic!("{machine}: {refusal:?}"));
            }
            Deed::Inject(kind, target, value) => plant.model().inject(Fault { kind, target, value }),
        }
    }
    for _ in 0..3000 {
        if state(&plant, machine) == wanted {
            return Moment { machine, state: wanted, plant };
        }
        plant.step();
    }
    panic!("{machine} does not get {wanted}, it is {}", state(&plant, machine));
}

/// Everything that can happen: each kind of fault at each target that power depends on, and at one where it does not.
pub fn happenings() -> Vec<Happening> {
    let config = Plant::new(InitialPower::Off, &[]).model().config().clone();
    let mut all = vec![Happening::Nothing, Happening::Unplugged, Happening::Unreadable, Happening::Death];
    all.extend([Builtin::Statemgr, Builtin::Powermgr, Builtin::Sensormon].map(Happening::Crash));
    for kind in FaultKind::ALL {
        let targets = kind.targets(&config);
        let concerns_power = |target: &Target| match target {
            Target::Chassis | Target::Rail(Rail::P12v) | Target::Host(0) | Target::AllSupplies => true,
            Target::Line(line) => matches!(
                line,
                Line::Chassis(_) | Line::HostPower(0, _) | Line::Host(0, _) | Line::Rail(Rail::P12v, PowerLine::Good)
            ),
            Target::Rail(_)
            | Target::Host(_)
            | Target::Quantity(_)
            | Target::Fan(_)
            | Target::Psu(_)
            | Target::Bus(_) => false,
        };
        let mut chosen: Vec<_> = targets.iter().copied().filter(concerns_power).collect();
        if chosen.is_empty() {
            chosen.extend(targets.first());
        }
        let values: &[Option<f64>] = match kind {
            FaultKind::PowerGoodStuck | FaultKind::GpioStuck => &[Some(0.0), Some(1.0)],
            _ => &[None],
        };
        for target in chosen {
            all.extend(values.iter().map(|value| Happening::Fault(kind, target, *value)));
        }
    }
    all
}

impl Happening {
    /// Whether it makes a difference that it is there already when somebody asks: plans look at it.
    pub const fn matters_before(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Unplugged | Self::Unreadable | Self::Crash(_) | Self::Death => true,
            Self::Fault(_, target, _) => {
                matches!(
                    target,
                    Target::Chassis | Target::Host(_) | Target::AllSupplies | Target::Rail(_) | Target::Line(_)
                )
            }
        }
    }
}

/// What can be asked of a machine of that kind; absent: nothing is.
pub fn requests(moment: &Moment) -> Vec<Option<Verb>> {
    let spec = &moment.plant.core().machine_now(id(&moment.plant, moment.machine)).spec;
    let verbs = verbs_of(spec.definition.kind).iter().copied().map(Some);
    verbs.chain([None]).collect()
}

impl Moment {
    /// Every state of the machines that are not like another one.
    pub fn states(&self) -> Vec<(String, String)> {
        let of = |name: &str| {
            let machine = self.plant.core().machine_now(id(&self.plant, name));
            let states = machine.spec.definition.states.keys().map(ToString::to_string);
            states.map(|state| (name.to_owned(), state)).collect::<Vec<_>>()
        };
        ["host.0", "chassis", "bmc"].into_iter().flat_map(of).collect()
    }

    /// Tries one request with one happening, which comes first or shortly after it.
    pub fn try_out(&self, verb: Option<Verb>, happening: Happening, first: bool) -> Result<(), Broken> {
        let mut plant = self.plant.clone();
        if first {
            happen(&mut plant, happening);
        }
        if let Some(verb) = verb {
            explained(&mut plant, self.machine, verb)?;
        }
        if !first {
            plant.step();
            happen(&mut plant, happening);
        }
        come_to_rest(&mut plant, "afterwards")?;
        // The fault is gone: off is off, whatever went before.
        plant.model().clear(None, None);
        plant.plug_in();
        for _ in 0..30 {
            plant.step();
        }
        come_to_rest(&mut plant, "after the fault has gone")?;
        if let Err(refusal) = plant.ask(transition("chassis", Verb::EmergencyOff)) {
            // Whatever is off already can be in maintenance.
            if state(&plant, "chassis") != "maintenance" && state(&plant, "chassis") != "off" {
                return broken(format!("emergency-off is refused: {refusal:?}"));
            }
        }
        come_to_rest(&mut plant, "after emergency-off")?;
        all_off(&plant)?;
        match plant.unsafe_deeds() {
            [] => Ok(()),
            [first, ..] => broken(first.clone()),
        }
    }
}

fn happen(plant: &mut Plant, happening: Happening) {
    match happening {
        Happening::Nothing => {}
        Happening::Fault(kind, target, value) => plant.model().inject(Fault { kind, target, value }),
        Happening::Unplugged => plant.unplug(),
        Happening::Unreadable => {
            let signals = &plant.core().board().signals;
            let inputs = signals.iter().enumerate().filter(|(_, signal)| signal.direction == Direction::Input);
            let inputs: Vec<_> = inputs.map(|(place, _)| SignalId::new(place)).collect();
            for line in inputs {
                plant.read_as(line, None);
            }
        }
        Happening::Crash(builtin) => plant.crash(builtin),
        Happening::Death => plant.restart(),
    }
}

/// A refusal that says nothing helps nobody.
fn explained(plant: &mut Plant, machine: &str, verb: Verb) -> Result<(), Broken> {
    let Err(refusal) = plant.ask(transition(machine, verb)) else { return Ok(()) };
    if refusal.obstacles.is_empty() {
        return broken(format!("`{}` is refused without a reason: {}", verb.as_str(), refusal.text));
    }
    match refusal.obstacles.iter().find(|obstacle| obstacle.text.is_empty() || obstacle.remedy.is_empty()) {
        Some(mute) => broken(format!("`{}` is refused, and {mute:?} does not say what to do", verb.as_str())),
        None => Ok(()),
    }
}

fn machines(plant: &Plant) -> impl Iterator<Item = &ubmc_core::machines::Machine> {
    (0..plant.core().board().machines.len()).map(|place| plant.core().machine_now(MachineId::new(place)))
}

fn busy(plant: &Plant) -> Option<String> {
    let core = plant.core();
    let running = core.operations().into_iter().filter_map(|id| core.operation(id)).find(|view| !view.state.is_final());
    if let Some(view) = running {
        return Some(format!("{} ({} {}) goes on: {:?}", view.id, view.kind, view.target, view.steps));
    }
    // An update of the BMC may take its half an hour; nothing of the power path waits for it.
    let bounded = |state: &str| state != "updating";
    let moving = machines(plant).find(|machine| {
        machine.state_def().tone == Tone::Transitional && machine.discovered && bounded(machine.state_name().as_str())
    });
    moving.map(|machine| format!("{} is still {}", machine.spec.name, machine.state_name()))
}

/// Everything ends within its bounds, and stays as it is then.
fn come_to_rest(plant: &mut Plant, when: &str) -> Result<(), Broken> {
    let begun = plant.now();
    let mut quiet = begun;
    while plant.now().since(quiet) < RESTS {
        plant.step();
        for machine in machines(plant).filter(|machine| machine.discovered) {
            let def = machine.state_def();
            let Some(limit) = def.timeout else { continue };
            if def.tone == Tone::Transitional && plant.now().since(machine.since) > limit + Duration::from_millis(200) {
                return broken(format!(
                    "{} is {} for longer than its bound {when}",
                    machine.spec.name,
                    machine.state_name()
                ));
            }
        }
        if let Some(what) = busy(plant) {
            quiet = plant.now();
            if quiet.since(begun) > ENDS {
                return broken(format!("{when} nothing ends: {what}"));
            }
        }
    }
    Ok(())
}

fn all_off(plant: &Plant) -> Result<(), Broken> {
    let board = plant.core().board();
    for machine in machines(plant).filter(|machine| machine.spec.definition.kind != MachineKind::Bmc) {
        if !machine.fulfils(Demand::Off) {
            return broken(format!(
                "after emergency-off {} is {}: {}",
                machine.spec.name,
                machine.state_name(),
                machine.brought_by
            ));
        }
    }
    let is_power = |name: &str| name.ends_with("power-control") || name.ends_with("-enable");
    for (place, signal) in board.signals.iter().enumerate().filter(|(_, signal)| is_power(signal.name.as_str())) {
        if plant.carries(SignalId::new(place)) == Level::High {
            return broken(format!("after emergency-off {} is high", signal.name));
        }
    }
    Ok(())
}
