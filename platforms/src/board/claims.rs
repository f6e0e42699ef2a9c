//! Each piece of hardware has one owner (SPEC HW-7): whoever names one claims it, and a second claim is told with both
//! places.
//!
//! What cannot be known from a file alone is not judged: `{ hwmon = "7-0052" }` and `{ hwmon_name = "max31785a" }` may be
//! one device or two, and only the board can tell.

use super::{
    bindings::{HwmonDevice, PmbusDevice},
    source::Span,
    table::Context,
};

/// A piece of hardware that can have one owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Something of the simulated board: what kind of thing, and its name.
    Sim(&'static str, String),
    /// A GPIO line; without a chip it is any chip's.
    Line { chip: Option<String>, line: String },
    /// A channel of a hwmon device.
    Hwmon { device: HwmonDevice, channel: String },
    /// A channel of an IIO device.
    Iio { device: String, channel: String },
    /// A word that a device on a bus gives.
    Register { device: PmbusDevice, page: Option<u8>, command: u8 },
    /// The fault registers of a device on a bus. A kernel driver may read the same device for its own purposes.
    Faults(PmbusDevice),
    /// An LED of the LED class.
    Led(String),
}

/// What is wrong with two claims.
enum Clash {
    Same,
    /// One of them reads the bus past the driver that serves the other.
    PastDriver(PmbusDevice),
    /// They differ on packet error codes.
    Pec(PmbusDevice),
}

impl Piece {
    /// For sentences, with its article.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Sim(kind, name) => format!("the {kind} `{name}`"),
            Self::Line { chip: Some(chip), line } => format!("the GPIO line `{line}` of `{chip}`"),
            Self::Line { chip: None, line } => format!("the GPIO line `{line}`"),
            Self::Hwmon { device, channel } => format!("`{channel}` of the hwmon device `{device}`"),
            Self::Iio { device, channel } => format!("`{channel}` of the IIO device `{device}`"),
            Self::Register { device, page: Some(page), command } => {
                format!("command {command:#04x} on page {page} of the device `{device}`")
            }
            Self::Register { device, page: None, command } => {
                format!("command {command:#04x} of the device `{device}`")
            }
            Self::Faults(device) => format!("the device `{device}`"),
            Self::Led(led) => format!("the LED `{led}`"),
        }
    }

    fn clash(&self, other: &Self) -> Option<Clash> {
        let same = match (self, other) {
            (Self::Line { chip: a, line }, Self::Line { chip: b, line: other }) => {
                line == other && (a == b || a.is_none() || b.is_none())
            }
            (Self::Hwmon { device: a, channel }, Self::Hwmon { device: b, channel: other }) => {
                channel == other && same_device(a, b)
            }
            (Self::Iio { device: a, channel }, Self::Iio { device: b, channel: other }) => {
                channel == other && same_path(a, b)
            }
            (
                Self::Register { device: a, page, command },
                Self::Register { device: b, page: other_page, command: other },
            ) => same_address(a, b) && page == other_page && command == other,
            (Self::Faults(a), Self::Faults(b)) => same_address(a, b),
            (a, b) => a == b,
        };
        if same {
            return Some(Clash::Same);
        }
        if let (Some(a), Some(b)) = (self.raw(), other.raw()) {
            return (same_address(a, b) && a.pec != b.pec).then(|| Clash::Pec(a.clone()));
        }
        match (self, other) {
            (Self::Register { device, .. }, driven) | (driven, Self::Register { device, .. })
                if driven.driver_at().is_some_and(|address| address == (device.bus, device.address)) =>
            {
                Some(Clash::PastDriver(device.clone()))
            }
            _ => None,
        }
    }

    /// The device whose bus is used without a driver.
    fn raw(&self) -> Option<&PmbusDevice> {
        match self {
            Self::Register { device, .. } | Self::Faults(device) => Some(device),
            Self::Sim(..) | Self::Line { .. } | Self::Hwmon { .. } | Self::Iio { .. } | Self::Led(_) => None,
        }
    }

    /// Bus and address that a driver in the kernel holds for this, as far as its path tells.
    fn driver_at(&self) -> Option<(u32, u16)> {
        let path = match self {
            Self::Hwmon { device, .. } => device.path.as_deref()?,
            Self::Iio { device, .. } => device,
            Self::Sim(..) | Self::Line { .. } | Self::Register { .. } | Self::Faults(_) | Self::Led(_) => return None,
        };
        let (bus, address) = path.rsplit('/').next()?.split_once('-')?;
        (address.len() == 4).then_some(())?;
        Some((bus.parse().ok()?, u16::from_str_radix(address, 16).ok()?))
    }
}

fn same_address(a: &PmbusDevice, b: &PmbusDevice) -> bool {
    (a.bus, a.address) == (b.bus, b.address)
}

/// Whether one device is meant for sure, however much of its path was written.
fn same_device(a: &HwmonDevice, b: &HwmonDevice) -> bool {
    match (&a.path, &b.path) {
        (Some(a), Some(b)) => same_path(a, b),
        // A name alone must be the only one of its kind.
        _ => a.name.is_some() && a.name == b.name,
    }
}

fn same_path(a: &str, b: &str) -> bool {
    let within =
        |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    within(a, b) || within(b, a)
}

struct Claim {
    piece: Piece,
    who: String,
    at: Span,
}

/// All claims of a load.
#[derive(Default)]
pub(super) struct Claims(Vec<Claim>);

impl Claims {
    /// Claims a piece for a declaration; notes whom it belongs to when it is taken.
    pub(super) fn claim(&mut self, piece: Piece, who: &str, at: Span, cx: &mut Context<'_>) -> Option<()> {
        let clash = self.0.iter().find_map(|first| Some((first, first.piece.clash(&piece)?)));
        if let Some((first, clash)) = clash {
            let (message, second, earlier) = match clash {
                Clash::Same => {
                    let message = format!("{} and {who} are both bound to {}", first.who, piece.shown());
                    (message, "second owner", "first owner")
                }
                Clash::PastDriver(device) => {
                    let (reads, driven) = if piece.raw().is_some() { (who, &*first.who) } else { (&*first.who, who) };
                    let message = format!(
                        "{reads} uses the device `{device}` itself, but {driven} through the driver that holds it"
                    );
                    (message, "one of them can be bound to it, not both", "the other")
                }
                Clash::Pec(device) => {
                    let message = format!(
                        "{} and {who} do not agree whether the device `{device}` has packet error codes",
                        first.who
                    );
                    (message, "`pec` here", "and here")
                }
            };
            cx.out.error(at, message).label(second).related(first.at, earlier);
            return None;
        }
        self.0.push(Claim { piece, who: who.to_owned(), at });
        Some(())
    }
}
