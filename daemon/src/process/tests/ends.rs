//! Ends, wanted and unwanted, and everything that does not want to end.

use super::*;

#[tokio::test]
async fn an_exit_is_told_with_its_code_or_signal() {
    let mut world = World::new();
    let cases = [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("exit 255", Exit::Code(255)),
        ("kill -KILL $$", Exit::Signal(9)),
        ("kill -TERM $$", Exit::Signal(15)),
        // A real-time signal: not every library has a name for it.
        ("kill -34 $$", Exit::Signal(34)),
    ];
    for (script, expected) in cases {
        let generation = world.spawn("web", &sh(script)).await;
        assert_eq!(world.exit(generation).await, expected, "{script}");
        world.gone(generation).await;
    }
    world.end().await;
}

#[tokio::test]
async fn a_kill_to_everything_finds_whatever_left_the_group() {
    // Each prints the pids of what it left behind, as the last of them does.
    let cases = [
        // In the group.
        "sleep 1000 & echo $!; wait",
        // A child in a session of its own.
        "setsid sh -c 'echo $$; exec sleep 1000' & wait",
        // Forked twice, with a session of its own: the parent in between is dead.
        "(setsid sh -c 'echo $$; exec sleep 1000' &); exec sleep 1000",
        // The same without environment, without output.
        "(setsid env -i sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1' &); exec sleep 1000",
        // A whole family that left.
        "(setsid sh -c '(setsid sh -c \"echo \\$\\$; exec sleep 1000\" &); exec sleep 1000' &); exec sleep 1000",
        // It ignores everything that can be ignored.
        "trap '' TERM INT HUP QUIT; setsid sh -c 'trap \"\" TERM HUP; echo $$; while :; do sleep 1000; done' & while :; do wait; done",
        // The main process is gone already.
        "(setsid sh -c 'echo $$; exec sleep 1000' &); sleep 0.1; exit 3",
    ];
    let mut world = World::new();
    for (index, script) in cases.into_iter().enumerate() {
        let name = format!("case{index}");
        let generation = world.spawn(&name, &sh(script)).await;
        let escaped: u32 = world.line(&name, "").await.text.parse().unwrap();
        assert!(lives(escaped), "{script}");
        world.signal(generation, Signal::Kill, true);
        world.exit(generation).await;
        world.gone(generation).await;
        assert!(!lives(escaped), "{script}");
        assert_eq!(world.marked(), [] as [u32; 0], "{script}");
    }
    world.end().await;
}

#[tokio::test]
async fn what_took_its_mark_off_is_known_by_its_group() {
    let mut world = World::new();
    // The orphan stays in the group of the main process, which ends.
    let script = "(sh -c 'prlimit --pid $$ --locks=1:2; echo $$; exec sleep 1000' &); read line < /dev/null; exit 3";
    let generation = world.spawn("web", &sh(script)).await;
    let orphan: u32 = world.line("web", "").await.text.parse().unwrap();
    assert_eq!(world.exit(generation).await, Exit::Code(3));
    assert_eq!(world.processes.spawner.marker.read(orphan), None);
    world.signal(generation, Signal::Kill, true);
    world.gone(generation).await;
    assert!(!lives(orphan));
    world.end().await;
}

#[tokio::test]
async fn a_signal_to_the_group_spares_what_left_it_and_one_to_everything_does_not() {
    let mut world = World::new();
    let script = "trap 'echo main heard' USR1; \
                  setsid sh -c 'trap \"echo child heard\" USR1; echo child ready; while :; do sleep 0.05; done' & \
                  echo main ready; while :; do sleep 0.05; done";
    // In the group there are also sleeps, which SIGUSR1 ends; that is their loop's next turn.
    let generation = world.spawn("web", &sh(script)).await;
    world.line("web", "main ready").await;
    world.line("web", "child ready").await;
    world.signal(generation, Signal::Usr1, false);
    world.line("web", "main heard").await;
    world.signal(generation, Signal::Usr1, true);
    world.line("web", "child heard").await;
    let heard = world.text("web").iter().filter(|line| *line == "child heard").count();
    assert_eq!(heard, 1, "the first signal was for the group alone");
    world.end().await;
}

#[tokio::test]
async fn the_main_process_ends_and_the_rest_is_waited_for() {
    let mut world = World::new();
    let fifo = world.dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // The orphan lives until somebody opens the pipe for writing.
    let script =
        format!("(setsid sh -c 'echo orphan; read line < {}' &); read line < /dev/null; exit 3", fifo.display());
    let generation = world.spawn("web", &sh(&script)).await;
    assert_eq!(world.exit(generation).await, Exit::Code(3));
    world.line("web", "orphan").await;
    assert!(!world.seen.iter().any(|(_, happening)| *happening == ServiceHappening::Gone), "{:?}", world.seen);
    let opened = tokio::task::spawn_blocking(move || std::fs::write(fifo, "end\n"));
    world.during(opened).await.unwrap().unwrap();
    world.gone(generation).await;
    assert_eq!(world.processes.counters().orphans_reaped, 1);
    world.end().await;
}

#[tokio::test]
async fn a_stopped_process_hears_the_other_signal_when_it_is_continued() {
    let mut world = World::new();
    let generation = world.spawn("web", &sh("echo ready; kill -STOP $$; echo never; sleep 1000")).await;
    world.line("web", "ready").await;
    world.signal(generation, Signal::Term, false);
    world.signal(generation, Signal::Cont, false);
    assert_eq!(world.exit(generation).await, Exit::Signal(15));
    world.gone(generation).await;
    world.end().await;
}

