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

/// The colours, in the order Good, Busy, Warning, Critical, Graph, Dim. Middle tones, so that they can be read on dark and
/// on light backgrounds; the background itself is never set.
struct Colors {
    good: Color,
    busy: Color,
    warning: Color,
    critical: Color,
    graph: Color,
    dim: Option<Color>,
}

const EIGHT: Colors = Colors {
    good: Color::Green,
    busy: Color::Cyan,
    warning: Color::Yellow,
    critical: Color::Red,
    graph: Color::Cyan,
    dim: None,
};
const SIXTEEN: Colors = Colors { dim: Some(Color::DarkGray), ..EIGHT };
const INDEXED: Colors = Colors {
    good: Color::Indexed(71),
    busy: Color::Indexed(74),
    warning: Color::Indexed(172),
    critical: Color::Indexed(167),
    graph: Color::Indexed(74),
    dim: Some(Color::Indexed(245)),
};
const RGB: Colors = Colors {
    good: Color::Rgb(78, 166, 96),
    busy: Color::Rgb(72, 152, 196),
    warning: Color::Rgb(204, 132, 28),
    critical: Color::Rgb(214, 72, 72),
    graph: Color::Rgb(72, 152, 196),
    dim: Some(Color::Rgb(136, 136, 144)),
};

impl Depth {
    /// How `role` looks.
    pub fn style(self, role: Role) -> Style {
        let plain = Style::new();
        let bold = plain.add_modifier(Modifier::BOLD);
        match role {
            Role::Text => return plain,
            Role::Title | Role::Key => return bold,
            Role::Selected => return plain.add_modifier(Modifier::REVERSED),
            Role::Tab => return bold.add_modifier(Modifier::REVERSED),
            Role::Dim | Role::Good | Role::Busy | Role::Warning | Role::Critical | Role::Graph => {}
        }
        let colors = match self {
            Self::Mono => {
                return match role {
                    Role::Critical => bold.add_modifier(Modifier::UNDERLINED),
                    Role::Warning => bold,
                    _ => plain,
                };
            }
            Self::Eight => EIGHT,
            Self::Sixteen => SIXTEEN,
            Self::Indexed => INDEXED,
            Self::Rgb => RGB,
        };
        match role {
            Role::Good => plain.fg(colors.good),
            Role::Busy => plain.fg(colors.busy),
            Role::Warning => bold.fg(colors.warning),
            Role::Critical => bold.fg(colors.critical),
            Role::Graph => plain.fg(colors.graph),
            _ => colors.dim.map_or(plain, |dim| plain.fg(dim)),
        }
    }
}
