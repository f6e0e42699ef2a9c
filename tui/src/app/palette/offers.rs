//! What can be chosen, narrowed by what is typed.

use std::{collections::BTreeSet, sync::OnceLock};

use super::{
    meaning::{self, OWN, Unfit},
    names::Known,
};
use crate::{
    app::View,
    grammar::{Line, Named, Names, complete, expand},
    model::Model,
};

/// Something that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The line as it is then.
    pub line: String,
    /// What the last word is, where the line is not finished with it.
    pub help: String,
    /// It can be run.
    pub whole: bool,
}

/// What fits what is typed, the best first; where no line does, what can be typed next.
pub(crate) fn offers(model: &Model, typed: &str) -> Vec<Offer> {
    let whole = fitting(model, typed);
    if !whole.is_empty() {
        return whole.into_iter().map(|(_, line)| Offer { line, help: String::new(), whole: true }).collect();
    }
    let found = complete(typed, &OWN, &Known(model));
    let before = typed.get(..found.start).unwrap_or_default();
    let next = found.candidates.into_iter();
    next.map(|one| Offer { line: format!("{before}{}", one.text), help: one.help, whole: false })
        .filter(|offer| offer.line != typed)
        .collect()
}

/// The one line that is meant by parts of it: the only one that has them all as words, else the only one that has them.
/// Otherwise all that fit.
pub(crate) fn chosen(model: &Model, typed: &str) -> Result<String, Vec<String>> {
    let fitting = fitting(model, typed);
    let best: Vec<_> = fitting.iter().filter(|(fit, _)| *fit <= Fit::Words).collect();
    match (best.as_slice(), fitting.as_slice()) {
        ([(_, line)], _) | ([], [(_, line)]) => Ok(line.clone()),
        _ => Err(fitting.into_iter().map(|(_, line)| line).collect()),
    }
}

/// How well a line fits: the first is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It begins with what is typed.
    Beginning,
    /// It has every word.
    Words,
    /// It has a word that begins with each.
    Beginnings,
    /// It has them somewhere.
    Parts,
}

fn fitting(model: &Model, typed: &str) -> Vec<(Fit, String)> {
    let typed = typed.trim().to_lowercase();
    let words: Vec<&str> = typed.split_whitespace().collect();
    let mut fitting: Vec<_> = lines(model)
        .into_iter()
        .filter_map(|line| fit(&line.to_lowercase(), &typed, &words).map(|fit| (fit, line)))
        .collect();
    // A stable sort: among equals the order stays.
    fitting.sort_by_key(|(fit, _)| *fit);
    fitting
}

fn fit(line: &str, typed: &str, words: &[&str]) -> Option<Fit> {
    if !words.iter().all(|word| line.contains(word)) {
        return None;
    }
    // Who writes a command from its beginning means the words where they stand: `fans set cpu 600 --for 60` is no other line
    // that happens to have the same ones.
    let mut own = line.split_whitespace();
    let in_order = words.iter().all(|word| own.any(|own| own.contains(word)));
    if !in_order && words.first() == line.split_whitespace().next().as_ref() {
        return None;
    }
    let every =
        |is: &dyn Fn(&str, &str) -> bool| words.iter().all(|word| line.split_whitespace().any(|own| is(own, word)));
    Some(if line.starts_with(typed) {
        Fit::Beginning
    } else if every(&|own, word| own == word) {
        Fit::Words
    } else if every(&|own, word| own.starts_with(word)) {
        Fit::Beginnings
    } else {
        Fit::Parts
    })
}

/// All lines that the console can do, the console's own first.
fn lines(model: &Model) -> Vec<String> {
    let views = View::ALL.into_iter().map(|view| format!("view {}", view.name()));
    let can = shapes();
    let commands = expand(&Known(model)).into_iter().filter(|line| can.contains(&line.shape)).map(|line| line.text);
    // Those that stand alone; the others want a name.
    let own = OWN.iter().map(|(word, _)| (*word).to_owned()).filter(|word| meaning::understand(model, word).is_ok());
    views.chain(commands).chain(own).collect()
}

/// The shapes of the lines that the console can do: found out once, for which names there are makes no difference.
fn shapes() -> &'static BTreeSet<String> {
    /// A name of every kind.
    struct Anything;
    impl Names for Anything {
        fn names(&self, _: Named, _: &[String]) -> Vec<String> {
            vec!["x".to_owned()]
        }
    }
    static SHAPES: OnceLock<BTreeSet<String>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let nothing = Model::default();
        let can = |line: &Line| !matches!(meaning::understand(&nothing, &line.text), Err(Unfit::Elsewhere { .. }));
        expand(&Anything).into_iter().filter(can).map(|line| line.shape).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fan, Machine, MachineKind, Operation, Service};

    #[test]
    fn whole_words_come_before_parts_of_words() {
        let fit = |line: &str, typed: &str| fit(line, typed, &typed.split_whitespace().collect::<Vec<_>>());
        for (line, typed, expected) in [
            ("host off host.0", "host o", Some(Fit::Beginning)),
            ("host off host.0", "off host.0", Some(Fit::Words)),
            ("host force-off host.0", "off host.0", Some(Fit::Parts)),
            ("host off host.0", "of host.0", Some(Fit::Beginnings)),
            ("host off host.0", "off host.1", None),
            ("host off host.0", "host.0 off", Some(Fit::Words)),
            ("fans set cpu 60 --for 600", "fans set cpu 600 --for 60", None),
            ("fans set cpu 60 --for 600", "fans cpu 60 600", Some(Fit::Words)),
        ] {
            assert_eq!(fit(line, typed), expected, "{line} for {typed}");
        }
    }

    #[test]
    fn every_line_that_is_offered_can_be_run() {
        let machine = |name: &str, kind| Machine { name: name.to_owned(), kind, ..Machine::default() };
        let model = Model {
            machines: vec![
                machine("host.0", MachineKind::Host),
                machine("chassis", MachineKind::Chassis),
                machine("bmc", MachineKind::Bmc),
            ],
            services: vec![Service { name: "two words".to_owned(), ..Service::default() }],
            fans: vec![Fan { name: "fan.0".to_owned(), ..Fan::default() }],
            operations: vec![Operation { id: "op-1".to_owned(), ..Operation::default() }],
            ..Model::default()
        };
        let offered = lines(&model);
        assert!(offered.len() > 60, "{offered:#?}");
        for line in offered {
            if let Err(unfit) = meaning::understand(&model, &line) {
                panic!("{line}: {unfit}");
            }
        }
    }

    #[test]
    fn what_the_console_cannot_do_is_not_offered() {
        let can = shapes();
        for shape in [
            "host off 1",
            "host policy 2",
            "services reload 0",
            "services restart 1",
            "fans set 2",
            "sim fault inject 2",
            "events list 0",
            "why 1",
        ] {
            assert!(can.contains(shape), "{shape}");
        }
        for shape in ["completions 1", "man 0", "shell 0", "machines history 1", "sim show 0", "machines counts 0"] {
            assert!(!can.contains(shape), "{shape}");
        }
    }
}
