//! Starts that hang, and what is asked of them meanwhile.
//!
//! A child that is to join a control group by hand opens a file of that group. In a made-up group that file is a pipe
//! which nobody reads: so the child hangs between clone and exec, as it would on a file system that does not answer.

use std::{fs::File, os::unix::fs::OpenOptionsExt, path::PathBuf, time::Instant};

use ubmc_core::services::Limits;

use super::*;
use crate::process::{Command, cgroup::Cgroups, life::Main, spawner::MOST};

fn world() -> World {
    let footing = |dir: &Path| Footing {
        ground: Ground::of_old_kernel(),
        cgroups: Some(Cgroups::made_up(dir)),
        patience: Duration::from_millis(30),
    };
    World::on(footing, |_| OutputConfig::default())
}

/// A start that hangs.
struct Hung {
    generation: Generation,
    pipe: PathBuf,
}

impl World {
    fn hang(&mut self, name: &str) -> Hung {
        let group = self.dir.path().join(format!("root/{name}.{}", self.generations + 1));
        std::fs::create_dir_all(&group).unwrap();
        let pipe = group.join("cgroup.procs");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let limits = Limits { pids: Some(5), ..Limits::default() };
        let binary = Binary { limits, ..sh("echo begun; exec sleep 1000") };
        Hung { generation: self.begin(name, &binary, Readiness::Exec), pipe }
    }

    /// Until the child is between clone and exec.
    async fn hangs(&mut self, hung: &Hung) -> u32 {
        let Some(life) = self.processes.lives.values().find(|life| life.generation == hung.generation) else {
            panic!("no such life")
        };
        let Main::Underway(underway) = &life.main else { panic!("{life:?}") };
        let ticket = underway.ticket.clone();
        self.during(async move {
            loop {
                if let Some(pid) = ticket.pid()
                    && std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") S "))
                {
                    return pid;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
    }

    fn told(&self, of: Generation) -> Vec<&ServiceHappening> {
        self.seen.iter().filter(|(generation, _)| *generation == of).map(|(_, happening)| happening).collect()
    }
}

impl Hung {
    /// It goes on for as long as the answer is kept.
    fn release(&self) -> File {
        File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&self.pipe).unwrap()
    }
}

#[tokio::test]
async fn starts_that_hang_hold_up_nobody_else() {
    let mut world = world();
    let hung = [world.hang("one"), world.hang("two"), world.hang("three")];
    let others: Vec<_> =
        (0..20).map(|index| world.begin(&format!("other{index}"), &sh("exec sleep 1000"), Readiness::Exec)).collect();
    for generation in others {
        world.started(generation).await.unwrap();
    }
    let command = Command { argv: ["sh", "-c", "exit 3"].map(str::to_owned).to_vec(), timeout: PATIENCE };
    let commands = world.processes.commands();
    assert_eq!(world.during(commands.run(command)).await.unwrap().exit, Some(Exit::Code(3)));
    for hung in &hung {
        assert!(world.told(hung.generation).is_empty());
        let _released = hung.release();
        world.started(hung.generation).await.unwrap();
    }
    world.end().await;
}

#[tokio::test]
async fn when_everything_hangs_what_waits_can_be_called_off_and_no_more_threads_are_made() {
    let mut world = world();
    let hung: Vec<_> = (0..MOST + 4).map(|index| world.hang(&format!("hung{index}"))).collect();
    for hung in &hung[..MOST] {
        world.hangs(hung).await;
    }
    // Long enough for one more thread.
    world.during(tokio::time::sleep(Duration::from_millis(100))).await;
    for hung in &hung[MOST..] {
        world.signal(hung.generation, Signal::Term, false);
        world.gone(hung.generation).await;
        assert!(world.told(hung.generation).is_empty(), "there was never a process");
    }
    let command = Command { argv: vec!["true".to_owned()], timeout: Duration::from_millis(50) };
    let commands = world.processes.commands();
    assert_eq!(world.during(commands.run(command)).await.unwrap().exit, None, "it had its time");
    for hung in &hung[..MOST] {
        world.signal(hung.generation, Signal::Kill, true);
        world.gone(hung.generation).await;
    }
    // The threads are free again.
    world.spawn("other", &sh("exec sleep 1000")).await;
    world.end().await;
}

/// A file system whose server has stopped serving.
struct DeadMount {
    at: PathBuf,
    /// Nobody reads from it.
    server: File,
}

impl DeadMount {
    /// None where that is not permitted.
    fn below(dir: &Path) -> Option<Self> {
        let server = File::options().read(true).write(true).open("/dev/fuse").ok()?;
        let at = dir.join("dead");
        std::fs::create_dir(&at).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-i", "-t", "fuse", "-o", "fd=0,rootmode=40000,user_id=0,group_id=0", "dead"]).arg(&at);
        mount.stdin(server.try_clone().unwrap()).stderr(std::process::Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Self { at, server })
    }

    /// Whoever waits for it gets an error.
    fn give_up(self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(&self.at).status();
        assert!(unmounted.unwrap().success());
        drop(self.server);
    }
}

fn launchers() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("comm")).ok());
    names.filter(|name| name.starts_with("launcher-")).count()
}

