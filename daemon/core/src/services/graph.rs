//! Who needs whom: resolved once from the names in the registry, then only places in tables.

use std::collections::BTreeMap;

use petgraph::{algo::tarjan_scc, graph::DiGraph};

use super::{Builtin, Deployment, ServiceSpec};
use crate::{
    board::nearest,
    ids::{Name, ServiceId},
};

/// The relations of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relations {
    /// Must be ready before it starts and as long as it runs.
    pub hard: Vec<ServiceId>,
    /// Pulled up and waited for; their failure is ignored.
    pub wants: Vec<ServiceId>,
    /// Waited for if they are on their way anyhow. Contains `wants`.
    pub after: Vec<ServiceId>,
    /// Services whose `hard` has this one.
    pub required_by: Vec<ServiceId>,
    /// Services whose `wants` has this one.
    pub wanted_by: Vec<ServiceId>,
    /// Services whose `after` has this one.
    pub followed_by: Vec<ServiceId>,
    /// Never up at the same time; symmetric.
    pub conflicts: Vec<ServiceId>,
    /// It, or something that needs it, protects hardware: stops after everything else.
    pub protects: bool,
    /// People watch the shutdown through it: it stops when there are no processes left to watch.
    pub lifeline: bool,
}

/// A place in the table of services.
#[derive(Clone, Copy, Debug)]
pub enum Slot<'a> {
    /// A service.
    Declared(&'a ServiceSpec),
    /// One that is not declared any more and still runs.
    Leaving(&'a ServiceSpec),
    /// None any more.
    Empty,
}

impl<'a> Slot<'a> {
    const fn spec(&self) -> Option<&'a ServiceSpec> {
        match self {
            Self::Declared(spec) | Self::Leaving(spec) => Some(spec),
            Self::Empty => None,
        }
    }
}

/// Why a set of services is no graph that could be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// A name that nothing has.
    #[error("service `{service}` depends on `{missing}`, which no service declares{}", .hint.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?")))]
    Unknown {
        /// Who.
        service: Name,
        /// On what.
        missing: Name,
        /// The nearest known name.
        hint: Option<Name>,
    },
    /// Services that wait for each other.
    #[error("services wait for each other: {}; remove one of these dependencies", .members.iter().map(Name::as_str).collect::<Vec<_>>().join(" → "))]
    Cycle {
        /// All members, in order; the first is repeated at the end.
        members: Vec<Name>,
    },
    /// Two of one name.
    #[error("service `{0}` is declared twice")]
    Duplicate(Name),
}

/// All relations, and an order in which every service comes after what it needs.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    relations: Vec<Relations>,
    order: Vec<ServiceId>,
    /// Each service's place in `order`. Absent: an empty place of the table.
    ranks: Vec<Option<usize>>,
    lifelines: Vec<ServiceId>,
}

