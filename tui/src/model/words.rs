//! Words of the daemon that several areas share.

/// How serious an event or a condition is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Of interest while looking for a fault only.
    Debug,
    /// Ordinary.
    #[default]
    Info,
    /// Somebody should know.
    Notice,
    /// Something may be lost soon.
    Warning,
    /// Something failed.
    Error,
    /// Hardware or a host is in danger, or protection has acted.
    Critical,
}

impl Severity {
    /// The word that people and filters use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// Events of it, in a word.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Debug => "all events",
            Self::Info => "ordinary events",
            Self::Notice => "notices",
            Self::Warning => "warnings",
            Self::Error => "errors",
            Self::Critical => "critical events",
        }
    }
}

/// One answer to "is it healthy".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Nothing tells.
    #[default]
    Unknown,
    /// All checks pass.
    Healthy,
    /// Works, but not as it should.
    Degraded,
    /// Does not work.
    Unhealthy,
}

impl Health {
    /// The word that people and filters use; a dash when nothing tells.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "-",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// A condition that stands in the way, and what resolves it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// Short and stable, e.g. `zone-over-limit`.
    pub kind: String,
    /// What it is about, e.g. `zone cpu`.
    pub subject: String,
    /// One sentence: what is so.
    pub text: String,
    /// One sentence: what to do about it. Empty when nothing but time helps.
    pub remedy: String,
    /// Since when, in seconds of the daemon's clock. None when not known.
    pub since_s: Option<f64>,
    /// How bad it is. None where it only stands against a request, and of an older daemon.
    pub severity: Option<Severity>,
}

/// A request that the daemon answered with an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusal {
    /// The code in words, e.g. `refused`, `not found`.
    pub code: String,
    /// The daemon's sentence.
    pub message: String,
    /// Every condition that forbids it. Empty when the daemon named none.
    pub conditions: Vec<Condition>,
}

/// Why something is as it is, down to the root.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Why {
    /// What was asked about.
    pub name: String,
    /// `service`, `machine`, `sensor`, …
    pub kind: String,
    /// It is as somebody wants it.
    pub as_desired: bool,
    /// The answer in a sentence.
    pub answer: String,
    /// From the thing itself to the root.
    pub chain: Vec<Condition>,
}

/// What would follow, and what stands in the way.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WhatIf {
    /// What would follow, nearest first: subject and sentence.
    pub consequences: Vec<(String, String)>,
    /// What forbids it.
    pub obstacles: Vec<Condition>,
}

impl WhatIf {
    /// What follows together with something else: each thing once, by what is said of it first.
    pub fn add(&mut self, other: Self) {
        for (subject, text) in other.consequences {
            if !self.consequences.iter().any(|(known, _)| *known == subject) {
                self.consequences.push((subject, text));
            }
        }
        for obstacle in other.obstacles {
            if !self.obstacles.contains(&obstacle) {
                self.obstacles.push(obstacle);
            }
        }
    }
}
