//! Which GPIO chips there are, and where a line is that the board file names.

use std::path::PathBuf;

use gpiocdev::{Chip, chip::chips, line::Direction};

use super::super::LinuxError;

/// A GPIO chip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::linux) struct ChipListing {
    /// e.g. `/dev/gpiochip0`.
    pub(in crate::linux) path: PathBuf,
    /// e.g. `gpiochip0`: not stable from boot to boot.
    pub(in crate::linux) name: String,
    /// e.g. `1e780000.gpio`: what the chip's driver calls it.
    pub(in crate::linux) label: String,
    /// Its lines; place is offset.
    pub(in crate::linux) lines: Vec<LineListing>,
}

/// A line of a chip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::linux) struct LineListing {
    /// Its name in the device tree; often empty.
    pub(in crate::linux) name: String,
    /// Whether somebody holds it.
    pub(in crate::linux) used: bool,
    /// Who, as they call themselves; may be empty.
    pub(in crate::linux) consumer: String,
    /// Whether it is an output now.
    pub(in crate::linux) output: bool,
}

/// All chips that can be opened, with what is wrong with those that cannot.
pub(in crate::linux) fn survey() -> (Vec<ChipListing>, Vec<String>) {
    let mut problems = Vec::new();
    let mut listings = Vec::new();
    for path in chips().unwrap_or_default() {
        match list(path.clone()) {
            Ok(listing) => listings.push(listing),
            Err(error) => problems.push(format!("{}: {error}", path.display())),
        }
    }
    (listings, problems)
}

fn list(path: PathBuf) -> gpiocdev::Result<ChipListing> {
    let chip = Chip::from_path(&path)?;
    let info = chip.info()?;
    let line = |offset| {
        chip.line_info(offset).map(|line| LineListing {
            name: line.name,
            used: line.used,
            consumer: line.consumer,
            output: line.direction == Direction::Output,
        })
    };
    let lines = (0..info.num_lines).map(line).collect::<Result<_, _>>()?;
    Ok(ChipListing { path, name: info.name, label: info.label, lines })
}

/// Where a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) chip: PathBuf,
    pub(super) offset: u32,
}

/// Finds a line by name, on the chip of that name or label, or on any. On a chip that is given, a number means a line by
/// its offset, unless one is named so: expanders often have no names.
pub(super) fn locate(chips: &[ChipListing], line: &str, chip: Option<&str>) -> Result<Place, LinuxError> {
    let is_meant = |listing: &&ChipListing| chip.is_none_or(|chip| listing.name == chip || listing.label == chip);
    let mut found = chips.iter().filter(is_meant).flat_map(|listing| {
        let named =
            move |(offset, candidate): (usize, &LineListing)| (candidate.name == line).then_some((listing, offset));
        listing.lines.iter().enumerate().filter_map(named)
    });
    let by_number = || {
        let chip = chip?;
        let offset: usize = line.parse().ok()?;
        let listing = chips.iter().find(|listing| listing.name == chip || listing.label == chip)?;
        (offset < listing.lines.len()).then_some((listing, offset))
    };
    let (listing, offset) = match (found.next(), found.next()) {
        (Some((one, _)), Some((other, _))) => {
            return Err(LinuxError::AmbiguousLine {
                line: line.to_owned(),
                one: format!("{} ({})", one.name, one.label),
                other: format!("{} ({})", other.name, other.label),
            });
        }
        (Some(only), None) => only,
        (None, _) => by_number().ok_or_else(|| absent(line, chip))?,
    };
    let offset = u32::try_from(offset).map_err(|_| absent(line, chip))?;
    Ok(Place { chip: listing.path.clone(), offset })
}

fn absent(line: &str, chip: Option<&str>) -> LinuxError {
    let on = chip.map_or_else(String::new, |chip| format!(" on the chip `{chip}`"));
    LinuxError::NoLine { line: line.to_owned(), on }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chip(number: usize, label: &str, lines: &[&str]) -> ChipListing {
        let name = format!("gpiochip{number}");
        let lines = lines.iter().map(|name| LineListing { name: (*name).to_owned(), ..LineListing::default() });
        ChipListing { path: format!("/dev/{name}").into(), name, label: label.to_owned(), lines: lines.collect() }
    }

    #[test]
    fn a_line_is_found_by_name_and_by_number_only_on_a_chip_that_is_given() {
        let chips = [
            chip(0, "1e780000.gpio", &["", "checkstop", "power-chassis-good"]),
            chip(1, "pca9552", &["", "", "presence-fan0", "checkstop", "1"]),
        ];
        for (line, on, expected) in [
            ("power-chassis-good", None, Ok((0, 2))),
            ("presence-fan0", Some("pca9552"), Ok((1, 2))),
            ("presence-fan0", Some("gpiochip1"), Ok((1, 2))),
            ("checkstop", Some("1e780000.gpio"), Ok((0, 1))),
            ("0", Some("pca9552"), Ok((1, 0))),
            // A name comes first.
            ("1", Some("pca9552"), Ok((1, 4))),
            ("0", None, Err("there is no GPIO line `0`: its chip is absent, or the device tree names it otherwise")),
            ("5", Some("pca9552"), Err("there is no GPIO line `5` on the chip `pca9552`: ")),
            ("presence-fan0", Some("1e780000.gpio"), Err("there is no GPIO line `presence-fan0` on the chip")),
            (
                "checkstop",
                None,
                Err(
                    "two GPIO lines are named `checkstop`: on gpiochip0 (1e780000.gpio) and on gpiochip1 (pca9552); say",
                ),
            ),
        ] {
            match (locate(&chips, line, on), expected) {
                (Ok(place), Ok((chip, offset))) => {
                    assert_eq!(place, Place { chip: format!("/dev/gpiochip{chip}").into(), offset }, "{line}");
                }
                (Err(error), Err(expected)) => assert!(error.to_string().starts_with(expected), "{line}: {error}"),
                (got, expected) => panic!("{line} on {on:?}: {got:?}, not {expected:?}"),
            }
        }
    }
}
