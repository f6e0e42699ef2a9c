//! What can be typed next.

use clap::{Arg, ArgAction, Command};

use super::{
    Named, Names, cursor, definition,
    names::all,
    place,
    words::{Cursor, quoted},
};

/// Something that can be typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// As it has to be typed.
    pub text: String,
    /// What it is, in a sentence; empty where the name says it.
    pub help: String,
}

impl Candidate {
    fn of(text: impl Into<String>, help: impl Into<String>) -> Self {
        Self { text: text.into(), help: help.into() }
    }
}

/// What can replace the word that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// Where that word begins in the line.
    pub start: usize,
    pub candidates: Vec<Candidate>,
}

/// Everything that can stand at the end of `line`, from the definition and from `names`. `own`: words that whoever asks
/// understands beside the commands, each with what it does; one that is called `help` is followed by a command.
pub(crate) fn complete(line: &str, own: &[(&str, &str)], names: &dyn Names) -> Completion {
    let Some(Cursor { mut before, word, start }) = cursor(line) else { return Completion::default() };
    let of_help = before.first().is_some_and(|first| first == "help") && own.iter().any(|(name, _)| *name == "help");
    if of_help {
        before.remove(0);
    }
    let Some(place) = Place::after(&before) else { return Completion { start, candidates: Vec::new() } };
    let mut candidates = if of_help { place.subcommands() } else { place.candidates(&word, names) };
    if before.is_empty() && !of_help {
        candidates.extend(own.iter().map(|(name, help)| Candidate::of(*name, *help)));
    }
    candidates.retain(|candidate| candidate.text.starts_with(&word));
    if place.is_about_subjects() {
        // There are a great many: one level at a time is enough to choose from.
        let depth = |text: &str| text.matches('.').count();
        candidates.retain(|candidate| depth(&candidate.text) <= depth(&word) + 1);
    }
    for candidate in &mut candidates {
        candidate.text = quoted(&candidate.text);
    }
    Completion { start, candidates }
}

