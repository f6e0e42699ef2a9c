//! `ubmcctl bmc`.

use clap::Subcommand;

use super::transition::{How, Maintenance, Risk, Upgrade, maintenance, request, show_machine, upgrade};
use crate::ctl::{exit::Failure, session::Session};

/// The machine's name.
pub(crate) const BMC: &str = "bmc";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The BMC and what can be asked of it
    Status,
    /// Enters or leaves maintenance
    Maintenance(Maintenance),
    /// Reboots the BMC, services first; hosts go on as they are
    Reboot(How),
    /// Tells that firmware is being written: nothing is powered on meanwhile. It ends by itself after half an hour
    Upgrade(Upgrade),
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Status => show_machine(session, BMC).await,
            Self::Maintenance(wanted) => maintenance(session, BMC, wanted).await,
            Self::Reboot(how) => request(session, BMC, "reboot", Risk::Interrupts, how).await,
            Self::Upgrade(wanted) => upgrade(session, BMC, wanted).await,
        }
    }
}
