//! The registries of the systems that this one replaces load as they were written, and every key of theirs has its
//! meaning: the service management guide (TOML), the robot's orchestrator (JSON), and the BMC operator's registrations.

#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ubmc_core::{
    core::Core,
    ids::Name,
    services::{Binary, Deployment, Group, HealthCheck, HealthSpec, RestartPolicy, RestartSpec, ServiceSpec},
    time::Mono,
};
use ubmc_platforms::board::{LoadOptions, Loaded, NameOrFile, load};

fn good(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good").join(name)
}

/// Loads a registry on top of a board that has nothing of its own.
fn registry(file: PathBuf) -> Loaded {
    let temp = tempfile::tempdir().unwrap();
    let board = temp.path().join("board.toml");
    fs::write(&board, "[board]\nname = \"empty\"\n").unwrap();
    let vars = BTreeMap::from([("HOME".to_owned(), "/home/op".to_owned())]);
    let options = LoadOptions { board: NameOrFile::File(board), registries: vec![file], services_dir: None, vars };
    load(&options).unwrap_or_else(|problems| panic!("{problems}"))
}

fn text(name: &str, text: &str) -> Loaded {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join(name);
    fs::write(&file, text).unwrap();
    registry(file)
}

fn warnings(loaded: &Loaded) -> Vec<String> {
    loaded.warnings.iter().map(|warning| warning.message.clone()).collect()
}

fn find<'a>(loaded: &'a Loaded, name: &str) -> &'a ServiceSpec {
    loaded.board.services.iter().find(|service| service.name.as_str() == name).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn health(check: HealthCheck) -> HealthSpec {
    HealthSpec { check: Arc::new(check), interval: seconds(10), retries: 3, timeout: seconds(5) }
}

fn http(endpoint: &str) -> HealthSpec {
    health(HealthCheck::Http { endpoint: endpoint.to_owned(), expected_status: 200, method: "GET".to_owned() })
}

fn tcp(port: u16) -> HealthSpec {
    health(HealthCheck::Tcp { host: "localhost".to_owned(), port })
}

fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|name| Name::from(*name)).collect()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn the_orchestrator_of_the_service_guide_is_what_its_example_says() {
    let loaded = registry(good("orchestrator.toml"));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let deployment = Deployment::Binary(Arc::new(Binary {
        path: "/home/op/.provisioning/bin/provisioning-orchestrator".to_owned(),
        args: texts(&["--port", "8080", "--data-dir", "/home/op/.provisioning/orchestrator/data"]),
        working_dir: "/".to_owned(),
        ..Binary::default()
    }));
    let health = Some(http("http://localhost:9090/health"));
    let restart = find(&loaded, "orchestrator").restart.clone();
    let expected = ServiceSpec {
        kind: "platform".to_owned(),
        category: "orchestration".to_owned(),
        description: "Rust-based orchestrator for workflow coordination".to_owned(),
        required_for: texts(&["server", "taskserv", "cluster", "workflow", "batch"]),
        health,
        auto_start: true,
        start_timeout: seconds(30),
        start_order: 10,
        restart,
        ..ServiceSpec::new("orchestrator", deployment)
    };
    assert_eq!(find(&loaded, "orchestrator"), &expected);
    // Three checks ten seconds apart fail before it is restarted: a window of a minute would never see six of those.
    let window = expected.restart.window;
    assert!((seconds(5 * 30)..seconds(5 * 120)).contains(&window), "{window:?}");
    assert_eq!(RestartSpec { window: seconds(60), ..expected.restart }, RestartSpec::default());
}

