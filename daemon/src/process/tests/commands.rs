//! Commands that belong to no service.

use super::*;
use crate::process::{Command, CommandEnd};

fn command(script: &str, timeout: Duration) -> Command {
    Command { argv: ["sh", "-c", script].map(str::to_owned).to_vec(), timeout }
}

#[tokio::test]
async fn a_command_ends_with_its_code_and_the_beginning_of_what_it_wrote() {
    let mut world = World::new();
    let commands = world.processes.commands();
    let cases = [
        ("echo well", Some(Exit::Code(0)), "well\n"),
        ("echo bad >&2; exit 3", Some(Exit::Code(3)), "bad\n"),
        ("kill -9 $$", Some(Exit::Signal(9)), ""),
        // What it leaves behind with its pipe open is not waited for, and does not stay.
        ("setsid sleep 1000 & echo left; exit 0", Some(Exit::Code(0)), "left\n"),
    ];
    for (script, exit, output) in cases {
        let end = world.during(commands.run(command(script, PATIENCE))).await.unwrap();
        assert_eq!(end, CommandEnd { exit, output: output.to_owned() }, "{script}");
    }
    let end = world.during(commands.run(command("yes | head -c 1000000", PATIENCE))).await.unwrap();
    assert_eq!(end.exit, Some(Exit::Code(0)), "a command that says much is not blocked");
    assert_eq!(end.output.len(), 4096);
    let missing = Command { argv: vec!["/no/such/probe".to_owned()], timeout: PATIENCE };
    let error = world.during(commands.run(missing)).await.unwrap_err();
    assert_eq!(error.to_string(), "exec failed: /no/such/probe: no such file or directory");
    nothing_left(&mut world).await;
    world.end().await;
}

/// Until everything that was killed has been reaped.
async fn nothing_left(world: &mut World) {
    let marker = world.processes.spawner.marker;
    let marked = || {
        let processes = std::fs::read_dir("/proc").unwrap();
        let mut pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.any(|pid| marker.read(pid).is_some())
    };
    world
        .during(async {
            while marked() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
}

#[tokio::test]
async fn what_a_command_left_behind_while_it_ran_ends_with_it() {
    let mut world = World::new();
    let commands = world.processes.commands();
    // Another command ends meanwhile, so that the orphan is met while its own command still runs.
    let fifo = world.dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let script = format!("(setsid sleep 1000 &); read line < {0}; exit 0", fifo.display());
    let first = tokio::spawn({
        let commands = commands.clone();
        async move { commands.run(command(&script, PATIENCE)).await }
    });
    let second = format!("echo end > {}", fifo.display());
    world.during(commands.run(command("exit 0", PATIENCE))).await.unwrap();
    world.during(commands.run(command(&second, PATIENCE))).await.unwrap();
    assert_eq!(world.during(first).await.unwrap().unwrap().exit, Some(Exit::Code(0)));
    nothing_left(&mut world).await;
    world.end().await;
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_killed_with_all_it_started() {
    let mut world = World::new();
    let commands = world.processes.commands();
    let script = "setsid sleep 1000 & sleep 1000 & (setsid sleep 1000 &); echo begun; while :; do wait; sleep 1; done";
    let end = world.during(commands.run(command(script, Duration::from_millis(300)))).await.unwrap();
    assert_eq!(end, CommandEnd { exit: None, output: "begun\n".to_owned() });
    nothing_left(&mut world).await;
    world.end().await;
}

#[tokio::test]
async fn a_command_that_nobody_waits_for_any_more_is_killed() {
    let mut world = World::new();
    let commands = world.processes.commands();
    let dropped = tokio::time::timeout(Duration::from_millis(50), commands.run(command("sleep 1000", PATIENCE)));
    assert!(world.during(dropped).await.is_err());
    nothing_left(&mut world).await;
    world.end().await;
}

#[tokio::test]
async fn a_hundred_commands_run_beside_services() {
    let mut world = World::new();
    let service = world.spawn("web", &program("sleep", &["1000"])).await;
    let commands = world.processes.commands();
    let running: Vec<_> = (0..100)
        .map(|code| {
            let commands = commands.clone();
            tokio::spawn(async move { commands.run(command(&format!("exit {code}"), PATIENCE)).await })
        })
        .collect();
    for (code, running) in running.into_iter().enumerate() {
        let end = world.during(running).await.unwrap().unwrap();
        assert_eq!(end.exit, Some(Exit::Code(i32::try_from(code).unwrap())));
    }
    assert_eq!(world.seen, [], "the service's life is not concerned");
    world.signal(service, Signal::Kill, false);
    world.gone(service).await;
    world.end().await;
}
