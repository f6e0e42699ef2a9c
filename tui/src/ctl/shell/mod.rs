//! The line shell: one command line after the other, on one connection.
//!
//! ```text
//!   stdin is     a terminal that can   `editor`: completion, hints, history      ┐
//!                a terminal, TERM=dumb lines as the terminal makes them, a prompt├─▶ `Shell::take` ─▶ grammar ─▶ area
//!                anything else         a script: no prompt, ends at a failure    ┘
//! ```
//!
//! What holds: a line is parsed by the definition of `ubmcctl` and nothing else; Ctrl-C ends the command and not the
//! shell; a connection that broke is made anew before the next command, never in the middle of one.

mod editor;
mod history;
mod names;

use std::{
    cell::RefCell,
    io::{self, IsTerminal, Write},
    rc::Rc,
    thread,
    time::Duration,
};

use clap::error::ErrorKind;
use tokio::{
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
};
use ubmc_proto::v1::{GetStatusRequest, SystemStatus, system_service_client::SystemServiceClient};

use super::{
    cli::Global,
    exit::{Exit, Failure},
    keyboard::Keyboard,
    session::Session,
    to_its_end,
};
use crate::{
    grammar::{self, definition, split},
    term::caps::Surroundings,
};
use editor::{LineEditor, Typed};
use names::Fetched;

/// What the shell itself understands.
const OWN: [(&str, &str); 3] =
    [("help", "These lines; `help COMMAND` what a command takes"), ("exit", "Leaves the shell"), ("quit", "The same")];

/// How long the prompt waits to know whom it is connected to.
const GREETING: Duration = Duration::from_secs(1);

/// Runs the shell to its end. `global`: what holds for every command in it.
pub(super) fn run(global: &Global, session: Session) -> Exit {
    let session = Rc::new(RefCell::new(session));
    let runtime = match in_the_background() {
        Ok(runtime) => runtime,
        Err(error) => {
            session.borrow_mut().out.warn(&format!("error: cannot start: {error}"));
            return Exit::Failed;
        }
    };
    // From here on Ctrl-C never ends the process by itself, whatever it meets.
    let listening = {
        let _within = runtime.enter();
        signal(SignalKind::interrupt())
    };
    let interrupts = match listening {
        Ok(interrupts) => Some(interrupts),
        Err(error) => {
            session.borrow_mut().out.warn(&format!("Ctrl-C will end the shell: {error}"));
            None
        }
    };
    let mut shell = Shell { global: global.words(), session, runtime, interrupts, known: None, lost: false };
    let surroundings = Surroundings::from_env(|name| std::env::var_os(name));
    let ended = if !io::stdin().is_terminal() {
        shell.script()
    } else if io::stdout().is_terminal() && can_edit(&surroundings) {
        shell.edited(&surroundings, global.color())
    } else {
        shell.plain()
    };
    ended.unwrap_or_else(|failure| {
        shell.session.borrow_mut().out.failure(&failure);
        failure.exit()
    })
}

/// A runtime on a thread of its own, which lives as long as the process: the connection is served also while a line is
/// typed, and its loss is noticed.
fn in_the_background() -> io::Result<Handle> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("connection".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}

/// Whether the cursor can be moved, as far as TERM says; the last two are known to the editor as unable.
fn can_edit(surroundings: &Surroundings) -> bool {
    !surroundings.is_dumb() && !matches!(surroundings.term.as_str(), "cons25" | "emacs")
}

struct Shell {
    /// The options that every command inherits.
    global: Vec<String>,
    session: Rc<RefCell<Session>>,
    runtime: Handle,
    /// Every Ctrl-C since it was looked at last. None: they cannot be heard.
    interrupts: Option<Signal>,
    /// The board that answered last.
    known: Option<String>,
    /// It was said that nobody answers.
    lost: bool,
}

/// What came of a line.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// There was nothing to do.
    Nothing,
    Leave,
    Ended(Exit),
}

impl Shell {
    /// With completion and history.
    fn edited(&mut self, surroundings: &Surroundings, color: bool) -> Result<Exit, Failure> {
        let names = Fetched::new(self.runtime.clone(), Rc::clone(&self.session));
        let no_keyboard =
            |error: rustyline::error::ReadlineError| Failure::Failed(format!("cannot read lines: {error}"));
        let (mut editor, trouble) = LineEditor::new(surroundings, color, names).map_err(no_keyboard)?;
        self.welcome("Tab completes");
        if let Some(trouble) = trouble {
            self.session.borrow_mut().out.warn(&trouble);
        }
        loop {
            let prompt = self.prompt();
            editor.forget_names();
            match editor.line(&prompt).map_err(no_keyboard)? {
                Typed::Line(lines) => {
                    if self.answer_each(&lines) == Taken::Leave {
                        return Ok(Exit::Done);
                    }
                }
                Typed::Cleared => {}
                Typed::End => return Ok(Exit::Done),
            }
        }
    }

