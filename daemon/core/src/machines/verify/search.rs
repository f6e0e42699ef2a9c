//! Breadth first through everything that can happen, so the first way to anything is a shortest one.

use super::{
    model::{Breach, Environment, Model, Move, Why},
    world::{Packing, World},
};

/// A state's number, in the order in which they were found.
pub(super) type Id = u32;

/// Every state that can be reached, and how.
#[derive(Debug)]
pub(super) struct Search<'a> {
    model: &'a Model<'a>,
    packing: Packing,
    states: Vec<u128>,
    /// By state: the one before. What happened there is found again when somebody asks.
    before: Vec<Id>,
    environment: Environment,
    seen: Seen,
    /// From, to, why.
    pub(super) edges: Vec<(Id, Id, Why)>,
    /// How often anything happened in any state.
    pub(super) transitions: usize,
    /// It came to its end before the bound.
    pub(super) complete: bool,
    /// Each breach, where it was met first: before what happened, and what happened.
    pub(super) breaches: Vec<(Breach, Id, Move)>,
}

impl<'a> Search<'a> {
    /// Explores until nothing is new, or so many states were found.
    pub(super) fn run(
        model: &'a Model<'a>,
        environment: Environment,
        bound: usize,
        keeps_edges: bool,
        mut visit: impl FnMut(Id, &World, &[(Move, Why)]),
    ) -> Self {
        let packing = Packing::new(model.sheets);
        let mut search = Self {
            model,
            packing,
            states: Vec::new(),
            before: Vec::new(),
            environment,
            seen: Seen::default(),
            edges: Vec::new(),
            transitions: 0,
            complete: true,
            breaches: Vec::new(),
        };
        let (mut here, mut next, mut moves, mut breaches) = (World::new(), World::new(), Vec::new(), Vec::new());
        search.add(&model.start(), 0);
        let mut at = 0;
        while at < search.states.len() {
            let id = number(at);
            search.packing.unpack(search.states[at], &mut here);
            model.moves(&here, environment, &mut moves);
            visit(id, &here, &moves);
            for (what, why) in &moves {
                next.clone_from(&here);
                breaches.clear();
                model.apply(&mut next, *what, &mut breaches);
                for breach in &breaches {
                    if !search.breaches.iter().any(|(known, ..)| known == breach) {
                        search.breaches.push((*breach, id, *what));
                    }
                }
                search.transitions += 1;
                if search.states.len() >= bound {
                    search.complete = false;
                    continue;
                }
                let to = search.add(&next, id);
                if keeps_edges {
                    search.edges.push((id, to, *why));
                }
            }
            at += 1;
            if !search.complete {
                break;
            }
        }
        search
    }

    fn add(&mut self, world: &World, from: Id) -> Id {
        let packed = self.packing.pack(world);
        let (id, new) = self.seen.place(packed, &self.states);
        if new {
            self.states.push(packed);
            self.before.push(from);
        }
        id
    }

    /// How many states.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// The state.
    pub(super) fn world(&self, id: Id) -> World {
        let mut world = World::new();
        self.packing.unpack(self.states[id as usize], &mut world);
        world
    }

    /// Every state's number.
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> + use<> {
        0..number(self.states.len())
    }

    /// Whether what happens in one state leads to the other.
    pub(super) fn is_by(&self, from: Id, to: Id, what: Move) -> bool {
        let mut world = self.world(from);
        let mut moves = Vec::new();
        self.model.moves(&world, self.environment, &mut moves);
        moves.iter().any(|(possible, _)| *possible == what) && {
            self.model.apply(&mut world, what, &mut Vec::new());
            self.packing.pack(&world) == self.states[to as usize]
        }
    }

