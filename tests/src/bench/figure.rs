//! A figure as it is shown: one line for people, one JSON object for programs.

use std::fmt;

use serde_json::{Map, Value as Json, json};

use super::{foreign::Foreign, spread::Spread};

/// What was measured, how, and what came out.
#[derive(Clone, Debug)]
pub struct Figure {
    /// As asked for, e.g. `start`.
    pub name: &'static str,
    /// Which of several, e.g. `1000 independent`. Empty when there is one.
    pub case: String,
    /// One sentence: what the numbers are.
    pub measured: &'static str,
    /// In the order in which they are to be read.
    pub numbers: Vec<Number>,
    /// What everybody else took meanwhile.
    pub foreign: Foreign,
}

/// One number, with its spread where it was taken several times.
#[derive(Clone, Debug)]
pub struct Number {
    label: String,
    unit: &'static str,
    value: f64,
    range: Option<(f64, f64)>,
}

impl Number {
    /// Taken once. `unit` may be empty.
    pub fn one(label: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { label: label.into(), unit, value, range: None }
    }

    /// Median, least and most of several runs.
    pub fn runs(label: impl Into<String>, runs: &Spread, unit: &'static str) -> Self {
        Self { label: label.into(), unit, value: runs.median(), range: Some((runs.min(), runs.max())) }
    }

    /// `label` and `unit` as one key.
    fn key(&self) -> String {
        let unit = self.unit.replace('/', " per ").replace('µ', "u");
        let key = if unit.is_empty() { self.label.clone() } else { format!("{} {}", self.label, unit.trim()) };
        key.replace([' ', '-'], "_")
    }

    fn json(&self) -> Json {
        match self.range {
            Some((min, max)) => json!({ "median": rounded(self.value), "min": rounded(min), "max": rounded(max) }),
            None => json!(rounded(self.value)),
        }
    }
}

/// Four significant digits are more than any of this repeats to.
pub(super) fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = (3.0 - value.abs().log10().floor()).max(0.0);
    let scale = 10_f64.powf(digits);
    (value * scale).round() / scale
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.label, rounded(self.value))?;
        if !self.unit.is_empty() {
            write!(f, " {}", self.unit)?;
        }
        if let Some((min, max)) = self.range {
            write!(f, " ({}–{})", rounded(min), rounded(max))?;
        }
        Ok(())
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8} {:18}", self.name, self.case)?;
        for (index, number) in self.numbers.iter().enumerate() {
            write!(f, "{} {number}", if index == 0 { "" } else { " ·" })?;
        }
        write!(f, "  [{}]", self.foreign)
    }
}

impl Figure {
    /// One object.
    pub fn json(&self) -> Json {
        let numbers: Map<_, _> = self.numbers.iter().map(|number| (number.key(), number.json())).collect();
        json!({
            "figure": self.name,
            "case": self.case,
            "measured": self.measured,
            "numbers": numbers,
            "foreign_cpus": rounded(self.foreign.cpus),
            "cpus": self.foreign.of,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_reads_the_same_to_people_and_programs() {
        let runs = Spread::of(vec![27.123_456, 26.0, 31.5]);
        let figure = Figure {
            name: "start",
            case: "100 independent".to_owned(),
            measured: "How long.",
            numbers: vec![
                Number::runs("bare", &runs, "ms"),
                Number::one("idle cpu", 0.000_123_45, "µs/s"),
                Number::one("switches", 0.0, "/s"),
            ],
            foreign: Foreign { cpus: 0.5, of: 2 },
        };
        assert_eq!(
            figure.to_string(),
            "start    100 independent    bare 27.12 ms (26–31.5) · idle cpu 0.0001235 µs/s · switches 0 /s  [others: 0.50 of 2 CPUs]"
        );
        let json = figure.json();
        assert_eq!(json["numbers"]["bare_ms"], json!({ "median": 27.12, "min": 26.0, "max": 31.5 }));
        assert_eq!(json["numbers"]["idle_cpu_us_per_s"], json!(0.000_123_5));
        assert_eq!(json["numbers"]["switches_per_s"], json!(0.0));
        assert_eq!(json["foreign_cpus"], json!(0.5));
    }
}
