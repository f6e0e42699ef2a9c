//! Boards and machine definitions that are part of the program.

/// Name and text.
const BOARDS: [(&str, &str); 2] =
    [("sim-2u", include_str!("../../boards/sim-2u.toml")), ("rainier", include_str!("../../boards/rainier.toml"))];

const MACHINES: [(&str, &str); 4] = [
    ("host", include_str!("../../machines/host.toml")),
    ("chassis-rails", include_str!("../../machines/chassis-rails.toml")),
    ("chassis", include_str!("../../machines/chassis.toml")),
    ("bmc", include_str!("../../machines/bmc.toml")),
];

/// Names of the shipped boards.
pub fn boards() -> impl Iterator<Item = &'static str> {
    BOARDS.iter().map(|(name, _)| *name)
}

/// Text of a shipped board file.
pub fn board(name: &str) -> Option<&'static str> {
    BOARDS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

pub(super) fn machines() -> impl Iterator<Item = &'static str> {
    MACHINES.iter().map(|(name, _)| *name)
}

pub(super) fn machine(name: &str) -> Option<&'static str> {
    MACHINES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
