//! Supplies as their lines tell: what changes is told, and whether one can still fail.

use super::SupplySpec;
use crate::{
    effect::Effect,
    event::Severity,
    ids::{Name, SignalId, SupplyId},
    input::HardwareCommand,
    outbox::Outbox,
    time::Mono,
    units::Level,
};

/// Where a supply stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Its lines have not been read, or cannot be.
    Unknown,
    /// Present, with good output.
    Good,
    /// Present, without good output.
    Failed,
    /// Not plugged in.
    Absent,
}

impl Standing {
    /// By its lines; one that it does not have is taken as high.
    pub fn of(spec: &SupplySpec, level: impl Fn(SignalId) -> Option<Level>) -> Self {
        let high = |line: Option<SignalId>| match line {
            Some(line) => level(line).map(Level::is_high),
            None => Some(true),
        };
        match (high(spec.present), high(spec.good)) {
            (Some(false), _) => Self::Absent,
            (Some(true), Some(true)) => Self::Good,
            (Some(true), Some(false)) => Self::Failed,
            (None, _) | (_, None) => Self::Unknown,
        }
    }
}

/// What was told of each supply last.
#[derive(Clone, Debug)]
pub struct Supplies {
    standings: Vec<Standing>,
    redundant: Option<bool>,
    /// What the fault registers said when each failed last; empty: never read.
    registers: Vec<Vec<(String, u16)>>,
    /// When they were read.
    read_at: Vec<Option<Mono>>,
}

impl Supplies {
    /// Nothing is known.
    pub fn new(count: usize) -> Self {
        Self {
            standings: vec![Standing::Unknown; count],
            redundant: None,
            registers: vec![Vec::new(); count],
            read_at: vec![None; count],
        }
    }

    /// Lines have changed: what does that mean for the supplies?
    pub fn follow(&mut self, specs: &[SupplySpec], level: impl Fn(SignalId) -> Option<Level>, out: &mut Outbox) {
        for (place, (spec, was)) in specs.iter().zip(&mut self.standings).enumerate() {
            let is = Standing::of(spec, &level);
            let before = std::mem::replace(was, is);
            let name = &spec.name;
            let (word, severity, text) = match (before, is) {
                (before, is) if before == is => continue,
                (Standing::Unknown, Standing::Good) | (_, Standing::Unknown) => continue,
                (_, Standing::Good) => ("restored", Severity::Notice, format!("{name} gives good power again")),
                (_, Standing::Failed) => ("failed", Severity::Error, format!("the output of {name} is not good")),
                (_, Standing::Absent) => ("absent", Severity::Error, format!("{name} is not plugged in")),
            };
            let fields = vec![("supply", name.as_str().into())];
            out.event(format!("supply.{name}.{word}"), "powermgr", severity, text, fields);
            if is == Standing::Failed && spec.has_fault_registers {
                out.deed(Effect::Command(HardwareCommand::CaptureFault(SupplyId::new(place))));
            }
        }
        let good = self.standings.iter().filter(|standing| **standing == Standing::Good).count();
        let known = self.standings.iter().all(|standing| *standing != Standing::Unknown);
        let redundant = (known && self.standings.len() > 1).then_some(good > 1);
        let was = self.redundant;
        if redundant.is_some() && redundant != was {
            self.redundant = redundant;
            let (severity, text) = match (was, redundant) {
                (None, Some(true)) => return,
                (_, Some(true)) => (Severity::Notice, "supplies are redundant again"),
                _ => (Severity::Warning, "supplies are not redundant: the next one that fails takes the power with it"),
            };
            out.event("supply.redundancy".to_owned(), "powermgr", severity, text.to_owned(), Vec::new());
        }
    }

    /// What a supply's fault registers said when it failed, by name.
    pub fn registers(&self, id: SupplyId) -> &[(String, u16)] {
        &self.registers[id.index()]
    }

    /// When the fault registers of a supply were read last. Absent: never.
    pub fn read_at(&self, id: SupplyId) -> Option<Mono> {
        self.read_at[id.index()]
    }

    /// Fault registers were read, before they were cleared.
    pub fn captured(&mut self, id: SupplyId, name: &Name, registers: Vec<(String, u16)>, out: &mut Outbox) {
        let texts: Vec<_> = registers.iter().map(|(register, word)| format!("{register} {word:#06x}")).collect();
        let text = texts.join(", ");
        out.event(
            format!("supply.{name}.fault-record"),
            "powermgr",
            Severity::Notice,
            format!("fault registers of {name}: {text}"),
            vec![("supply", name.as_str().into()), ("registers", text.into())],
        );
        self.registers[id.index()] = registers;
        self.read_at[id.index()] = Some(out.now());
        out.changed().system = true;
    }

    /// They could not be read.
    pub fn not_captured(&self, name: &Name, why: &str, out: &mut Outbox) {
        out.event(
            format!("supply.{name}.fault-record"),
            "powermgr",
            Severity::Warning,
            format!("fault registers of {name} could not be read: {why}"),
            vec![("supply", name.as_str().into()), ("reason", why.into())],
        );
    }
}
