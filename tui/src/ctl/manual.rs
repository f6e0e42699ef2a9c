//! Completions and man pages, from the same definition as the commands.

use std::path::PathBuf;

use clap::CommandFactory;

use super::{cli::Cli, exit::Failure, output::Out};

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell to complete in
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pages {
    /// Where to write a page for each command. Default: the main page goes to standard output
    directory: Option<PathBuf>,
}

pub(crate) fn completions(arguments: &Completions, out: &mut Out) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "ubmcctl", &mut script);
    out.text(&String::from_utf8_lossy(&script))
}

pub(crate) fn pages(arguments: &Pages, out: &mut Out) -> Result<(), Failure> {
    let Some(directory) = &arguments.directory else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(Failure::Output)?;
        return out.text(&String::from_utf8_lossy(&page));
    };
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(|error| Failure::Failed(format!("cannot write man pages to {}: {error}", directory.display())))?;
    out.progress(&format!("man pages written to {}", directory.display()));
    Ok(())
}
