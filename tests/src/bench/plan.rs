//! Which services are started, and what depends on what.

use std::{collections::BTreeMap, fmt, fmt::Write, path::Path};

use super::{contender::Begin, ring::Mark};

/// What depends on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Nothing on anything.
    Independent,
    /// Each on the one before.
    Chain,
    /// So many layers of the same size; each service on three of the layer above.
    Layers(u32),
}

impl Shape {
    /// What service `index` of `count` depends on.
    pub fn dependencies(self, index: u32, count: u32) -> Vec<u32> {
        match self {
            Self::Independent => Vec::new(),
            Self::Chain => index.checked_sub(1).into_iter().collect(),
            Self::Layers(layers) => {
                let width = (count / layers.max(1)).max(1);
                let Some(above) = (index / width).checked_sub(1) else { return Vec::new() };
                let mut needed: Vec<u32> =
                    [0, 1, 7].into_iter().map(|step| above * width + (index % width + step) % width).collect();
                needed.sort_unstable();
                needed.dedup();
                needed
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Independent => f.pad("independent"),
            Self::Chain => f.pad("in a chain"),
            Self::Layers(layers) => write!(f, "in {layers} layers"),
        }
    }
}

/// What a service does with its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Character {
    /// It stays; killed, it is started again without delay.
    Steady,
    /// Every other one ends at once, and is started again after a second, for ever.
    HalfCrash,
}

/// Services to be started.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many.
    pub count: u32,
    /// In which shape.
    pub shape: Shape,
    /// Of which character.
    pub character: Character,
}

impl Plan {
    /// Services that stay.
    pub const fn steady(count: u32, shape: Shape) -> Self {
        Self { count, shape, character: Character::Steady }
    }

    /// What the service program is given.
    pub fn arguments(&self, index: u32, ring: &Path) -> Vec<String> {
        let mut arguments = vec![ring.display().to_string(), index.to_string()];
        if self.crashes(index) {
            arguments.push("exit".to_owned());
        }
        arguments
    }

    /// Whether it ends at once, again and again.
    pub fn crashes(&self, index: u32) -> bool {
        self.character == Character::HalfCrash && index % 2 == 1
    }

    /// The name of a service.
    pub fn name(index: u32) -> String {
        format!("s{index:04}")
    }

    /// What a service depends on, by name.
    pub fn needed(&self, index: u32) -> Vec<String> {
        self.shape.dependencies(index, self.count).into_iter().map(Self::name).collect()
    }

    /// As `services.toml` of ubmcd: restarted without delay and without end.
    pub fn registry(&self, program: &Path, ring: &Path, begin: Begin) -> String {
        let mut text = String::new();
        let auto_start = begin == Begin::Launched;
        for index in 0..self.count {
            let name = Self::name(index);
            let needed: Vec<_> = self.needed(index).iter().map(|name| quoted(name)).collect();
            let arguments: Vec<_> = self.arguments(index, ring).iter().map(|text| quoted(text)).collect();
            let delay = u8::from(self.crashes(index));
            let _ = write!(
                text,
                "[services.{name}]\ngroup = \"interface\"\ndependencies = [{}]\nstartup = {{ auto_start = {auto_start} }}\n\
                 [services.{name}.deployment]\nmode = \"binary\"\nbinary = {{ binary_path = {}, args = [{}] }}\n\
                 [services.{name}.restart]\npolicy = \"always\"\ndelay = {delay}\nmax_delay = {delay}\nfactor = 1\n\
                 jitter = 0.1\nburst = 1000000\nwindow = 3600\n",
                needed.join(", "),
                quoted(&program.display().to_string()),
                arguments.join(", "),
            );
        }
        text
    }

    /// How many services took their first instruction before one that they need did. A new process is ready once its
    /// image runs, and may be overtaken before it gets a CPU: some are no defect, many would be.
    pub fn early(&self, lives: &BTreeMap<u32, Mark>) -> usize {
        let before = |life: &Mark, needed| lives.get(&needed).is_none_or(|needed| needed.at > life.at);
        let early = |(index, life): &(&u32, &Mark)| {
            self.shape.dependencies(**index, self.count).into_iter().any(|needed| before(life, needed))
        };
        lives.iter().filter(early).count()
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, self.shape)
    }
}

/// As a TOML string.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::clock::Moment;

    #[test]
    fn every_shape_depends_on_what_came_before() {
        let check = |shape: Shape, index, expected: &[u32]| {
            assert_eq!(shape.dependencies(index, 500), expected, "{shape:?} {index}");
        };
        check(Shape::Independent, 7, &[]);
        check(Shape::Chain, 0, &[]);
        check(Shape::Chain, 7, &[6]);
        check(Shape::Layers(10), 49, &[]);
        check(Shape::Layers(10), 50, &[0, 1, 7]);
        check(Shape::Layers(10), 99, &[0, 6, 49]);
        check(Shape::Layers(10), 499, &[400, 406, 449]);
    }

    #[test]
    fn a_registry_is_toml_whatever_the_paths_are() {
        let plan = Plan { count: 4, shape: Shape::Chain, character: Character::HalfCrash };
        let text = plan.registry(Path::new("/a \"b\"/service"), Path::new("/ring"), Begin::Asked);
        let table: toml::Table = text.parse().unwrap();
        let service = &table["services"]["s0003"];
        assert_eq!(service["dependencies"][0].as_str(), Some("s0002"));
        assert_eq!(service["deployment"]["binary"]["binary_path"].as_str(), Some("/a \"b\"/service"));
        assert_eq!(service["deployment"]["binary"]["args"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn who_overtakes_what_it_needs_is_early() {
        let plan = Plan::steady(2, Shape::Chain);
        let early = |first, second| {
            let mark = |(index, at)| (index, Mark { at: Moment(at), index, pid: 1 });
            plan.early(&[(0, first), (1, second)].map(mark).into_iter().collect())
        };
        assert_eq!((early(1, 2), early(2, 1)), (0, 1));
    }
}
