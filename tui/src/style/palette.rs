//! One layer from roles to colours, from mono to RGB.

use std::str::FromStr;

use ratatui::style::{Color, Modifier, Style};

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None: weight and reversal only.
    Mono,
    /// The eight of ECMA-48.
    Eight,
    /// With the bright ones.
    Sixteen,
    /// The indexed cube.
    Indexed,
    /// 24 bits.
    Rgb,
}

/// No palette of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no palette `{0}`: choose from auto, mono, 8, 16, 256, rgb")]
pub struct UnknownDepth(String);

impl FromStr for Depth {
    type Err = UnknownDepth;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "mono" => Self::Mono,
            "8" => Self::Eight,
            "16" => Self::Sixteen,
            "256" => Self::Indexed,
            "rgb" => Self::Rgb,
            _ => return Err(UnknownDepth(text.to_owned())),
        })
    }
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text, in the terminal's own colour.
    Text,
    /// Of less interest: labels, units, what is as always.
    Dim,
    /// A heading.
    Title,
    /// As it should be.
    Good,
    /// Under way, or worth knowing.
    Busy,
    /// Somebody should look.
    Warning,
    /// Somebody must look.
    Critical,
    /// A key to press.
    Key,
    /// The data of a graph.
    Graph,
    /// What is selected.
    Selected,
    /// The tab of the present view.
    Tab,
}

/// Colours that somebody chose; what is not chosen is as usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Theme {
    good: Option<Color>,
    busy: Option<Color>,
    warning: Option<Color>,
    critical: Option<Color>,
    graph: Option<Color>,
    dim: Option<Color>,
}

impl Theme {
    /// Chooses the colour of a role by its name. False: there is no such role.
    pub fn set(&mut self, role: &str, color: Color) -> bool {
        let place = match role {
            "good" => &mut self.good,
            "busy" => &mut self.busy,
            "warning" => &mut self.warning,
            "critical" => &mut self.critical,
            "graph" => &mut self.graph,
            "dim" => &mut self.dim,
            _ => return false,
        };
        *place = Some(color);
        true
    }

    /// The colour that was chosen for a role.
    pub fn of(&self, role: Role) -> Option<Color> {
        match role {
            Role::Good => self.good,
            Role::Busy => self.busy,
            Role::Warning => self.warning,
            Role::Critical => self.critical,
            Role::Graph => self.graph,
            Role::Dim => self.dim,
            Role::Text | Role::Title | Role::Key | Role::Selected | Role::Tab => None,
        }
    }
}

/// A colour as people write it: `#rrggbb`, 0 to 255, or a name. None: it is none.
pub fn color(text: &str) -> Option<Color> {
    let known =
        text.starts_with('#') || text.parse::<u8>().is_ok() || text.chars().all(|char| char.is_ascii_alphabetic());
    text.parse().ok().filter(|_| known && !text.is_empty())
}

/// What text stands on. It is never set, and never asked for: answers race with typing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ground {
    /// Dark, or nobody knows.
    #[default]
    Dark,
    /// White, or nearly so.
    Light,
}

/// The colours of what has one; None: the terminal's own.
struct Colors {
    good: Option<Color>,
    busy: Color,
    warning: Color,
    critical: Color,
    graph: Color,
    dim: Option<Color>,
}

const EIGHT: Colors = Colors {
    good: Some(Color::Green),
    busy: Color::Cyan,
    warning: Color::Yellow,
    critical: Color::Red,
    graph: Color::Cyan,
    dim: None,
};
const SIXTEEN: Colors = Colors { dim: Some(Color::DarkGray), ..EIGHT };
const INDEXED: Colors = Colors {
    good: Some(Color::Indexed(71)),
    busy: Color::Indexed(74),
    warning: Color::Indexed(172),
    critical: Color::Indexed(167),
    graph: Color::Indexed(74),
    dim: Some(Color::Indexed(245)),
};
/// Middle tones: they can be read on a light background too, when nobody has said that it is one.
const RGB: Colors = Colors {
    good: Some(Color::Rgb(78, 166, 96)),
    busy: Color::Rgb(72, 152, 196),
    warning: Color::Rgb(204, 132, 28),
    critical: Color::Rgb(214, 72, 72),
    graph: Color::Rgb(72, 152, 196),
    dim: Some(Color::Rgb(136, 136, 144)),
};

