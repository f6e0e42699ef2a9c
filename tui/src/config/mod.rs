//! `--config FILE`: keys and theme, checked. All that is wrong is told at once, with its line and what to do.
//!
//! ```toml
//! [console]
//! view = "services"          # as --view
//! palette = "256"            # as --palette
//! ascii = true               # as --ascii
//! light = true               # as --light
//! read-only = true           # as --read-only
//! mouse = true               # as --mouse
//!
//! [keys]                     # an action's name, and the keys that mean it from now on
//! follow = ["f", "F5"]
//! why = "y"
//!
//! [theme]                    # good, busy, warning, critical, graph, dim
//! warning = "#d08000"        # or 0 to 255, or a name: red, yellow, …
//! ```
//!
//! What is said on the command line counts more than what the file says.

mod keys;

use std::{fmt, io::Read, ops::Range, path::Path};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::{
    app::{
        Key, View,
        keymap::{Action, Keymap},
    },
    grammar,
    style::{Depth, Theme, color},
};

/// Bytes of the longest file: a mistaken name must not take the memory of a BMC.
const LONGEST: u64 = 64 * 1024;

/// What the file says; what it does not say is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// The view to begin with.
    pub view: Option<View>,
    /// How many colours. None: as the terminal can, or as the command line says.
    pub depth: Option<Depth>,
    /// Characters of ASCII only.
    pub ascii: bool,
    /// Colours for a light background.
    pub light: bool,
    /// Look only.
    pub read_only: bool,
    /// The mouse is taken.
    pub mouse: bool,
    /// Which key does what.
    pub keymap: Keymap,
    /// Colours that differ from the usual.
    pub theme: Theme,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub text: String,
}

/// Everything that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems {
    /// As it was named.
    pub file: String,
    /// In the order of the file.
    pub all: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.all.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            match problem.line {
                0 => write!(f, "{gap}{}: {}", self.file, problem.text)?,
                line => write!(f, "{gap}{}:{line}: {}", self.file, problem.text)?,
            }
        }
        Ok(())
    }
}

/// Reads a file.
pub fn load(path: &Path) -> Result<Config, Problems> {
    let file = path.display().to_string();
    let wrong = |text: String| Problems { file: file.clone(), all: vec![Problem { line: 0, text }] };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|opened| opened.take(LONGEST + 1).read_to_string(&mut text))
        .map_err(|error| wrong(format!("it cannot be read: {error}")))?;
    if text.len() as u64 > LONGEST {
        return Err(wrong(format!("it is longer than {} KiB: is it a configuration?", LONGEST / 1024)));
    }
    parse(&text).map_err(|all| Problems { file, all })
}

/// Reads the text of a file.
pub fn parse(text: &str) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader { text, problems: Vec::new(), bound: Vec::new() };
    let mut config = Config::default();
    match DeTable::parse(text) {
        Err(error) => reader.at(error.span(), format!("this is not TOML: {}", error.message())),
        Ok(root) => {
            for (key, value) in root.get_ref() {
                reader.section(&mut config, key.get_ref(), key.span(), value);
            }
        }
    }
    keys::check(&mut reader, &config);
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| problem.line);
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
    /// What the file binds, and where.
    bound: Vec<(Action, Key, Range<usize>)>,
}

const SECTIONS: [&str; 3] = ["console", "keys", "theme"];
const CONSOLE: [&str; 6] = ["view", "palette", "ascii", "light", "read-only", "mouse"];
const ROLES: [&str; 6] = ["good", "busy", "warning", "critical", "graph", "dim"];