#[test]
fn the_seven_services_of_the_service_guide_are_those_of_its_tables() {
    let loaded = registry(good("seven-services.toml"));
    let expected = [
        "service `coredns` conflicts with `dnsmasq`, which no registry declares",
        "service `coredns` conflicts with `systemd-resolved`, which no registry declares",
        "service `coredns` is deployed by docker, which this version cannot run",
        "service `gitea` is deployed by docker, which this version cannot run",
        "service `oci-registry` is deployed by docker, which this version cannot run",
    ];
    assert_eq!(warnings(&loaded), expected);
    let seen: Vec<_> = loaded
        .board
        .services
        .iter()
        .map(|service| {
            let mode = match &service.deployment {
                Deployment::Unsupported { mode } => mode.as_str(),
                Deployment::Binary(_) => "binary",
                Deployment::Builtin(_) => "builtin",
            };
            let needs: Vec<_> = service.dependencies.iter().map(Name::as_str).collect();
            let (kind, category, port) = (&service.kind, &service.category, service.port.unwrap());
            let start = if service.auto_start { "yes" } else { "no" };
            format!("{} {kind} {category} {port} {start} {mode} [{}]", service.name, needs.join(" "))
        })
        .collect();
    let expected = [
        "orchestrator platform orchestration 8080 yes binary []",
        "control-center platform ui 8081 no binary [orchestrator]",
        "coredns infrastructure dns 5353 no docker []",
        "gitea infrastructure git 3000 no docker []",
        "oci-registry infrastructure registry 5000 no docker []",
        "mcp-server platform api 8082 no binary [orchestrator]",
        "api-gateway platform api 8083 no binary [orchestrator control-center mcp-server]",
    ];
    assert_eq!(seen, expected);
    let orchestrator = find(&loaded, "orchestrator");
    assert_eq!((orchestrator.restart.policy, orchestrator.restart.burst), (RestartPolicy::OnFailure, 3));
    let Deployment::Binary(binary) = &orchestrator.deployment else { panic!("{orchestrator:?}") };
    assert_eq!(binary.working_dir, "/home/op/.provisioning/orchestrator");
    assert_eq!(binary.env, BTreeMap::from([("RUST_LOG".to_owned(), "info".to_owned())]));
    assert_eq!(find(&loaded, "coredns").conflicts, names(&["dnsmasq", "systemd-resolved"]));
    assert_eq!(find(&loaded, "coredns").health, Some(tcp(5353)));
    assert_eq!(find(&loaded, "api-gateway").health, Some(http("http://localhost:8083/health")));
    let orders = ["orchestrator", "control-center", "api-gateway"].map(|name| find(&loaded, name).start_order);
    assert_eq!(orders, [10, 20, 45]);
}

/// Each of its deployment modes with every key that it has there, and what is said of it.
#[test]
fn the_deployments_of_the_service_guide_are_understood_and_refused_at_start() {
    let cases = [
        (
            "coredns",
            r#"
            [services.coredns.deployment]
            mode = "docker"

            [services.coredns.deployment.docker]
            image = "coredns/coredns:1.11.1"
            container_name = "provisioning-coredns"
            ports = ["5353:53/udp"]
            volumes = ["${HOME}/.provisioning/coredns/Corefile:/Corefile:ro"]
            restart_policy = "unless-stopped"
            "#,
            "docker",
        ),
        (
            "platform",
            r#"
            [services.platform.deployment]
            mode = "docker-compose"

            [services.platform.deployment.docker_compose]
            compose_file = "${HOME}/.provisioning/platform/docker-compose.yaml"
            service_name = "orchestrator"
            project_name = "provisioning"
            "#,
            "docker-compose",
        ),
        (
            "orchestrator",
            r#"
            [services.orchestrator.deployment]
            mode = "kubernetes"

            [services.orchestrator.deployment.kubernetes]
            namespace = "provisioning"
            deployment_name = "orchestrator"
            manifests_path = "${HOME}/.provisioning/k8s/orchestrator/"
            "#,
            "kubernetes",
        ),
        (
            "orchestrator",
            r#"
            [services.orchestrator.deployment]
            mode = "remote"

            [services.orchestrator.deployment.remote]
            endpoint = "https://orchestrator.example.com"
            tls_enabled = true
            auth_token_path = "${HOME}/.provisioning/tokens/orchestrator.token"
            "#,
            "remote",
        ),
    ];
    for (name, registry, mode) in cases {
        let loaded = text("services.toml", registry);
        assert_eq!(
            warnings(&loaded),
            [format!("service `{name}` is deployed by {mode}, which this version cannot run")]
        );
        assert_eq!(find(&loaded, name).deployment, Deployment::Unsupported { mode: Name::from(mode) });
        let mut core = Core::new(loaded.board, 1).unwrap();
        let effects = core.start(Mono::ZERO);
        let told = format!("deployment mode `{mode}` cannot be run by this version");
        assert!(effects.events.iter().any(|event| event.text.contains(&told)), "{:?}", effects.events);
    }
}

#[test]
fn the_health_checks_of_the_service_guide_are_asked_as_written() {
    let deployment = "[services.custom.deployment]\nmode = \"binary\"\nbinary = { binary_path = \"/bin/custom\" }\n";
    let cases = [
        (
            "[services.custom.health_check]\ntype = \"command\"\n[services.custom.health_check.command]\n\
             command = \"systemctl is-active myservice\"\nexpected_exit_code = 0\n",
            Some(health(HealthCheck::Command {
                command: "systemctl is-active myservice".to_owned(),
                expected_exit_code: 0,
            })),
        ),
        (
            "[services.custom.health_check]\ntype = \"file\"\n[services.custom.health_check.file]\n\
             path = \"/var/run/myservice.pid\"\nmust_exist = true\n",
            Some(health(HealthCheck::File { path: "/var/run/myservice.pid".to_owned(), must_exist: true })),
        ),
        ("[services.custom.health_check]\ntype = \"none\"\n", None),
    ];
    for (check, expected) in cases {
        let loaded = text("services.toml", &format!("{deployment}{check}"));
        assert_eq!(warnings(&loaded), Vec::<String>::new());
        assert_eq!(find(&loaded, "custom").health, expected);
    }
}

