//! What a registry says of a service, checked and complete: every default has been filled in.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use super::{HealthSpec, Readiness};
use crate::ids::Name;

/// Phases of start, in order; stop goes the other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What everything else stands on.
    Foundation,
    /// Hardware management.
    Core,
    /// What manages on top of it.
    Management,
    /// What faces users.
    Interface,
}

impl Group {
    /// All, in order of start.
    pub const ALL: [Self; 4] = [Self::Foundation, Self::Core, Self::Management, Self::Interface];

    /// As registries write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Foundation => "foundation",
            Self::Core => "core",
            Self::Management => "management",
            Self::Interface => "interface",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A task inside ubmcd that is supervised like a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Builtin {
    /// Keeps the events.
    Journal,
    /// Reads the sensors.
    Sensormon,
    /// Drives the fans.
    Thermalmgr,
    /// Drives the power lines.
    Powermgr,
    /// Watches the signal lines that machines follow.
    Statemgr,
    /// Drives the LEDs.
    Ledmgr,
    /// Reads what is built in.
    Inventory,
    /// Serves gRPC.
    Api,
}

impl Builtin {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Journal,
        Self::Sensormon,
        Self::Thermalmgr,
        Self::Powermgr,
        Self::Statemgr,
        Self::Ledmgr,
        Self::Inventory,
        Self::Api,
    ];

    /// As registries write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Sensormon => "sensormon",
            Self::Thermalmgr => "thermalmgr",
            Self::Powermgr => "powermgr",
            Self::Statemgr => "statemgr",
            Self::Ledmgr => "ledmgr",
            Self::Inventory => "inventory",
            Self::Api => "api",
        }
    }

    /// The built-in task of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|builtin| builtin.as_str() == name)
    }
}

/// How a service is run.
#[derive(Clone, Debug, PartialEq)]
pub enum Deployment {
    /// A task inside ubmcd.
    Builtin(Builtin),
    /// A process.
    Binary(Arc<Binary>),
    /// Understood, but this version cannot run it: `docker`, `docker-compose`, `kubernetes`, `remote`.
    Unsupported {
        /// As the registry names it.
        mode: Name,
    },
}

/// How a process is started and stopped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Binary {
    /// Path of the executable, variables expanded. Without a slash it is looked up in `PATH`.
    pub path: String,
    /// Arguments after the program's name.
    pub args: Vec<String>,
    /// Working directory; `/` when the registry names none.
    pub working_dir: String,
    /// Declared environment, on top of `PATH`, `HOME` and `TMPDIR`.
    pub env: BTreeMap<String, String>,
    /// User to run as; the daemon's own when absent.
    pub user: Option<String>,
    /// Group to run as; the user's own when absent.
    pub group: Option<String>,
    /// Command that asks the service to stop; a signal is sent when empty.
    pub stop_command: Vec<String>,
    /// Signal that asks the service to stop.
    pub stop_signal: Signal,
    /// File-creation mask; the daemon's own when absent.
    pub umask: Option<u32>,
    /// Scheduling niceness, −20–19; 0 when the registry names none.
    pub nice: i32,
    /// Kernel out-of-memory score adjustment, −1000–1000. Absent: left alone.
    pub oom_score: Option<i32>,
    /// Forbid gaining privileges by exec.
    pub no_new_privileges: bool,
    /// Capabilities kept, e.g. `CAP_NET_ADMIN`. Absent: not restricted.
    pub capabilities: Option<Vec<String>>,
    /// Bounds on what it may use.
    pub limits: Limits,
}

/// Bounds on what a process may use; absent: unbounded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Memory in bytes, by control group.
    pub memory_bytes: Option<u64>,
    /// Cores, e.g. 0.5, by control group.
    pub cpu_cores: Option<f64>,
    /// Processes and threads, by control group.
    pub pids: Option<u64>,
    /// Open descriptors, by rlimit.
    pub nofile: Option<u64>,
    /// Core file size in bytes, by rlimit.
    pub core_bytes: Option<u64>,
    /// Address space in bytes, by rlimit.
    pub address_space_bytes: Option<u64>,
    /// Size of any file written, in bytes, by rlimit.
    pub file_size_bytes: Option<u64>,
}

/// Signals that a registry or the supervisor sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM, the default way to ask.
    #[default]
    Term,
    /// SIGINT.
    Int,
    /// SIGQUIT.
    Quit,
    /// SIGHUP.
    Hup,
    /// SIGUSR1.
    Usr1,
    /// SIGUSR2.
    Usr2,
    /// SIGKILL, the last word.
    Kill,
    /// SIGCONT, so that a stopped process can hear the other one.
    Cont,
}

impl Signal {
    /// Without the `SIG`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Quit => "QUIT",
            Self::Hup => "HUP",
            Self::Usr1 => "USR1",
            Self::Usr2 => "USR2",
            Self::Kill => "KILL",
            Self::Cont => "CONT",
        }
    }
}

/// When a service ends by itself, is it done?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Run {
    /// It should not end.
    #[default]
    LongRunning,
    /// Ending with success completes it.
    Oneshot {
        /// It does not run again before the next of these.
        once_per: Option<Epoch>,
    },
}

