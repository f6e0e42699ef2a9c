//! `ubmcctl bmc`.

use clap::Subcommand;

use super::transition::{Maintenance, Upgrade, maintenance, show_machine, upgrade};
use crate::ctl::{exit::Failure, session::Session};

/// The machine's name.
const BMC: &str = "bmc";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The BMC and what can be asked of it
    Status,
    /// Enters or leaves maintenance
    Maintenance(Maintenance),
    /// Tells that firmware is being written: nothing is powered on meanwhile. It ends by itself after half an hour
    Upgrade(Upgrade),
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Status => show_machine(session, BMC).await,
            Self::Maintenance(wanted) => maintenance(session, BMC, wanted).await,
            Self::Upgrade(wanted) => upgrade(session, BMC, wanted).await,
        }
    }
}
