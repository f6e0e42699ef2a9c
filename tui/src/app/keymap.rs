//! Which key does what, and where. Help is made of this table, so it is never out of date.

use super::{Code, Key, View};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Show or hide help.
    Help,
    /// Open the palette.
    Palette,
    /// Type a filter.
    Filter,
    /// Go to a view.
    View(View),
    /// To the next view.
    NextView,
    /// To the previous view.
    PreviousView,
    /// One up.
    Up,
    /// One down.
    Down,
    /// Left, or close.
    Left,
    /// Right, or unfold.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first.
    First,
    /// To the last.
    Last,
    /// Open what is selected.
    Open,
    /// Go back.
    Back,
    /// Repaint.
    Repaint,
    /// Leave.
    Quit,
    /// Suspend.
    Suspend,
    /// What can be done with what is selected.
    Act,
    /// Follow the newest.
    Follow,
    /// Fold or unfold a group.
    Fold,
    /// Less time in the graph.
    ZoomIn,
    /// More time in the graph.
    ZoomOut,
    /// Cancel the selected operation.
    CancelOperation,
    /// Identify on or off.
    Identify,
    /// Connect now.
    Reconnect,
    /// Say why the selected is as it is.
    Why,
    /// Services by group or by dependency.
    Tree,
    /// The next part of a service's page.
    Pane,
    /// The next stream of a log.
    Stream,
    /// Look for something.
    Search,
    /// To the next place where it is.
    NextFound,
    /// To the one before.
    PreviousFound,
    /// Only what the selected event's cause brought about.
    Cause,
    /// Only what is more serious.
    Serious,
    /// Break something on the simulated board.
    Inject,
    /// Whether the machines can come to harm.
    Verify,
}

/// Where a binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In every view.
    Everywhere,
    /// In one view.
    In(View),
    /// On a service's page.
    ServicePage,
}

/// Keys, what they do, and the words for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Binding {
    /// Any of these.
    pub keys: &'static [Key],
    /// What they ask for.
    pub action: Action,
    /// Where.
    pub place: Place,
    /// In a few words, for help.
    pub help: &'static str,
}

const fn binding(keys: &'static [Key], action: Action, place: Place, help: &'static str) -> Binding {
    Binding { keys, action, place, help }
}

const fn key(code: Code) -> Key {
    Key::plain(code)
}

const fn ch(char: char) -> Key {
    Key::char(char)
}

use Place::{Everywhere, In, ServicePage};