impl Graph {
    /// Resolves the names. All problems are found, not only the first.
    pub fn build<'a>(specs: impl IntoIterator<Item = &'a ServiceSpec>) -> Result<Self, Vec<GraphError>> {
        Self::over(&specs.into_iter().map(Slot::Declared).collect::<Vec<_>>())
    }

    /// The same over a table that has empty places, and services that only run to their end.
    pub fn over(slots: &[Slot<'_>]) -> Result<Self, Vec<GraphError>> {
        let mut errors = Vec::new();
        let mut ids = BTreeMap::new();
        let mut leaving = BTreeMap::new();
        for (index, slot) in slots.iter().enumerate() {
            match slot {
                Slot::Declared(spec) => {
                    if ids.insert(spec.name.clone(), ServiceId::new(index)).is_some() {
                        errors.push(GraphError::Duplicate(spec.name.clone()));
                    }
                }
                Slot::Leaving(spec) => {
                    leaving.insert(spec.name.clone(), ServiceId::new(index));
                }
                Slot::Empty => {}
            }
        }
        let mut relations = vec![Relations::default(); slots.len()];
        for (index, slot) in slots.iter().enumerate() {
            let id = ServiceId::new(index);
            let spec = match slot {
                Slot::Declared(spec) => spec,
                Slot::Leaving(spec) => {
                    // Nothing waits for it any more; it still goes before what it needs, and keeps out what it conflicts
                    // with. So it adds no cycle.
                    let all = |names: &[Name]| {
                        let find = |name| ids.get(name).or_else(|| leaving.get(name)).copied();
                        names.iter().filter_map(find).collect::<Vec<_>>()
                    };
                    relations[index].hard = all(&spec.dependencies);
                    for other in all(&spec.conflicts) {
                        relations[index].conflicts.push(other);
                        relations[other.index()].conflicts.push(id);
                    }
                    continue;
                }
                Slot::Empty => continue,
            };
            for name in &spec.dependencies {
                match ids.get(name) {
                    Some(dep) => relations[index].hard.push(*dep),
                    None => errors.push(GraphError::Unknown {
                        service: spec.name.clone(),
                        missing: name.clone(),
                        hint: nearest(name.as_str(), ids.keys()).cloned(),
                    }),
                }
            }
            // Order and conflict may name services that this board does not have: there is nothing to order then.
            let known = |names: &[Name]| names.iter().filter_map(|name| ids.get(name).copied()).collect::<Vec<_>>();
            relations[index].wants = known(&spec.wants);
            relations[index].after.extend(known(&spec.wants));
            relations[index].after.extend(known(&spec.after));
            for other in known(&spec.before) {
                relations[other.index()].after.push(id);
            }
            for other in known(&spec.conflicts) {
                relations[index].conflicts.push(other);
                relations[other.index()].conflicts.push(id);
            }
        }
        for index in 0..relations.len() {
            let id = ServiceId::new(index);
            let own = &mut relations[index];
            for list in [&mut own.hard, &mut own.wants, &mut own.after, &mut own.conflicts] {
                list.sort_unstable();
                list.dedup();
            }
            let own = own.clone();
            for dep in own.hard {
                relations[dep.index()].required_by.push(id);
            }
            for dep in own.wants {
                relations[dep.index()].wanted_by.push(id);
            }
            for dep in own.after {
                relations[dep.index()].followed_by.push(id);
            }
        }
        let nameless = Name::from("");
        let names: Vec<_> =
            slots.iter().map(|slot| slot.spec().map_or_else(|| nameless.clone(), |spec| spec.name.clone())).collect();
        errors.extend(cycles(&relations, &names));
        if !errors.is_empty() {
            return Err(errors);
        }
        for (slot, own) in slots.iter().zip(&mut relations) {
            own.lifeline = slot.spec().is_some_and(|spec| spec.deployment == Deployment::Builtin(Builtin::Api));
        }
        let order = start_order(&relations, slots);
        for id in order.iter().rev() {
            let protects = slots[id.index()].spec().is_some_and(|spec| spec.protects_hardware)
                || relations[id.index()].required_by.iter().any(|dependent| relations[dependent.index()].protects);
            relations[id.index()].protects = protects;
        }
        let mut ranks = vec![None; slots.len()];
        for (rank, id) in order.iter().enumerate() {
            ranks[id.index()] = Some(rank);
        }
        let lifelines = order.iter().copied().filter(|id| relations[id.index()].lifeline).collect();
        Ok(Self { relations, order, ranks, lifelines })
    }

    /// The relations of one service.
    pub fn of(&self, id: ServiceId) -> &Relations {
        &self.relations[id.index()]
    }

    /// Every service after all that it waits for; by group, `start_order` and name where that leaves a choice.
    pub fn order(&self) -> &[ServiceId] {
        &self.order
    }

    /// The service's place in [`Graph::order`]. Absent: there is no such service any more.
    pub fn rank(&self, id: ServiceId) -> Option<usize> {
        self.ranks.get(id.index()).copied().flatten()
    }

    /// Services through which people watch a shutdown.
    pub fn lifelines(&self) -> &[ServiceId] {
        &self.lifelines
    }

    /// Everything that must be up for `id`, in no order, without `id`.
    pub fn needs(&self, id: ServiceId) -> Vec<ServiceId> {
        self.closure(id, |relations| &relations.hard)
    }

    /// Everything that must be down before `id` may stop, in no order, without `id`.
    pub fn dependents(&self, id: ServiceId) -> Vec<ServiceId> {
        self.closure(id, |relations| &relations.required_by)
    }

    fn closure<'a>(&'a self, id: ServiceId, edges: impl Fn(&'a Relations) -> &'a Vec<ServiceId>) -> Vec<ServiceId> {
        let mut found = std::collections::BTreeSet::new();
        let mut stack = vec![id];
        while let Some(next) = stack.pop() {
            stack.extend(edges(self.of(next)).iter().copied().filter(|other| found.insert(*other)));
        }
        found.remove(&id);
        found.into_iter().collect()
    }
}

