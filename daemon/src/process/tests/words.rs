//! What services say of themselves.

use std::os::unix::net::UnixDatagram;

use super::*;

fn is_ready(happening: &ServiceHappening) -> bool {
    matches!(happening, ServiceHappening::Ready | ServiceHappening::ReadyClosed)
}

#[tokio::test]
async fn a_newline_makes_ready_and_a_close_without_does_not() {
    let mut world = World::new();
    let cases = [
        ("echo >&3; exec sleep 1000", ServiceHappening::Ready),
        ("printf 'all is well\\nreally' >&3; exec sleep 1000", ServiceHappening::Ready),
        ("printf a >&3; printf b >&3; echo >&3; exec sleep 1000", ServiceHappening::Ready),
        ("exec 3>&-; exec sleep 1000", ServiceHappening::ReadyClosed),
        ("printf data >&3; exec 3>&-; exec sleep 1000", ServiceHappening::ReadyClosed),
        ("exit 0", ServiceHappening::ReadyClosed),
    ];
    for (script, expected) in cases {
        let generation = world.try_spawn("web", &sh(script), Readiness::Fd(3)).await.unwrap();
        assert_eq!(world.until(generation, is_ready).await, expected, "{script}");
        world.signal(generation, Signal::Kill, true);
        world.gone(generation).await;
        assert!(
            !world.seen.iter().any(|(of, happening)| *of == generation && is_ready(happening)),
            "told once: {script}"
        );
    }
    world.end().await;
}

#[tokio::test]
async fn data_without_newline_says_nothing() {
    let mut world = World::new();
    let script = "trap 'echo >&3' USR1; printf data >&3; echo written; while :; do sleep 0.05; done";
    let generation = world.try_spawn("web", &sh(script), Readiness::Fd(3)).await.unwrap();
    world.line("web", "written").await;
    assert_eq!(world.seen, []);
    world.signal(generation, Signal::Usr1, false);
    assert_eq!(world.until(generation, is_ready).await, ServiceHappening::Ready);
    world.end().await;
}

#[tokio::test]
async fn the_readiness_descriptor_may_have_any_number() {
    // Among them are those that the launcher itself uses.
    for old in [false, true] {
        let mut world = if old { World::on_old_kernel() } else { World::new() };
        for number in 3..40 {
            let script = format!("ls /proc/self/fd | tr '\\n' ' '; echo > /proc/self/fd/{number}");
            let generation = world.try_spawn("web", &sh(&script), Readiness::Fd(number)).await.unwrap();
            assert_eq!(world.until(generation, is_ready).await, ServiceHappening::Ready, "{number}");
            world.gone(generation).await;
            world.pipes_closed().await;
            let seen = world.text("web").pop().unwrap();
            let numbers: Vec<i32> = seen.split_whitespace().map(|word| word.parse().unwrap()).collect();
            // ls has its folder open, at the lowest free number.
            assert_eq!(numbers.len(), 5, "{number}: {seen}");
            assert!(numbers.contains(&number), "{number}: {seen}");
        }
        world.end().await;
    }
}

/// Not a test of its own: what the others start as a service that can send datagrams. It does what its environment says.
#[test]
fn acts_when_started_as_a_service() {
    let Ok(act) = std::env::var("ACT") else { return };
    let socket = UnixDatagram::unbound().unwrap();
    let to = std::env::var("NOTIFY_SOCKET").unwrap();
    // What a forked child does stands behind the first `|child;`.
    let (act, childs) = act.split_once("|child;").unwrap_or((&act, ""));
    let mut child = None;
    for step in act.split(';') {
        match step.split_once(' ').unwrap_or((step, "")) {
            ("send", text) => {
                socket.send_to(text.replace('|', "\n").as_bytes(), &to).unwrap();
            }
            ("say", text) => println!("{text}"),
            ("barrier", "") => {
                let (reader, writer) = std::io::pipe().unwrap();
                send_descriptor(&socket, &to, &writer);
                drop(writer);
                std::io::read_to_string(reader).unwrap();
            }
            // What is meant for this instance alone ends here: the next one has its own line.
            ("again", "") => {
                let me = std::env::current_exe().unwrap();
                let rest = act.split_once("again;").unwrap().1.to_owned();
                let mut next = std::process::Command::new("setsid");
                let child = next.arg(me).args(ARGS).env("ACT", rest).spawn().unwrap();
                // It is to be an orphan.
                return drop(child);
            }
            ("flood", megabytes) => {
                use std::io::Write;
                let bytes = megabytes.parse::<usize>().unwrap() * 1_000_000;
                let piece = "some forty bytes of text on each of them\n".repeat(1600);
                let (begun, mut out) = (std::time::Instant::now(), std::io::stdout().lock());
                for _ in 0..bytes / piece.len() {
                    out.write_all(piece.as_bytes()).unwrap();
                }
                writeln!(out, "took {} ms", begun.elapsed().as_millis()).unwrap();
            }
            ("fork", "") => {
                let mut next = std::process::Command::new("setsid");
                let made = next.arg(std::env::current_exe().unwrap()).args(ARGS).env("ACT", childs).spawn();
                child = Some(made.unwrap());
            }
            ("main", "") => {
                let text = format!("MAINPID={}", child.as_ref().unwrap().id());
                socket.send_to(text.as_bytes(), &to).unwrap();
            }
            ("mine", "") => {
                let text = format!("MAINPID={}", std::process::id());
                socket.send_to(text.as_bytes(), &to).unwrap();
            }
            ("wait", "") => drop(child.as_mut().unwrap().wait().unwrap()),
            ("pass", "") => {}
            ("listen", "") => {
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                println!("port {}", listener.local_addr().unwrap().port());
                // Until this process ends.
                std::mem::forget(listener);
            }
            ("pause", "") => loop {
                std::thread::park();
            },
            (other, _) => panic!("{other}"),
        }
    }
}

