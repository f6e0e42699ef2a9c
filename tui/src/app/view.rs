//! The nine views, in the order of the contract.

use std::str::FromStr;

/// A view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// Is anything wrong, and what.
    #[default]
    Overview,
    /// What is supervised.
    Services,
    /// Readings.
    Sensors,
    /// Zones and fans.
    Thermal,
    /// Machines.
    Power,
    /// Long-running requests.
    Operations,
    /// The tail of events.
    Events,
    /// How the platform came up.
    Boot,
    /// What is built in.
    Hardware,
}

/// No view of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no view `{0}`: choose from overview, services, sensors, thermal, power, operations, events, boot, hardware"
)]
pub struct UnknownView(String);

impl View {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Overview,
        Self::Services,
        Self::Sensors,
        Self::Thermal,
        Self::Power,
        Self::Operations,
        Self::Events,
        Self::Boot,
        Self::Hardware,
    ];

    /// The name of the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Services => "services",
            Self::Sensors => "sensors",
            Self::Thermal => "thermal",
            Self::Power => "power",
            Self::Operations => "operations",
            Self::Events => "events",
            Self::Boot => "boot",
            Self::Hardware => "hardware",
        }
    }

    /// Its place, from 0.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The view `step` places on, around the ends.
    #[must_use]
    pub fn stepped(self, step: isize) -> Self {
        let count = Self::ALL.len();
        let index = (self.index() + count).saturating_add_signed(step) % count;
        Self::ALL.get(index).copied().unwrap_or_default()
    }
}

impl FromStr for View {
    type Err = UnknownView;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|view| view.name() == text).ok_or_else(|| UnknownView(text.to_owned()))
    }
}