/// What is still to be said after `line`, e.g. `<NAME> [--plan] [--wait]`. Empty within a word, and where nothing is.
pub(crate) fn usage(line: &str) -> String {
    match cursor(line) {
        Some(Cursor { before, word, .. }) if word.is_empty() && !before.is_empty() => {
            Place::after(&before).map(|place| place.usage()).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// Where in the definition the next word stands.
struct Place<'a> {
    command: &'static Command,
    path: Vec<&'static str>,
    /// Values of positional arguments so far.
    values: Vec<String>,
    /// Options so far, by their ids.
    given: Vec<&'static str>,
    /// The option whose value comes next.
    pending: Option<&'static Arg>,
    /// `--` was said: what follows is no option.
    only_values: bool,
    before: &'a [String],
}

impl<'a> Place<'a> {
    /// None: something in `before` is not understood.
    fn after(before: &'a [String]) -> Option<Self> {
        let mut place = Self {
            command: definition(),
            path: Vec::new(),
            values: Vec::new(),
            given: Vec::new(),
            pending: None,
            only_values: false,
            before,
        };
        before.iter().all(|word| place.take(word)).then_some(place)
    }

    /// Goes past a word; false: it is not understood.
    fn take(&mut self, word: &str) -> bool {
        if self.pending.take().is_some() {
            return true;
        }
        if !self.only_values {
            if word == "--" {
                self.only_values = true;
                return true;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                return self.take_option(value.is_none(), |arg| arg.get_long() == Some(name));
            }
            if let Some(short) = word.strip_prefix('-').and_then(|rest| rest.chars().next())
                && !short.is_ascii_digit()
            {
                return self.take_option(word.len() == 2, |arg| arg.get_short() == Some(short));
            }
        }
        if self.command.has_subcommands() {
            let Some(inner) = self.command.find_subcommand(word) else { return false };
            self.command = inner;
            self.path.push(inner.get_name());
            return true;
        }
        self.values.push(word.to_owned());
        true
    }

    fn take_option(&mut self, value_comes: bool, is: impl Fn(&Arg) -> bool) -> bool {
        let Some(option) = self.options().find(|option| is(option)) else { return false };
        self.given.push(option.get_id().as_str());
        if value_comes && option.get_action().takes_values() {
            self.pending = Some(option);
        }
        true
    }

    /// The command's own options, then those of every command.
    fn options(&self) -> impl Iterator<Item = &'static Arg> + use<> {
        let global = definition().get_arguments().filter(|arg| arg.is_global_set());
        self.command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_global_set()).chain(global)
    }

    fn candidates(&self, word: &str, names: &dyn Names) -> Vec<Candidate> {
        if let Some(option) = self.pending {
            return self.values_of(option, names);
        }
        if !self.only_values && word.starts_with('-') {
            if let Some((long, _)) = word.strip_prefix("--").and_then(|rest| rest.split_once('=')) {
                let option = self.options().find(|option| option.get_long() == Some(long));
                let values = option.map(|option| self.values_of(option, names)).unwrap_or_default();
                let with = |one: Candidate| Candidate { text: format!("--{long}={}", one.text), ..one };
                return values.into_iter().map(with).collect();
            }
            return self.flags(true);
        }
        if self.command.has_subcommands() {
            return self.subcommands();
        }
        let Some(positional) = self.positional() else { return self.flags(false) };
        let mut values = self.values_of(positional, names);
        if is_repeatable(positional) {
            values.retain(|value| !self.values.contains(&value.text));
        }
        if values.is_empty() { self.flags(false) } else { values }
    }

    fn is_about_subjects(&self) -> bool {
        self.pending.is_some_and(|option| place::named(&self.path, option.get_id().as_str()) == Some(Named::Subject))
    }

    fn subcommands(&self) -> Vec<Candidate> {
        let shown = self.command.get_subcommands().filter(|inner| !inner.is_hide_set());
        shown.map(|inner| Candidate::of(inner.get_name(), about(inner.get_about()))).collect()
    }

    /// The argument that the next value is for.
    fn positional(&self) -> Option<&'static Arg> {
        let at = self.values.len();
        let mut all = self.command.get_positionals();
        let last = self.command.get_positionals().last();
        all.nth(at).or_else(|| last.filter(|last| is_repeatable(last)))
    }

    /// Options that have not been given yet, or may be given again. `global`: also those of every command.
    fn flags(&self, global: bool) -> Vec<Candidate> {
        let again = |arg: &Arg| matches!(arg.get_action(), ArgAction::Append | ArgAction::Count);
        let open = |arg: &&Arg| {
            !arg.is_hide_set()
                && (again(arg) || !self.given.contains(&arg.get_id().as_str()))
                && (global || !arg.is_global_set())
        };
        let shown = self.options().filter(open);
        let shown =
            shown.filter_map(|arg| Some(Candidate::of(format!("--{}", arg.get_long()?), about(arg.get_help()))));
        let help = global.then(|| Candidate::of("--help", "What this command does and takes"));
        shown.chain(help).collect()
    }

    fn values_of(&self, arg: &Arg, names: &dyn Names) -> Vec<Candidate> {
        let possible = arg.get_possible_values();
        if !possible.is_empty() && takes_value(arg) {
            let shown = possible.iter().filter(|value| !value.is_hide_set());
            return shown.map(|value| Candidate::of(value.get_name(), about(value.get_help()))).collect();
        }
        let kind: Option<Named> = place::named(&self.path, arg.get_id().as_str());
        let all = kind.map(|kind| all(names, kind, &self.values)).unwrap_or_default();
        all.into_iter().map(|name| Candidate::of(name, "")).collect()
    }

    fn usage(&self) -> String {
        if let Some(option) = self.pending {
            return format!("<{}>", value_name(option));
        }
        if self.command.has_subcommands() {
            return if self.before.is_empty() { String::new() } else { "<COMMAND>".to_owned() };
        }
        let positionals = self.command.get_positionals().skip(self.values.len()).map(|arg| {
            let name = format!("{}{}", value_name(arg), if is_repeatable(arg) { "..." } else { "" });
            if arg.is_required_set() { format!("<{name}>") } else { format!("[{name}]") }
        });
        let own = self.command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_global_set());
        let open = own.filter(|arg| !self.given.contains(&arg.get_id().as_str()));
        let options = open.filter_map(|arg| {
            let value = if takes_value(arg) { format!(" {}", value_name(arg)) } else { String::new() };
            let text = format!("--{}{value}", arg.get_long()?);
            Some(if arg.is_required_set() { text } else { format!("[{text}]") })
        });
        positionals.chain(options).collect::<Vec<_>>().join(" ")
    }
}

