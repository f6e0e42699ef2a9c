//! Why something is as it is, and what would follow from a stop.

use serde::Serialize;
use ubmc_proto::v1;

use super::Condition;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Why {
    pub name: String,
    pub kind: String,
    pub as_desired: bool,
    pub answer: String,
    /// Down to the root.
    pub chain: Vec<Condition>,
}

impl Why {
    /// `now`: the daemon's monotonic clock, where it is known.
    pub(crate) fn new(wire: v1::WhyResponse, now: Option<f64>) -> Self {
        let told = |wire: v1::Condition| match now {
            Some(now) => Condition::from(wire).aged(now),
            None => wire.into(),
        };
        Self {
            name: wire.name,
            kind: wire.kind,
            as_desired: wire.as_desired,
            answer: wire.answer,
            chain: wire.chain.into_iter().map(told).collect(),
        }
    }
}

/// What would follow if a service were stopped now.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WhatIf {
    pub name: String,
    /// In the order in which they would happen.
    pub consequences: Vec<Consequence>,
    /// Why it would be refused unless forced.
    pub obstacles: Vec<Condition>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Consequence {
    pub subject: String,
    /// `stops`, `waits`, `unaffected`, `fail-safe`, `operation`.
    pub kind: String,
    pub text: String,
}

impl WhatIf {
    pub(crate) fn new(name: String, wire: v1::WhatIfStoppedResponse) -> Self {
        let consequence =
            |wire: v1::Consequence| Consequence { subject: wire.subject, kind: wire.kind, text: wire.text };
        Self {
            name,
            consequences: wire.consequences.into_iter().map(consequence).collect(),
            obstacles: wire.obstacles.into_iter().map(Condition::from).collect(),
        }
    }
}
