//! Registries in every form: what they say arrives in the specification, whatever file it stands in.

#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ubmc_core::{
    ids::Name,
    services::{
        Binary, Builtin, Deployment, Epoch, Group, HealthCheck, HealthSpec, Limits, Readiness, RestartPolicy,
        RestartSpec, Run, Rung, ServiceSpec, Signal,
    },
};
use ubmc_platforms::board::{Diagnostics, LoadOptions, Loaded, NameOrFile, load};

fn good(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/good").join(name)
}

/// Loads registries and a folder on top of a board that has nothing of its own.
fn try_load(registries: Vec<PathBuf>, services_dir: Option<PathBuf>) -> Result<Loaded, Diagnostics> {
    let temp = tempfile::tempdir().unwrap();
    let board = temp.path().join("board.toml");
    fs::write(&board, "[board]\nname = \"empty\"\n").unwrap();
    let vars = BTreeMap::from([("HOME".to_owned(), "/home/op".to_owned())]);
    load(&LoadOptions { board: NameOrFile::File(board), registries, services_dir, vars })
}

fn registry(name: &str) -> (Vec<ServiceSpec>, Vec<String>) {
    let loaded = try_load(vec![good(name)], None).unwrap_or_else(|problems| panic!("{problems}"));
    (loaded.board.services, loaded.warnings.iter().map(|warning| warning.message.clone()).collect())
}

fn find<'a>(services: &'a [ServiceSpec], name: &str) -> &'a ServiceSpec {
    services.iter().find(|service| service.name.as_str() == name).unwrap()
}