#[tokio::test]
async fn what_survives_a_kill_is_named() {
    let mut world = World::new();
    let generation = world.spawn("web", &sh("setsid sh -c 'echo $$; exec sleep 1000' & wait")).await;
    let child: u32 = world.line("web", "").await.text.parse().unwrap();
    // Nothing survives a KILL that a test could arrange without special hardware: so the KILL is left out.
    let (&serial, life) = world.processes.lives.first_key_value().unwrap();
    let mut expected = vec![life.leader, child];
    world.processes.killing.insert(serial, super::super::life::Killing::Until(tokio::time::Instant::now()));
    expected.sort_unstable();
    let survivors = world.until(generation, |happening| matches!(happening, ServiceHappening::Survivors { .. })).await;
    assert_eq!(survivors, ServiceHappening::Survivors { pids: expected });
    assert_eq!(world.processes.next_deadline(), None, "told once");
    world.end().await;
}

#[tokio::test]
async fn a_kill_that_works_leaves_no_timer_behind() {
    let mut world = World::new();
    let generation = world.spawn("web", &program("sleep", &["1000"])).await;
    assert_eq!(world.processes.next_deadline(), None);
    world.signal(generation, Signal::Kill, true);
    assert!(world.processes.next_deadline().is_some());
    world.gone(generation).await;
    assert_eq!(world.processes.next_deadline(), None);
    // Late signals of a life that is over are for nobody.
    world.processes.signal(World::id("web"), generation, Signal::Kill, true);
    world.processes.signal(World::id("web"), generation, Signal::Term, false);
    world.end().await;
}

async fn two_hundred(mut world: World) {
    let sleep = program("sleep", &["1000"]);
    let all: Vec<_> = (0..200).map(|index| world.begin(&format!("service{index}"), &sleep, Readiness::Exec)).collect();
    for &generation in &all {
        world.started(generation).await.unwrap();
    }
    assert_eq!(world.processes.lives.len(), 200);
    // None is reaped meanwhile: however many end, one SIGCHLD may be all that is heard.
    for &generation in &all {
        world.signal(generation, Signal::Kill, false);
    }
    for &generation in &all {
        assert_eq!(world.exit(generation).await, Exit::Signal(9));
        world.gone(generation).await;
    }
    assert_eq!(world.seen, [], "each end is told once");
    world.end().await;
}

#[tokio::test]
async fn two_hundred_start_at_once_and_end_at_once() {
    two_hundred(World::new()).await;
}

#[tokio::test]
async fn two_hundred_start_at_once_and_end_at_once_on_an_old_kernel() {
    two_hundred(World::on_old_kernel()).await;
}

#[tokio::test]
async fn generations_of_one_service_are_kept_apart() {
    let mut world = World::new();
    let first =
        world.spawn("web", &sh("(setsid sh -c 'echo $$; exec sleep 1000' &); read line < /dev/null; exit 1")).await;
    world.exit(first).await;
    let orphan: u32 = world.line("web", "").await.text.parse().unwrap();
    let second = world.spawn("web", &program("sleep", &["1000"])).await;
    world.signal(first, Signal::Kill, true);
    world.gone(first).await;
    assert!(!lives(orphan));
    assert_eq!(world.processes.measure().len(), 1, "the second life is untouched");
    world.signal(second, Signal::Term, false);
    assert_eq!(world.exit(second).await, Exit::Signal(15));
    world.gone(second).await;
    world.end().await;
}

#[tokio::test]
async fn a_stop_command_runs_in_the_services_surroundings_and_belongs_to_it() {
    let mut world = World::new();
    let binary = Binary {
        env: [("WHO".to_owned(), "web".to_owned())].into(),
        working_dir: "/usr".to_owned(),
        ..sh("echo $$; exec sleep 1000")
    };
    let generation = world.spawn("web", &binary).await;
    let pid = world.line("web", "").await.text;
    let (id, name) = (World::id("web"), Name::from("web"));
    let command =
        ["sh", "-c", "echo stopping $WHO in $PWD; kill \"$1\"; sleep 0.2; exit 4", "sh", &pid].map(str::to_owned);
    world.processes.run_stop_command(id, &name, generation, &command, &Arc::new(binary.clone()));
    assert_eq!(world.exit(generation).await, Exit::Signal(15));
    world.gone(generation).await;
    world.pipes_closed().await;
    assert_eq!(
        world.text("web")[1..],
        ["stopping web in /usr", "ubmcd: the stop command ended with exit code 4"],
        "nothing is gone before the stop command is"
    );
    world.processes.run_stop_command(id, &name, generation, &command, &Arc::new(binary.clone()));
    let late = world.text("web").pop().unwrap();
    assert_eq!(late, "ubmcd: the stop command was not run: nothing of web #1 is left to stop");

    // One that hangs goes with everything else.
    let generation = world.spawn("web", &binary).await;
    let command = ["sh", "-c", "echo hanging; exec sleep 1000"].map(str::to_owned);
    world.processes.run_stop_command(id, &name, generation, &command, &Arc::new(binary.clone()));
    world.line("web", "hanging").await;
    world.signal(generation, Signal::Kill, true);
    world.gone(generation).await;
    world.end().await;
}
