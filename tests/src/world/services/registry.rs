//! Registries drawn by chance: services only ever need earlier ones, so there is no cycle unless one is wanted.

use std::{collections::BTreeSet, time::Duration};

use ubmc_core::{
    ids::Name,
    rng::Rng,
    services::{
        Binary, Deployment, Epoch, Group, HealthCheck, HealthSpec, Readiness, RestartPolicy, Run, Rung, ServiceSpec,
    },
};

/// Names are `s0`, `s1`… and their order is that of their numbers.
const MOST: u64 = 10;

/// A registry.
pub(super) fn draw(rng: &mut Rng) -> Vec<ServiceSpec> {
    let count = 2 + rng.next_u64() % (MOST - 1);
    (0..count).map(|index| service(index, &(0..index).collect::<Vec<_>>(), rng)).collect()
}

/// The same registry, with some of it drawn anew, taken away, added, or only worded otherwise.
pub(super) fn redraw(old: &[ServiceSpec], rng: &mut Rng) -> Vec<ServiceSpec> {
    let mut kept: Vec<u64> = old.iter().map(|spec| number(&spec.name)).filter(|_| rng.unit() < 0.9).collect();
    if rng.unit() < 0.3 {
        let added = rng.next_u64() % MOST;
        if !kept.contains(&added) {
            kept.push(added);
            kept.sort_unstable();
        }
    }
    let mut registry: Vec<ServiceSpec> = Vec::new();
    for index in &kept {
        let earlier: Vec<_> = kept.iter().copied().filter(|other| other < index).collect();
        let known = old.iter().find(|spec| number(&spec.name) == *index);
        let mut spec = match known {
            Some(spec) if rng.unit() < 0.7 => spec.clone(),
            Some(_) | None => service(*index, &earlier, rng),
        };
        // What was taken away is nobody's dependency any more.
        for names in [&mut spec.dependencies, &mut spec.wants, &mut spec.after, &mut spec.conflicts] {
            names.retain(|name| earlier.contains(&number(name)));
        }
        if rng.unit() < 0.15 {
            let args = vec![rng.next_u64().to_string()];
            spec.deployment = Deployment::Binary(Binary { args, ..Binary::default() }.into());
        }
        if rng.unit() < 0.15 {
            spec.restart.delay = seconds(rng, 5.0);
        }
        registry.push(spec);
    }
    registry
}

/// A registry that waits for itself.
pub(super) fn with_a_cycle(old: &[ServiceSpec]) -> Vec<ServiceSpec> {
    let mut registry = old.to_vec();
    if let Some((first, rest)) = registry.split_first_mut() {
        let name = rest.last().map_or_else(|| first.name.clone(), |last| last.name.clone());
        first.dependencies = vec![name];
        if let Some(last) = rest.last_mut() {
            last.dependencies.push(first.name.clone());
        }
    }
    registry
}

fn number(name: &Name) -> u64 {
    name.as_str().trim_start_matches('s').parse().unwrap_or(0)
}

fn seconds(rng: &mut Rng, most: f64) -> Duration {
    Duration::from_secs_f64(0.1 + rng.unit() * most)
}

fn check(rng: &mut Rng) -> HealthSpec {
    HealthSpec {
        check: HealthCheck::File { path: "/x".to_owned(), must_exist: true }.into(),
        interval: seconds(rng, 15.0),
        retries: 1 + u32::try_from(rng.next_u64() % 3).unwrap_or(0),
        timeout: Duration::from_secs(1),
    }
}

fn service(index: u64, earlier: &[u64], rng: &mut Rng) -> ServiceSpec {
    let name = |index: u64| Name::from(format!("s{index}"));
    let chance = |rng: &mut Rng, share: f64| rng.unit() < share;
    let mut spec = ServiceSpec::new(name(index), Deployment::Binary(Binary::default().into()));
    let some = |rng: &mut Rng, share: f64| {
        let names = earlier.iter().filter(|_| chance(rng, share)).map(|index| name(*index));
        names.collect::<BTreeSet<_>>().into_iter().collect()
    };
    spec.dependencies = some(rng, 0.25);
    spec.wants = some(rng, 0.1);
    spec.after = some(rng, 0.1);
    if !earlier.is_empty() && chance(rng, 0.1) {
        let other = name(earlier[usize::try_from(rng.next_u64()).unwrap_or(0) % earlier.len()]);
        if !spec.dependencies.contains(&other) {
            spec.conflicts = vec![other];
        }
    }
    // Later ones are in the same or a later group, so that no dependency contradicts the phases.
    spec.group = Group::ALL[usize::try_from(index * 4 / MOST).unwrap_or(0).min(3)];
    spec.critical = chance(rng, 0.2);
    spec.protects_hardware = index < 2 && chance(rng, 0.3);
    spec.auto_start = chance(rng, 0.7);
    if chance(rng, 0.2) {
        spec.run = Run::Oneshot { once_per: chance(rng, 0.5).then_some(Epoch::BmcBoot) };
    } else {
        spec.readiness = match rng.next_u64() % 5 {
            0 => Readiness::Notify,
            1 => Readiness::Fd(3),
            2 => Readiness::Check,
            3 => Readiness::Delay(seconds(rng, 3.0)),
            _ => Readiness::Exec,
        };
    }
    let lives_long = spec.run == Run::LongRunning;
    if lives_long && chance(rng, 0.2) {
        spec.readiness_check = Some(check(rng));
    }
    if (spec.readiness == Readiness::Check && spec.readiness_check.is_none()) || chance(rng, 0.3) {
        spec.health = Some(check(rng));
    } else if lives_long && chance(rng, 0.15) {
        spec.health = Some(HealthSpec { check: HealthCheck::Heartbeat.into(), ..check(rng) });
    }
    // Longer than anything takes in calm: what cannot work is no finding.
    spec.start_timeout = Duration::from_secs(4) + seconds(rng, 20.0);
    spec.stop_timeout = seconds(rng, 8.0);
    spec.start_delay = if chance(rng, 0.1) { seconds(rng, 3.0) } else { Duration::ZERO };
    spec.restart.policy = match rng.next_u64() % 6 {
        0 => RestartPolicy::Never,
        1 | 2 => RestartPolicy::Always,
        _ => RestartPolicy::OnFailure,
    };
    spec.restart.delay = seconds(rng, 5.0);
    spec.restart.smooth_recovery = chance(rng, 0.2);
    if chance(rng, 0.3) {
        spec.restart.burst = u32::try_from(rng.next_u64() % 4).unwrap_or(0);
        let rungs = [Rung::Dependents, Rung::Group, Rung::Failsafe, Rung::Reboot];
        spec.restart.escalate = rungs.into_iter().filter(|_| chance(rng, 0.4)).collect();
    }
    spec
}