/// Every knot of services that wait for each other, as one readable loop each.
fn cycles(relations: &[Relations], names: &[Name]) -> Vec<GraphError> {
    let mut graph = DiGraph::<(), ()>::with_capacity(relations.len(), relations.len() * 2);
    let nodes: Vec<_> = relations.iter().map(|_| graph.add_node(())).collect();
    for (index, own) in relations.iter().enumerate() {
        for dep in own.hard.iter().chain(&own.after) {
            graph.add_edge(nodes[index], nodes[dep.index()], ());
        }
    }
    let mut errors = Vec::new();
    for knot in tarjan_scc(&graph) {
        let looped = knot.len() > 1 || knot.iter().any(|node| graph.contains_edge(*node, *node));
        if !looped {
            continue;
        }
        let inside: std::collections::BTreeSet<_> = knot.iter().map(|node| node.index()).collect();
        let Some(first) = inside.iter().copied().min_by_key(|index| &names[*index]) else { continue };
        // Walk inside the knot until a service comes up again: that is one loop of it.
        let mut path = vec![first];
        let looped = loop {
            let Some(last) = path.last().copied() else { break Vec::new() };
            let next = relations[last]
                .hard
                .iter()
                .chain(&relations[last].after)
                .map(|dep| dep.index())
                .filter(|index| inside.contains(index))
                .min_by_key(|index| (path.contains(index) && *index != first, &names[*index]));
            match next {
                Some(next) if path.contains(&next) => {
                    let from = path.iter().position(|index| *index == next).unwrap_or(0);
                    path.push(next);
                    break path.split_off(from);
                }
                Some(next) => path.push(next),
                None => break path,
            }
        };
        errors.push(GraphError::Cycle { members: looped.into_iter().map(|index| names[index].clone()).collect() });
    }
    errors
}

/// Kahn's algorithm with a defined choice among the free ones.
fn start_order(relations: &[Relations], slots: &[Slot<'_>]) -> Vec<ServiceId> {
    let keys: Vec<_> =
        slots.iter().map(|slot| slot.spec().map(|spec| (spec.group, spec.start_order, spec.name.clone()))).collect();
    let mut missing: Vec<usize> = relations.iter().map(|own| own.hard.len() + own.after.len()).collect();
    let mut free: std::collections::BTreeSet<_> = (0..relations.len())
        .filter(|index| missing[*index] == 0 && keys[*index].is_some())
        .map(|index| (keys[index].clone(), index))
        .collect();
    let mut order = Vec::with_capacity(relations.len());
    while let Some((_, index)) = free.pop_first() {
        order.push(ServiceId::new(index));
        for next in relations[index].required_by.iter().chain(&relations[index].followed_by) {
            missing[next.index()] -= 1;
            if missing[next.index()] == 0 {
                free.insert((keys[next.index()].clone(), next.index()));
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::Binary;

    fn service(name: &str, needs: &[&str]) -> ServiceSpec {
        let mut spec = ServiceSpec::new(name, Deployment::Binary(Binary::default().into()));
        spec.dependencies = needs.iter().map(|name| Name::from(*name)).collect();
        spec
    }

    fn check(services: &[(&str, &[&str])], expected: &[&str]) {
        let specs: Vec<_> = services.iter().map(|(name, needs)| service(name, needs)).collect();
        let result = Graph::build(&specs);
        let lines: Vec<String> = match result {
            Ok(graph) => graph.order().iter().map(|id| specs[id.index()].name.to_string()).collect(),
            Err(errors) => errors.iter().map(ToString::to_string).collect(),
        };
        assert_eq!(lines, expected);
    }

    #[test]
    fn every_service_comes_after_what_it_needs() {
        check(&[("c", &["b"]), ("b", &["a"]), ("a", &[]), ("d", &["a"])], &["a", "b", "c", "d"]);
    }

    #[test]
    fn a_cycle_is_refused_with_all_its_members() {
        check(
            &[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"])],
            &["services wait for each other: a → b → c → a; remove one of these dependencies"],
        );
        check(&[("a", &["a"])], &["services wait for each other: a → a; remove one of these dependencies"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_known_one() {
        check(
            &[("web", &["databse"]), ("database", &[])],
            &["service `web` depends on `databse`, which no service declares; did you mean `database`?"],
        );
    }
}
