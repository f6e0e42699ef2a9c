//! The command line of `ubmcd`, as CONTRACT has it.

use std::{
    env,
    ffi::OsString,
    io,
    path::{self, Path, PathBuf},
};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use ubmc_proto::transport::{Address, default_socket};

/// Longest path of a socket, in bytes: `sun_path` of unix(7) has 108, the last of them zero.
const LONGEST_SOCKET: usize = 107;
/// The longest names of sockets in the state directory: services' notifications, and the simulated board.
const STATE_SOCKETS: [&str; 2] = ["notify", "sim/board.sock"];

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
    /// Print what hardware this machine has, with the names that a board file takes, and start nothing
    #[arg(long)]
    pub probe: bool,
    /// Print a first board file for this machine, and start nothing
    #[arg(long, conflicts_with = "probe")]
    pub probe_board: bool,
    /// Reload when the board file or a registry changes; without this a reload is asked for, by SIGHUP or
    /// `ubmcctl services reload`
    #[arg(long)]
    pub watch_config: bool,
    /// The simulated board stays when ubmcd ends, as hardware does; `ubmcctl sim stop` ends it
    #[arg(long)]
    pub keep_board: bool,
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
    /// Run the command that reboots the BMC, and ubmcd again should nothing come of it. ubmcd goes over to this.
    #[command(hide = true, disable_help_flag = true)]
    Reboot {
        /// How many words the command has, its words, and the arguments of ubmcd.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Be the guardian of the fans: a process of its own that outlives ubmcd. ubmcd starts it.
    #[command(hide = true, disable_help_flag = true)]
    Guardian {
        /// As the guardian reads them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Be the simulated board: a process of its own, as hardware is. ubmcd starts it.
    #[command(hide = true, disable_help_flag = true)]
    SimBoard {
        /// As the simulated board reads them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

/// Why a command line that parses still cannot be used. All of these are exit 64.
#[derive(Debug, thiserror::Error)]
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
    /// A relative path without a directory that it starts from, or an empty one.
    #[error("`{path}` cannot be made an absolute path: {source}", path = path.display())]
    NotAbsolute {
        /// As it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The kernel has no room for the path of that socket.
    #[error(
        "the path of the socket {path} has {length} bytes, and the kernel takes {LONGEST_SOCKET} at most; \
         give {instead}",
        path = path.display(),
        length = path.as_os_str().len()
    )]
    SocketTooLong {
        /// The socket's.
        path: PathBuf,
        /// What to give instead.
        instead: &'static str,
    },
}

/// The places a daemon occupies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Sockets to listen on, at least one; absolute.
    pub sockets: Vec<PathBuf>,
    /// Journal, persisted state, logs; absolute.
    pub state_dir: PathBuf,
}

impl RunArgs {
    /// Where this daemon listens and keeps its state, with every default filled in. Absolute, because services are told
    /// of these places and do not run in our directory.
    pub fn places(&self) -> Result<Places, UsageError> {
        let root = nix::unistd::geteuid().is_root();
        let mut sockets = Vec::new();
        for address in &self.listen {
            match address {
                Address::Unix(path) => {
                    let path = absolute(path)?;
                    if !sockets.contains(&path) {
                        sockets.push(path);
                    }
                }
                Address::Tcp { .. } => return Err(UsageError::TcpNotYet(address.clone())),
            }
        }
        if sockets.is_empty() {
            sockets.push(absolute(&default_socket(root).ok_or(UsageError::NoSocket)?)?);
        }
        let state_dir = match &self.state_dir {
            Some(dir) => absolute(dir)?,
            None => absolute(&default_state_dir(root).ok_or(UsageError::NoStateDir)?)?,
        };
        for path in &sockets {
            fits(path, "a shorter --listen unix:PATH")?;
        }
        for name in STATE_SOCKETS {
            fits(&state_dir.join(name), "a shorter --state-dir DIR")?;
        }
        Ok(Places { sockets, state_dir })
    }

    /// Where services are discovered; absolute, because they run in directories of their own.
    pub fn absolute_services_dir(&self) -> Result<Option<PathBuf>, UsageError> {
        self.services_dir.as_deref().map(absolute).transpose()
    }
}

fn absolute(path: &Path) -> Result<PathBuf, UsageError> {
    path::absolute(path).map_err(|source| UsageError::NotAbsolute { path: path.to_owned(), source })
}

fn fits(path: &Path, instead: &'static str) -> Result<(), UsageError> {
    if path.as_os_str().len() > LONGEST_SOCKET {
        return Err(UsageError::SocketTooLong { path: path.to_owned(), instead });
    }
    Ok(())
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
            "--watch-config",
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
        assert!(line.run.check && line.run.watch_config);
        assert!(!parse(&[]).unwrap().run.watch_config, "off by default");
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
    fn places_are_absolute_and_their_sockets_fit_the_kernel() {
        let here = env::current_dir().unwrap();
        let relative = ["--state-dir", "s", "--listen", "unix:a/b.sock", "--listen", "unix:./a/b.sock"];
        let found = places(&relative).unwrap();
        assert_eq!(found, Places { sockets: vec![here.join("a/b.sock")], state_dir: here.join("s") });
        let line = parse(&["--services-dir", "d"]).unwrap();
        assert_eq!(line.run.absolute_services_dir().unwrap(), Some(here.join("d")));

        let path_of = |bytes: usize| format!("/{}", "x".repeat(bytes - 1));
        let state = |room: usize| path_of(LONGEST_SOCKET - "/sim/board.sock".len() + room);
        for (state_dir, socket, sentence) in [
            (state(0), path_of(107), None),
            (state(0), path_of(108), Some("has 108 bytes, and the kernel takes 107 at most; give a shorter --listen")),
            (
                state(1),
                path_of(107),
                Some("has 108 bytes, and the kernel takes 107 at most; give a shorter --state-dir"),
            ),
        ] {
            let refused = places(&["--state-dir", &state_dir, "--listen", &format!("unix:{socket}")]).err();
            assert_eq!(refused.is_some(), sentence.is_some(), "{refused:?}");
            assert!(refused.unwrap_or_default().contains(sentence.unwrap_or_default()), "not `{sentence:?}`");
        }
    }

    #[test]
    fn the_simulated_board_gets_its_own_arguments_untouched() {
        let line = parse(&["sim-board", "--dir", "/x", "--help"]).unwrap();
        let Some(Command::SimBoard { args }) = line.command else { panic!("{line:?}") };
        assert_eq!(args, ["--dir", "/x", "--help"]);
    }
}
