//! The link against a daemon that goes and comes back.

use std::time::Duration;

use tokio::sync::mpsc;
use ubmc_proto::{transport::Address, v1};
use ubmc_tui::{
    app::{Answer, Ask, Deed, LinkEvent, Token},
    link::{Clock, Command, Link},
    model::{Entry, Update},
};

use crate::{board, server::Daemon};

/// However slow the machine: a link that has not done it by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

struct Bench {
    link: Link,
    events: mpsc::Receiver<LinkEvent>,
}

impl Bench {
    fn start(socket: &std::path::Path) -> Self {
        let (sender, events) = mpsc::channel(ubmc_tui::link::NEWS);
        Self { link: Link::start(Address::Unix(socket.to_owned()), Clock::start(), sender), events }
    }

    /// Waits for what `wanted` finds.
    async fn until<T>(&mut self, what: &str, wanted: impl Fn(&LinkEvent) -> Option<T>) -> T {
        let search = async {
            loop {
                let event = self.events.recv().await.expect("the link runs");
                if let Some(found) = wanted(&event) {
                    return found;
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
    }

    async fn event(&mut self) -> u64 {
        self.until("an event", |event| match event {
            LinkEvent::News(update) => match update.as_ref() {
                Update::Tail(Entry::Event(event)) => Some(event.seq),
                _ => None,
            },
            _ => None,
        })
        .await
    }

    async fn up(&mut self) {
        self.until("the link to be up", |event| matches!(event, LinkEvent::Up).then_some(())).await;
    }
}

#[tokio::test]
async fn everything_is_told_at_the_beginning_and_events_go_on_from_the_last() {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let socket = dir.path().join("s");
    let daemon = Daemon::start(&socket, "boot-a", 40);
    let mut bench = Bench::start(&socket);
    bench.up().await;
    for seq in 1..=40 {
        assert_eq!(bench.event().await, seq);
    }
    // The watch is open when its request was noted; what is sent from then on arrives.
    let watching = || daemon.asked.lock().expect("it is whole").contains(&"watch after 40".to_owned());
    tokio::time::timeout(PATIENCE, async {
        while !watching() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("events are watched");
    daemon.events.send(v1::watch_response::Item::Event(board::event(41))).expect("somebody listens");
    assert_eq!(bench.event().await, 41);
    daemon
        .events
        .send(v1::watch_response::Item::Lost(v1::Lost { first: 42, last: 49, reason: "slow-reader".into() }))
        .expect("somebody listens");
    let lost = bench
        .until("the loss", |event| match event {
            LinkEvent::News(update) => match update.as_ref() {
                Update::Tail(Entry::Lost { first, last, .. }) => Some((*first, *last)),
                _ => None,
            },
            _ => None,
        })
        .await;
    assert_eq!(lost, (42, 49));
}

#[tokio::test]
async fn the_same_daemon_is_resumed_and_another_one_begins_anew() {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let socket = dir.path().join("s");
    let daemon = Daemon::start(&socket, "boot-a", 3);
    let mut bench = Bench::start(&socket);
    bench.up().await;
    while bench.event().await < 3 {}
    daemon.stop();
    let reason = bench
        .until("the loss of the daemon", |event| match event {
            LinkEvent::Down { reason, .. } => Some(reason.clone()),
            _ => None,
        })
        .await;
    assert!(!reason.contains("transport"), "not for people: {reason}");

    // The same run of the daemon has gone on meanwhile: what happened comes, and nothing twice.
    let daemon = Daemon::start(&socket, "boot-a", 5);
    bench.up().await;
    assert_eq!((bench.event().await, bench.event().await), (4, 5));
    assert!(daemon.asked.lock().expect("it is whole").contains(&"watch after 3".to_owned()));
    daemon.stop();

    // Another run counts from 1: it is told, and all of it comes.
    let _daemon = Daemon::start(&socket, "boot-b", 2);
    bench.until("word of the new daemon", |event| matches!(event, LinkEvent::NewDaemon).then_some(())).await;
    assert_eq!((bench.event().await, bench.event().await), (1, 2));
}

#[tokio::test]
async fn without_a_daemon_the_reason_is_said_and_requests_are_answered() {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let mut bench = Bench::start(&dir.path().join("nobody"));
    let (reason, retry) = bench
        .until("the failure", |event| match event {
            LinkEvent::Down { reason, retry_in_s } => Some((reason.clone(), *retry_in_s)),
            _ => None,
        })
        .await;
    assert!(reason.contains("there is no such socket"), "{reason}");
    assert!((0.3..=0.7).contains(&retry), "{retry}");
    let deed = Deed::Identify { on: true, for_s: 0.0 };
    let ask = Ask::Do { deed, revision: String::new(), reason: String::new() };
    assert!(bench.link.command(Command::Ask(Token(7), ask)).is_ok());
    let refusal = bench
        .until("an answer", |event| match event {
            LinkEvent::Answer { token: Token(7), result: Err(refusal) } => Some(refusal.clone()),
            _ => None,
        })
        .await;
    assert_eq!(refusal.code, "no connection");
}

#[tokio::test]
async fn a_log_is_told_up_to_where_it_is_caught_up_also_where_there_is_none() {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let socket = dir.path().join("s");
    let _daemon = Daemon::start(&socket, "boot-a", 1);
    let mut bench = Bench::start(&socket);
    bench.up().await;
    for (service, expected) in [("journal", 0), ("demo-web", 40)] {
        assert!(bench.link.command(Command::FollowLog(Some(service.into()))).is_ok());
        let lines = std::cell::Cell::new(0);
        bench
            .until("the end of what was kept", |event| match event {
                LinkEvent::News(update) => match update.as_ref() {
                    Update::Log { service: of, .. } if of == service => {
                        lines.set(lines.get() + 1);
                        None
                    }
                    Update::LogCaughtUp(of) => (of == service).then_some(()),
                    _ => None,
                },
                _ => None,
            })
            .await;
        assert_eq!(lines.get(), expected, "{service}");
    }
}

/// What a peer does with a connection, and what is said of it.
async fn peer_is_told_as(act: impl Fn(std::os::unix::net::UnixStream) + Send + 'static, expected: &str) {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let socket = dir.path().join("s");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a socket");
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            act(stream);
        }
    });
    let mut bench = Bench::start(&socket);
    let mut waits = Vec::new();
    for _ in 0..3 {
        let (reason, wait) = bench
            .until("the failure", |event| match event {
                LinkEvent::Down { reason, retry_in_s } => Some((reason.clone(), *retry_in_s)),
                _ => None,
            })
            .await;
        assert!(reason.contains(expected), "{reason}");
        waits.push(wait);
    }
    assert!(waits[2] > 1.4, "it is left alone for longer and longer: {waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_accepts_and_says_nothing_is_told_as_that() {
    let held = std::sync::Mutex::new(Vec::new());
    let hold = move |stream| held.lock().expect("it is whole").push(stream);
    peer_is_told_as(hold, "accepted, but nothing is said there for 5 s").await;
}

#[tokio::test]
async fn a_peer_that_speaks_something_else_is_not_called_ubmcd() {
    use std::io::Write;
    let refuse = |mut stream: std::os::unix::net::UnixStream| {
        let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    };
    peer_is_told_as(refuse, "what listens there ends the connection, or does not speak as ubmcd does").await;
}

#[tokio::test]
async fn requests_are_carried_out_and_refusals_keep_their_conditions() {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let socket = dir.path().join("s");
    let daemon = Daemon::start(&socket, "boot-a", 1);
    let mut bench = Bench::start(&socket);
    bench.up().await;
    let plan = Ask::Plan { machine: "host.0".into(), request: "off".into() };
    assert!(bench.link.command(Command::Ask(Token(1), plan)).is_ok());
    let revision = bench
        .until("the plan", |event| match event {
            LinkEvent::Answer { token: Token(1), result: Ok(Answer::Operation(operation)) } => {
                Some(operation.revision.clone())
            }
            _ => None,
        })
        .await;
    let deed = Deed::Transition { machine: "host.0".into(), request: "off".into(), destructive: true };
    let deed = Ask::Do { deed, revision, reason: "case 4711".into() };
    assert!(bench.link.command(Command::Ask(Token(2), deed)).is_ok());
    bench
        .until("the operation", |event| {
            matches!(event, LinkEvent::Answer { token: Token(2), result: Ok(_) }).then_some(())
        })
        .await;
    let refused = Ask::Plan { machine: "chassis".into(), request: "off".into() };
    assert!(bench.link.command(Command::Ask(Token(3), refused)).is_ok());
    let refusal = bench
        .until("the refusal", |event| match event {
            LinkEvent::Answer { token: Token(3), result: Err(refusal) } => Some(refusal.clone()),
            _ => None,
        })
        .await;
    assert_eq!(refusal.code, "refused");
    assert_eq!(refusal.message, "chassis cannot be switched off while a host runs");
    assert_eq!(refusal.conditions[0].text, "host.0 is running");
    let asked = daemon.asked.lock().expect("it is whole").clone();
    let transitions: Vec<&String> = asked.iter().filter(|line| line.contains("plan_only")).collect();
    assert_eq!(
        transitions,
        [
            "off host.0 plan_only=true revision= reason=",
            "off host.0 plan_only=false revision=r7 reason=case 4711",
            "off chassis plan_only=true revision= reason="
        ]
    );
}
