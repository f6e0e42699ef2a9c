//! What processes use.

use super::*;

#[tokio::test]
async fn a_busy_process_is_told_from_an_idle_one() {
    let mut world = World::new();
    let busy = world.spawn("busy", &sh("while :; do :; done")).await;
    let idle = world.spawn("idle", &program("sleep", &["1000"])).await;
    let first = world.processes.measure();
    assert_eq!(first.iter().map(|(_, generation, _)| *generation).collect::<Vec<_>>(), [busy, idle]);
    assert!(first.iter().all(|(_, _, usage)| usage.cpu_percent == 0.0), "nothing to compare with yet");
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let usages = world.processes.measure();
        let [(.., of_busy), (.., of_idle)] = usages[..] else { panic!("{usages:?}") };
        for usage in [of_busy, of_idle] {
            assert!(usage.rss_bytes > 100_000 && usage.rss_bytes < 100_000_000, "{usage:?}");
            assert_eq!(usage.fds, Some(3));
        }
        assert!(of_idle.cpu_percent < 10.0 && of_busy.cpu_percent < 150.0, "{usages:?}");
        if of_busy.cpu_percent > 10.0 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{usages:?}");
    }
    world.signal(busy, Signal::Kill, false);
    world.exit(busy).await;
    assert_eq!(world.processes.measure().len(), 1, "what has ended uses nothing");
    world.end().await;
}

#[tokio::test]
async fn many_are_measured_piece_by_piece_and_each_once() {
    let mut world = World::new();
    let mut all = Vec::new();
    for index in 0..40 {
        all.push(world.spawn(&format!("service{index}"), &program("sleep", &["1000"])).await);
    }
    for _ in 0..2 {
        let mut seen = Vec::new();
        let mut calls = 0;
        loop {
            let usages = world.processes.measure();
            assert!(usages.len() <= 16, "{}", usages.len());
            seen.extend(usages.into_iter().map(|(_, generation, _)| generation));
            calls += 1;
            if !world.processes.is_measuring() {
                break;
            }
        }
        assert_eq!((seen, calls), (all.clone(), 3));
    }
    world.end().await;
}
