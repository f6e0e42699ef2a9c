//! Figures: how long, how much, how many. `scripts/bench` runs them; each says what was measured and what else the
//! machine was doing meanwhile.
//!
//! | file | idea |
//! |---|---|
//! | `service.c`, [`ring`] | the program that all contenders start, and the file in which it marks its first instruction |
//! | [`plan`] | which services, in which shape; as a registry file |
//! | [`contender`] | who starts them: the seam at which others join; [`bare`]: a spawn loop, the floor |
//! | [`ubmcd`] | the real daemon as a contender, spoken to over gRPC |
//! | [`board`] | the boards that it runs on |
//! | [`supervision`], [`standing`], [`console`], [`product`] | the figures |
//! | [`figure`], [`spread`] | what a figure is, and how it is shown |
//! | [`usage`], [`foreign`] | what a process takes, and what everybody else took |
//!
//! What holds: times are of `CLOCK_MONOTONIC`, taken before the question and by the service itself; contenders take
//! turns within a figure, so that the machine's mood hits all; nothing of this machine's paths is printed.

pub mod bare;
pub mod board;
pub mod clock;
pub mod console;
pub mod contender;
pub mod figure;
pub mod foreign;
pub mod plan;
pub mod product;
pub mod ring;
pub mod spread;
pub mod standing;
pub mod supervision;
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

/// The binaries under measurement, and how often.
#[derive(Clone, Debug)]
pub struct Bench {
    /// Where the binaries of the build lie.
    pub binaries: PathBuf,
    /// Runs of what is run several times.
    pub runs: usize,
}

impl Bench {
    /// The binaries beside this one.
    pub fn of_this_build(runs: usize) -> Result<Self, Failure> {
        let own = std::env::current_exe().map_err(Failure::io("our own program cannot be found"))?;
        let binaries = own.parent().unwrap_or(Path::new("/")).to_owned();
        let bench = Self { binaries, runs };
        for name in ["ubmcd", "ubmc-tui", "ubmcctl", SERVICE] {
            if !bench.binary(name).exists() {
                return Err(Failure::Never(format!("{name} is not built; run this through scripts/bench")));
            }
        }
        Ok(bench)
    }

    /// A binary of the build.
    pub fn binary(&self, name: &str) -> PathBuf {
        self.binaries.join(name)
    }

    /// The program that all contenders start.
    pub fn service(&self) -> PathBuf {
        self.binary(SERVICE)
    }
}

/// `service.c`, compiled.
pub const SERVICE: &str = "ubmc-bench-service";