impl Reader<'_> {
    fn at(&mut self, span: Option<Range<usize>>, text: String) {
        let start = span.map_or(0, |span| span.start);
        let line = self.text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        self.problems.push(Problem { line, text });
    }

    fn unknown(&mut self, span: Range<usize>, what: &str, name: &str, known: &[&str]) {
        let hint = match grammar::nearest(name, known.iter().copied()) {
            Some(one) => format!("did you mean `{one}`?"),
            None => format!("choose from {}", known.join(", ")),
        };
        self.at(Some(span), format!("there is no {what} `{name}`: {hint}"));
    }

    fn section(&mut self, config: &mut Config, name: &str, span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(table) = value.get_ref() else {
            if SECTIONS.contains(&name) {
                return self.at(Some(span), format!("`{name}` is a table: write [{name}] on a line of its own"));
            }
            return self.unknown(span, "section", name, &SECTIONS);
        };
        for (key, value) in table {
            let (key, span) = (key.get_ref().as_ref(), key.span());
            match name {
                "console" => self.console(config, key, span, value),
                "keys" => keys::read(self, config, key, span, value),
                "theme" => self.theme(config, key, span, value),
                _ => {}
            }
        }
        if !SECTIONS.contains(&name) {
            self.unknown(span, "section", name, &SECTIONS);
        }
    }

    fn console(&mut self, config: &mut Config, key: &str, span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let place = Some(value.span());
        match (key, value.get_ref()) {
            ("view", DeValue::String(text)) => match text.parse() {
                Ok(view) => config.view = Some(view),
                Err(error) => self.at(place, format!("{error}")),
            },
            ("palette", DeValue::String(text)) => match text.parse() {
                Ok(depth) => config.depth = Some(depth),
                Err(_) if text == "auto" => {}
                Err(error) => self.at(place, format!("{error}")),
            },
            ("ascii", DeValue::Boolean(yes)) => config.ascii = *yes,
            ("light", DeValue::Boolean(yes)) => config.light = *yes,
            ("read-only", DeValue::Boolean(yes)) => config.read_only = *yes,
            ("mouse", DeValue::Boolean(yes)) => config.mouse = *yes,
            ("view" | "palette", _) => self.at(place, format!("`{key}` is a word: write it in quotes")),
            ("ascii" | "light" | "read-only" | "mouse", _) => self.at(place, format!("`{key}` is true or false")),
            _ => self.unknown(span, "setting", key, &CONSOLE),
        }
    }

    fn theme(&mut self, config: &mut Config, key: &str, span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        let text = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            DeValue::Integer(number) => number.as_str().to_owned(),
            _ => String::new(),
        };
        let Some(color) = color(&text) else {
            let text = "a colour is \"#rrggbb\", a number from 0 to 255, or a name such as red or yellow".to_owned();
            return self.at(Some(value.span()), text);
        };
        if !config.theme.set(key, color) {
            self.unknown(span, "role", key, &ROLES);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Color;

    #[test]
    fn keys_theme_and_defaults_are_taken() {
        let config = parse(
            "[console]\nview = 'events'\npalette = '16'\nascii = true\nlight = true\nread-only = true\nmouse = true\n\
             [keys]\nfollow = ['F', 'F5', '^f']\npage-down = '^d'\nwhy = 'Alt-w'\n\
             [theme]\nwarning = '#d08000'\ngood = 70\nbusy = 'lightblue'\n",
        )
        .expect("it is good");
        assert_eq!((config.view, config.depth), (Some(View::Events), Some(Depth::Sixteen)));
        assert!(config.ascii && config.light && config.read_only && config.mouse);
        let does = |key: Key| config.keymap.lookup(key, View::Events, false);
        assert_eq!(does(Key::char('F')), Some(Action::Follow));
        assert_eq!(does(Key::ctrl('f')), Some(Action::Follow));
        assert_eq!(does(Key::char('f')), None);
        assert_eq!(does(Key { alt: true, ..Key::char('w') }), Some(Action::Why));
        assert_eq!(config.theme.of(crate::style::Role::Warning), Some(Color::Rgb(0xd0, 0x80, 0)));
        assert_eq!(config.theme.of(crate::style::Role::Good), Some(Color::Indexed(70)));
        assert_eq!(parse(""), Ok(Config::default()));
    }

    #[test]
    fn of_a_list_of_keys_each_wrong_one_is_told() {
        let problems = parse("[keys]\nfollow = ['q', 'F13']").expect_err("both are wrong");
        let told: Vec<&str> = problems.iter().map(|one| one.text.as_str()).collect();
        assert!(told.iter().any(|text| text.starts_with("`q` never changes")), "{told:?}");
        assert!(told.iter().any(|text| text.starts_with("`F13` is no key")), "{told:?}");
    }

    #[test]
    fn what_the_manual_says_of_it_holds() {
        let manual = include_str!("../../../docs/console.md");
        let (_, after) = manual.split_once("```toml\n").expect("there is an example");
        let (example, _) = after.split_once("```").expect("the example ends");
        let config = parse(example).expect("the example is good");
        assert_eq!(config.view, Some(View::Services));
        for (name, action) in Action::NAMES.into_iter().filter(|(_, action)| !action.is_fixed()) {
            assert!(manual.contains(&format!("`{name}`")), "{name} ({action:?}) is not in docs/console.md");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_its_line() {
        for (text, expected) in [
            ("[keys]\nfolow = 'f'", "2: there is no action `folow`: did you mean `follow`?"),
            ("[keys]\nroot = 'f'", "2: there is no action `root`: choose from act, break, "),
            ("[keys]\nwyh = 'f'", "2: there is no action `wyh`: did you mean `why`?"),
            // The keys of views never change: none of them is meant.
            ("[keys]\nbooot = 'f'", "2: there is no action `booot`: choose from "),
            ("[keys]\nfollow = 'q'", "2: `q` never changes: it is `quit` everywhere; choose another key for `follow`"),
            ("[keys]\nquit = 'x'", "2: the keys of `quit` never change; leave it away"),
            (
                "[keys]\nfollow = 'Fn'",
                "2: `Fn` is no key: write a character, F1 to F12, ^x, Alt-x, Space, Home, End, Ins, Del, PgUp or PgDn",
            ),
            ("[keys]\nfollow = []", "2: `follow` has no key then; leave it away to keep the usual one"),
            ("[keys]\nfollow = 3", "2: `follow` takes a key in quotes, or a list of them"),
            ("[keys]\nfollow = 'c'", "2: `c` is `cause` in the same view; choose another key for one of them"),
            (
                "[theme]\ngood = 'greenish'",
                "2: a colour is \"#rrggbb\", a number from 0 to 255, or a name such as red or yellow",
            ),
            ("[theme]\ngod = 'green'", "2: there is no role `god`: did you mean `good`?"),
            ("[console]\nview = 'cellar'", "2: there is no view `cellar`"),
            ("[console]\nascii = 'yes'", "2: `ascii` is true or false"),
            ("[console]\nmouse = 'on'", "2: `mouse` is true or false"),
            (
                "[console]\ncolour = true",
                "2: there is no setting `colour`: choose from view, palette, ascii, light, read-only, mouse",
            ),
            ("[colours]\nx = 1", "1: there is no section `colours`: choose from console, keys, theme"),
            ("keys = 1", "1: `keys` is a table: write [keys] on a line of its own"),
            ("[keys", "1: this is not TOML: "),
        ] {
            let problems = parse(text).expect_err(text);
            let told: Vec<String> = problems.iter().map(|one| format!("{}: {}", one.line, one.text)).collect();
            assert!(told.len() == 1 && told[0].starts_with(expected), "{text}\n{told:#?}");
        }
        let problems = parse("[theme]\ngod = 1\n[keys]\nfolow = 'f'\nquit = 'x'\n").expect_err("it is bad");
        assert_eq!(problems.iter().map(|one| one.line).collect::<Vec<_>>(), [2, 4, 5]);
    }
}
