//! A daemon in this process: a small board, the real loop, the real API on a real socket.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Parser;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tonic::transport::Channel;
use ubmc_core::{
    board::Board,
    core::Core,
    ids::{Generation, SensorId},
    input::{Findings, Input, Request, Sample},
    leds::{LedRole, LedSpec},
    sensors::{Protection, SensorKind, SensorSource, SensorSpec, Thresholds},
    view::ServiceState,
};
use ubmc_proto::{
    transport::{Address, connect},
    v1::{GetStatusRequest, system_service_client::SystemServiceClient},
};

use crate::{
    api::{socket::Socket, streams::Watchers, to_wire::Daemon},
    args::CommandLine,
    configuration::Configuration,
    journal::{Bounds, Journal, keeper::Bookmark},
    memory::Keeper,
    process::{Config, OutputConfig, Processes},
    shell::{Clock, Handle, INPUTS, Shared, Shell, Surveyor, Tools},
};

/// No condition takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a test works with.
pub(super) struct World {
    pub(super) handle: Handle,
    pub(super) inlet: mpsc::Sender<Input>,
    pub(super) socket: PathBuf,
    dir: TempDir,
}

impl World {
    /// The registry that a reload reads.
    pub(super) fn registry(&self) -> PathBuf {
        self.dir.path().join("services.toml")
    }

    /// Writes the registry that a reload reads.
    pub(super) fn declare(&self, registry: &str) {
        fs::write(self.registry(), registry).unwrap();
    }

    /// A client's connection.
    pub(super) async fn channel(&self) -> Channel {
        connect(&Address::Unix(self.socket.clone()), PATIENCE).await.unwrap()
    }

    /// Sensor number `place` reads `value`.
    pub(super) async fn sample(&self, place: usize, value: f64) {
        let samples = vec![(SensorId::new(place), Sample::Value(value))];
        self.inlet.send(Input::Samples(samples)).await.unwrap();
    }

    /// Makes events: each is a change that `actor` asked for.
    pub(super) async fn happen(&self, times: usize, actor: &str) {
        for turn in 0..times {
            let request = Request::Identify { on: turn % 2 == 0, duration: None };
            self.handle.ask(actor.to_owned(), String::new(), request).await.unwrap();
        }
    }

    /// Restarts a service and waits until its new life is ready.
    pub(super) async fn restart(&self, service: &'static str) {
        let (before, _) = self.life(service).await;
        let restart =
            Request::RestartServices { names: vec![service.into()], force: false, found: Findings::default() };
        self.handle.ask("test".to_owned(), String::new(), restart).await.unwrap();
        within(async {
            loop {
                let (generation, state) = self.life(service).await;
                if generation > before && state == ServiceState::Running {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    async fn life(&self, service: &'static str) -> (Generation, ServiceState) {
        let look = self.handle.look(move |sight| {
            let view = sight.core.service(sight.core.find_service(service).unwrap());
            (view.generation, view.state)
        });
        look.await.unwrap()
    }

    /// Waits until the API answers on a new connection.
    pub(super) async fn serves(&self) {
        let address = Address::Unix(self.socket.clone());
        within(async {
            while connect(&address, PATIENCE).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let mut client = SystemServiceClient::new(self.channel().await);
        client.get_status(GetStatusRequest {}).await.unwrap();
    }
}

/// Fails when `future` does not end.
pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("a condition was not met in time")
}

fn board() -> Board {
    let sensor = |name: &str| SensorSpec {
        name: name.into(),
        description: String::new(),
        kind: SensorKind::Temperature,
        source: SensorSource::Hardware,
        scale: 1.0,
        offset: 0.0,
        thresholds: Thresholds::default(),
        interval: Duration::from_secs(1),
        stale_after: Duration::from_secs(60),
        powered_by: None,
        max_slew: 1.0,
        history: 16,
        protection: Protection::default(),
    };
    Board {
        name: "test".to_owned(),
        sensors: vec![sensor("inlet"), sensor("outlet")],
        leds: vec![LedSpec { name: "identify".into(), role: LedRole::Identify }],
        ..Board::default()
    }
}

/// The services of [`board`], from which a registry beside them is read too. They stop in more time than any test has:
/// what does not end by itself is not to be helped by its supervisor.
const BOARD_FILE: &str = r#"
[board]
name = "test"

[policy]
stop_timeout = 4000

[services.journal]
group = "foundation"
[services.journal.deployment]
mode = "builtin"
[services.journal.startup]
stop_timeout = 3600

[services.inventory]
group = "management"
[services.inventory.deployment]
mode = "builtin"
[services.inventory.startup]
stop_timeout = 3600

[services.api]
group = "interface"
[services.api.deployment]
mode = "builtin"
[services.api.startup]
stop_timeout = 3600
"#;

fn configuration(dir: &Path, patience: Duration) -> Arc<Configuration> {
    let (board, services) = (dir.join("board.toml"), dir.join("services.toml"));
    fs::write(&board, BOARD_FILE).unwrap();
    fs::write(&services, "").unwrap();
    let words = [Path::new("ubmcd"), Path::new("--board"), &board, Path::new("--services"), &services];
    let line = CommandLine::try_parse_from(words.map(Path::as_os_str)).unwrap();
    Arc::new(Configuration::new(&line.run, None).unwrap().with_patience(patience))
}

/// Runs `test` against a daemon that keeps at most `events` events.
pub(super) fn with_world<F: Future<Output = ()>>(events: usize, test: impl FnOnce(World) -> F) {
    with_impatient_world(PATIENCE, events, test);
}

/// The same; `patience` is for files that are read.
fn with_impatient_world<F: Future<Output = ()>>(patience: Duration, events: usize, test: impl FnOnce(World) -> F) {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = dir.path().join("s");
        let config = Config { runtime_dir: dir.path().to_owned(), cgroups: false, output: OutputConfig::default() };
        let processes = Processes::new(config).unwrap();
        let survey = processes.survey();
        let configuration = configuration(dir.path(), patience);
        let services = configuration.load().unwrap().board.services;
        let journal = Journal::new(Bounds { events, bytes: usize::MAX });
        let shared = Arc::new(Shared {
            journal: journal.clone(),
            logs: processes.logs(),
            daemon: Daemon {
                boot_id: "boot".to_owned(),
                simulated: false,
                hostname: String::new(),
                limitations: vec!["no such thing here".to_owned()],
            },
            watchers: Watchers::default(),
            clock: Clock::start(),
            surveyor: Surveyor::new(move |spec| survey.of(spec)),
        });
        let tools = Tools {
            journal,
            bookmark: Arc::new(Bookmark::default()),
            memory: Keeper::new(dir.path()),
            configuration: Arc::clone(&configuration),
            sockets: vec![socket.clone()],
            claimed: vec![Socket::claim(&socket).unwrap()],
            resources: Arc::from([]),
            simulation: None,
            hardware: None,
            guard: None,
        };
        let core = Core::new(Board { services, ..board() }, 1).unwrap();
        let (inlet, inputs) = mpsc::channel(INPUTS);
        let (mut shell, handle) = Shell::new(core, processes, tools, shared, (inlet.clone(), inputs));
        let world = World { handle, inlet, socket, dir };
        let mut test = std::pin::pin!(test(world));
        tokio::select! {
            // A test that ends the daemon goes on without it.
            _ = shell.run() => test.await,
            () = &mut test => {}
        }
    });
}