    /// As the terminal makes the lines: nothing but text is written.
    fn plain(&mut self) -> Result<Exit, Failure> {
        self.welcome("no editing on this terminal");
        let mut keyboard = Keyboard::default();
        loop {
            let prompt = self.prompt();
            let show = |text: &str| {
                if io::stdout().is_terminal() {
                    let mut stdout = io::stdout().lock();
                    let _ = write!(stdout, "{text}").and_then(|()| stdout.flush());
                } else {
                    let _ = write!(io::stderr(), "{text}");
                }
            };
            show(&prompt);
            let line = self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    Ok(()) = tokio::signal::ctrl_c() => None,
                    line = keyboard.line() => Some(line),
                }
            });
            let Some(line) = line else {
                // Ctrl-C: the terminal has thrown the line away.
                show("\n");
                continue;
            };
            let Some(line) = line.map_err(|error| Failure::Failed(format!("cannot read lines: {error}")))? else {
                show("\n");
                return Ok(Exit::Done);
            };
            if self.answer(&line) == Taken::Leave {
                return Ok(Exit::Done);
            }
        }
    }

    /// Line by line up to the first that fails.
    fn script(&mut self) -> Result<Exit, Failure> {
        let mut keyboard = Keyboard::default();
        let mut number = 0_u64;
        loop {
            let line = self.runtime.block_on(async {
                tokio::select! {
                    biased;
                    Ok(()) = tokio::signal::ctrl_c() => None,
                    line = keyboard.line() => Some(line),
                }
            });
            let Some(line) = line else { return Ok(Exit::Interrupted) };
            let line = line.map_err(|error| Failure::Failed(format!("cannot read lines: {error}")))?;
            let Some(line) = line else { return Ok(Exit::Done) };
            number += 1;
            match self.take(&line) {
                Taken::Nothing | Taken::Ended(Exit::Done) => {}
                Taken::Leave => return Ok(Exit::Done),
                Taken::Ended(exit) => {
                    let text = format!("line {number} ended with exit code {}: `{}`", exit as u8, line.trim());
                    self.session.borrow_mut().out.warn(&text);
                    return Ok(exit);
                }
            }
        }
    }

    fn welcome(&self, how: &str) {
        let version = env!("CARGO_PKG_VERSION");
        self.session
            .borrow_mut()
            .out
            .progress(&format!("ubmcctl {version}: {how}, `help` lists the commands, ^D leaves"));
    }

    /// Several lines were pasted: one after the other, up to the first that fails.
    fn answer_each(&mut self, lines: &str) -> Taken {
        let mut left = lines.lines().filter(|line| !line.trim().is_empty());
        let mut taken = Taken::Nothing;
        for line in left.by_ref() {
            taken = self.answer(line);
            if !matches!(taken, Taken::Nothing | Taken::Ended(Exit::Done)) {
                break;
            }
        }
        let more = left.count();
        if more > 0 && taken != Taken::Leave {
            let lines = if more == 1 { "line was" } else { "lines were" };
            self.session.borrow_mut().out.warn(&format!("{more} more {lines} pasted, and not run"));
        }
        taken
    }

    /// Takes a line of a person: whom a connection was lost to is noticed before, and how it ended is said after.
    fn answer(&mut self, line: &str) -> Taken {
        let worth_it = split(line).map_or(true, |words| !words.is_empty());
        if worth_it && !self.look_for_the_daemon() {
            // Whoever gave up waiting does not want it to be done later.
            self.session.borrow_mut().out.warn(&format!("(exit code {})", Exit::Interrupted as u8));
            return Taken::Ended(Exit::Interrupted);
        }
        let taken = self.take(line);
        if let Taken::Ended(exit) = taken
            && exit != Exit::Done
        {
            // It has just been said, and the prompt will show it.
            self.lost |= exit == Exit::Unreachable;
            self.session.borrow_mut().out.warn(&format!("(exit code {})", exit as u8));
        }
        taken
    }

    /// Takes a line to its end.
    fn take(&mut self, line: &str) -> Taken {
        let mut words = match split(line) {
            Ok(words) => words,
            Err(unclosed) => {
                self.session.borrow_mut().out.failure(&Failure::Usage(unclosed.to_string()));
                return Taken::Ended(Exit::Usage);
            }
        };
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => return Taken::Nothing,
            ["exit" | "quit"] => return Taken::Leave,
            ["help" | "?"] => return self.told(|session| session.out.text(&overview())),
            ["help", ..] => {
                words.remove(0);
                words.push("-h".to_owned());
            }
            _ => {}
        }
        let cli = match grammar::parse_after(&self.global, words) {
            Ok(cli) => cli,
            // `services` alone: what it goes on with is its help.
            Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                let _ = error.print();
                return Taken::Ended(Exit::Usage);
            }
            Err(error) if error.use_stderr() => {
                let unknown = error.kind() == ErrorKind::InvalidSubcommand;
                let help = if unknown { "; `help` lists the commands" } else { "" };
                // Here nobody types the name of the program, or its options for help.
                let text = format!("{}{help}", grammar::in_a_sentence(&error));
                self.session.borrow_mut().out.failure(&Failure::Usage(text));
                return Taken::Ended(Exit::Usage);
            }
            Err(help) => {
                let _ = help.print();
                return Taken::Ended(Exit::Done);
            }
        };
        let runtime = self.runtime.clone();
        self.told(|session| {
            session.begin(&cli.global);
            runtime.block_on(to_its_end(session, cli.command))
        })
    }

    /// How something ended, its failure told.
    fn told<T: Into<Ending>>(&self, run: impl FnOnce(&mut Session) -> Result<T, Failure>) -> Taken {
        let mut session = self.session.borrow_mut();
        Taken::Ended(match run(&mut session) {
            Ok(ended) => ended.into().0,
            Err(failure) => {
                session.out.failure(&failure);
                failure.exit()
            }
        })
    }

    /// What the next line is asked for with: the board, and that it does not answer.
    fn prompt(&mut self) -> String {
        self.forget_interrupts();
        self.look_for_the_daemon();
        let known = self.known.as_deref().unwrap_or("ubmcctl");
        if self.lost { format!("{known} (no connection)> ") } else { format!("{known}> ") }
    }

    /// Those that ended the command before must not end the next one.
    fn forget_interrupts(&mut self) {
        let Some(interrupts) = &mut self.interrupts else { return };
        self.runtime.block_on(async {
            loop {
                tokio::select! {
                    biased;
                    Some(()) = interrupts.recv() => {}
                    () = std::future::ready(()) => break,
                }
            }
        });
    }

    /// Makes the connection anew where it broke, and says when it is lost or there again. False: Ctrl-C came meanwhile.
    fn look_for_the_daemon(&mut self) -> bool {
        let mut session = self.session.borrow_mut();
        let greeting = async {
            let stale = !session.is_disconnected();
            match greet(&mut session).await {
                Err(_) if stale => {
                    session.disconnect();
                    greet(&mut session).await
                }
                answered => answered,
            }
        };
        let interrupts = &mut self.interrupts;
        let interrupted = async {
            match interrupts {
                Some(interrupts) => interrupts.recv().await,
                None => std::future::pending().await,
            }
        };
        let greeted = self.runtime.block_on(async {
            tokio::select! {
                biased;
                Some(()) = interrupted => None,
                greeted = greeting => Some(greeted),
            }
        });
        let Some(greeted) = greeted else {
            session.disconnect();
            session.out.progress("");
            return false;
        };
        match greeted {
            Ok(status) => {
                if std::mem::take(&mut self.lost) {
                    session.out.warn("connected again");
                }
                let board = super::output::plain_text(&status.board).into_owned();
                self.known = Some(board).filter(|board| !board.is_empty());
            }
            Err(failure) => {
                session.disconnect();
                if !std::mem::replace(&mut self.lost, true) {
                    session.out.warn(&format!("no connection: {failure}"));
                    session.out.progress("ubmcd is looked for again before each command");
                }
            }
        }
        true
    }
}

