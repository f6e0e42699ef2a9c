//! Why a request is not carried out, in words for the person who asked.

use std::fmt;

use crate::{board::nearest, ids::Name, time::Mono};

/// A condition that stands in the way, and what resolves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Short and stable, e.g. `dependents-running`.
    pub kind: &'static str,
    /// What it is about, e.g. `service web`.
    pub subject: String,
    /// One sentence: what is so.
    pub text: String,
    /// One sentence: what to do. Empty when nothing but time helps.
    pub remedy: String,
    /// Since when. Absent when not known.
    pub since: Option<Mono>,
}

/// How a refusal is to be treated by programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// There is no such thing.
    NotFound,
    /// The request makes no sense, now or ever.
    Invalid,
    /// Not now: the obstacles say why.
    Precondition,
    /// Not this asker.
    Permission,
}

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kind of answer.
    pub class: RefusalClass,
    /// UPPER_SNAKE, stable.
    pub reason: &'static str,
    /// One sentence.
    pub text: String,
    /// Every violated condition; empty for other classes.
    pub obstacles: Vec<Obstacle>,
}

impl Refusal {
    /// Nothing is called `wanted`; names the nearest of `known`.
    pub fn unknown<'a>(what: &str, wanted: &str, known: impl IntoIterator<Item = &'a Name>) -> Self {
        let hint = nearest(wanted, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        Self {
            class: RefusalClass::NotFound,
            reason: "UNKNOWN_NAME",
            text: format!("there is no {what} `{wanted}`{hint}"),
            obstacles: Vec::new(),
        }
    }

    /// The request itself is wrong.
    pub fn invalid(reason: &'static str, text: impl Into<String>) -> Self {
        Self { class: RefusalClass::Invalid, reason, text: text.into(), obstacles: Vec::new() }
    }

    /// Obstacles stand in the way; there is at least one.
    pub fn precondition(reason: &'static str, text: impl Into<String>, obstacles: Vec<Obstacle>) -> Self {
        Self { class: RefusalClass::Precondition, reason, text: text.into(), obstacles }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