fn binary(path: &str) -> Deployment {
    Deployment::Binary(Arc::new(Binary { path: path.to_owned(), working_dir: "/".to_owned(), ..Binary::default() }))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn health(check: HealthCheck) -> HealthSpec {
    HealthSpec { check: Arc::new(check), interval: seconds(10), retries: 3, timeout: seconds(5) }
}

fn names(list: &[&str]) -> Vec<Name> {
    list.iter().map(|name| Name::from(*name)).collect()
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn every_key_of_the_contract_arrives() {
    let (services, warnings) = registry("contract.toml");
    assert_eq!(warnings, ["service `full` is critical, but not started by itself"]);
    let full = ServiceSpec {
        display_name: "Everything".to_owned(),
        description: "Says all there is to say.".to_owned(),
        kind: "platform".to_owned(),
        category: "test".to_owned(),
        group: Group::Core,
        critical: true,
        protects_hardware: true,
        dependencies: names(&["base"]),
        wants: names(&["first"]),
        after: names(&["second"]),
        before: names(&["last"]),
        conflicts: names(&["other"]),
        required_for: texts(&["server", "cluster"]),
        port: Some(9090),
        readiness: Readiness::Fd(3),
        health: Some(HealthSpec {
            check: Arc::new(HealthCheck::Http {
                endpoint: "http://localhost:9090/health".to_owned(),
                expected_status: 204,
                method: "HEAD".to_owned(),
            }),
            interval: seconds(20),
            retries: 4,
            timeout: Duration::from_millis(1500),
        }),
        auto_start: false,
        start_timeout: seconds(120),
        stop_timeout: seconds(5),
        start_order: 7,
        start_delay: Duration::from_millis(250),
        restart: RestartSpec {
            policy: RestartPolicy::Always,
            delay: seconds(2),
            max_delay: seconds(40),
            factor: 3.0,
            jitter: 0.5,
            burst: 3,
            window: seconds(600),
            reset_after: seconds(90),
            smooth_recovery: true,
            escalate: vec![Rung::Dependents, Rung::Group, Rung::Failsafe, Rung::Reboot],
        },
        ..ServiceSpec::new(
            "full",
            Deployment::Binary(Arc::new(Binary {
                path: "/home/op/bin/x".to_owned(),
                args: texts(&["--home", "/home/op", "${HOME}"]),
                working_dir: "/srv".to_owned(),
                env: BTreeMap::from([("K".to_owned(), "v".to_owned()), ("P".to_owned(), "/home/op/p".to_owned())]),
                user: Some("svc".to_owned()),
                group: Some("grp".to_owned()),
                stop_command: texts(&["/bin/stop", "it"]),
                stop_signal: Signal::Int,
                umask: Some(0o027),
                nice: 5,
                oom_score: Some(-500),
                no_new_privileges: true,
                capabilities: Some(texts(&["CAP_NET_ADMIN"])),
                limits: Limits {
                    memory_bytes: Some(64 << 20),
                    cpu_cores: Some(0.5),
                    pids: Some(32),
                    nofile: Some(128),
                    core_bytes: Some(0),
                    address_space_bytes: Some(1 << 30),
                    file_size_bytes: Some(4096),
                },
            })),
        )
    };
    assert_eq!(find(&services, "full"), &full);
    assert_eq!(find(&services, "base").deployment, Deployment::Builtin(Builtin::Journal));
    assert_eq!(find(&services, "first").run, Run::Oneshot { once_per: Some(Epoch::BmcBoot) });
    assert_eq!(find(&services, "first").restart.policy, RestartPolicy::Never);
    assert_eq!(find(&services, "second").run, Run::Oneshot { once_per: None });
    assert_eq!(find(&services, "second").restart.burst, 2);
    assert_eq!(find(&services, "file").readiness, Readiness::Delay(seconds(2)));
    assert_eq!((find(&services, "file").restart.burst, find(&services, "file").restart.window), (u32::MAX, seconds(1)));
    assert_eq!(find(&services, "last").readiness, Readiness::Check);
    assert_eq!(find(&services, "other").readiness, Readiness::Notify);
    let checks = [
        ("last", HealthCheck::Tcp { host: "localhost".to_owned(), port: 80 }),
        ("other", HealthCheck::Command { command: "exit 3".to_owned(), expected_exit_code: 3 }),
        ("file", HealthCheck::File { path: "/run/x".to_owned(), must_exist: false }),
        ("grpc", HealthCheck::Grpc { endpoint: "localhost:50051".to_owned(), service: "a.b".to_owned() }),
    ];
    for (name, check) in checks {
        assert_eq!(find(&services, name).health, Some(health(check)), "{name}");
    }
    let heartbeat = HealthSpec { interval: seconds(2), timeout: seconds(2), ..health(HealthCheck::Heartbeat) };
    assert_eq!(find(&services, "heartbeat").health, Some(heartbeat));
    assert_eq!(find(&services, "heartbeat").restart.max_delay, seconds(86400));
    let ready = HealthSpec {
        interval: seconds(2),
        retries: 1,
        timeout: seconds(1),
        ..health(HealthCheck::Tcp { host: "localhost".to_owned(), port: 50051 })
    };
    assert_eq!(find(&services, "grpc").readiness_check, Some(ready));
    assert_eq!(find(&services, "grpc").readiness, Readiness::Check, "its presence alone says so");
    let ready = HealthCheck::Command { command: "test -e /run/ready".to_owned(), expected_exit_code: 0 };
    assert_eq!(find(&services, "heartbeat").readiness_check, Some(health(ready)));
    assert_eq!(find(&services, "heartbeat").readiness, Readiness::Notify, "asked after that");
    assert_eq!(find(&services, "none"), &ServiceSpec::new("none", binary("true")));
}

#[test]
fn executables_are_discovered_unless_a_registry_declares_them() {
    let temp = tempfile::tempdir().unwrap();
    let add = |name: &str, file: &str, mode: u32| {
        fs::create_dir_all(temp.path().join(name)).unwrap();
        let path = temp.path().join(name).join(file);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    add("worker", "worker", 0o755);
    add("another", "another", 0o700);
    add("data", "data", 0o644);
    add("misnamed", "other", 0o755);
    add("a", "a", 0o755);
    fs::write(temp.path().join("README"), "not a folder").unwrap();
    let loaded = try_load(vec![good("one-service.toml")], Some(temp.path().to_owned())).unwrap();
    let found: Vec<_> = loaded.board.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(found, ["a", "another", "worker"]);
    assert_eq!(find(&loaded.board.services, "a").deployment, binary("/usr/bin/true"));
    let Deployment::Binary(worker) = &find(&loaded.board.services, "worker").deployment else { panic!() };
    assert_eq!(Path::new(&worker.path), temp.path().join("worker/worker"));
    assert_eq!(Path::new(&worker.working_dir), temp.path().join("worker"));
}

/// Whoever watches these sees everything that another load would see.
#[test]
fn a_load_tells_every_file_that_it_was_made_of() {
    let temp = tempfile::tempdir().unwrap();
    let path = |name: &str| temp.path().join(name);
    fs::create_dir_all(path("services/worker")).unwrap();
    fs::create_dir_all(path("services/empty")).unwrap();
    fs::write(path("services/README"), "no folder").unwrap();
    fs::write(path("services/worker/worker"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(path("services/worker/worker"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(path("own.toml"), include_str!("../machines/bmc.toml")).unwrap();
    fs::write(path("board.toml"), "[board]\nname = \"files\"\n[machines.bmc]\ndefinition = \"own.toml\"\n").unwrap();
    let registries = [good("one-service.toml"), good("robot.json")];
    let options = |board: NameOrFile, registries: &[PathBuf], services_dir: Option<PathBuf>| LoadOptions {
        board,
        registries: registries.to_vec(),
        services_dir,
        vars: BTreeMap::from([("UBMC_BIN_DIR".to_owned(), "/usr/libexec".to_owned())]),
    };
    let board = NameOrFile::File(path("board.toml"));
    let loaded = load(&options(board, &registries, Some(path("services")))).unwrap();
    let (folders, files): (Vec<_>, Vec<_>) = loaded.files.into_iter().partition(|file| file.is_dir());
    assert_eq!(files, [path("board.toml"), path("own.toml"), good("one-service.toml"), good("robot.json")]);
    let folders: std::collections::BTreeSet<_> = folders.into_iter().collect();
    let expected = [path("services"), path("services/empty"), path("services/worker")];
    assert_eq!(folders, std::collections::BTreeSet::from(expected));

    let shipped = load(&options(NameOrFile::from("sim-2u"), &[], None)).unwrap();
    assert_eq!(shipped.files, Vec::<PathBuf>::new(), "what is inside the program is no file");
}

/// What is said about files that cannot be read at all.
#[test]
fn files_that_cannot_be_read_are_told_together() {
    let temp = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = temp.path().join(name);
        fs::write(&path, content).unwrap();
        path
    };
    let long = file("long.toml", &vec![b' '; (1 << 20) + 1]);
    let bytes = file("bytes.toml", b"[services]\n\xff");
    let missing = temp.path().join("missing.json");
    let problems = try_load(vec![long, bytes, missing], Some(temp.path().join("nowhere"))).unwrap_err();
    let told: Vec<_> = problems.iter().map(|problem| problem.message.clone()).collect();
    let expected = [
        "is longer than 1024 KiB, the most that a configuration file may have",
        "is not UTF-8 text (first bad byte at offset 11)",
        "cannot be read: No such file or directory (os error 2)",
        "cannot be searched for services: No such file or directory (os error 2)",
    ];
    for expected in expected {
        assert!(told.iter().any(|told| told == expected), "{expected}: {told:?}");
    }
    assert_eq!(problems.errors(), 4, "{problems}");
}

#[test]
fn a_board_that_is_not_shipped_is_refused_with_the_nearest_name() {
    let options = LoadOptions {
        board: NameOrFile::from("sim-u2"),
        registries: Vec::new(),
        services_dir: None,
        vars: BTreeMap::new(),
    };
    let problems = load(&options).unwrap_err().to_string();
    assert!(problems.contains("there is no shipped board `sim-u2`"), "{problems}");
    assert!(problems.contains("did you mean `sim-2u`?"), "{problems}");
}

#[test]
fn the_details_of_one_mode_say_which_is_meant_and_those_of_two_do_not() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("services.toml");
    fs::write(&file, "[services.web.deployment.binary]\nbinary_path = \"/bin/web\"\n").unwrap();
    let loaded = try_load(vec![file.clone()], None).unwrap();
    assert_eq!(find(&loaded.board.services, "web").deployment, binary("/bin/web"));

    fs::write(
        &file,
        "[services.web.deployment]\nbinary = { binary_path = \"/bin/web\" }\ndocker = { image = \"web:1\" }\n",
    )
    .unwrap();
    let problems = try_load(vec![file], None).map(|_| ()).unwrap_err().to_string();
    assert!(problems.contains("service `web` has no `deployment.mode`"), "{problems}");
}
