//! The real `ubmcctl` against a daemon made of scripts: what it prints, where, and how it ends.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod commands;
mod fake;
mod shell;
mod streams;
mod supervision;
mod terminal;

use std::{
    io::{BufRead, BufReader, Lines, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

/// No command here may take longer: a test that hangs fails instead.
const BOUND: Duration = Duration::from_secs(20);

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn ubmcctl(socket: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ubmcctl"));
    command.env_clear().env("UBMC_CONNECT", format!("unix:{}", socket.display())).stdin(Stdio::null());
    command
}

/// Runs a command line to its end.
fn run(socket: &Path, line: &str) -> Ended {
    let child = ubmcctl(socket)
        .args(line.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("ubmcctl starts");
    Running::new(child).end()
}

/// A command that is still running; killed when dropped.
struct Running {
    child: Child,
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Running {
    fn new(mut child: Child) -> Self {
        let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Self { child, lines }
    }

    fn start(socket: &Path, line: &str) -> Self {
        let mut command = ubmcctl(socket);
        command.args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::new(command.spawn().expect("ubmcctl starts"))
    }

    /// The next line of standard output.
    fn line(&mut self) -> String {
        let mut lines = self.lines.take().expect("stdout is still read");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let line = lines.next();
            let _ = sender.send((lines, line));
        });
        let (lines, line) = receiver.recv_timeout(BOUND).expect("a line comes in time");
        self.lines = Some(lines);
        line.expect("stdout goes on").expect("stdout is text")
    }

    fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it still runs");
    }

    /// Nobody reads its output any more.
    fn close_stdout(&mut self) {
        self.lines = None;
    }

    /// Waits for the end by reading both streams to theirs.
    fn end(mut self) -> Ended {
        let lines = self.lines.take();
        let mut stderr = self.child.stderr.take().expect("stderr is piped");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let stdout: String = lines.into_iter().flatten().map_while(Result::ok).map(|line| line + "\n").collect();
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            let _ = sender.send((stdout, text));
        });
        let (stdout, stderr) = receiver.recv_timeout(BOUND).expect("the command ends in time");
        let code = self.child.wait().expect("it can be waited for").code();
        Ended { code, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
