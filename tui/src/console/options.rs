//! The options of `ubmc-tui`, and what they mean on this terminal.

use std::{ffi::OsString, io, path::PathBuf};

use clap::{Parser, Subcommand};
use ubmc_proto::transport::{Address, default_socket};

use crate::{
    app::{Size, View, keymap::Keymap},
    config::{self, Problems},
    style::{Depth, Ground, Look},
    term::{
        caps::{self, Surroundings},
        guard::Modes,
        size::Fixed,
    },
};

/// The console of ubmc: everything that ubmcd supervises, live, and a hand on it.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "ubmc-tui",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = "Keys: `?` shows them all, `:` opens the command palette, `1` to `9` and Tab change the view, `q` leaves."
)]
pub struct Options {
    /// Something else than showing the console.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where ubmcd listens: `unix:/path/to/socket`. Without it, the default socket.
    #[arg(long, value_name = "ADDR", env = "UBMC_CONNECT")]
    pub connect: Option<Address>,
    /// Speed of the line in bits a second: frames are paced to it. Serial lines are asked themselves.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(110..=10_000_000))]
    pub baud: Option<u32>,
    /// Size of the screen, for lines that do not know it.
    #[arg(long, value_name = "COLSxROWS")]
    pub size: Option<Fixed>,
    /// Characters of ASCII only.
    #[arg(long)]
    pub ascii: bool,
    /// No colours; the same as a non-empty `NO_COLOR`.
    #[arg(long)]
    pub no_color: bool,
    /// How many colours: auto, mono, 8, 16, 256 or rgb.
    #[arg(long, value_name = "NAME", default_value = "auto")]
    pub palette: String,
    /// Colours for a light background. By itself where the terminal tells (`COLORFGBG`), which few do.
    #[arg(long)]
    pub light: bool,
    /// Look only: nothing can be started, stopped or switched.
    #[arg(long)]
    pub read_only: bool,
    /// Take the mouse: the wheel scrolls, a click selects, a second one opens. Text is then selected with Shift held.
    #[arg(long)]
    pub mouse: bool,
    /// In lines: what changes is said, one sentence a line, and nothing is redrawn. For screen readers; chosen by itself
    /// where TERM is `dumb`.
    #[arg(long)]
    pub announce: bool,
    /// The view to begin with; without it, the overview.
    #[arg(long, value_name = "NAME")]
    pub view: Option<View>,
    /// Keys, theme and defaults from a file of TOML; see docs/console.md.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Other things the program does.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Print a completion script
    Completions {
        /// For which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// Why the console does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Standard input or output is a file or a pipe.
    #[error("this is not a terminal: run it in one, use --announce for one line a change, or `ubmcctl` in scripts")]
    NoTerminal,
    /// No socket to try.
    #[error("there is no default socket for this user: name one with --connect unix:/path/to/socket")]
    NoAddress,
    /// An address that this version cannot reach.
    #[error("{0}: TCP needs client certificates, which this version cannot present yet; use the unix socket")]
    NoTcp(Address),
    /// No palette of that name.
    #[error("{0}")]
    Palette(String),
    /// `--config`
    #[error("{0}")]
    Config(#[from] Problems),
    /// The terminal or the system did not do what was asked.
    #[error("the terminal cannot be used: {0}")]
    Io(#[from] io::Error),
    /// What is typed or piped in cannot be taken.
    #[error("standard input cannot be read: {0}")]
    Input(io::Error),
}

impl ConsoleError {
    /// What the program ends with: 2 when it was called in a way that cannot work, 1 when something failed.
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::NoTerminal | Self::NoAddress | Self::NoTcp(_) | Self::Palette(_) | Self::Config(_) => 2,
            Self::Io(_) | Self::Input(_) => 1,
        }
    }
}

/// The options, checked, on this terminal.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) address: Address,
    /// None: as many bytes as the terminal takes.
    pub(super) baud: Option<u32>,
    /// None: as the terminal says.
    pub(super) size: Option<Size>,
    pub(super) look: Look,
    pub(super) modes: Modes,
    pub(super) read_only: bool,
    /// In lines instead of frames.
    pub(super) announce: bool,
    pub(super) view: View,
    pub(super) keymap: Keymap,
}