/// The table. The first that fits wins; special places stand before `Everywhere`.
pub const KEYMAP: &[Binding] = &[
    binding(&[ch(' ')], Action::Fold, In(View::Services), "fold or unfold the group"),
    binding(&[ch('a')], Action::Act, In(View::Services), "start, stop, restart, reset the service"),
    binding(&[ch('a')], Action::Act, ServicePage, "start, stop, restart, reset the service"),
    binding(&[ch('t')], Action::Tree, In(View::Services), "by group or by dependency"),
    binding(&[ch('f')], Action::Follow, ServicePage, "follow the log"),
    binding(&[ch('v')], Action::Pane, ServicePage, "log, history, start, dependencies"),
    binding(&[ch('e')], Action::Stream, ServicePage, "errors only, output only, both"),
    binding(&[ch('s')], Action::Search, ServicePage, "search the log"),
    binding(&[ch('n')], Action::NextFound, ServicePage, "next match, upwards"),
    binding(&[ch('N')], Action::PreviousFound, ServicePage, "next match, downwards"),
    binding(&[ch('+'), ch('=')], Action::ZoomIn, In(View::Sensors), "less time, more detail in the graph"),
    binding(&[ch('-')], Action::ZoomOut, In(View::Sensors), "more time in the graph"),
    binding(&[ch('+'), ch('=')], Action::ZoomIn, In(View::Thermal), "less time, more detail in the graphs"),
    binding(&[ch('-')], Action::ZoomOut, In(View::Thermal), "more time in the graphs"),
    binding(&[ch('a')], Action::Act, In(View::Power), "what can be asked of the machine"),
    binding(&[ch('a')], Action::Act, In(View::Overview), "what can be done with the selected"),
    binding(&[ch('v')], Action::Pane, In(View::Power), "requests, drawn, supplies and rails, policies"),
    binding(&[ch('V')], Action::Verify, In(View::Power), "whether the machines can come to harm (seconds)"),
    binding(&[ch('x')], Action::CancelOperation, In(View::Operations), "cancel the operation"),
    binding(&[ch('f')], Action::Follow, In(View::Events), "follow the newest"),
    binding(&[ch('c')], Action::Cause, In(View::Events), "only what the same cause brought about"),
    binding(&[ch('e')], Action::Serious, In(View::Events), "only notices, warnings, errors; all again"),
    binding(&[ch('s')], Action::Search, In(View::Events), "search"),
    binding(&[ch('n')], Action::NextFound, In(View::Events), "next match, upwards"),
    binding(&[ch('N')], Action::PreviousFound, In(View::Events), "next match, downwards"),
    binding(&[ch('a')], Action::Act, In(View::Thermal), "hold or release the fan or the zone's fans"),
    binding(&[ch('a')], Action::Act, In(View::Hardware), "identify, repair a fault"),
    binding(&[ch('b')], Action::Inject, In(View::Hardware), "break something (simulated boards)"),
    binding(&[ch('i')], Action::Identify, In(View::Hardware), "identify LED on or off"),
    binding(&[ch('w')], Action::Why, Everywhere, "why it is as it is"),
    binding(&[ch('?'), key(Code::F(1))], Action::Help, Everywhere, "help"),
    binding(&[ch(':')], Action::Palette, Everywhere, "command palette"),
    binding(&[ch('/')], Action::Filter, Everywhere, "filter the list"),
    binding(&[ch('1')], Action::View(View::Overview), Everywhere, "overview"),
    binding(&[ch('2')], Action::View(View::Services), Everywhere, "services"),
    binding(&[ch('3')], Action::View(View::Sensors), Everywhere, "sensors"),
    binding(&[ch('4')], Action::View(View::Thermal), Everywhere, "thermal"),
    binding(&[ch('5')], Action::View(View::Power), Everywhere, "power"),
    binding(&[ch('6')], Action::View(View::Operations), Everywhere, "operations"),
    binding(&[ch('7')], Action::View(View::Events), Everywhere, "events"),
    binding(&[ch('8')], Action::View(View::Boot), Everywhere, "boot"),
    binding(&[ch('9')], Action::View(View::Hardware), Everywhere, "hardware"),
    binding(&[key(Code::Tab)], Action::NextView, Everywhere, "next view"),
    binding(&[key(Code::BackTab)], Action::PreviousView, Everywhere, "previous view"),
    binding(&[key(Code::Up), ch('k')], Action::Up, Everywhere, "up"),
    binding(&[key(Code::Down), ch('j')], Action::Down, Everywhere, "down"),
    binding(&[key(Code::Left), ch('h')], Action::Left, Everywhere, "left, fold"),
    binding(&[key(Code::Right), ch('l')], Action::Right, Everywhere, "right, unfold"),
    binding(&[key(Code::PageUp), Key::ctrl('b')], Action::PageUp, Everywhere, "ten up"),
    binding(&[key(Code::PageDown), Key::ctrl('f')], Action::PageDown, Everywhere, "ten down"),
    binding(&[key(Code::Home), ch('g')], Action::First, Everywhere, "first"),
    binding(&[key(Code::End), ch('G')], Action::Last, Everywhere, "last"),
    binding(&[key(Code::Enter)], Action::Open, Everywhere, "open"),
    binding(&[key(Code::Esc)], Action::Back, Everywhere, "back, clear the filter"),
    binding(&[Key::ctrl('l')], Action::Repaint, Everywhere, "repaint the screen"),
    binding(&[Key::ctrl('r')], Action::Reconnect, Everywhere, "reconnect now"),
    binding(&[Key::ctrl('z')], Action::Suspend, Everywhere, "suspend"),
    binding(&[ch('q'), Key::ctrl('c')], Action::Quit, Everywhere, "quit"),
];