/// The first sentence of what the definition says.
fn about(text: Option<&clap::builder::StyledStr>) -> String {
    let text = text.map(ToString::to_string).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

fn value_name(arg: &Arg) -> String {
    match arg.get_value_names() {
        Some([name, ..]) => name.to_string(),
        _ => arg.get_id().as_str().to_uppercase(),
    }
}

pub(super) fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// Whether an argument takes one value after the other.
pub(super) fn is_repeatable(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append) || arg.get_num_args().is_some_and(|range| range.max_values() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::names::made_up::MadeUp;

    const OWN: [(&str, &str); 2] = [("help", "What can be typed"), ("exit", "Leaves")];

    fn next(line: &str) -> String {
        let found = complete(line, &OWN, &MadeUp);
        found.candidates.iter().map(|one| one.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_can_follow_comes_from_the_definition_and_the_names() {
        for (line, expected) in [
            ("ho", "host"),
            ("e", "events exit"),
            ("host ", "list status on off force-off reset restart cycle nmi policy"),
            ("host re", "reset restart"),
            ("host off ", "host.0 host.1"),
            ("host off host.1", "host.1"),
            ("host off host.1 ", "--plan --wait --at"),
            ("host off host.1 --plan --", "--wait --at --connect --output --timeout --yes --reason --no-color --help"),
            ("host off host.1 --p", "--plan"),
            ("--output j", "json jsonl"),
            ("host list --output=j", "--output=json --output=jsonl"),
            ("-o json host li", "list"),
            ("services stop web", "web webui"),
            ("services stop web ", "webui db"),
            ("services logs web --str", "--stream"),
            ("services logs web --stream ", "stdout stderr"),
            ("services logs -n 5 d", "db"),
            ("services dependencies --format ", "text dot mermaid"),
            ("fans set c", "cpu"),
            ("fans set cpu ", "40 60 80 100"),
            ("fans set cpu 60 ", "--for"),
            ("fans set cpu 60 --for ", "600 60 300"),
            ("sim fault inject fan-fail ", "fan.0 fan.1"),
            ("sim fault inject sensor-stuck ", "inlet_temp"),
            ("sim set ambient -5 --", "--connect --output --timeout --yes --reason --no-color --help"),
            ("leds set fault ", "off on blink fast-blink auto"),
            ("events list --subject service.> --sub", "--subject"),
            ("events list --severity e", "error"),
            ("events list --subject s", "service.>"),
            ("events list --subject service.", "service.> service.web.> service.web.state"),
            ("operations cancel ", "op-3"),
            ("chassis identify ", "on off"),
            ("sensors show c", "\"cpu temp\""),
            ("sensors show 'cpu t", "\"cpu temp\""),
            ("help hos", "host"),
            ("help host o", "on off"),
            ("help host off ", ""),
            ("make ", ""),
            ("host off # ho", ""),
            ("host off -- h", "host.0 host.1"),
        ] {
            assert_eq!(next(line), expected, "{line}");
        }
    }

    #[test]
    fn a_candidate_says_what_it_is() {
        let found = complete("host on", &[], &MadeUp);
        assert_eq!(found.start, 5);
        assert_eq!(found.candidates, [Candidate::of("on", "Powers a host on")]);
    }

    #[test]
    fn what_is_still_to_be_said_is_shown() {
        for (line, expected) in [
            ("", ""),
            ("host", ""),
            ("host ", "<COMMAND>"),
            ("host off ", "<NAME> [--plan] [--wait] [--at TIME]"),
            ("host off host.0 --plan ", "[--wait] [--at TIME]"),
            ("fans set cpu ", "<PERCENT> --for SECONDS"),
            ("fans set cpu 60 --for ", "<SECONDS>"),
            ("services start ", "<NAMES...> [--wait] [--force]"),
            ("host list ", ""),
        ] {
            assert_eq!(usage(line), expected, "{line}");
        }
    }
}
