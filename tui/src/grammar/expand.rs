//! Every line that can be made of the definition and the names, for lists to choose from.

use clap::{Arg, Command};

use super::{
    Names,
    complete::{is_repeatable, takes_value},
    definition,
    names::all,
    place,
    words::quoted,
};

/// A command line, and what it was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub text: String,
    /// The command and how many arguments it has: the same for lines that differ only in names.
    pub shape: String,
}

/// All lines: of each command the one without optional arguments, and one for each name that fits where one can be
/// said. Options are left out where they can be. Commands that need what no list has are not there.
pub(crate) fn expand(names: &dyn Names) -> Vec<Line> {
    let mut lines = Vec::new();
    visit(definition(), &mut Vec::new(), names, &mut lines);
    lines
}

fn visit(command: &'static Command, path: &mut Vec<&'static str>, names: &dyn Names, lines: &mut Vec<Line>) {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        path.push(inner.get_name());
        if inner.has_subcommands() {
            visit(inner, path, names, lines);
        } else if let Some(options) = required_options(inner, path, names) {
            let arguments: Vec<&Arg> = inner.get_positionals().collect();
            Leaf { path, options, names }.fill(&arguments, &mut Vec::new(), lines);
        }
        path.pop();
    }
}

/// The options that cannot be left out, each with the first value that fits. None: there is one that none fits.
fn required_options(command: &'static Command, path: &[&str], names: &dyn Names) -> Option<String> {
    let required = command.get_arguments().filter(|arg| !arg.is_positional() && arg.is_required_set());
    let said = required.map(|arg| {
        let long = arg.get_long()?;
        let value = values(arg, path, &[], names).into_iter().next()?;
        Some(format!(" --{long} {}", quoted(&value)))
    });
    said.collect()
}

struct Leaf<'a> {
    path: &'a [&'static str],
    options: String,
    names: &'a dyn Names,
}

impl Leaf<'_> {
    fn fill(&self, open: &[&Arg], said: &mut Vec<String>, lines: &mut Vec<Line>) {
        let Some((next, rest)) = open.split_first() else { return self.line(said, lines) };
        if !next.is_required_set() {
            self.line(said, lines);
            // One by one they are told elsewhere.
            if is_repeatable(next) {
                return;
            }
        }
        for value in values(next, self.path, said, self.names) {
            said.push(value);
            self.fill(rest, said, lines);
            said.pop();
        }
    }

    fn line(&self, said: &[String], lines: &mut Vec<Line>) {
        let command = self.path.join(" ");
        let words: Vec<String> = std::iter::once(command.clone()).chain(said.iter().map(|word| quoted(word))).collect();
        let text = format!("{}{}", words.join(" "), self.options);
        lines.push(Line { text, shape: format!("{command} {}", said.len()) });
    }
}

fn values(arg: &Arg, path: &[&str], said: &[String], names: &dyn Names) -> Vec<String> {
    let possible = arg.get_possible_values();
    if !possible.is_empty() && takes_value(arg) {
        return possible.iter().map(|value| value.get_name().to_owned()).collect();
    }
    place::named(path, arg.get_id().as_str()).map(|kind| all(names, kind, said)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::{names::made_up::MadeUp, parse, split};

    fn beginning_with(start: &str) -> Vec<String> {
        expand(&MadeUp).into_iter().map(|line| line.text).filter(|text| text.starts_with(start)).collect()
    }

    #[test]
    fn a_line_for_each_name_where_one_can_be_said() {
        assert_eq!(beginning_with("host off"), ["host off host.0", "host off host.1"]);
        assert_eq!(beginning_with("host status"), ["host status", "host status host.0", "host status host.1"]);
        assert_eq!(
            beginning_with("sim fault inject"),
            [
                "sim fault inject fan-fail fan.0",
                "sim fault inject fan-fail fan.1",
                "sim fault inject sensor-stuck inlet_temp"
            ]
        );
        assert_eq!(beginning_with("fans set fan.1 6"), ["fans set fan.1 60 --for 600"]);
        assert_eq!(beginning_with("sensors show cpu"), [""; 0]);
        assert_eq!(beginning_with("sensors show \"cpu"), ["sensors show \"cpu temp\""]);
        assert_eq!(beginning_with("events cause"), [""; 0], "a number is in no list");
    }

    #[test]
    fn every_line_is_understood_by_the_parser() {
        let lines = expand(&MadeUp);
        assert!(lines.len() > 100, "{}", lines.len());
        for Line { text, .. } in lines {
            if let Err(error) = parse(split(&text).unwrap()) {
                panic!("{text}: {error}");
            }
        }
    }
}
