//! Services as a tree of what needs what: each stands below the first of those that it needs.
//!
//! ```text
//!   journal
//!   ├ sensormon
//!   │ └ thermalmgr      (also needs statemgr)
//!   └ statemgr
//! ```
//!
//! A service that needs several stands once, below the one that comes up last, so that the list stays as long as the
//! services are many; what else it needs is on its page.

use crate::model::Service;

/// The services in tree order: index into `services`, and how deep it stands. Every service comes exactly once, also
/// where the daemon's relations were to go round in a circle.
pub fn order(services: &[Service]) -> Vec<(usize, usize)> {
    let mut order = Vec::with_capacity(services.len());
    let mut placed = vec![false; services.len()];
    let parents: Vec<Option<usize>> = services.iter().map(|service| parent(services, service)).collect();
    for root in 0..services.len() {
        if parents.get(root).is_some_and(Option::is_none) {
            descend(&parents, root, 0, &mut placed, &mut order);
        }
    }
    // What is left goes round in a circle: where one enters it does not matter.
    for rest in 0..services.len() {
        descend(&parents, rest, 0, &mut placed, &mut order);
    }
    order
}

/// The last in start order of those that it needs; of those that it wants, where it needs none.
fn parent(services: &[Service], service: &Service) -> Option<usize> {
    let last =
        |names: &[String]| names.iter().filter_map(|name| services.iter().position(|one| one.name == *name)).max();
    last(&service.dependencies).or_else(|| last(&service.wants))
}

fn descend(parents: &[Option<usize>], at: usize, depth: usize, placed: &mut [bool], order: &mut Vec<(usize, usize)>) {
    match placed.get_mut(at) {
        Some(done) if !*done => *done = true,
        _ => return,
    }
    order.push((at, depth));
    for (child, parent) in parents.iter().enumerate() {
        if *parent == Some(at) {
            descend(parents, child, depth + 1, placed, order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(text: &str) -> Vec<Service> {
        let one = |line: &str| {
            let (name, needs) = line.trim().split_once(':').unwrap_or((line.trim(), ""));
            Service {
                name: name.to_owned(),
                dependencies: needs.split_whitespace().map(str::to_owned).collect(),
                ..Service::default()
            }
        };
        text.lines().filter(|line| !line.trim().is_empty()).map(one).collect()
    }

    fn check(text: &str, expected: &str) {
        let services = services(text);
        let drawn: Vec<String> = order(&services)
            .iter()
            .map(|(index, depth)| format!("{}{}", "-".repeat(*depth), services[*index].name))
            .collect();
        assert_eq!(drawn.join(" "), expected);
    }

    #[test]
    fn each_stands_once_below_the_last_that_it_needs() {
        check("a\nb: a\nc: a b\nd\ne: a", "a -b --c -e d");
        check("", "");
        check("a: nowhere", "a");
    }

    #[test]
    fn a_circle_loses_nobody() {
        check("a: b\nb: a\nc", "c a -b");
        check("a: a", "a");
    }
}
