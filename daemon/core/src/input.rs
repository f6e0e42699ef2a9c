//! Everything that can reach the core. The shell turns the world into these and decides nothing.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{
    board::Board,
    ids::{FanId, Generation, Name, OperationId, RequestId, ScheduleId, SensorId, ServiceId, SignalId},
    machines::Demand,
    refusal::Obstacle,
    restore::{At, RestorePolicy},
    time::Wall,
    units::Level,
};

/// One input. They are handled one at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The first deadline has come; also harmless at any other time.
    Tick,
    /// Something about a service's process or task.
    Service {
        /// Which service.
        service: ServiceId,
        /// Which of its lives; older ones are dropped.
        generation: Generation,
        /// What happened.
        happening: ServiceHappening,
    },
    /// Sensors were read.
    Samples(Vec<(SensorId, Sample)>),
    /// A device has told the limits that it was made with; once, and again whenever they change.
    Limits {
        /// Whose.
        sensor: SensorId,
        /// What.
        limits: Limits,
    },
    /// A line was read; given at discovery and whenever it changes. None: it cannot be read.
    Signal(SignalId, Option<Level>),
    /// Hardware did not take a command. A command that was taken is not reported: feedback comes from sensors and lines.
    CommandFailed {
        /// Which.
        command: HardwareCommand,
        /// What the driver said.
        reason: String,
    },
    /// What a supply's fault registers said, by name.
    FaultRegisters(crate::ids::SupplyId, Vec<(String, u16)>),
    /// Resources a service's process uses.
    Usage {
        /// Which service.
        service: ServiceId,
        /// Which of its lives.
        generation: Generation,
        /// How much.
        usage: Usage,
    },
    /// What services use was measured too long ago to say anything about now.
    UsageOutdated,
    /// How the process that guards the fans fares.
    Guardian(crate::guarding::Guardian),
    /// The wall clock says so; at least once a minute, and whenever it was set.
    Clock(Wall),
    /// A client or a signal asks for something.
    Asked(Asked),
}

/// What happens to a service's process or task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceHappening {
    /// The exec succeeded, or the task runs. The pid is absent for tasks.
    Spawned {
        /// Process id.
        pid: Option<u32>,
    },
    /// It could not be started.
    SpawnFailed(SpawnError),
    /// The process (or task) itself has ended.
    Exited(Exit),
    /// Nothing that the service ever started is left. Comes after `Exited`.
    Gone,
    /// It says that it can be relied on: `READY=1`, a newline on its descriptor, a task's own word.
    Ready,
    /// Its readiness descriptor was closed without a newline.
    ReadyClosed,
    /// `STATUS=`
    Status(String),
    /// `STOPPING=1`
    AnnouncesStop,
    /// `RELOADING=1`
    Reloading,
    /// `EXTEND_TIMEOUT_USEC=`
    ExtendTimeout(Duration),
    /// `WATCHDOG=1`, or a heartbeat over the API.
    Heartbeat,
    /// `MAINPID=` of one of its own processes: that one's end is its end from now on.
    MainPid(u32),
    /// A health check ended.
    Checked {
        /// Which question it answers.
        probe: Probe,
        /// Whether it passed.
        passed: bool,
        /// What it found, one sentence.
        text: String,
        /// How long it took.
        took: Duration,
    },
    /// After a KILL something still survives.
    Survivors {
        /// Their pids.
        pids: Vec<u32>,
    },
}

/// What a check asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// Does it work? If not, it is restarted per policy.
    Liveness,
    /// Can it be relied on now? If not, who has yet to start waits for it.
    Readiness,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Exit code.
    Code(i32),
    /// Signal number.
    Signal(i32),
    /// A built-in task panicked.
    Panic,
}

impl Exit {
    /// Ended with success.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(number) => match signal_name(*number) {
                Some(name) => write!(f, "killed by SIG{name}"),
                None => write!(f, "killed by signal {number}"),
            },
            Self::Panic => f.write_str("panicked"),
        }
    }
}

/// Names of the signals that end processes; numbers are those of Linux on every architecture we build for.
const fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        5 => "TRAP",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        10 => "USR1",
        11 => "SEGV",
        12 => "USR2",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        24 => "XCPU",
        25 => "XFSZ",
        31 => "SYS",
        _ => return None,
    })
}

