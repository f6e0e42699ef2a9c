//! The helper binary as the supervisor sees it: exit codes, output, signals, what it leaves behind.
#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::{net::UnixDatagram, process::ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, getsid, kill_process};

const PATIENCE: Duration = Duration::from_secs(20);

/// A workload that is killed at the end of the test, whatever happens.
struct Running {
    child: Child,
    lines: BufReader<Box<dyn Read + Send>>,
}

impl Running {
    fn new(args: &[&str]) -> Self {
        Self::with(args, |command| command)
    }

    fn with(args: &[&str], prepare: impl Fn(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ubmc-workload"));
        let command = prepare(command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let mut child = command.spawn().unwrap();
        let lines: Box<dyn Read + Send> = Box::new(child.stdout.take().unwrap());
        Self { child, lines: BufReader::new(lines) }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(pid(self.child.id()), signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended, as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).unwrap()).unwrap()
}

fn request(address: &str, request: &str) -> String {
    let mut peer = TcpStream::connect(address).unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(peer, "{request}\r\n\r\n").unwrap();
    let mut answer = String::new();
    peer.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn exit_codes_are_those_asked_for() {
    for (args, expected) in [
        (&["exit"][..], 0),
        (&["exit", "--code", "7", "--after", "0.01"], 7),
        (&["setup", "--for", "0.01"], 0),
        (&["setup", "--for", "0.01", "--code", "3"], 3),
        (&["crashy", "--mean", "0.001", "--code", "139"], 139),
        (&["sleep", "--for", "0.01"], 0),
        (&["exit", "--code", "300"], 1),
        (&["exit", "--cod", "3"], 64),
        (&["dance"], 64),
        (&[], 64),
        (&["--help"], 0),
        (&["client", "--url", "http://127.0.0.1:1/", "--interval", "0"], 1),
    ] {
        assert_eq!(Running::new(args).end().code(), Some(expected), "{args:?}");
    }
}

#[test]
fn the_web_server_answers_and_term_ends_it_at_once() {
    let mut web = Running::new(&["web", "--port", "0"]);
    let line = web.line();
    let address = line.strip_prefix("listening on ").unwrap();
    for (asked, expected) in [
        ("GET /health HTTP/1.1", "HTTP/1.1 200 OK"),
        ("GET / HTTP/1.0", "HTTP/1.1 200 OK"),
        ("HEAD / HTTP/1.1", "HTTP/1.1 200 OK"),
        ("GET /nothing HTTP/1.1", "HTTP/1.1 404 Not Found"),
        ("POST / HTTP/1.1", "HTTP/1.1 405 Method Not Allowed"),
        ("what", "HTTP/1.1 405 Method Not Allowed"),
    ] {
        assert_eq!(request(address, asked).lines().next(), Some(expected), "{asked}");
    }
    assert!(request(address, "GET /health HTTP/1.1").ends_with("\r\n\r\nok\n"));
    // Peers that say nothing hold no more than their own worker.
    let _silent: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert!(request(address, "GET /health HTTP/1.1").starts_with("HTTP/1.1 200"));
    web.signal(Signal::TERM);
    assert_eq!(web.end().signal(), Some(15));
}

#[test]
fn a_client_follows_its_server_and_gives_up_after_five_failures() {
    let mut web = Running::new(&["web", "--port", "0"]);
    let line = web.line();
    let url = format!("http://{}/health", line.strip_prefix("listening on ").unwrap());
    let mut client = Running::new(&["client", "--url", &url, "--interval", "0.01"]);
    assert!(client.line().starts_with(&format!("{url} 200 ")));
    web.signal(Signal::KILL);
    web.end();
    assert_eq!(client.end().code(), Some(1));
    let mut last = String::new();
    client.lines.read_to_string(&mut last).unwrap();
    assert!(last.trim_end().ends_with("(failure 5 of 5)"), "{last}");
}

#[test]
fn a_server_that_fails_its_health_goes_on_serving_its_page() {
    let mut web = Running::new(&["web", "--port", "0", "--fail-after", "0"]);
    let line = web.line();
    let address = line.strip_prefix("listening on ").unwrap();
    assert!(request(address, "GET /health HTTP/1.1").starts_with("HTTP/1.1 503"));
    assert!(request(address, "GET / HTTP/1.1").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_chatty_one_writes_whole_lines_on_both_streams_until_nobody_listens() {
    let mut chatty = Running::new(&["chatty", "--rate", "0", "--bytes", "12"]);
    let mut errors = BufReader::new(chatty.child.stderr.take().unwrap()).lines();
    for number in 0..500 {
        let start = format!("out {number} ");
        let line = chatty.line();
        assert!(line.starts_with(&start) && line.len() == 12, "{line}");
        assert!(errors.next().unwrap().unwrap().starts_with(&format!("err {number} ")));
    }
    drop(errors);
    assert_eq!(chatty.end().code(), Some(1));
}

#[test]
fn a_late_one_says_ready_in_its_own_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let started = Instant::now();
    let mut late = Running::with(&["late", "--after", "0.2"], |command| command.env("NOTIFY_SOCKET", &path));
    let told = || {
        let mut text = [0; 256];
        let length = socket.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    assert_eq!(told(), "STATUS=negotiating with the hosts");
    assert_eq!(told(), "READY=1\nSTATUS=2 hosts connected");
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert_eq!(late.line(), "ready");
    let mut alone = Running::with(&["late", "--after", "0"], |command| command.env_remove("NOTIFY_SOCKET"));
    assert_eq!(alone.line(), "ready", "nobody has to be told");
}

#[test]
fn a_stubborn_one_answers_term_and_stays() {
    let mut stubborn = Running::new(&["stubborn"]);
    assert_eq!(stubborn.line(), "up, and here to stay");
    for _ in 0..2 {
        stubborn.signal(Signal::TERM);
        assert_eq!(stubborn.line(), "SIGTERM: sessions are open, not now");
    }
    assert_eq!(stubborn.child.try_wait().unwrap(), None);
    stubborn.signal(Signal::KILL);
    assert_eq!(stubborn.end().signal(), Some(9));
}

#[test]
fn an_orphan_outlives_its_parent_in_a_session_of_its_own_and_holds_the_output() {
    let mut parent = Running::new(&["orphan", "--leave", "1", "--for", "600"]);
    let line = parent.line();
    let orphan = pid(line.strip_prefix("orphan ").unwrap().parse().unwrap());
    assert_eq!(parent.end().code(), Some(0));
    assert_eq!(getsid(Some(orphan)).unwrap(), orphan);
    kill_process(orphan, Signal::KILL).unwrap();
    // Only now the pipe has no writer left.
    assert_eq!(parent.line(), "");
    let mut bomb = Running::new(&["fork-bomb-lite", "--children", "3", "--for", "600"]);
    let orphans: Vec<Pid> =
        (0..3).map(|_| pid(bomb.line().strip_prefix("orphan ").unwrap().parse().unwrap())).collect();
    assert_eq!(bomb.child.try_wait().unwrap(), None, "it stays");
    bomb.signal(Signal::TERM);
    assert_eq!(bomb.end().signal(), Some(15));
    for orphan in orphans {
        kill_process(orphan, Signal::KILL).unwrap();
    }
}