async fn greet(session: &mut Session) -> Result<SystemStatus, Failure> {
    let asked =
        session.call(|channel| async move { SystemServiceClient::new(channel).get_status(GetStatusRequest {}).await });
    tokio::time::timeout(GREETING, asked)
        .await
        .unwrap_or_else(|_| Err(Failure::TimedOut("ubmcd does not answer".to_owned())))
}

/// How a command ended when it did not fail.
struct Ending(Exit);

impl From<()> for Ending {
    fn from((): ()) -> Self {
        Self(Exit::Done)
    }
}

impl From<Exit> for Ending {
    fn from(exit: Exit) -> Self {
        Self(exit)
    }
}

/// The commands and the shell's own words, a line each.
fn overview() -> String {
    // This is the line shell already.
    let here = |command: &&clap::Command| !command.is_hide_set() && command.get_name() != "shell";
    let commands = definition().get_subcommands().filter(here);
    let of_command = |command: &clap::Command| {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        (command.get_name().to_owned(), about)
    };
    let own = OWN.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned()));
    let lines = commands.map(of_command).chain(own).map(|(name, about)| format!("  {name:<12} {about}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_has_a_line_for_each_command_that_fits_a_small_terminal() {
        let text = overview();
        assert!(text.contains("  host         Hosts: power, reset, status\n") && text.contains("  exit "), "{text}");
        for line in text.lines() {
            assert!(line.chars().count() < 80, "{line}");
        }
    }
}