/// Why a process could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpawnError {
    /// What was being done.
    pub stage: SpawnStage,
    /// The kernel's error number; 0 when the kernel was not asked.
    pub errno: i32,
    /// One sentence with the path or value concerned, e.g. `/usr/bin/x: no such file or directory`.
    pub text: String,
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.stage, self.text)
    }
}

/// What is done between deciding to start a process and its first instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnStage {
    /// Looking whether the machine has what it needs.
    Preflight,
    /// Making pipes, descriptors, the process itself.
    Prepare,
    /// Session, process group and signals.
    Session,
    /// Resource limits.
    Limits,
    /// Niceness, out-of-memory score, umask.
    Priority,
    /// Joining the control group.
    Cgroup,
    /// User and groups.
    User,
    /// Capabilities and no-new-privileges.
    Privileges,
    /// Entering the working directory.
    WorkingDirectory,
    /// Replacing the image.
    Exec,
}

impl fmt::Display for SpawnStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preflight => "pre-flight",
            Self::Prepare => "preparing the process",
            Self::Session => "setting up the session",
            Self::Limits => "setting resource limits",
            Self::Priority => "setting priority",
            Self::Cgroup => "joining the control group",
            Self::User => "changing the user",
            Self::Privileges => "dropping privileges",
            Self::WorkingDirectory => "entering the working directory",
            Self::Exec => "exec",
        })
    }
}

/// What reading a sensor gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// A number, before scaling. It may still be NaN: the core judges.
    Value(f64),
    /// Reading failed.
    Error(String),
    /// There is no such device now.
    Absent,
}

/// Limits that a device brings along, in the unit of its samples: scale and offset are the core's. They count only where
/// the board leaves a limit open and asks for them (`from_hardware`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// hwmon's `_max`.
    pub warning_high: Option<f64>,
    /// hwmon's `_crit`.
    pub critical_high: Option<f64>,
    /// hwmon's `_emergency`.
    pub fatal_high: Option<f64>,
    /// hwmon's `_min`.
    pub warning_low: Option<f64>,
    /// hwmon's `_lcrit`.
    pub critical_low: Option<f64>,
    /// No device has it so far.
    pub fatal_low: Option<f64>,
    /// How far a value must come back, > 0: hwmon's `_max` less `_max_hyst`, which is an absolute value.
    pub hysteresis: Option<f64>,
}

/// What hardware is told.
#[derive(Clone, Debug, PartialEq)]
pub enum HardwareCommand {
    /// Drive a line.
    SetSignal(SignalId, Level),
    /// Switch a rail whose regulator is told over PMBus.
    SetRail(crate::ids::RailId, bool),
    /// Read a supply's fault registers, then clear them; what was read comes as [`Input::FaultRegisters`].
    CaptureFault(crate::ids::SupplyId),
    /// Drive a fan.
    SetDuty(FanId, crate::units::Duty),
    /// Show a pattern.
    SetLed(crate::ids::LedId, crate::leds::Pattern),
}

/// What a process uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Percent of one core since the last measurement.
    pub cpu_percent: f64,
    /// Resident bytes.
    pub rss_bytes: u64,
    /// Open descriptors. Absent when they could not be counted.
    pub fds: Option<u32>,
}

/// A request with its sender.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Where the reply goes.
    pub id: RequestId,
    /// Who, e.g. `uid 0 (root)`.
    pub actor: String,
    /// Why, in the asker's words; may be empty.
    pub reason: String,
    /// What.
    pub request: Request,
}

/// What the machine says against starting services: what is missing, taken or not permitted.
pub type Findings = BTreeMap<ServiceId, Vec<Obstacle>>;