#[tokio::test]
async fn a_service_that_hangs_again_and_again_takes_one_thread_only() {
    let mut world = world();
    let Some(dead) = DeadMount::below(world.dir.path()) else {
        println!("not tried: mounting is not permitted here");
        return world.end().await;
    };
    world.preflight = true;
    let program = program(dead.at.join("program").to_str().unwrap(), &[]);
    for _ in 0..2 * MOST {
        let generation = world.begin("web", &program, Readiness::Exec);
        // Behind it: what hangs has to be overtaken.
        let other = world.spawn("other", &sh("exit 0")).await;
        world.gone(other).await;
        // The look has not come back, and there is no child: it is called off.
        world.signal(generation, Signal::Term, false);
        world.gone(generation).await;
        assert!(world.told(generation).is_empty());
    }
    assert_eq!(launchers(), 2);
    // Alive again, it may be tried again.
    let generation = world.begin("web", &program, Readiness::Exec);
    dead.give_up();
    let error = world.started(generation).await.unwrap_err();
    assert_eq!(error.errno, libc::ENOENT, "{error}");
    world.end().await;
}

#[tokio::test]
async fn a_kill_ends_a_child_that_hangs_in_its_exec() {
    let mut world = world();
    let hung = world.hang("web");
    let child = world.hangs(&hung).await;
    world.signal(hung.generation, Signal::Kill, true);
    assert_eq!(world.exit(hung.generation).await, Exit::Signal(9));
    assert!(matches!(world.told(hung.generation)[..], [ServiceHappening::Spawned { .. }]), "{:?}", world.seen);
    world.gone(hung.generation).await;
    let begun = world.text("web").contains(&"begun".to_owned());
    assert!(!lives(child) && !begun, "it never came to its program");
    world.end().await;
}

#[tokio::test]
async fn a_stop_that_comes_while_a_start_hangs_is_done_when_it_goes_on() {
    let mut world = world();
    let hung = world.hang("web");
    world.hangs(&hung).await;
    world.signal(hung.generation, Signal::Term, false);
    world.signal(hung.generation, Signal::Cont, false);
    let _released = hung.release();
    assert_eq!(world.exit(hung.generation).await, Exit::Signal(15));
    world.gone(hung.generation).await;

    let hung = world.hang("db");
    let pid = world.hangs(&hung).await;
    let command = ["sh", "-c", "kill -INT $1", "sh", &pid.to_string()].map(str::to_owned);
    let binary = Arc::new(sh(""));
    let name = Name::from("db");
    world.processes.run_stop_command(World::id("db"), &name, hung.generation, &command, &binary);
    let _released = hung.release();
    assert_eq!(world.exit(hung.generation).await, Exit::Signal(2));
    world.gone(hung.generation).await;
    world.end().await;
}

#[tokio::test]
async fn a_start_that_fails_after_its_end_was_wanted_leaves_nothing() {
    let mut world = world();
    let hung = world.hang("web");
    world.hangs(&hung).await;
    world.signal(hung.generation, Signal::Term, false);
    // Nothing that can be written to any more.
    std::fs::rename(&hung.pipe, world.dir.path().join("away")).unwrap();
    let away = Hung { pipe: world.dir.path().join("away"), generation: hung.generation };
    drop(away.release());
    world.gone(hung.generation).await;
    world.end().await;
}

#[tokio::test]
async fn what_is_said_before_the_start_is_known_is_told_after_it() {
    let mut world = world();
    let hung = world.hang("web");
    world.hangs(&hung).await;
    let serial = *world.processes.by_generation.values().next().unwrap();
    for _ in 0..100 {
        world.processes.hear(serial, ServiceHappening::Ready);
    }
    let _released = hung.release();
    world.until(hung.generation, |happening| *happening == ServiceHappening::Ready).await;
    assert!(matches!(world.told(hung.generation)[0], ServiceHappening::Spawned { .. }), "{:?}", world.seen);
    world.signal(hung.generation, Signal::Kill, true);
    world.gone(hung.generation).await;
    assert!(world.told(hung.generation).len() <= 33, "bounded");
    world.end().await;
}

#[tokio::test]
async fn what_survives_while_its_start_hangs_is_named() {
    let mut world = world();
    let hung = world.hang("web");
    let child = world.hangs(&hung).await;
    let serial = *world.processes.by_generation.values().next().unwrap();
    let over = tokio::time::Instant::now();
    world.processes.killing.insert(serial, crate::process::life::Killing::Until(over));
    let survivors =
        world.until(hung.generation, |happening| matches!(happening, ServiceHappening::Survivors { .. })).await;
    assert_eq!(survivors, ServiceHappening::Survivors { pids: vec![child] });
    world.gone(hung.generation).await;
    world.end().await;
}

#[tokio::test]
async fn the_end_of_the_daemon_waits_for_no_start_and_leaves_none_behind() {
    let mut world = world();
    let hung = world.hang("web");
    let child = world.hangs(&hung).await;
    for _ in 0..10 {
        world.begin("queued", &sh("exec sleep 1000"), Readiness::Exec);
    }
    let begun = Instant::now();
    let World { processes, dir, _alone: alone, .. } = world;
    drop(processes);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let deadline = Instant::now() + PATIENCE;
    while lives(child) || !our_children().is_empty() {
        assert!(Instant::now() < deadline, "{child} lives: {:?}", our_children());
        std::thread::park_timeout(Duration::from_millis(1));
    }
    drop((dir, alone));
}

#[tokio::test]
async fn the_end_is_never_told_before_the_beginning() {
    let mut world = World::new();
    // Each is over before anybody has heard that it began.
    let all: Vec<_> =
        (0..200).map(|index| world.begin(&format!("brief{index}"), &program("true", &[]), Readiness::Exec)).collect();
    for generation in all {
        world.gone(generation).await;
        let told = world.told(generation);
        let whole = [ServiceHappening::Exited(Exit::Code(0))];
        assert!(
            matches!(told[0], ServiceHappening::Spawned { .. }) && told[1..] == [&whole[0]],
            "{generation}: {told:?}"
        );
    }
    world.end().await;
}
