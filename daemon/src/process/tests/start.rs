//! Starts that fail, and what those that succeed find around them.

use std::os::unix::fs::PermissionsExt;

use ubmc_core::{
    input::SpawnStage,
    services::{Deployment, Limits, ServiceSpec},
};

use super::*;

fn file(world: &World, name: &str, content: &str, mode: u32) -> String {
    let path = world.dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn failed_starts(mut world: World) {
    let plain = file(&world, "plain", "not for execution", 0o644);
    let garbage = file(&world, "garbage", "\u{1}\u{2}\u{3}", 0o755);
    let orphaned = file(&world, "orphaned", "#!/no/such/interpreter -x\n", 0o755);
    let folder = world.dir.path().to_str().unwrap().to_owned();
    let yes = || program("/bin/true", &[]);
    let cases: Vec<(Binary, Readiness, SpawnStage, i32, String)> = vec![
        (
            program("/opt/no/such/x", &[]),
            Readiness::Exec,
            SpawnStage::Exec,
            libc::ENOENT,
            "exec failed: /opt/no/such/x: no such file or directory".to_owned(),
        ),
        (
            program("no-such-program", &[]),
            Readiness::Exec,
            SpawnStage::Exec,
            libc::ENOENT,
            "exec failed: no-such-program: no such program in ".to_owned(),
        ),
        (
            program(&plain, &[]),
            Readiness::Exec,
            SpawnStage::Exec,
            libc::EACCES,
            format!("exec failed: {plain}: permission denied"),
        ),
        (
            program(&folder, &[]),
            Readiness::Exec,
            SpawnStage::Exec,
            libc::EACCES,
            format!("exec failed: {folder}: it is a directory"),
        ),
        (
            program(&garbage, &[]),
            Readiness::Exec,
            SpawnStage::Exec,
            libc::ENOEXEC,
            format!("exec failed: {garbage}: exec format error: neither a program"),
        ),
        (
            program(&orphaned, &[]),
            Readiness::Exec,
            SpawnStage::Exec,
            libc::ENOENT,
            format!("exec failed: {orphaned}: its interpreter /no/such/interpreter: no such file or directory"),
        ),
        (
            program("", &[]),
            Readiness::Exec,
            SpawnStage::Exec,
            0,
            "exec failed: the path of the program is empty".to_owned(),
        ),
        (
            Binary { working_dir: "/no/such/dir".to_owned(), ..yes() },
            Readiness::Exec,
            SpawnStage::WorkingDirectory,
            libc::ENOENT,
            "entering the working directory failed: /no/such/dir: no such file or directory".to_owned(),
        ),
        (
            Binary { working_dir: plain.clone(), ..yes() },
            Readiness::Exec,
            SpawnStage::WorkingDirectory,
            libc::ENOTDIR,
            format!("entering the working directory failed: {plain}: not a directory"),
        ),
        (
            Binary { user: Some("nobody-by-that-name".to_owned()), ..yes() },
            Readiness::Exec,
            SpawnStage::User,
            0,
            "changing the user failed: there is no user `nobody-by-that-name` on this machine".to_owned(),
        ),
        (
            Binary { group: Some("no-such-group".to_owned()), ..yes() },
            Readiness::Exec,
            SpawnStage::User,
            0,
            "changing the user failed: there is no group `no-such-group` on this machine".to_owned(),
        ),
        (
            Binary { capabilities: Some(vec!["CAP_FLY".to_owned()]), ..yes() },
            Readiness::Exec,
            SpawnStage::Privileges,
            0,
            "dropping privileges failed: `CAP_FLY` is not a capability".to_owned(),
        ),
        (
            Binary { limits: Limits { nofile: Some(1 << 40), ..Limits::default() }, ..yes() },
            Readiness::Exec,
            SpawnStage::Limits,
            libc::EPERM,
            "setting resource limits failed: nofile = 1099511627776: operation not permitted".to_owned(),
        ),
        (
            Binary { oom_score: Some(5000), ..yes() },
            Readiness::Exec,
            SpawnStage::Priority,
            libc::EINVAL,
            "setting priority failed: oom score 5000: invalid argument".to_owned(),
        ),
        (
            yes(),
            Readiness::Fd(1),
            SpawnStage::Prepare,
            0,
            "preparing the process failed: readiness descriptor 1 is a standard stream".to_owned(),
        ),
        (
            yes(),
            Readiness::Fd(i32::MAX),
            SpawnStage::Prepare,
            libc::EBADF,
            "preparing the process failed: readiness descriptor 2147483647: bad file".to_owned(),
        ),
        (
            program("/bin/true", &["a\0b"]),
            Readiness::Exec,
            SpawnStage::Prepare,
            0,
            "preparing the process failed: argument `\"a\\0b\"` contains a zero byte".to_owned(),
        ),
    ];
    for (binary, readiness, stage, errno, text) in cases {
        let error = world.try_spawn("web", &binary, readiness).await.unwrap_err();
        assert_eq!((error.stage, error.errno), (stage, errno), "{error}");
        assert!(error.to_string().starts_with(&text), "{error}, not {text}");
        assert_eq!(our_children(), [] as [u32; 0], "{error}: the child has been reaped");
    }
    // And it still starts what can be started.
    let generation = world.spawn("web", &yes()).await;
    assert_eq!(world.exit(generation).await, Exit::Code(0));
    world.gone(generation).await;
    world.end().await;
}

#[tokio::test]
async fn a_failed_start_says_at_once_where_and_why() {
    failed_starts(World::new()).await;
}

#[tokio::test]
async fn a_failed_start_says_at_once_where_and_why_on_an_old_kernel() {
    failed_starts(World::on_old_kernel()).await;
}

#[tokio::test]
async fn the_environment_holds_what_is_declared_and_nothing_else() {
    let mut world = World::new();
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let path = set("PATH").unwrap();
    let home = set("HOME").unwrap_or_else(|| "/".to_owned());
    let tmpdir = set("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
    let env = program("env", &[]);
    let lines = world.output_of("plain", &env, Readiness::Exec).await;
    assert_eq!(lines, [format!("PATH={path}"), format!("HOME={home}"), format!("TMPDIR={tmpdir}")]);

    let declared = Binary {
        env: [("HOME", "/srv"), ("A", "1=2"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..env
    };
    let socket = world.dir.path().join("notify");
    let lines = world.output_of("declared", &declared, Readiness::Notify).await;
    let notify = format!("NOTIFY_SOCKET={}", socket.display());
    assert_eq!(
        lines,
        [
            format!("PATH={path}"),
            format!("TMPDIR={tmpdir}"),
            "A=1=2".to_owned(),
            "EMPTY=".to_owned(),
            "HOME=/srv".to_owned(),
            notify.clone(),
        ]
    );

    world.watchdog = Some(Duration::from_millis(1500));
    let lines = world.output_of("heart", &program("env", &[]), Readiness::Exec).await;
    assert_eq!(lines[3..], [notify, "WATCHDOG_USEC=1500000".to_owned()]);
    world.watchdog = None;
    let lines = world.output_of("heart again", &program("env", &[]), Readiness::Exec).await;
    assert_eq!(lines.len(), 3);
    world.end().await;
}

async fn surroundings(mut world: World) {
    let script = "umask; ulimit -n; ulimit -Hn; ulimit -c; ulimit -f; nice; pwd; cat /proc/self/oom_score_adj; \
                  grep -E '^(SigBlk|SigIgn|NoNewPrivs)' /proc/self/status; cat /proc/self/stat | cut -d' ' -f5,7; echo $$";
    let binary = Binary {
        working_dir: "/usr".to_owned(),
        umask: Some(0o027),
        nice: 7,
        oom_score: Some(321),
        no_new_privileges: true,
        limits: Limits {
            nofile: Some(64),
            core_bytes: Some(0),
            file_size_bytes: Some(1 << 20),
            address_space_bytes: Some(1 << 32),
            ..Limits::default()
        },
        ..sh(script)
    };
    let lines = world.output_of("web", &binary, Readiness::Exec).await;
    let (end, fixed) = lines.split_last().unwrap();
    // Shells count blocks of files in 512 or in 1024 bytes.
    assert!(["1024", "2048"].contains(&fixed[4].as_str()), "{}", fixed[4]);
    assert_eq!(fixed[..4], ["0027", "64", "64", "0"]);
    assert_eq!(fixed[5..8], ["7", "/usr", "321"]);
    assert_eq!(fixed[8..11], ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "NoNewPrivs:\t1"]);
    assert_eq!(fixed[11], format!("{end} 0"), "leads its group, has no terminal");

    // Nothing declared: the limits that the daemon was started with, not those that it raised for itself.
    let lines = world.output_of("plain", &sh("ulimit -n; nice"), Readiness::Exec).await;
    let (soft, _) = super::super::raise_nofile();
    assert_eq!(lines, [soft.to_string(), "0".to_owned()]);

    // 0, 1, 2, and the folder that ls has opened.
    let lines = world.output_of("descriptors", &program("ls", &["/proc/self/fd"]), Readiness::Exec).await;
    assert_eq!(lines, ["0", "1", "2", "3"]);
    let lines = world.output_of("null", &program("readlink", &["/proc/self/fd/0"]), Readiness::Exec).await;
    assert_eq!(lines, ["/dev/null"]);
    world.end().await;
}

#[tokio::test]
async fn limits_and_surroundings_are_as_declared() {
    surroundings(World::new()).await;
}

#[tokio::test]
async fn limits_and_surroundings_are_as_declared_on_an_old_kernel() {
    surroundings(World::on_old_kernel()).await;
}

#[tokio::test]
async fn user_groups_and_capabilities_are_as_declared() {
    let mut world = World::new();
    let script = "id -u; id -g; id -G; echo $HOME; grep -E '^Cap(Prm|Eff|Bnd|Amb)' /proc/self/status | cut -f2";
    let nobody = Binary { user: Some("nobody".to_owned()), ..sh(script) };
    if !is_root() {
        let other = Binary { user: Some("root".to_owned()), ..nobody };
        let error = world.try_spawn("web", &other, Readiness::Exec).await.unwrap_err();
        assert_eq!((error.stage, error.errno), (SpawnStage::User, libc::EPERM));
        assert!(error.text.ends_with("ubmcd does not run as root"), "{error}");
        return world.end().await;
    }
    let none = "0000000000000000";
    let user = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    let (uid, gid) = (user.uid.to_string(), user.gid.to_string());
    let lines = world.output_of("plain", &nobody, Readiness::Exec).await;
    assert_eq!(lines[..4], [&uid, &gid, &gid, user.dir.to_str().unwrap()]);
    assert_eq!((lines[4].as_str(), lines[5].as_str(), lines[7].as_str()), (none, none, none));

    let kept = "0000000000000400";
    let bind = Some(vec!["CAP_NET_BIND_SERVICE".to_owned()]);
    let lines = world.output_of("bind", &Binary { capabilities: bind.clone(), ..nobody }, Readiness::Exec).await;
    assert_eq!(lines[0], uid);
    assert_eq!(lines[4..], [kept, kept, kept, kept]);

    let as_root = Binary { capabilities: bind, group: Some("0".to_owned()), ..sh(script) };
    let lines = world.output_of("root", &as_root, Readiness::Exec).await;
    assert_eq!(lines[..3], ["0", "0", "0"]);
    assert_eq!(lines[4..7], [kept, kept, kept]);
    let nothing = Binary { capabilities: Some(Vec::new()), ..sh(script) };
    let lines = world.output_of("nothing", &nothing, Readiness::Exec).await;
    assert_eq!(lines[4..], [none, none, none, none]);
    world.end().await;
}

async fn changed_users(mut world: World) {
    let dumpable = || rustix::process::dumpable_behavior().unwrap();
    let before = dumpable();
    assert_eq!(before, rustix::process::DumpableBehavior::Dumpable);
    let nobody = |path| Binary { user: Some("nobody".to_owned()), ..program(path, &[]) };
    world.try_spawn("missing", &nobody("/opt/no/such/x"), Readiness::Exec).await.unwrap_err();
    assert_eq!(dumpable(), before, "after a start that failed");
    if is_root() {
        world.spawn("cat", &nobody("cat")).await;
        assert_eq!(dumpable(), before, "after a start");
    }
    world.end().await;
}

#[tokio::test]
async fn the_daemon_leaves_a_core_whatever_users_it_started_services_as() {
    changed_users(World::new()).await;
}

#[tokio::test]
async fn the_daemon_leaves_a_core_whatever_users_it_started_services_as_on_an_old_kernel() {
    changed_users(World::on_old_kernel()).await;
}

#[tokio::test]
async fn a_name_without_slash_is_looked_up_in_the_services_own_path() {
    let mut world = World::new();
    let path = file(&world, "tool", "#!/bin/sh\necho found\n", 0o755);
    let dir = world.dir.path().to_str().unwrap().to_owned();
    let binary = Binary { env: [("PATH".to_owned(), format!("/nowhere:{dir}"))].into(), ..program("tool", &[]) };
    assert_eq!(world.output_of("path", &binary, Readiness::Exec).await, ["found"]);
    // With a slash it is as seen from the working directory.
    let binary = Binary { working_dir: dir, ..program("./tool", &[]) };
    assert_eq!(world.output_of("relative", &binary, Readiness::Exec).await, ["found"]);
    assert!(path.ends_with("/tool"));
    world.end().await;
}

#[tokio::test]
async fn limits_of_the_whole_service_are_enforced_or_said_to_be_missing() {
    let mut world = World::new();
    let limited = Binary { limits: Limits { pids: Some(5), ..Limits::default() }, ..sh("cat /proc/self/cgroup; cat") };
    let offered = world.processes.spawner.offers("pids");
    if !offered {
        assert!(world.processes.platform_report().iter().any(|sentence| sentence.contains("processes")));
    }
    let generation = world.spawn("web", &limited).await;
    if offered {
        world.line("web", &format!("ubmcd-{}/web.1", std::process::id())).await;
    } else {
        let line = world.line("web", "pids limit is not enforced").await;
        assert!(line.text.starts_with("ubmcd: its pids limit"), "{}", line.text);
    }
    let group = world.processes.lives.values().next().unwrap().cgroup.as_ref().map(|group| group.path().to_owned());
    world.signal(generation, Signal::Kill, true);
    world.gone(generation).await;
    assert!(group.is_none_or(|group| !group.exists()), "the group is removed with the life");
    world.end().await;
}

#[tokio::test]
async fn what_the_machine_lacks_is_said_in_sentences() {
    let world = World::new();
    for sentence in world.processes.platform_report() {
        assert!(
            sentence.ends_with('.') && sentence.starts_with(char::is_uppercase) || sentence.starts_with("ubmcd"),
            "{sentence}"
        );
    }
    world.end().await;
}

#[tokio::test]
async fn a_start_with_a_look_beforehand_says_everything_at_once_and_is_not_tried() {
    let mut world = World::new();
    world.preflight = true;
    let binary = Binary { working_dir: "/no/such/dir".to_owned(), ..program("/no/such/program", &[]) };
    let error = world.try_spawn("web", &binary, Readiness::Exec).await.unwrap_err();
    assert_eq!((error.stage, error.errno), (SpawnStage::Preflight, libc::ENOENT));
    let text = "pre-flight failed: /no/such/program does not exist; its working directory /no/such/dir does not exist";
    assert_eq!(error.to_string(), text);
    let generation = world.spawn("web", &program("/bin/true", &[])).await;
    assert_eq!(world.exit(generation).await, Exit::Code(0));
    world.gone(generation).await;
    world.end().await;
}

#[tokio::test]
async fn a_port_is_told_with_the_service_that_has_it_and_ones_own_does_not_count() {
    let mut world = World::new();
    let first = world.try_spawn("first", &super::words::actor("listen;pause"), Readiness::Notify).await.unwrap();
    let port = world.line("first", "port ").await.text.rsplit_once(' ').unwrap().1.parse().unwrap();
    let pid = world.processes.lives.values().next().unwrap().leader;
    (world.preflight, world.port) = (true, Some(port));
    let error = world.try_spawn("second", &program("/bin/true", &[]), Readiness::Exec).await.unwrap_err();
    assert_eq!((error.stage, error.errno), (SpawnStage::Preflight, libc::EADDRINUSE));
    let prefix = format!("port {port} is taken by process {pid} (");
    assert!(error.text.starts_with(&prefix) && error.text.ends_with(") of service first"), "{error}");

    let survey = world.processes.survey();
    let of = |name: &str| {
        let deployment = Deployment::Binary(Arc::new(program("/bin/true", &[])));
        let spec = ServiceSpec { port: Some(port), ..ServiceSpec::new(name, deployment) };
        survey.of(&spec)
    };
    assert_eq!(of("first"), []);
    let obstacles = of("second");
    assert_eq!(obstacles.len(), 1);
    assert_eq!(obstacles[0].remedy, "stop first, or give one of the two another port");

    world.signal(first, Signal::Kill, true);
    world.gone(first).await;
    let second = world.spawn("second", &program("/bin/true", &[])).await;
    world.gone(second).await;
    world.end().await;
}