#[test]
fn the_registry_of_the_robot_loads_with_its_meanings() {
    let loaded = registry(good("robot.json"));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let folder = good("");
    let program = |name: &str| match &find(&loaded, name).deployment {
        Deployment::Binary(binary) => (binary.path.clone(), binary.args.clone(), PathBuf::from(&binary.working_dir)),
        other => panic!("{other:?}"),
    };
    let movement = find(&loaded, "movement_ws_server");
    assert_eq!(
        program("movement_ws_server"),
        ("python3".to_owned(), texts(&["movement/movement_ws_server.py"]), folder.clone())
    );
    assert_eq!((movement.display_name.as_str(), movement.kind.as_str()), ("Movement Server", "python"));
    assert!(movement.auto_start);
    // Always, and never given up.
    assert_eq!((movement.restart.policy, movement.restart.burst), (RestartPolicy::Always, u32::MAX));
    let video = find(&loaded, "video_server");
    assert_eq!(program("video_server").2, folder.join("servers/video"));
    assert_eq!(video.description, "Service description");
    assert!(!video.auto_start);
    assert_eq!((video.restart.policy, video.restart.burst), (RestartPolicy::OnFailure, 3));
    assert_eq!((video.port, &video.health), (Some(8081), &Some(tcp(8081))));
    let api = find(&loaded, "main_api");
    assert_eq!((api.restart.policy, &api.health, api.kind.as_str()), (RestartPolicy::Never, &None, "go"));
}

#[test]
fn every_check_function_of_the_robot_is_asked() {
    let ros = health(HealthCheck::Command { command: "ros2 topic list > /dev/null".to_owned(), expected_exit_code: 0 });
    let cases = [
        ("movement_check", tcp(8081)),
        ("video_check", tcp(8081)),
        ("api_check", tcp(8081)),
        ("ultrasonic_check", tcp(8081)),
        ("line_tracker_check", tcp(8081)),
        ("gateway_check", tcp(8081)),
        ("ros_core_check", ros),
    ];
    for (function, expected) in cases {
        let item = format!(r#"{{ "name": "x", "cmd": "x", "port": 8081, "health_check": "{function}" }}"#);
        let loaded = text("registry.json", &format!("{{ \"services\": [{item}] }}"));
        assert_eq!(warnings(&loaded), Vec::<String>::new(), "{function}");
        assert_eq!(find(&loaded, "x").health, Some(expected), "{function}");
    }
}

/// The operator registers `ipc`, `powermgr` and `websrv` in code; here the same is data.
#[test]
fn the_registrations_of_the_operator_have_their_keys() {
    let loaded = text(
        "services.toml",
        r#"
        [services.ipc]
        group = "foundation"
        critical = true
        startup = { start_delay = 0, start_timeout = 10, stop_timeout = 5 }
        health_check = { type = "heartbeat", interval = 5 }
        deployment = { mode = "binary", binary = { binary_path = "/usr/libexec/ipc" } }

        [services.powermgr]
        group = "core"
        dependencies = ["ipc"]
        critical = true
        startup = { start_delay = 1 }
        deployment = { mode = "binary", binary = { binary_path = "/usr/libexec/powermgr" } }

        [services.websrv]
        group = "interface"
        dependencies = ["ipc", "powermgr"]
        critical = false
        startup = { start_delay = 2 }
        deployment = { mode = "binary", binary = { binary_path = "/usr/libexec/websrv" } }
        "#,
    );
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let of = |name: &str| {
        let service = find(&loaded, name);
        (service.group, service.critical, service.start_delay, service.dependencies.len())
    };
    assert_eq!(of("ipc"), (Group::Foundation, true, Duration::ZERO, 0));
    assert_eq!(of("powermgr"), (Group::Core, true, seconds(1), 1));
    assert_eq!(of("websrv"), (Group::Interface, false, seconds(2), 2));
    assert_eq!((find(&loaded, "ipc").start_timeout, find(&loaded, "ipc").stop_timeout), (seconds(10), seconds(5)));
}
