//! Services that say which of their processes is the main one.

use super::{words::actor, *};

const NOTIFY: Readiness = Readiness::Notify;

impl World {
    async fn main_pid(&mut self, of: Generation) -> u32 {
        match self.until(of, |happening| matches!(happening, ServiceHappening::MainPid(_))).await {
            ServiceHappening::MainPid(pid) => pid,
            other => unreachable!("{other:?}"),
        }
    }

    /// What has happened to a life so far that is its end.
    fn ends(&self, of: Generation) -> usize {
        let ends =
            |happening: &ServiceHappening| matches!(happening, ServiceHappening::Exited(_) | ServiceHappening::Gone);
        self.seen.iter().filter(|(generation, happening)| *generation == of && ends(happening)).count()
    }
}

fn kill(pid: u32, signal: nix::sys::signal::Signal) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), signal).unwrap();
}

#[tokio::test]
async fn a_parent_that_forks_and_ends_leaves_a_service_that_runs() {
    let mut world = World::new();
    let generation = world.begin("web", &actor("fork;main;say parent ends|child;send READY=1;say here;pause"), NOTIFY);
    let parent = world.started(generation).await.unwrap();
    let child = world.main_pid(generation).await;
    world.until(generation, |happening| *happening == ServiceHappening::Ready).await;
    world.line("web", "here").await;
    world
        .during(async {
            while lives(parent) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    assert!(child != parent && lives(child));
    assert_eq!(world.ends(generation), 0, "{:?}", world.seen);
    assert_eq!(world.processes.measure().len(), 1);
    // The stop signal reaches it, although it has a session of its own.
    world.signal(generation, Signal::Term, false);
    assert_eq!(world.exit(generation).await, Exit::Signal(15));
    world.gone(generation).await;
    assert_eq!(world.processes.counters().main_pids_ignored, 0);
    world.end().await;
}

#[tokio::test]
async fn the_end_of_the_new_main_process_is_the_end_of_the_service() {
    let mut world = World::new();
    // The parent goes on. Does it reap its child, or not?
    for (name, parent) in [("careless", "pause"), ("careful", "wait;say reaped;pause")] {
        let generation = world.begin(name, &actor(&format!("fork;main;{parent}|child;say here;pause")), NOTIFY);
        let former = world.started(generation).await.unwrap();
        let main = world.main_pid(generation).await;
        world.line(name, "here").await;
        kill(main, nix::sys::signal::Signal::SIGUSR1);
        if name == "careful" {
            world.line(name, "reaped").await;
        }
        let exit = world.exit(generation).await;
        // Linux before 6.15 keeps no word of what its parent has reaped.
        let unknown = world.text(name).iter().any(|line| line.contains("ended only its parent knows"));
        assert_eq!(exit, if unknown { Exit::Code(255) } else { Exit::Signal(10) }, "{name}");
        assert!(name == "careful" || !unknown);
        assert!(lives(former), "{name}: what is left is for the supervisor to end");
        assert_eq!(world.ends(generation), 0, "{name}: told once");
        world.signal(generation, Signal::Kill, true);
        world.gone(generation).await;
        assert!(!lives(former) && !lives(main));
    }
    world.end().await;
}

#[tokio::test]
async fn a_main_process_becomes_our_child_when_its_parent_ends() {
    let mut world = World::new();
    let generation = world.begin("web", &actor("fork;main;pause|child;say here;pause"), NOTIFY);
    let former = world.started(generation).await.unwrap();
    let main = world.main_pid(generation).await;
    kill(former, nix::sys::signal::Signal::SIGKILL);
    world
        .during(async {
            while lives(former) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    assert_eq!(world.ends(generation), 0, "{:?}", world.seen);
    kill(main, nix::sys::signal::Signal::SIGTERM);
    assert_eq!(world.exit(generation).await, Exit::Signal(15));
    world.gone(generation).await;
    world.end().await;
}

#[tokio::test]
async fn who_takes_over_again_and_again_is_followed() {
    let mut world = World::new();
    // Each makes the next, says so, and ends.
    let act = "fork;main;pass|child;fork;main;pass|child;fork;main;pass|child;say last;pause";
    let generation = world.begin("web", &actor(act), NOTIFY);
    world.started(generation).await.unwrap();
    let mut mains = Vec::new();
    for _ in 0..3 {
        mains.push(world.main_pid(generation).await);
    }
    world.line("web", "last").await;
    assert_eq!(world.ends(generation), 0, "{:?}", world.seen);
    world.signal(generation, Signal::Int, false);
    assert_eq!(world.exit(generation).await, Exit::Signal(2));
    world.gone(generation).await;
    assert!(!mains.into_iter().any(lives));
    world.end().await;
}

#[tokio::test]
async fn whoever_is_none_of_its_living_processes_is_not_believed() {
    let mut world = World::new();
    let other = world.spawn("other", &program("sleep", &["1000"])).await;
    let others = world.processes.lives.values().next().unwrap().leader;
    let me = std::process::id();
    let act = format!(
        "send MAINPID=0;send MAINPID=1;send MAINPID=-7;send MAINPID=nobody;send MAINPID=4294967295;send MAINPID={me};\
         send MAINPID={others};fork;wait;main;barrier;say done;pause|child;pass"
    );
    let generation = world.begin("web", &actor(&act), NOTIFY);
    let pid = world.started(generation).await.unwrap();
    world.line("web", "done").await;
    assert_eq!(world.processes.counters().main_pids_ignored, 8, "the last is one that is over");
    assert!(!world.seen.iter().any(|(_, happening)| matches!(happening, ServiceHappening::MainPid(_))));
    // Its own is no news.
    let act = "mine;barrier;say done;pause";
    let again = world.begin("again", &actor(act), NOTIFY);
    world.started(again).await.unwrap();
    world.line("again", "done").await;
    assert_eq!(world.processes.counters().main_pids_ignored, 8);
    assert!(!world.seen.iter().any(|(_, happening)| matches!(happening, ServiceHappening::MainPid(_))));
    assert_eq!((world.ends(generation), world.ends(other)), (0, 0));
    kill(pid, nix::sys::signal::Signal::SIGKILL);
    assert_eq!(world.exit(generation).await, Exit::Signal(9), "it is still the main process");
    world.end().await;
}
