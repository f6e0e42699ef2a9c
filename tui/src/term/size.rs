//! How large the screen is, also on lines that do not know.

use std::{os::fd::AsFd, str::FromStr};

use crate::app::Size;

/// Larger than any screen; beyond it, a mistyped number would eat the memory.
const LARGEST: Size = Size { columns: 1_000, rows: 400 };

/// A size as people write it: `80x24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed(pub Size);

/// Not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a size: write COLUMNSxROWS, for example 80x24, up to 1000x400")]
pub struct SizeError(String);

impl FromStr for Fixed {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || SizeError(text.to_owned());
        let (columns, rows) = text.split_once(['x', 'X']).ok_or_else(error)?;
        let size = Size { columns: columns.parse().map_err(|_| error())?, rows: rows.parse().map_err(|_| error())? };
        let fits = (1..=LARGEST.columns).contains(&size.columns) && (1..=LARGEST.rows).contains(&size.rows);
        fits.then_some(Self(size)).ok_or_else(error)
    }
}

/// The size of the screen: as the tty says, else as `COLUMNS` and `LINES` say, else 80×24. A serial line says 0×0.
pub fn current(tty: impl AsFd, columns: Option<&str>, lines: Option<&str>) -> Size {
    let told = rustix::termios::tcgetwinsize(tty).ok();
    let told = told.map(|size| (size.ws_col, size.ws_row)).filter(|(columns, rows)| *columns > 0 && *rows > 0);
    chosen(told, columns, lines)
}

fn chosen(told: Option<(u16, u16)>, columns: Option<&str>, lines: Option<&str>) -> Size {
    let said = |text: Option<&str>| text.and_then(|text| text.parse::<u16>().ok()).filter(|number| *number > 0);
    let fallback = Size::default();
    let (columns, rows) =
        told.unwrap_or((said(columns).unwrap_or(fallback.columns), said(lines).unwrap_or(fallback.rows)));
    Size { columns: columns.min(LARGEST.columns), rows: rows.min(LARGEST.rows) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_knows_no_size_gets_a_sensible_one() {
        for (told, columns, lines, expected) in [
            (Some((120, 40)), None, None, (120, 40)),
            (Some((120, 40)), Some("80"), Some("24"), (120, 40)),
            (None, None, None, (80, 24)),
            (None, Some("132"), Some("43"), (132, 43)),
            (None, Some("0"), Some("x"), (80, 24)),
            (Some((65535, 65535)), None, None, (1000, 400)),
        ] {
            let size = chosen(told, columns, lines);
            assert_eq!((size.columns, size.rows), expected, "{told:?} {columns:?} {lines:?}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        assert_eq!("80x24".parse(), Ok(Fixed(Size { columns: 80, rows: 24 })));
        for wrong in ["", "80", "80x", "0x24", "80x0", "70000x24", "80x-1", "80x24x3"] {
            assert!(wrong.parse::<Fixed>().is_err(), "{wrong}");
        }
    }
}