/// Which key does what, as it is now: the table, with what a configuration says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Keymap {
    bindings: Vec<(Binding, Vec<Key>)>,
}

impl Default for Keymap {
    fn default() -> Self {
        Self { bindings: KEYMAP.iter().map(|one| (*one, one.keys.to_vec())).collect() }
    }
}

impl Keymap {
    /// What `key` asks for in `view`, on a service's page or not.
    pub fn lookup(&self, key: Key, view: View, service_page: bool) -> Option<Action> {
        let fits =
            |(binding, keys): &&(Binding, Vec<Key>)| keys.contains(&key) && holds(binding.place, view, service_page);
        self.bindings.iter().find(fits).map(|(binding, _)| binding.action)
    }

    /// Every binding with its present keys, in the order of the table.
    pub fn bindings(&self) -> impl Iterator<Item = (&Binding, &[Key])> {
        self.bindings.iter().map(|(binding, keys)| (binding, keys.as_slice()))
    }

    /// The first key of an action; empty when it has none.
    pub fn key_of(&self, action: Action) -> String {
        let found = self.bindings.iter().find(|(binding, keys)| binding.action == action && !keys.is_empty());
        found.and_then(|(_, keys)| keys.first()).map(ToString::to_string).unwrap_or_default()
    }

    /// Another action that `key` means where `action` can be asked for.
    pub fn taken(&self, key: Key, action: Action) -> Option<Action> {
        let places: Vec<Place> = self.of(action).map(|binding| binding.place).collect();
        let meets = |one: Place, other: Place| one == other || one == Everywhere || other == Everywhere;
        let other = self.bindings.iter().find(|(binding, keys)| {
            binding.action != action && keys.contains(&key) && places.iter().any(|place| meets(*place, binding.place))
        });
        other.map(|(binding, _)| binding.action)
    }

    /// From now on these keys mean `action`, and its usual ones do not.
    pub fn rebind(&mut self, action: Action, keys: &[Key]) {
        for (binding, present) in &mut self.bindings {
            if binding.action == action {
                *present = keys.to_vec();
            }
        }
    }

    fn of(&self, action: Action) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().map(|(binding, _)| binding).filter(move |binding| binding.action == action)
    }
}

impl Action {
    /// By the names that a configuration knows them by.
    pub const NAMES: [(&'static str, Self); 43] = [
        ("act", Self::Act),
        ("follow", Self::Follow),
        ("fold", Self::Fold),
        ("zoom-in", Self::ZoomIn),
        ("zoom-out", Self::ZoomOut),
        ("cancel-operation", Self::CancelOperation),
        ("identify", Self::Identify),
        ("why", Self::Why),
        ("tree", Self::Tree),
        ("part", Self::Pane),
        ("stream", Self::Stream),
        ("search", Self::Search),
        ("find-up", Self::NextFound),
        ("find-down", Self::PreviousFound),
        ("cause", Self::Cause),
        ("serious", Self::Serious),
        ("break", Self::Inject),
        ("verify", Self::Verify),
        ("page-up", Self::PageUp),
        ("page-down", Self::PageDown),
        ("first", Self::First),
        ("last", Self::Last),
        ("reconnect", Self::Reconnect),
        ("suspend", Self::Suspend),
        ("help", Self::Help),
        ("palette", Self::Palette),
        ("filter", Self::Filter),
        ("overview", Self::View(View::Overview)),
        ("services", Self::View(View::Services)),
        ("sensors", Self::View(View::Sensors)),
        ("thermal", Self::View(View::Thermal)),
        ("power", Self::View(View::Power)),
        ("operations", Self::View(View::Operations)),
        ("events", Self::View(View::Events)),
        ("boot", Self::View(View::Boot)),
        ("hardware", Self::View(View::Hardware)),
        ("next-view", Self::NextView),
        ("previous-view", Self::PreviousView),
        ("open", Self::Open),
        ("back", Self::Back),
        ("repaint", Self::Repaint),
        ("quit", Self::Quit),
        ("move", Self::Up),
    ];

    /// The action of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, action)| action)
    }