/// What a oneshot may run once per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Epoch {
    /// Boot of the BMC.
    BmcBoot,
    /// Power-on of the chassis.
    ChassisPower,
    /// Boot of a host.
    HostBoot,
}

impl Epoch {
    /// As registries write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BmcBoot => "bmc-boot",
            Self::ChassisPower => "chassis-power",
            Self::HostBoot => "host-boot",
        }
    }

    /// For people: "once per …".
    pub const fn describe(self) -> &'static str {
        match self {
            Self::BmcBoot => "boot of the BMC",
            Self::ChassisPower => "power-on of the chassis",
            Self::HostBoot => "boot of a host",
        }
    }
}

/// After which ends a service is started again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RestartPolicy {
    /// After none.
    Never,
    /// After a failure: an exit code other than 0, a signal, a time-out, bad health.
    #[default]
    OnFailure,
    /// After any end that nobody asked for.
    Always,
}

/// How often, how fast and how far restarts go.
#[derive(Clone, Debug, PartialEq)]
pub struct RestartSpec {
    /// After which ends.
    pub policy: RestartPolicy,
    /// Before the first restart.
    pub delay: Duration,
    /// Longest delay.
    pub max_delay: Duration,
    /// Each delay is the one before times this, at least 1.
    pub factor: f64,
    /// Share of the delay that varies at random, 0–1.
    pub jitter: f64,
    /// Automatic restarts allowed within `window`; one failure more and it is given up, or the next rung is tried.
    pub burst: u32,
    /// See `burst`.
    pub window: Duration,
    /// Uptime after which the delay starts over.
    pub reset_after: Duration,
    /// Dependents keep running while this service restarts.
    pub smooth_recovery: bool,
    /// What to try when restarts alone did not help, in order.
    pub escalate: Vec<Rung>,
}

impl Default for RestartSpec {
    fn default() -> Self {
        Self {
            policy: RestartPolicy::OnFailure,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(30),
            factor: 2.0,
            jitter: 0.1,
            burst: 5,
            window: Duration::from_secs(60),
            reset_after: Duration::from_secs(60),
            smooth_recovery: false,
            escalate: Vec::new(),
        }
    }
}

/// A step of the escalation ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rung {
    /// Restart it and everything that depends on it.
    Dependents,
    /// Restart its whole group.
    Group,
    /// Fans to their fail-safe speed until it has been ready for `reset_after`, or an operator stops or resets it.
    Failsafe,
    /// Ask for a reboot of the BMC.
    Reboot,
}

/// A service as its registry declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSpec {
    /// Unique.
    pub name: Name,
    /// For people; the name when the registry gives none.
    pub display_name: String,
    /// One sentence; may be empty.
    pub description: String,
    /// Free label of the registry: `platform`, `infrastructure`, `utility`…; may be empty.
    pub kind: String,
    /// Free label; may be empty.
    pub category: String,
    /// Phase.
    pub group: Group,
    /// Its failure is the system's failure.
    pub critical: bool,
    /// Stops after everything else: without it hardware is in danger.
    pub protects_hardware: bool,
    /// Must be ready first; this one stops with them.
    pub dependencies: Vec<Name>,
    /// Started and waited for, but their failure is ignored.
    pub wants: Vec<Name>,
    /// Order only.
    pub after: Vec<Name>,
    /// Order only.
    pub before: Vec<Name>,
    /// Never up at the same time.
    pub conflicts: Vec<Name>,
    /// Operations that need it.
    pub required_for: Vec<String>,
    /// What it is that runs.
    pub deployment: Deployment,
    /// Long-running or oneshot.
    pub run: Run,
    /// When it counts as ready.
    pub readiness: Readiness,
    /// How its health is asked; absent: not at all.
    pub health: Option<HealthSpec>,
    /// How it is asked whether it can be relied on. Absent: its readiness alone says so, at the start.
    pub readiness_check: Option<HealthSpec>,
    /// Wanted up from the start.
    pub auto_start: bool,
    /// From spawn to ready.
    pub start_timeout: Duration,
    /// From asking to stop until it is killed.
    pub stop_timeout: Duration,
    /// Breaks ties: lower first.
    pub start_order: i32,
    /// Wait after its dependencies are ready.
    pub start_delay: Duration,
    /// What happens when it ends.
    pub restart: RestartSpec,
    /// A port it will listen on, when the registry says so.
    pub port: Option<u16>,
}

impl ServiceSpec {
    /// A long-running service with every default of CONTRACT's registry.
    pub fn new(name: impl Into<Name>, deployment: Deployment) -> Self {
        let name = name.into();
        Self {
            display_name: name.to_string(),
            name,
            description: String::new(),
            kind: String::new(),
            category: String::new(),
            group: Group::Interface,
            critical: false,
            protects_hardware: false,
            dependencies: Vec::new(),
            wants: Vec::new(),
            after: Vec::new(),
            before: Vec::new(),
            conflicts: Vec::new(),
            required_for: Vec::new(),
            deployment,
            run: Run::LongRunning,
            readiness: Readiness::Exec,
            health: None,
            readiness_check: None,
            auto_start: true,
            start_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
            start_order: 0,
            start_delay: Duration::ZERO,
            restart: RestartSpec::default(),
            port: None,
        }
    }
}
