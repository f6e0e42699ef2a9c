//! Processes of every character for a supervisor to look after: the helper binary of demos and tests.
//!
//! Code map
//! - `options`   its command line
//! - `web`       a server and its client, the smallest that HTTP allows
//! - `talk`      one that writes, one that says when it is ready
//! - `end`       those that end, or do not; `orphan` those that leave something behind
//!
//! Invariant: nothing of ubmc is used here. A workload knows of its supervisor only what any service knows.

mod end;
mod options;
mod orphan;
mod talk;
mod web;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use self::options::Options;

/// A kind of workload.
struct Kind {
    name: &'static str,
    /// Options with their values' names; those that are not given have a default.
    options: &'static [&'static str],
    about: &'static str,
    run: fn(&Options) -> Result<ExitCode, String>,
}

const KINDS: [Kind; 11] = [
    Kind {
        name: "web",
        options: &["--port P", "--fail-after S"],
        about: "HTTP server on 127.0.0.1: `/` and `/health` (503 after S seconds)",
        run: web::serve,
    },
    Kind {
        name: "client",
        options: &["--url U", "--interval S"],
        about: "asks U every S seconds; ends with 1 after five failures in a row",
        run: web::poll,
    },
    Kind {
        name: "chatty",
        options: &["--rate N", "--bytes B"],
        about: "N lines a second of B bytes on stdout, and as many on stderr; 0: as fast as it goes",
        run: talk::chatter,
    },
    Kind {
        name: "late",
        options: &["--after S"],
        about: "says READY=1 on $NOTIFY_SOCKET after S seconds",
        run: talk::be_late,
    },
    Kind {
        name: "setup",
        options: &["--for S", "--code C"],
        about: "works for S seconds and ends with C",
        run: end::set_up,
    },
    Kind {
        name: "crashy",
        options: &["--mean S", "--code C"],
        about: "ends with C after a random time, S seconds on average",
        run: end::crash,
    },
    Kind { name: "exit", options: &["--code C", "--after S"], about: "ends with C after S seconds", run: end::exit },
    Kind { name: "sleep", options: &["--for S"], about: "does nothing, for S seconds or for ever", run: end::sleep },
    Kind { name: "stubborn", options: &[], about: "does not end on TERM", run: end::resist },
    Kind {
        name: "orphan",
        options: &["--for S", "--leave 1"],
        about: "leaves a grandchild behind that holds stdout for S seconds; ends itself with --leave 1",
        run: orphan::leave_one,
    },
    Kind {
        name: "fork-bomb-lite",
        options: &["--children N", "--for S"],
        about: "leaves N such grandchildren (at most 64) behind and stays",
        run: orphan::leave_many,
    },
];

/// Does what the arguments say. Exit: what they say, 1 when it cannot be done, 64 for a wrong command line.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter().map(|arg| arg.to_string_lossy().into_owned());
    let name = args.next().unwrap_or_default();
    if name == "--help" {
        return say(&usage()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    if name == orphan::GRANDCHILD {
        return orphan::be_grandchild(args);
    }
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        complain(&format!("there is no workload `{name}`\n{}", usage()));
        return ExitCode::from(64);
    };
    let options = match Options::parse(args, kind.options) {
        Ok(options) => options,
        Err(text) => {
            complain(&format!("{name}: {text}"));
            return ExitCode::from(64);
        }
    };
    (kind.run)(&options).unwrap_or_else(|text| {
        complain(&format!("{name}: {text}"));
        ExitCode::FAILURE
    })
}

fn usage() -> String {
    let kinds = KINDS.iter().map(|kind| format!("  {:<15}{:<24}{}", kind.name, kind.options.join(" "), kind.about));
    format!("usage: ubmc-workload KIND [OPTION VALUE]…\n{}", kinds.collect::<Vec<_>>().join("\n"))
}

/// Writes a line and sees to it that it is seen now. An error means that nobody listens any more.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The same on stderr, where it may be that nobody listens either: what happened then is in the exit code.
fn complain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
