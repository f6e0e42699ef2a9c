//! From a command line to a running daemon, and to the exit code at its end.
//!
//! Nothing is started before everything that can be known to be wrong is known: configuration first, then the places
//! that only one daemon may have, then hardware, then services.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use rustix::fs::FlockOperation;
use tokio::{runtime, sync::mpsc};
use tracing::{info, warn};
use ubmc_core::{
    board::{Board, Ending, Reboot},
    core::Core,
    ids::FanId,
    machines::verify,
    memory::{Boot, BootCause, Past},
    units::Duty,
};
use ubmc_platforms::{
    board::{Bindings, Loaded, Resource, resources},
    hardware::{self, Backend, Platform},
    sim::{
        SimConfig,
        client::{self, Launched, SimClient},
    },
};

use crate::{
    allocator,
    api::{
        simulation::Simulation,
        socket::{Socket, SocketError},
        streams::Watchers,
        to_wire::Daemon,
    },
    args::{Places, RunArgs, UsageError},
    configuration::Configuration,
    guardian::{self, Charge, Guard, Plan},
    journal::{
        Bounds, Journal,
        keeper::{self, Bookmark},
    },
    memory::{self, Keeper},
    process::{Config, FileConfig, OutputConfig, Processes},
    reboot,
    shell::{
        Clock, INPUTS, Shared, Shell, Surveyor, Tools,
        supervisor::{Notifier, Signals},
    },
    telemetry,
};

/// How long the guardian may take to end: it makes the fans safe first.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the daemon ended otherwise than as asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line cannot be used.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A socket cannot be listened on.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Another daemon has the state directory.
    #[error(
        "another ubmcd{who} is running on the state directory {dir}; stop that one, or give another --state-dir DIR",
        who = pid.map_or_else(String::new, |pid| format!(" (process {pid})")),
        dir = dir.display()
    )]
    Running {
        /// Which.
        dir: PathBuf,
        /// Whose; absent when the lock does not say.
        pid: Option<u32>,
    },
    /// The configuration is wrong; what is wrong with it, ready to be shown.
    #[error("{0}")]
    Configuration(String),
    /// The system does not let us.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with which file.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// The simulated board cannot be plugged in.
    #[error(transparent)]
    Simulation(#[from] client::ClientError),
}

impl Failure {
    /// As CONTRACT has it.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::Socket(SocketError::Taken { .. }) | Self::Running { .. } => 69,
            Self::Socket(
                SocketError::NotASocket { .. }
                | SocketError::NotPermitted { .. }
                | SocketError::Locked { .. }
                | SocketError::Io { .. },
            )
            | Self::Io { .. }
            | Self::Simulation(_) => 70,
            Self::Configuration(_) => 78,
        }
    }
}