    /// The shortest way to a state, and what comes after it, step by step.
    pub(super) fn trace(&self, id: Id, then: Option<Move>) -> Vec<String> {
        let mut way = vec![id];
        let mut at = id;
        while at != 0 {
            at = self.before[at as usize];
            way.push(at);
        }
        way.reverse();
        let mut lines = vec![format!("at first → {}", self.model.show(&self.world(0)))];
        let mut moves = Vec::new();
        for (step, pair) in way.windows(2).enumerate() {
            let here = self.world(pair[0]);
            self.model.moves(&here, self.environment, &mut moves);
            let leads = |(what, _): &&(Move, Why)| self.is_by(pair[0], pair[1], *what);
            let event =
                moves.iter().find(leads).map_or_else(String::new, |(what, why)| self.model.describe(*what, *why));
            lines.push(format!("{}. {event} → {}", step + 1, self.model.show(&self.world(pair[1]))));
        }
        if let Some(what) = then {
            let mut world = self.world(id);
            self.model.moves(&world, self.environment, &mut moves);
            let why = moves.iter().find(|(possible, _)| *possible == what).map_or(Why::Due, |(_, why)| *why);
            self.model.apply(&mut world, what, &mut Vec::new());
            let event = self.model.describe(what, why);
            lines.push(format!("{}. {event} → {}", way.len(), self.model.show(&world)));
        }
        lines
    }

    /// Whether each state leads to one of `goals` by things that happen for one of these reasons.
    pub(super) fn leads_to(
        &self,
        back: &Backwards,
        goals: impl Iterator<Item = Id>,
        by: impl Fn(Why) -> bool,
    ) -> Vec<bool> {
        let mut leads = vec![false; self.len()];
        let mut stack: Vec<Id> = goals.collect();
        for goal in &stack {
            leads[*goal as usize] = true;
        }
        while let Some(at) = stack.pop() {
            for edge in back.into(at) {
                let (from, _, why) = self.edges[*edge as usize];
                if by(why) && !leads[from as usize] {
                    leads[from as usize] = true;
                    stack.push(from);
                }
            }
        }
        leads
    }

    /// The edges, by where they lead.
    pub(super) fn backwards(&self) -> Backwards {
        let mut first = vec![0_u32; self.len() + 1];
        for (_, to, _) in &self.edges {
            first[*to as usize + 1] += 1;
        }
        for place in 1..first.len() {
            first[place] += first[place - 1];
        }
        let mut free = first.clone();
        let mut edges = vec![0_u32; self.edges.len()];
        for (edge, (_, to, _)) in self.edges.iter().enumerate() {
            let place = &mut free[*to as usize];
            edges[*place as usize] = number(edge);
            *place += 1;
        }
        Backwards { first, edges }
    }
}

/// Edges by where they lead.
#[derive(Debug)]
pub(super) struct Backwards {
    first: Vec<u32>,
    edges: Vec<u32>,
}

impl Backwards {
    fn into(&self, id: Id) -> &[u32] {
        &self.edges[self.first[id as usize] as usize..self.first[id as usize + 1] as usize]
    }
}

/// Which states were seen: open addressing over their numbers.
#[derive(Debug, Default)]
struct Seen {
    /// Number + 1; 0 is free. A power of two long, at most half full.
    slots: Vec<u32>,
}

impl Seen {
    /// Number of a state, and whether it is new: then it is the next one.
    fn place(&mut self, packed: u128, states: &[u128]) -> (Id, bool) {
        if self.slots.len() < 2 * (states.len() + 1) {
            self.grow(states);
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash(packed) & mask;
        loop {
            match self.slots[slot] {
                0 => {
                    let id = number(states.len());
                    self.slots[slot] = id + 1;
                    return (id, true);
                }
                taken if states[taken as usize - 1] == packed => return (taken - 1, false),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    fn grow(&mut self, states: &[u128]) {
        let length = (4 * (states.len() + 1)).next_power_of_two().max(1024);
        self.slots = vec![0; length];
        for (place, packed) in states.iter().enumerate() {
            let mut slot = hash(*packed) & (length - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (length - 1);
            }
            self.slots[slot] = number(place) + 1;
        }
    }
}

/// Multiply and fold: the fields lie in the low bits, the table is indexed by them.
#[allow(clippy::cast_possible_truncation, reason = "a hash may lose bits")]
const fn hash(packed: u128) -> usize {
    let mixed = (packed as u64 ^ (packed >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 32) as usize
}

/// A place in a table as it is kept; no exploration comes near four thousand million.
fn number(place: usize) -> Id {
    Id::try_from(place).unwrap_or(Id::MAX - 1)
}
