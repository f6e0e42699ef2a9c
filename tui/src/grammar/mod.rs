//! One language for whoever types: `ubmcctl`, its line shell, the console's palette and its line mode.
//!
//! The commands are the clap definition of `ubmcctl` and nothing else; here is what can be known of them without asking
//! the daemon:
//!
//! - [`words`]: a line into words: quotes, comments, and where the cursor stands;
//! - [`place`]: which argument takes which of the daemon's names;
//! - [`complete()`]: what can be typed next, from the definition and from [`Names`];
//! - [`expand()`]: every line that can be made of the definition and the names, for lists to choose from;
//! - [`nearest`]: what a name that there is not was meant to be;
//! - [`parse`]: a line into a command; [`in_a_sentence`]: what is wrong with it.
//!
//! What holds: there is no list of commands beside the definition, no I/O, and no second parser. Where names come from is
//! the business of whoever asks: the shell fetches them, the console has them in its model.

mod complete;
mod expand;
mod names;
mod near;
mod place;
mod words;

use std::sync::OnceLock;

use clap::{CommandFactory, Parser};

pub(crate) use complete::{complete, usage};
pub(crate) use expand::{Line, expand};
pub(crate) use names::{Named, Names, distinct, patterns};
pub(crate) use near::nearest;
use words::cursor;
pub(crate) use words::split;

use crate::ctl::cli::Cli;

/// What precedes every command: the program's name.
const PROGRAM: &str = "ubmcctl";

/// The definition, made once.
pub(crate) fn definition() -> &'static clap::Command {
    static DEFINITION: OnceLock<clap::Command> = OnceLock::new();
    DEFINITION.get_or_init(Cli::command)
}

/// A command line. The program's name in front of it is not missed, nor is it in the way: lines are copied from hints.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Cli, clap::Error> {
    parse_after(&[], words)
}

/// A command line that inherits `options`; what it says itself counts more.
pub(crate) fn parse_after(options: &[String], words: impl IntoIterator<Item = String>) -> Result<Cli, clap::Error> {
    let mut words = words.into_iter().peekable();
    words.next_if(|first| first == PROGRAM);
    Cli::try_parse_from(std::iter::once(PROGRAM.to_owned()).chain(options.iter().cloned()).chain(words))
}

/// What is wrong with a line, where there is room for a sentence only.
pub(crate) fn in_a_sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return unfinished(&text);
    }
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("For more information"));
    let mut sentence = String::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let joint = match (sentence.is_empty(), line.strip_prefix("Usage: ubmcctl "), line.strip_prefix("tip: ")) {
            (true, ..) => line.to_owned(),
            (false, Some(usage), _) => format!("; usage: {usage}"),
            (false, None, Some(tip)) => format!("; {tip}"),
            (false, None, None) => format!(" {line}"),
        };
        sentence.push_str(&joint);
    }
    sentence
}

/// What a line that ends too early goes on with: `help` is all that the parser has to say of it.
fn unfinished(help: &str) -> String {
    let usage = help.lines().find_map(|line| line.trim().strip_prefix("Usage: ubmcctl ")).unwrap_or_default();
    let (mut command, mut path) = (definition(), Vec::new());
    for word in usage.split_whitespace() {
        let Some(next) = command.find_subcommand(word) else { break };
        command = next;
        path.push(word);
    }
    let names = command.get_subcommands().filter(|next| !next.is_hide_set() && next.get_name() != "help");
    let names: Vec<&str> = names.map(clap::Command::get_name).collect();
    format!("`{}` goes on with {}", path.join(" "), names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        for (line, expected) in [
            ("fans set cpu 700 --for 60", "invalid value '700' for '<PERCENT>': write a duty from 0 to 100 percent"),
            ("sim fault", "`sim fault` goes on with list, inject, clear"),
            ("zones", "`zones` goes on with list, explain"),
            ("host off", "the following required arguments were not provided: <NAME>; usage: host off <NAME>"),
            (
                "host of host.0",
                "unrecognized subcommand 'of'; a similar subcommand exists: 'off'; usage: host [OPTIONS] <COMMAND>",
            ),
        ] {
            let error = parse(line.split(' ').map(str::to_owned)).err().map(|error| in_a_sentence(&error));
            assert_eq!(error.as_deref(), Some(expected), "{line}");
        }
    }
}