fn io_failure(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Failure {
    let doing = doing.into();
    move |source| Failure::Io { doing, source }
}

/// Runs the daemon, or only checks its configuration. What went wrong is told on stderr.
pub fn main(args: &RunArgs) -> ExitCode {
    let result = if args.check { check(args) } else { run(args) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Diagnostics come with their own heading.
            let heading = if matches!(failure, Failure::Configuration(_)) { "" } else { "error: " };
            let text = failure.to_string();
            let _ = writeln!(io::stderr(), "{heading}{}", text.trim_end());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn check(args: &RunArgs) -> Result<(), Failure> {
    let loaded = load(&Configuration::new(args, None)?)?;
    let board = &loaded.board;
    let (name, services, sensors) = (board.name.clone(), board.services.len(), board.sensors.len());
    let report = verify::verify(board, verify::BOUND);
    assemble(loaded.board, 0, Past::default())?;
    show(&loaded.warnings.to_string());
    if !report.findings.is_empty() {
        let findings = report.findings.iter().map(|finding| {
            let trace = finding.trace.iter().fold(String::new(), |text, line| text + "\n    " + line);
            format!("error: {}: {}: {}{trace}\n", finding.machine, finding.kind, finding.text)
        });
        return Err(Failure::Configuration(findings.collect()));
    }
    for why in &report.left_out {
        show(&format!("warning: machines not verified: {why}"));
    }
    let bound = if report.is_complete() { "" } else { ", stopped at the bound" };
    println!("{name}: {services} services and {sensors} sensors, no errors");
    println!("{name}: machines verified in {} states{bound}", report.states());
    Ok(())
}

fn show(text: &str) {
    if !text.is_empty() {
        let _ = writeln!(io::stderr(), "{}", text.trim_end());
    }
}

fn load(configuration: &Configuration) -> Result<Loaded, Failure> {
    configuration.load().map_err(|problems| Failure::Configuration(problems.to_string()))
}

/// The core refuses what the loader let through: services that wait for each other.
fn assemble(board: Board, seed: u64, past: Past) -> Result<Core, Failure> {
    Core::after(board, seed, past).map_err(|errors| {
        let lines: Vec<_> = errors.iter().map(|error| format!("error: {error}")).collect();
        Failure::Configuration(lines.join("\n"))
    })
}

fn run(args: &RunArgs) -> Result<(), Failure> {
    allocator::hold_bounds();
    let places = args.places()?;
    let _log = telemetry::init(args.log_format, env::var("RUST_LOG").ok().as_deref())
        .map_err(io_failure("the log cannot be written"))?;
    let notifier = Notifier::from_environment().map(Arc::new);
    let configuration = Arc::new(Configuration::new(args, notifier.clone())?);
    let Loaded { board: mut described, bindings, sim, warnings, files: _ } = load(&configuration)?;
    show(&warnings.to_string());
    // They carry the texts of all files.
    drop(warnings);
    // What reaches hardware needs no services: they go to the core alone.
    let services = std::mem::take(&mut described.services);
    let board = Arc::new(described.clone());
    let _lock = lock(&places.state_dir)?;
    let mut core = assemble(Board { services, ..described }, seed(), memory::recall(&places.state_dir, &args.sysfs))?;
    let claimed = places.sockets.iter().map(|path| Socket::claim(path)).collect::<Result<Vec<_>, _>>()?;
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(io_failure("the runtime cannot be made"))?;
    // Before the board: who wants us to end while it is plugged in gets an end in order.
    let signals = runtime.block_on(async { Signals::new() }).map_err(io_failure("signals cannot be received"))?;
    let plugged = sim.map(|config| plug_in(&places.state_dir, config)).transpose()?;
    let simulation = plugged.as_ref().map(|plugged| plugged.simulation.clone());
    if let Some(plugged) = &plugged {
        core.controlled_by(plugged.boot.clone());
    }
    // Before there are threads and tasks: it is small, and what it guards depends on it.
    let (guarded, held) = guard(&places.state_dir, &board, &bindings, simulation.as_ref(), &args.sysfs).unzip();
    core.inherit(&held.unwrap_or_default());
    let guard = guarded.as_ref().map(|(guard, _)| Arc::clone(guard));
    if simulation.is_none() || args.keep_board {
        core.outlasted();
    }
    allocator::give_back();
    let watch = args.watch_config;
    let resources = resources(&board, &bindings).into();
    let simulated = simulation.clone();
    let prepared = Prepared {
        core,
        configuration,
        watch,
        notifier,
        claimed,
        signals,
        resources,
        simulation: simulated,
        guard: guarded,
    };
    let ended = open_hardware(&board, &bindings, simulation.as_ref(), &args.sysfs)
        .and_then(|hardware| runtime.block_on(live(prepared, hardware, &places)));
    // What still waits on a thread of its own, such as a name look-up, does not hold us up.
    runtime.shutdown_background();
    if let Some(guard) = guard {
        guard.finish(FAREWELL);
    }
    // Hardware does not mind that its controller is rebooted.
    let reboots = matches!(ended, Ok(Ending::Reboot(_)));
    if let Some(plugged) = plugged
        && (ended.is_err() || !args.keep_board)
        && !reboots
    {
        plugged.unplug(ended.is_ok());
    }
    let ending = ended?;
    info!("ended in order");
    match ending {
        Ending::Over => Ok(()),
        Ending::Reboot(how) => begin_reboot(how, simulation.as_ref()),
    }
}

/// A guardian, and why there is none yet.
type Guarded = (Arc<Guard>, Option<String>);

/// The guardian of the fans, found or made, and why there is none yet; beside it the duties that the last daemon left the
/// fans with. Absent: there is nothing to guard.
fn guard(
    state_dir: &Path,
    board: &Board,
    bindings: &Bindings,
    simulation: Option<&Simulation>,
    sysfs: &Path,
) -> Option<(Guarded, BTreeMap<FanId, Duty>)> {
    let plan = Plan::of(board, bindings, &platform(simulation, sysfs), guardian::SILENCE)?;
    let (guard, found) = Guard::find(Charge { dir: state_dir.to_owned(), plan });
    let (held, absent) = found.map_or_else(|why| (Vec::new(), Some(why)), |held| (held, None));
    let held =
        held.into_iter().filter_map(|held| Some((board.find_fan(&held.fan)?, Duty::new(held.percent)))).collect();
    Some(((Arc::new(guard), absent), held))
}

/// A simulated board that answers.
struct Plugged {
    simulation: Simulation,
    /// By us, and not by a daemon before us.
    started: bool,
    /// How its own controller came up: with its power, whatever our machine did.
    boot: Boot,
}

impl Plugged {
    /// At the end of a daemon that ran (`ended`), or of one that could not start: that one leaves behind what it found,
    /// and nothing of its own.
    fn unplug(&self, ended: bool) {
        if (ended || self.started)
            && let Err(error) = client::unplug(&self.simulation.dir)
        {
            warn!("the simulated board could not be ended: {error}");
        }
    }
}

/// The last that we do. Returns only what went wrong.
fn begin_reboot(how: Reboot, simulation: Option<&Simulation>) -> Result<(), Failure> {
    let error = match how {
        Reboot::Command(words) => {
            info!("rebooting the BMC: {}", words.join(" "));
            reboot::by_command(&words)
        }
        Reboot::Anew => {
            info!("rebooting the BMC of the simulated board: ubmcd begins anew");
            if let Some(simulation) = simulation {
                SimClient::new(&simulation.dir).reset_controller()?;
            }
            reboot::anew()
        }
        Reboot::Unknown => return Ok(()),
    };
    Err(io_failure("the BMC is not rebooted")(error))
}

type Hardware = (Arc<Board>, Arc<dyn Backend>);

fn platform(simulation: Option<&Simulation>, sysfs: &Path) -> Platform {
    match simulation {
        Some(Simulation { dir, config }) => Platform::Sim { dir: dir.clone(), config: SimConfig::clone(config) },
        None => Platform::Linux { sysfs: sysfs.to_owned() },
    }
}

fn open_hardware(
    board: &Arc<Board>,
    bindings: &Bindings,
    simulation: Option<&Simulation>,
    sysfs: &Path,
) -> Result<Option<Hardware>, Failure> {
    let hardware = hardware::open(board, bindings, platform(simulation, sysfs)).map_err(|error| {
        // The loader has checked the bindings; a difference is a defect, and nothing is started on a guess.
        Failure::Configuration(format!("error: {error}"))
    })?;
    Ok(Some((Arc::clone(board), hardware)))
}

/// Everything that had to be there before anything is started.
struct Prepared {
    core: Core,
    configuration: Arc<Configuration>,
    watch: bool,
    notifier: Option<Arc<Notifier>>,
    claimed: Vec<Socket>,
    signals: Signals,
    resources: Arc<[Resource]>,
    simulation: Option<Simulation>,
    guard: Option<Guarded>,
}

async fn live(prepared: Prepared, hardware: Option<Hardware>, places: &Places) -> Result<Ending, Failure> {
    let Prepared { core, configuration, watch, notifier, claimed, signals, resources, simulation, guard } = prepared;
    let processes = Processes::new(Config {
        runtime_dir: places.state_dir.clone(),
        cgroups: true,
        output: OutputConfig { files: Some(FileConfig::new(places.state_dir.join("logs"))), ..OutputConfig::default() },
    })
    .map_err(io_failure("processes cannot be run"))?;
    let survey = processes.survey();
    let limitations = processes.platform_report();
    for remark in limitations.iter().chain(processes.leftovers()) {
        warn!("{remark}");
    }
    let journal = Journal::new(Bounds::default());
    let bookmark = Arc::new(Bookmark::default());
    let shared = Arc::new(Shared {
        journal: journal.clone(),
        logs: processes.logs(),
        daemon: Daemon { boot_id: boot_id(), simulated: simulation.is_some(), hostname: hostname(), limitations },
        watchers: Watchers::default(),
        clock: Clock::start(),
        surveyor: Surveyor::new(move |spec| survey.of(spec)),
    });
    let memory = Keeper::new(&places.state_dir);
    tokio::spawn(Arc::clone(&memory).serve());
    let tools = Tools {
        journal: journal.clone(),
        bookmark: Arc::clone(&bookmark),
        memory: Arc::clone(&memory),
        configuration: Arc::clone(&configuration),
        sockets: places.sockets.clone(),
        claimed,
        resources,
        simulation,
        hardware,
        guard,
    };
    let (mut shell, handle) = Shell::new(core, processes, tools, shared, mpsc::channel(INPUTS));
    tokio::spawn(signals.serve(handle.clone(), Arc::clone(&configuration)));
    if let Some(notifier) = notifier {
        tokio::spawn(notifier.serve(handle.clone()));
    }
    if watch {
        tokio::spawn(configuration.watch(handle));
    }
    let then = shell.run().await;
    memory.finish().await;
    keeper::finish(&journal, &bookmark);
    Ok(then)
}

fn plug_in(state_dir: &Path, config: SimConfig) -> Result<Plugged, Failure> {
    let simulation = Simulation { dir: state_dir.join("sim"), config: Arc::new(config) };
    let launched = client::ensure(&simulation.launch().map_err(io_failure("our own program cannot be found"))?)?;
    match launched {
        Launched::Found { pid } => info!("the simulated board is plugged in already (process {pid})"),
        Launched::Started { pid } => info!("the simulated board is plugged in (process {pid})"),
        Launched::Replaced { pid } => info!("the simulated board was exchanged for another (process {pid})"),
    }
    let started = !matches!(launched, Launched::Found { .. });
    let values = SimClient::new(&simulation.dir).state()?.values;
    let counted = |name: &str| values.iter().find(|value| value.name == name).map_or(0.0, |value| value.value);
    let (outages, resets) = (counted("outages"), counted("controller_resets"));
    // A process number that comes again would take a board that was plugged in anew for the one before; the kernel gives
    // every other number first.
    let cause = if resets > 0.0 { BootCause::Reset } else { BootCause::PowerCame };
    let boot = Boot { id: format!("simulated-{}-{outages}-{resets}", launched.pid()), cause };
    Ok(Plugged { simulation, started, boot })
}

/// Makes the state directory ours for as long as the answer lives.
fn lock(dir: &Path) -> Result<File, Failure> {
    fs::create_dir_all(dir).map_err(io_failure(format!("cannot make the state directory {}", dir.display())))?;
    let path = dir.join("lock");
    let failed = || format!("cannot lock {}", path.display());
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io_failure(failed()))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            return Err(Failure::Running { dir: dir.to_owned(), pid });
        }
        Err(error) => return Err(io_failure(failed())(error.into())),
    }
    // For people, and for the message above.
    if let Err(error) = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())) {
        // The lock holds without it, and a full disk is no reason not to run.
        warn!("{}: {error}", path.display());
    }
    Ok(file)
}

/// Tells this start of the daemon from every other.
fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/uuid")
        .map_or_else(|_| format!("{:x}-{:x}", std::process::id(), seed()), |text| text.trim().to_owned())
}

/// So that no two daemons vary their delays in the same way.
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_directory_belongs_to_one_daemon_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("a/b");
        let first = lock(&state).unwrap();
        let refused = lock(&state).unwrap_err();
        assert_eq!(refused.exit_code(), 69);
        assert!(refused.to_string().contains(&format!("(process {})", std::process::id())), "{refused}");
        drop(first);
        assert!(lock(&state).is_ok());
    }
}