/// What can be asked of the core.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Bring services up; empty: every one with auto-start.
    StartServices {
        /// Which.
        names: Vec<Name>,
        /// Restart what runs already, and do not look first whether the machine has all that they need.
        force: bool,
        /// What the machine says against starting services. Ignored when forced.
        found: Findings,
    },
    /// Bring services down; empty: all but those that serve the request itself.
    StopServices {
        /// Which.
        names: Vec<Name>,
        /// Running dependents too.
        force: bool,
    },
    /// Stop and start services; empty: all processes that run.
    RestartServices {
        /// Which.
        names: Vec<Name>,
        /// Whatever the machine says against it.
        force: bool,
        /// What the machine says against starting services. Ignored when forced.
        found: Findings,
    },
    /// Forget a service's failure.
    ResetService(Name),
    /// Go over to another registry. What runs and does not differ is not touched.
    Reload {
        /// The board as its files describe it now, or what is wrong with them.
        read: Result<Box<Board>, Vec<Obstacle>>,
        /// What the loader found worth saying.
        warnings: Vec<String>,
        /// Only say what would change.
        dry_run: bool,
    },
    /// Ask a machine for something.
    Transition {
        /// Which machine.
        machine: Name,
        /// What.
        verb: Verb,
        /// Answer with the plan, change nothing.
        plan_only: bool,
        /// Refuse unless the plan still has this revision; empty: no binding.
        revision: String,
        /// The same key answers with the same operation; empty: none.
        idempotency_key: String,
        /// The operation has failed when it takes longer. Absent: the machines' own bounds.
        deadline: Option<Duration>,
    },
    /// End an operation where that is safe.
    CancelOperation(OperationId),
    /// Ask a machine for something at a time.
    Schedule {
        /// Which machine.
        machine: Name,
        /// What.
        verb: Verb,
        /// When; refused in the past.
        at: At,
    },
    /// A request that waits for its time is not wanted any more.
    CancelSchedule(ScheduleId),
    /// Choose how a machine comes back after the loss of power.
    SetRestore {
        /// Which machine.
        machine: Name,
        /// Absent: as it is.
        policy: Option<RestorePolicy>,
        /// The policy is for the next time only.
        once: bool,
        /// So many attempts for the boot that goes on or comes next, instead of the board's. Absent: as it is.
        boot_attempts: Option<u32>,
    },
    /// One condition no longer stands against powering a machine on, for a time.
    OverrideInterlock {
        /// Which machine.
        machine: Name,
        /// Which condition, e.g. `no-supply`.
        kind: String,
        /// 1 s – 1 day.
        duration: Duration,
    },
    /// It stands against it again.
    RestoreInterlock {
        /// Which machine.
        machine: Name,
        /// Which condition; empty: all that are overridden.
        kind: String,
    },
    /// Hold a fan or a zone at a duty for a time.
    SetOverride {
        /// A fan or a zone.
        target: Name,
        /// Percent; refused outside 0–100.
        percent: f64,
        /// 1 s – 1 day.
        duration: Duration,
    },
    /// Give a fan or a zone back to its controller.
    ClearOverride(Name),
    /// Switch the identify LED.
    Identify {
        /// On or off.
        on: bool,
        /// Off again after this. Absent: when told.
        duration: Option<Duration>,
    },
    /// Hold an LED at a pattern.
    SetLed {
        /// Which.
        led: Name,
        /// What it shows. Absent: what its policy says, as before anybody held it.
        pattern: Option<crate::leds::Pattern>,
        /// Its policy's again after this. Absent: when told.
        duration: Option<Duration>,
    },
    /// End the daemon.
    Shutdown {
        /// Skip graceful time-outs.
        emergency: bool,
    },
}

/// What an operator asks of a machine; some take several demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// One demand.
    Demand(Demand),
    /// Graceful off, then on.
    Restart,
    /// Off at once, then on.
    Cycle,
    /// Everything off at once (chassis).
    EmergencyOff,
}

impl Verb {
    /// All of them, in the order in which people read them.
    pub const ALL: [Self; 13] = [
        Self::Demand(Demand::On),
        Self::Demand(Demand::Off),
        Self::Demand(Demand::ForceOff),
        Self::Demand(Demand::Reset),
        Self::Restart,
        Self::Cycle,
        Self::Demand(Demand::Nmi),
        Self::EmergencyOff,
        Self::Demand(Demand::MaintenanceOn),
        Self::Demand(Demand::MaintenanceOff),
        Self::Demand(Demand::UpdateBegin),
        Self::Demand(Demand::UpdateEnd),
        Self::Demand(Demand::Reboot),
    ];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Demand(demand) => demand.as_str(),
            Self::Restart => "restart",
            Self::Cycle => "cycle",
            Self::EmergencyOff => "emergency-off",
        }
    }

    /// Reads what [`Verb::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text)
    }

    /// Whether it interrupts something that runs.
    pub const fn is_destructive(self) -> bool {
        !matches!(
            self,
            Self::Demand(
                Demand::On | Demand::MaintenanceOn | Demand::MaintenanceOff | Demand::UpdateBegin | Demand::UpdateEnd
            )
        )
    }
}