impl Options {
    /// Checks the options against the surroundings.
    pub(super) fn prepare(&self, env: impl Fn(&str) -> Option<OsString>) -> Result<Prepared, ConsoleError> {
        let config = self.config.as_deref().map(config::load).transpose()?.unwrap_or_default();
        let surroundings = Surroundings::from_env(env);
        let depth = match self.palette.as_str() {
            // A line that asks for no colour gets none, whatever the file says.
            "auto" if surroundings.depth() == Depth::Mono => Depth::Mono,
            "auto" => config.depth.unwrap_or_else(|| surroundings.depth()),
            name => {
                name.parse().map_err(|error: crate::style::UnknownDepth| ConsoleError::Palette(error.to_string()))?
            }
        };
        let is_root = rustix::process::geteuid().is_root();
        let address = match &self.connect {
            Some(address @ Address::Tcp { .. }) => return Err(ConsoleError::NoTcp(address.clone())),
            Some(address) => address.clone(),
            None => Address::Unix(default_socket(is_root).ok_or(ConsoleError::NoAddress)?),
        };
        Ok(Prepared {
            address,
            baud: self.baud.or_else(|| caps::line_speed(io::stdout())),
            size: self.size.map(|Fixed(size)| size),
            look: Look {
                theme: config.theme,
                ground: if self.light || config.light { Ground::Light } else { surroundings.ground() },
                ..Look::new(
                    if self.no_color { Depth::Mono } else { depth },
                    !self.ascii && !config.ascii && surroundings.utf8(),
                )
            },
            modes: Modes { brackets_paste: surroundings.brackets_paste(), mouse: self.mouse || config.mouse },
            read_only: self.read_only || config.read_only,
            announce: self.announce || surroundings.is_dumb(),
            view: self.view.or(config.view).unwrap_or_default(),
            keymap: config.keymap,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepare(arguments: &[&str], term: &str) -> Result<Prepared, String> {
        let options =
            Options::try_parse_from(["ubmc-tui"].iter().chain(arguments)).map_err(|error| error.to_string())?;
        let env = |name: &str| match name {
            "TERM" => Some(term.into()),
            "LANG" => Some("C.UTF-8".into()),
            _ => None,
        };
        options.prepare(env).map_err(|error| error.to_string())
    }

    #[test]
    fn every_option_of_the_contract_is_taken() {
        let all =
            "--connect unix:/x --baud 9600 --size 100x30 --ascii --no-color --palette 16 --read-only --view events";
        let prepared = prepare(&all.split(' ').collect::<Vec<_>>(), "xterm");
        let prepared = prepared.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(prepared.baud, Some(9_600));
        assert_eq!(prepared.size, Some(Size { columns: 100, rows: 30 }));
        assert_eq!(prepared.look, Look::new(Depth::Mono, false));
        assert!(prepared.read_only);
        assert!(!prepared.modes.mouse, "it is taken only when that is asked for");
        assert_eq!(prepared.view, View::Events);
    }

    #[test]
    fn a_light_background_is_said_or_told() {
        let ground = |arguments: &[&str]| prepare(arguments, "xterm").map(|prepared| prepared.look.ground);
        assert_eq!(ground(&["--connect", "/x"]), Ok(Ground::Dark));
        assert_eq!(ground(&["--connect", "/x", "--light"]), Ok(Ground::Light));
    }

    #[test]
    fn a_terminal_that_cannot_place_the_cursor_is_spoken_to_in_lines() {
        let announces = |arguments: &[&str], term: &str| prepare(arguments, term).map(|prepared| prepared.announce);
        assert_eq!(announces(&["--connect", "/x"], "dumb"), Ok(true));
        assert_eq!(announces(&["--connect", "/x"], "xterm"), Ok(false));
        assert_eq!(announces(&["--connect", "/x", "--announce"], "xterm"), Ok(true));
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_sentence() {
        for (arguments, term, expected) in [
            (vec!["--view", "cellar"], "xterm", "no view `cellar`"),
            (vec!["--palette", "pastel", "--connect", "/x"], "xterm", "no palette `pastel`"),
            (vec!["--size", "0x0"], "xterm", "not a size"),
            (vec!["--connect", "bmc7"], "xterm", "is not an address"),
            (vec!["--connect", "tcp:bmc7:7070"], "xterm", "TCP needs client certificates"),
            (vec!["--config", "/dev/zero", "--connect", "/x"], "xterm", "longer than 64 KiB"),
            (vec!["--config", "keys.toml", "--connect", "/x"], "xterm", "keys.toml: it cannot be read"),
        ] {
            let error = prepare(&arguments, term).err().unwrap_or_default();
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
