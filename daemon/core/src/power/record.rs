//! What was where when a sequence failed or a rail was lost, for whoever looks for the cause afterwards.

use crate::{event::Severity, ids::Name, outbox::Outbox};

/// What one rail showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which.
    pub rail: Name,
    /// What it was told. Absent: not known.
    pub told_on: Option<bool>,
    /// Its power-good; absent inside: it could not be read; absent: it has none.
    #[allow(clippy::option_option, reason = "no line and an unreadable line are different things")]
    pub good: Option<Option<bool>>,
    /// What it measured. Absent: not measured, or no good reading.
    pub volts: Option<f64>,
}

impl Record {
    fn text(&self) -> String {
        let told = match self.told_on {
            Some(true) => "on",
            Some(false) => "off",
            None => "unknown",
        };
        let good = match self.good {
            Some(Some(true)) => ", good",
            Some(Some(false)) => ", not good",
            Some(None) => ", power-good unreadable",
            None => "",
        };
        let volts = self.volts.map_or_else(String::new, |volts| format!(", {volts:.2} V"));
        format!("{} {told}{good}{volts}", self.rail)
    }
}

/// Puts the record into the journal.
pub(super) fn raise(records: &[Record], sequence: &Name, why: &str, out: &mut Outbox) {
    if records.is_empty() {
        return;
    }
    let texts: Vec<_> = records.iter().map(Record::text).collect();
    let fields = texts.iter().map(|text| ("rail", text.as_str().into())).collect();
    out.event(
        format!("power.{sequence}.fault-record"),
        "powermgr",
        Severity::Notice,
        format!("when {why}: {}", texts.join("; ")),
        fields,
    );
}
