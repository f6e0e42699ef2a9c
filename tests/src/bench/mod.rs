//! Figures: how long, how much, how many. `scripts/bench` runs them; each says what was measured and what else the
//! machine was doing meanwhile.
//!
//! | file | idea |
//! |---|---|
//! | `service.c`, [`ring`] | the program that all contenders start, and the file in which it marks its first instruction |
//! | [`plan`] | which services, in which shape; as a registry file |
//! | [`contender`] | who starts them: the seam at which others join |
//! | [`bare`], [`ubmcd`], [`peers`] | a spawn loop, the floor; the real daemon, spoken to over gRPC; other supervisors |
//! | [`board`] | the boards that ubmcd runs on |
//! | [`field`] | everybody who takes part, in one run |
//! | [`supervision`], [`standing`], [`list`], [`latency`], [`reaction`], [`machines`], [`console`], [`product`] | the figures |
//! | [`relay`], [`load`] | what sees readings and duties pass, a client that asks a lot |
//! | [`table`], [`figure`], [`spread`] | what a figure is, and how it is shown: side by side, or alone |
//! | [`usage`], [`foreign`] | what a process takes, and what everybody else took |
//! | [`tree`], [`keeper`] | our own tree of processes, and that nothing of it stays behind |
//!
//! What holds: times are of `CLOCK_MONOTONIC`, taken before the question and by the service itself; contenders take
//! turns within a figure, so that the machine's mood hits all; nothing of this machine's paths is printed.

pub mod bare;
pub mod board;
pub mod clock;
pub mod console;
pub mod contender;
pub mod field;
pub mod figure;
pub mod foreign;
pub mod keeper;
pub mod latency;
pub mod list;
pub mod load;
pub mod machines;
pub mod peers;
pub mod plan;
pub mod product;
pub mod reaction;
pub mod relay;
pub mod ring;
pub mod spread;
pub mod standing;
pub mod supervision;
pub mod table;
pub mod tree;
pub mod ubmcd;
pub mod usage;

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a figure could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The system does not let us.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// The daemon refused, or did not understand.
    #[error("{doing}: {status}")]
    Rpc {
        /// What it was asked for.
        doing: &'static str,
        /// What it answered.
        status: Box<tonic::Status>,
    },
    /// What should have come did not.
    #[error("never: {0}")]
    Never(String),
    /// What was measured is not what was to be measured.
    #[error("{0}")]
    Invalid(String),
    /// The shipped board is not TOML any more.
    #[error("the shipped board: {0}")]
    Board(#[from] toml::de::Error),
}

impl Failure {
    /// For `map_err`.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// For `map_err`.
    pub fn rpc(doing: &'static str) -> impl FnOnce(tonic::Status) -> Self {
        move |status| Self::Rpc { doing, status: Box::new(status) }
    }

    /// For `map_err` on calls of the kernel.
    pub fn os<E: Into<io::Error>>(doing: impl Into<String>) -> impl FnOnce(E) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source: source.into() }
    }
}

/// Which peers take part.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// All that are installed.
    All,
    /// These, if they are installed.
    Named(Vec<String>),
}

impl Wanted {
    /// `all`, `none`, or names between commas.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::Named(Vec::new())),
            _ => {}
        }
        let known: Vec<_> = peers::ALL.iter().map(|kind| kind.name()).chain(console::OTHERS).collect();
        let names: Vec<String> = text.split(',').map(str::to_owned).collect();
        match names.iter().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(format!("`{unknown}` is none of {}", known.join(", "))),
            None => Ok(Self::Named(names)),
        }
    }

    /// Whether a peer is one of them.
    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}

/// What is under measurement, and how often.
#[derive(Clone, Debug)]
pub struct Bench {
    /// Where the binaries of the build lie.
    pub binaries: PathBuf,
    /// Where rings belong.
    pub rings: PathBuf,
    /// Where peers lie, beside `PATH`.
    pub peers_folder: Option<PathBuf>,
    /// Which of them take part.
    pub peers: Wanted,
    /// Runs of what is run several times.
    pub runs: usize,
}

impl Bench {
    /// The folder of the binaries, which this one lies in too.
    pub fn binaries() -> Result<PathBuf, Failure> {
        let own = std::env::current_exe().map_err(Failure::io("our own program cannot be found"))?;
        Ok(own.parent().unwrap_or(Path::new("/")).to_owned())
    }

    /// Complains about what is not built.
    pub fn check(self) -> Result<Self, Failure> {
        for name in ["ubmcd", "ubmc-sim-board", "ubmc-tui", "ubmcctl", SERVICE] {
            if !self.binary(name).exists() {
                return Err(Failure::Never(format!("{name} is not built; run this through scripts/bench")));
            }
        }
        Ok(self)
    }

    /// A binary of the build.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// The program that all contenders start.
    pub fn service(&self) -> PathBuf {
        self.binary(SERVICE)
    }

    /// A program of a peer.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = self.peers_folder.iter().map(|folder| folder.join("bin"));
        // Supervisors like to lie where only root looks.
        let others = ["/usr/sbin", "/sbin", "/usr/lib/systemd", "/lib/systemd"].into_iter().map(PathBuf::from);
        let mut places = own.chain(std::env::split_paths(&path)).chain(others).map(|folder| folder.join(name));
        places.find(|path| path.is_file())
    }
}

/// `service.c`, compiled.
pub const SERVICE: &str = "ubmc-bench-service";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_wanted_by_name_and_unknown_ones_are_refused() {
        let check = |text: &str, s6: bool, dinit: bool| {
            let wanted = Wanted::parse(text).unwrap();
            assert_eq!((wanted.wants("s6"), wanted.wants("dinit")), (s6, dinit), "{text}");
        };
        check("all", true, true);
        check("none", false, false);
        check("s6", true, false);
        check("dinit,s6", true, true);
        assert!(Wanted::parse("s6,upstart").unwrap_err().starts_with("`upstart` is none of dinit, s6"));
    }
}
