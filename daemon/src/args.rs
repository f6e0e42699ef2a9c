//! The command line of `ubmcd`, as CONTRACT has it.

use std::{env, ffi::OsString, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ubmc_proto::transport::{Address, default_socket};

/// The BMC management daemon: supervises services, drives the host and chassis state machines, reads sensors,
/// cools, and serves all of it over gRPC.
#[derive(Debug, Parser)]
#[command(name = "ubmcd", version, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// Something else than running the daemon.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to run it.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How the daemon is run.
#[derive(Clone, Debug, ClapArgs)]
pub struct RunArgs {
    /// A shipped board by name, or a board file
    #[arg(long, value_name = "NAME|FILE", default_value = "sim-2u")]
    pub board: String,
    /// A further service registry, TOML or JSON; may be given again and again
    #[arg(long, value_name = "FILE")]
    pub services: Vec<PathBuf>,
    /// Also take every executable DIR/NAME/NAME as a service
    #[arg(long, value_name = "DIR")]
    pub services_dir: Option<PathBuf>,
    /// Where to serve gRPC: unix:PATH; may be given again and again [default: unix: and $UBMC_SOCKET, else
    /// /run/ubmc/ubmcd.sock as root, else $XDG_RUNTIME_DIR/ubmc/ubmcd.sock]
    #[arg(long, value_name = "ADDR")]
    pub listen: Vec<Address>,
    /// Journal, persisted state, logs [default: /var/lib/ubmc as root, else $XDG_STATE_HOME/ubmc]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Load and check everything, print all problems, start nothing
    #[arg(long)]
    pub check: bool,
    /// Where the Linux back-end finds sysfs
    #[arg(long, value_name = "DIR", env = "UBMC_SYSFS", default_value = "/sys")]
    pub sysfs: PathBuf,
    /// Form of the daemon's own log on stderr; RUST_LOG filters it
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Form of the daemon's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Other things the binary does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print a completion script
    Completions {
        /// For which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
    /// Be the simulated board: a process of its own, as hardware is. ubmcd starts it.
    #[command(hide = true, disable_help_flag = true)]
    SimBoard {
        /// As the simulated board reads them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

/// Why a command line that parses still cannot be used. All of these are exit 64.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageError {
    /// TCP needs mutual TLS, which is not there yet.
    #[error(
        "`--listen {0}`: this version does not serve TCP, because it cannot check client certificates yet; \
         listen on a unix socket, and reach it from elsewhere through ssh"
    )]
    TcpNotYet(Address),
    /// Nothing says where the socket belongs.
    #[error("no socket to listen on: this user has no $XDG_RUNTIME_DIR; give --listen unix:PATH or set UBMC_SOCKET")]
    NoSocket,
    /// Nothing says where state belongs.
    #[error("no state directory: this user has neither $XDG_STATE_HOME nor $HOME; give --state-dir DIR")]
    NoStateDir,
}

/// The places a daemon occupies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Sockets to listen on, at least one.
    pub sockets: Vec<PathBuf>,
    /// Journal, persisted state, logs.
    pub state_dir: PathBuf,
}

impl RunArgs {
    /// Where this daemon listens and keeps its state, with every default filled in.
    pub fn places(&self) -> Result<Places, UsageError> {
        let root = nix::unistd::geteuid().is_root();
        let mut sockets = Vec::new();
        for address in &self.listen {
            match address {
                Address::Unix(path) if sockets.contains(path) => {}
                Address::Unix(path) => sockets.push(path.clone()),
                Address::Tcp { .. } => return Err(UsageError::TcpNotYet(address.clone())),
            }
        }
        if sockets.is_empty() {
            sockets.push(default_socket(root).ok_or(UsageError::NoSocket)?);
        }
        let state_dir = match &self.state_dir {
            Some(dir) => dir.clone(),
            None => default_state_dir(root).ok_or(UsageError::NoStateDir)?,
        };
        Ok(Places { sockets, state_dir })
    }
}

/// `/var/lib/ubmc` as root, else `$XDG_STATE_HOME/ubmc`, whose own default is `~/.local/state`.
fn default_state_dir(root: bool) -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if root {
        return Some("/var/lib/ubmc".into());
    }
    let base = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(base.join("ubmc"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(words: &[&str]) -> Result<CommandLine, clap::Error> {
        CommandLine::try_parse_from(["ubmcd"].iter().chain(words))
    }

    fn places(words: &[&str]) -> Result<Places, String> {
        let line = parse(words).map_err(|error| error.to_string())?;
        line.run.places().map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_flag_of_the_contract_is_read() {
        let line = parse(&[
            "--board",
            "rainier",
            "--services",
            "a.toml",
            "--services",
            "b.json",
            "--services-dir",
            "/srv",
            "--listen",
            "unix:/run/a",
            "--listen",
            "unix:/run/b",
            "--listen",
            "unix:/run/a",
            "--state-dir",
            "/s",
            "--check",
            "--sysfs",
            "/tmp/sys",
            "--log-format",
            "json",
        ])
        .unwrap();
        assert_eq!(line.run.board, "rainier");
        assert_eq!(line.run.services, [PathBuf::from("a.toml"), "b.json".into()]);
        assert_eq!(line.run.services_dir, Some("/srv".into()));
        assert_eq!(line.run.sysfs, PathBuf::from("/tmp/sys"));
        assert_eq!(line.run.log_format, LogFormat::Json);
        assert!(line.run.check);
        let places = line.run.places().unwrap();
        assert_eq!(places.sockets, [PathBuf::from("/run/a"), "/run/b".into()], "each socket once");
        assert_eq!(places.state_dir, PathBuf::from("/s"));
    }

    #[test]
    fn what_cannot_be_served_is_refused_in_a_sentence() {
        for (words, sentence) in [
            (&["--state-dir", "/s", "--listen", "tcp:bmc7:8443"][..], "does not serve TCP"),
            (&["--listen", "bmc7"], "write `unix:/path/to/socket`"),
            (&["--bord", "x"], "--board"),
        ] {
            let error = places(words).unwrap_err();
            assert!(error.contains(sentence), "{words:?}: {error}");
        }
    }

    #[test]
    fn the_simulated_board_gets_its_own_arguments_untouched() {
        let line = parse(&["sim-board", "--dir", "/x", "--help"]).unwrap();
        let Some(Command::SimBoard { args }) = line.command else { panic!("{line:?}") };
        assert_eq!(args, ["--dir", "/x", "--help"]);
    }
}