/// On white, the green, yellow and cyan of most terminals cannot be read.
const EIGHT_ON_LIGHT: Colors = Colors {
    good: None,
    busy: Color::Blue,
    warning: Color::Magenta,
    critical: Color::Red,
    graph: Color::Blue,
    dim: None,
};
const SIXTEEN_ON_LIGHT: Colors = Colors { dim: Some(Color::DarkGray), ..EIGHT_ON_LIGHT };
const INDEXED_ON_LIGHT: Colors = Colors {
    good: Some(Color::Indexed(28)),
    busy: Color::Indexed(25),
    warning: Color::Indexed(130),
    critical: Color::Indexed(124),
    graph: Color::Indexed(25),
    dim: Some(Color::Indexed(242)),
};
const RGB_ON_LIGHT: Colors = Colors {
    good: Some(Color::Rgb(0, 110, 30)),
    busy: Color::Rgb(0, 95, 160),
    warning: Color::Rgb(150, 75, 0),
    critical: Color::Rgb(180, 20, 20),
    graph: Color::Rgb(0, 95, 160),
    dim: Some(Color::Rgb(95, 95, 100)),
};

impl Depth {
    /// How `role` looks on `ground`.
    pub fn style(self, role: Role, ground: Ground) -> Style {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        match role {
            Role::Text => return plain,
            Role::Title | Role::Key => return bold,
            Role::Selected => return plain.add_modifier(Modifier::REVERSED),
            Role::Tab => return bold.add_modifier(Modifier::REVERSED),
            Role::Dim | Role::Good | Role::Busy | Role::Warning | Role::Critical | Role::Graph => {}
        }
        let colors = match (self, ground) {
            (Self::Mono, _) => {
                return match role {
                    Role::Critical => bold.add_modifier(Modifier::UNDERLINED),
                    Role::Warning => bold,
                    _ => plain,
                };
            }
            (Self::Eight, Ground::Dark) => EIGHT,
            (Self::Sixteen, Ground::Dark) => SIXTEEN,
            (Self::Indexed, Ground::Dark) => INDEXED,
            (Self::Rgb, Ground::Dark) => RGB,
            (Self::Eight, Ground::Light) => EIGHT_ON_LIGHT,
            (Self::Sixteen, Ground::Light) => SIXTEEN_ON_LIGHT,
            (Self::Indexed, Ground::Light) => INDEXED_ON_LIGHT,
            (Self::Rgb, Ground::Light) => RGB_ON_LIGHT,
        };
        match role {
            Role::Good => colors.good.map_or(plain, |good| plain.fg(good)),
            Role::Busy => plain.fg(colors.busy),
            Role::Warning => bold.fg(colors.warning),
            Role::Critical => bold.fg(colors.critical),
            Role::Graph => plain.fg(colors.graph),
            _ => colors.dim.map_or(plain, |dim| plain.fg(dim)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red, green and blue as most terminals show a colour: xterm's for the first sixteen, the cube for the others.
    fn shown(color: Color) -> [f64; 3] {
        let rgb = match color {
            Color::Green => [0, 205, 0],
            Color::Cyan => [0, 205, 205],
            Color::Yellow => [205, 205, 0],
            Color::Red => [205, 0, 0],
            Color::Blue => [0, 0, 238],
            Color::Magenta => [205, 0, 205],
            Color::DarkGray => [127, 127, 127],
            Color::Indexed(grey @ 232..) => [8 + 10 * (grey - 232); 3],
            Color::Indexed(place) => {
                let steps = [0, 95, 135, 175, 215, 255];
                [36, 6, 1].map(|by| steps[usize::from((place - 16) / by % 6)])
            }
            Color::Rgb(red, green, blue) => [red, green, blue],
            other => panic!("{other} is not used"),
        };
        rgb.map(f64::from)
    }

    /// The contrast of two colours, 1 to 21, as WCAG 2.2 counts it.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let light = |rgb: [f64; 3]| {
            let part = |value: f64| match value / 255.0 {
                low if low <= 0.03928 => low / 12.92,
                high => ((high + 0.055) / 1.055).powf(2.4),
            };
            0.2126 * part(rgb[0]) + 0.7152 * part(rgb[1]) + 0.0722 * part(rgb[2])
        };
        let (one, other) = (light(one), light(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// WCAG asks for 4.5 for text; red on black and grey are what the sixteen colours of terminals have.
    #[test]
    fn colours_can_be_read_on_the_ground_that_they_are_for() {
        let (black, white) = ([0.0; 3], [255.0; 3]);
        for (depth, least) in [(Depth::Eight, 3.5), (Depth::Sixteen, 3.5), (Depth::Indexed, 4.5), (Depth::Rgb, 4.5)] {
            for (ground, behind) in [(Ground::Dark, black), (Ground::Light, white)] {
                for role in [Role::Good, Role::Busy, Role::Warning, Role::Critical, Role::Graph, Role::Dim] {
                    let Some(color) = depth.style(role, ground).fg else { continue };
                    let has = contrast(shown(color), behind);
                    assert!(has >= least, "{role:?} with {depth:?} on {ground:?}: {color} has {has:.1}");
                }
            }
        }
    }
}
