//! Every change that the board itself made on one of its lines, from the emulator's record of register writes.
//!
//! Looking at a line again and again misses what is shorter than the pause between two looks. The record misses nothing.

use std::{fs, io, path::Path};

use super::places::Line;

/// AST2600 datasheet, GPIO controller: data and direction of each set of 32 lines, in the order of the lines.
const SETS: [(u64, u64); 7] =
    [(0x000, 0x004), (0x020, 0x024), (0x070, 0x074), (0x078, 0x07c), (0x080, 0x084), (0x088, 0x08c), (0x1e0, 0x1e4)];

/// A change of what the board drives.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Seconds of the host's wall clock.
    pub at: f64,
    /// What it drives from then on; absent: nothing any more, the line floats.
    pub level: Option<bool>,
}

/// Reads the emulator's record.
pub fn of(trace: &Path, line: Line) -> io::Result<Vec<Edge>> {
    Ok(parse(&fs::read_to_string(trace)?, line))
}

fn parse(trace: &str, line: Line) -> Vec<Edge> {
    let (data_at, direction_at) = SETS[usize::from(line.number / 32)];
    let bit = 1_u64 << (line.number % 32);
    let (mut data, mut direction, mut driven) = (0, 0, None);
    let mut edges = Vec::new();
    for (at, offset, value) in trace.lines().filter_map(written) {
        if offset == data_at {
            data = value;
        } else if offset == direction_at {
            direction = value;
        }
        let level = (direction & bit != 0).then_some(data & bit != 0);
        if level != driven {
            driven = level;
            edges.push(Edge { at, level });
        }
    }
    edges
}

/// `123@1700000000.123456:aspeed_gpio_write offset: 0x84 value 0x200`
fn written(line: &str) -> Option<(f64, u64, u64)> {
    let (stamp, rest) = line.split_once(":aspeed_gpio_write ")?;
    let hexadecimal = |text: &str| u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
    let (offset, value) = rest.strip_prefix("offset: ")?.split_once(" value ")?;
    Some((stamp.rsplit('@').next()?.parse().ok()?, hexadecimal(offset)?, hexadecimal(value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_of_the_line_itself_are_edges() {
        let trace = "7@10.000001:aspeed_gpio_write offset: 0x80 value 0x200\n\
                     7@10.100000:aspeed_gpio_write offset: 0x84 value 0x200\n\
                     7@10.200000:aspeed_gpio_write offset: 0x80 value 0x201\n\
                     noise\n\
                     7@10.300000:aspeed_gpio_write offset: 0x80 value 0x1\n\
                     7@10.400000:aspeed_gpio_write offset: 0x84 value 0x0\n";
        let line = Line::named("power-chassis-control").unwrap();
        let expected = [(10.1, Some(true)), (10.3, Some(false)), (10.4, None)];
        assert_eq!(parse(trace, line), expected.map(|(at, level)| Edge { at, level }));
        assert_eq!(parse(trace, Line::named("checkstop").unwrap()), []);
    }
}
