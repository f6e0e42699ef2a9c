//! What is known of a service's health, from its checks.

use std::time::Duration;

use super::HealthSpec;
use crate::view::Health;

/// The checks of one life of a service, and its success rate across lives.
#[derive(Clone, Debug, Default)]
pub struct HealthBook {
    passed: u64,
    failed: u64,
    /// Failures in a row in this life.
    streak: u32,
    /// Whether this life ever passed.
    proven: bool,
    /// A check is on its way.
    pub in_flight: bool,
    /// It asks what is not asked any more.
    outdated: bool,
    text: String,
    took: Option<Duration>,
}

/// What a check's result means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing new.
    Same,
    /// From failing, or from unknown, to healthy.
    BecameHealthy,
    /// As many failures in a row as make it unhealthy.
    BecameUnhealthy,
}

impl HealthBook {
    /// A new life begins; the rate goes on.
    pub fn new_life(&mut self) {
        self.streak = 0;
        self.proven = false;
        self.in_flight = false;
        self.outdated = false;
        self.text.clear();
    }

    /// The same life is asked something else; the rate goes on.
    pub fn begin_anew(&mut self) {
        self.streak = 0;
        self.proven = false;
        self.outdated = self.in_flight;
    }

    /// The answer that has just come is one to an older question. Says so once.
    pub fn is_outdated(&mut self) -> bool {
        let outdated = std::mem::take(&mut self.outdated);
        self.in_flight &= !outdated;
        outdated
    }

    /// A check ended.
    pub fn record(&mut self, spec: &HealthSpec, passed: bool, text: String, took: Duration) -> Finding {
        self.in_flight = false;
        self.text = text;
        self.took = Some(took);
        if passed {
            self.passed += 1;
            let news = !self.proven || self.streak >= spec.retries;
            self.streak = 0;
            self.proven = true;
            if news { Finding::BecameHealthy } else { Finding::Same }
        } else {
            self.failed += 1;
            self.streak = self.streak.saturating_add(1);
            if self.streak == spec.retries { Finding::BecameUnhealthy } else { Finding::Same }
        }
    }

    /// The answer for people.
    pub fn health(&self, spec: Option<&HealthSpec>) -> Health {
        match spec {
            Some(spec) if self.streak >= spec.retries => Health::Unhealthy,
            Some(_) if self.streak > 0 => Health::Degraded,
            Some(_) if self.proven => Health::Healthy,
            Some(_) | None => Health::Unknown,
        }
    }

    /// Failures in a row in this life.
    pub const fn streak(&self) -> u32 {
        self.streak
    }

    /// What the last check said.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Share that passed, 0–1. Absent before the first.
    pub fn success_rate(&self) -> Option<f64> {
        let total = self.passed + self.failed;
        (total > 0).then(|| self.passed as f64 / total as f64)
    }

    /// How long the last one took. Absent before the first.
    pub const fn took(&self) -> Option<Duration> {
        self.took
    }
}