    /// Its name; all four moves are `move`.
    pub fn name(self) -> &'static str {
        let known = match self {
            Self::Down | Self::Left | Self::Right => Self::Up,
            other => other,
        };
        Self::NAMES.into_iter().find(|(_, action)| *action == known).map_or("move", |(name, _)| name)
    }

    /// Its keys never change: whoever comes to a console that somebody else has configured can still use it.
    pub fn is_fixed(self) -> bool {
        match self {
            Self::Help
            | Self::Palette
            | Self::Filter
            | Self::View(_)
            | Self::NextView
            | Self::PreviousView
            | Self::Up
            | Self::Down
            | Self::Left
            | Self::Right
            | Self::Open
            | Self::Back
            | Self::Repaint
            | Self::Quit => true,
            Self::PageUp
            | Self::PageDown
            | Self::First
            | Self::Last
            | Self::Suspend
            | Self::Act
            | Self::Follow
            | Self::Fold
            | Self::ZoomIn
            | Self::ZoomOut
            | Self::CancelOperation
            | Self::Identify
            | Self::Reconnect
            | Self::Why
            | Self::Tree
            | Self::Pane
            | Self::Stream
            | Self::Search
            | Self::NextFound
            | Self::PreviousFound
            | Self::Cause
            | Self::Serious
            | Self::Inject
            | Self::Verify => false,
        }
    }
}

/// Whether a binding of `place` holds in `view`, on a service's page or not.
pub fn holds(place: Place, view: View, service_page: bool) -> bool {
    match place {
        Everywhere => true,
        In(only) => only == view && !service_page,
        ServicePage => service_page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_bound_twice_in_one_place() {
        for (index, binding) in KEYMAP.iter().enumerate() {
            for other in &KEYMAP[index + 1..] {
                let shared = binding.keys.iter().find(|key| other.keys.contains(key));
                assert!(
                    shared.is_none() || binding.place != other.place,
                    "{} is both `{}` and `{}`",
                    shared.map(ToString::to_string).unwrap_or_default(),
                    binding.help,
                    other.help
                );
            }
        }
    }

    #[test]
    fn every_action_of_the_table_has_a_name() {
        for binding in KEYMAP {
            let moves = matches!(binding.action, Action::Down | Action::Left | Action::Right);
            assert_eq!(Action::named(binding.action.name()) == Some(binding.action), !moves, "{:?}", binding.action);
        }
    }

    #[test]
    fn the_keys_that_never_change_are_where_they_were() {
        let keymap = Keymap::default();
        for view in View::ALL {
            for (key, action) in [
                (ch('?'), Action::Help),
                (ch(':'), Action::Palette),
                (ch('/'), Action::Filter),
                (key(Code::Tab), Action::NextView),
                (key(Code::BackTab), Action::PreviousView),
                (ch('h'), Action::Left),
                (ch('j'), Action::Down),
                (ch('k'), Action::Up),
                (ch('l'), Action::Right),
                (key(Code::Enter), Action::Open),
                (key(Code::Esc), Action::Back),
                (Key::ctrl('l'), Action::Repaint),
                (ch('q'), Action::Quit),
            ] {
                assert_eq!(keymap.lookup(key, view, false), Some(action), "{key} in {view:?}");
            }
        }
        for (digit, view) in ('1'..='9').zip(View::ALL) {
            assert_eq!(keymap.lookup(ch(digit), View::Boot, false), Some(Action::View(view)));
        }
    }
}