const ARGS: [&str; 4] = ["--exact", "process::tests::words::acts_when_started_as_a_service", "--nocapture", "-q"];

fn send_descriptor(socket: &UnixDatagram, to: &str, fd: &impl std::os::fd::AsRawFd) {
    use nix::sys::socket::{ControlMessage, MsgFlags, UnixAddr, sendmsg};
    let fds = [fd.as_raw_fd()];
    let message = [std::io::IoSlice::new(b"BARRIER=1")];
    let to = UnixAddr::new(to).unwrap();
    let control = [ControlMessage::ScmRights(&fds)];
    sendmsg(std::os::fd::AsRawFd::as_raw_fd(socket), &message, &control, MsgFlags::empty(), Some(&to)).unwrap();
}

pub(super) fn actor(act: &str) -> Binary {
    let me = std::env::current_exe().unwrap();
    Binary { env: [("ACT".to_owned(), act.to_owned())].into(), ..program(me.to_str().unwrap(), &ARGS) }
}

#[tokio::test]
async fn notifications_come_in_order_whoever_of_the_service_sends_them() {
    let mut world = World::new();
    let all = [
        ServiceHappening::Status("warming up".to_owned()),
        ServiceHappening::ExtendTimeout(Duration::from_secs(3)),
        ServiceHappening::Ready,
        ServiceHappening::Heartbeat,
        ServiceHappening::Reloading,
        ServiceHappening::AnnouncesStop,
    ];
    let send = "send STATUS=warming up|EXTEND_TIMEOUT_USEC=3000000;send READY=1|UNKNOWN=x;send WATCHDOG=1;\
                send RELOADING=1;send STOPPING=1;barrier;say done";
    let cases = [
        ("main", format!("{send};pause")),
        // From a child in a session of its own whose parent, the main process, has ended.
        ("orphan", format!("again;{send};pause")),
        // From processes that end right after.
        ("short", send.to_owned()),
    ];
    for (name, act) in cases {
        let generation = world.try_spawn(name, &actor(&act), Readiness::Notify).await.unwrap();
        world.line(name, "done").await;
        let words: Vec<_> = world
            .seen
            .extract_if(.., |(of, happening)| {
                *of == generation && !matches!(happening, ServiceHappening::Exited(_) | ServiceHappening::Gone)
            })
            .map(|(_, happening)| happening)
            .collect();
        assert_eq!(words, all, "{name}");
    }
    assert_eq!(world.processes.counters().notifications_ignored, 0);
    world.end().await;
}

#[tokio::test]
async fn a_strangers_notification_is_ignored_and_counted() {
    let mut world = World::new();
    let generation = world.try_spawn("web", &actor("say here;pause"), Readiness::Notify).await.unwrap();
    world.line("web", "here").await;
    let stranger = UnixDatagram::unbound().unwrap();
    let socket = world.dir.path().join("notify");
    stranger.send_to(format!("READY=1\nMAINPID={}", std::process::id()).as_bytes(), &socket).unwrap();
    stranger.send_to(&vec![b'x'; 20_000], &socket).unwrap();
    stranger.send_to(b"\xff\xfe=1", &socket).unwrap();
    // What is sent after it has been handled after it.
    let after = world.try_spawn("after", &actor("send READY=1;pause"), Readiness::Notify).await.unwrap();
    world.until(after, is_ready).await;
    let counters = world.processes.counters();
    assert_eq!((counters.notifications_ignored, counters.main_pids_ignored), (3, 0));
    assert!(!world.seen.iter().any(|(of, _)| *of == generation), "{:?}", world.seen);
    world.end().await;
}

#[tokio::test]
async fn a_sender_that_is_gone_before_it_is_looked_up_is_counted() {
    let mut world = World::new();
    let socket = world.dir.path().join("notify");
    // A child that this test reaps itself, before anybody looks at the socket.
    let me = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(me)
        .args(ARGS)
        .env("ACT", "send READY=1")
        .env("NOTIFY_SOCKET", &socket)
        .spawn()
        .unwrap();
    assert!(child.wait().unwrap().success());
    let after = world.try_spawn("after", &actor("send READY=1;pause"), Readiness::Notify).await.unwrap();
    world.until(after, is_ready).await;
    assert_eq!(world.processes.counters().notifications_ignored, 1);
    world.end().await;
}
