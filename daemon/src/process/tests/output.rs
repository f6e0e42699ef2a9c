//! Output: nobody waits for a reader, nobody is drowned by a neighbour, nothing hangs on a pipe.

use super::*;
use crate::process::{FileConfig, LogCounters, LogItem, Stream};

#[tokio::test]
async fn lines_carry_their_stream_number_and_generation_across_restarts() {
    let mut world = World::new();
    for _ in 0..2 {
        let generation = world.spawn("web", &sh("echo out; echo err >&2; printf 'no newline'")).await;
        world.exit(generation).await;
        world.gone(generation).await;
        world.pipes_closed().await;
    }
    let lines = world.processes.logs().tail(&Name::from("web"), 100, &Filter::default());
    let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    for (generation, lines) in [(1, &lines[..3]), (2, &lines[3..])] {
        let mut found: Vec<_> = lines.iter().map(|line| (line.text.as_str(), line.stream, line.generation.0)).collect();
        // The two pipes are two: which is read first is not said.
        found.sort_by_key(|(text, ..)| *text);
        assert_eq!(
            found,
            [
                ("err", Stream::Stderr, generation),
                ("no newline", Stream::Stdout, generation),
                ("out", Stream::Stdout, generation),
            ]
        );
    }
    let only = Filter { stream: Some(Stream::Stderr), contains: "er".to_owned() };
    let found = world.processes.logs().tail(&Name::from("web"), 1, &only);
    assert_eq!(found.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["err"]);
    world.end().await;
}

#[tokio::test]
async fn a_child_that_writes_as_fast_as_it_can_is_never_blocked_and_starves_nobody() {
    let mut world = World::new();
    let flood = world.spawn("flood", &sh("exec yes some forty bytes of text on every line")).await;
    let zeroes = world.spawn("zeroes", &sh("head -c 200000000 /dev/zero; echo; echo all written")).await;
    let quiet = world.spawn("quiet", &sh("echo I am here; exec sleep 1000")).await;
    world.line("quiet", "I am here").await;
    assert_eq!(world.exit(zeroes).await, Exit::Code(0), "200 MB went through without a reader");
    world.line("zeroes", "all written").await;
    let logs = world.processes.logs();
    world
        .during(async {
            while logs.counters(&Name::from("flood")).lines < 1_000_000 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    let LogCounters { lines, forgotten, unwritten } = logs.counters(&Name::from("flood"));
    assert!(forgotten > 0 && forgotten < lines && unwritten == 0);
    let kept = logs.tail(&Name::from("flood"), usize::MAX, &Filter::default());
    assert!(kept.len() > 500 && kept.len() < 2000, "{} lines in 64 KiB", kept.len());
    let counters = logs.counters(&Name::from("zeroes"));
    assert_eq!(counters.lines, 2, "one endless line, cut, and the last");
    for generation in [flood, quiet] {
        world.signal(generation, Signal::Kill, true);
        world.gone(generation).await;
    }
    world.gone(zeroes).await;
    world.end().await;
}

#[tokio::test]
async fn a_flood_that_nobody_reads_is_not_throttled_and_what_is_lost_is_counted() {
    let mut world = World::with_output(small_files);
    let flood = world.try_spawn("flood", &super::words::actor("flood 40;pause"), Readiness::Notify).await.unwrap();
    let (logs, name) = (world.processes.logs(), Name::from("flood"));
    let last = Filter { stream: None, contains: "took ".to_owned() };
    let took: f64 = world
        .during(async {
            loop {
                if let Some(line) = logs.tail(&name, 1, &last).pop() {
                    break line.text.split(' ').nth(1).unwrap().parse().unwrap();
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    // Nothing here is optimized, and the machine may be busy: less than this and it would be waiting for something.
    let speed = 40_000.0 / took;
    assert!(speed > 2.0, "{speed:.1} MB/s");
    let LogCounters { lines, forgotten, unwritten } = logs.counters(&name);
    assert!(lines > 900_000 && forgotten > 900_000 && unwritten > 100_000, "{lines} {forgotten} {unwritten}");
    world.signal(flood, Signal::Kill, true);
    world.gone(flood).await;
    world.end().await;
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipe_open_hangs_nothing() {
    let mut world = World::new();
    let script = "(trap '' HUP; setsid sh -c 'trap \"echo still here; exit\" USR1; echo ready; while :; do sleep 0.05; done' &); exit 0";
    let generation = world.spawn("web", &sh(script)).await;
    assert_eq!(world.exit(generation).await, Exit::Code(0));
    world.line("web", "ready").await;
    // The next life has pipes of its own, and both are read.
    let next = world.spawn("web", &sh("echo next life; exec sleep 1000")).await;
    world.line("web", "next life").await;
    world.signal(generation, Signal::Usr1, true);
    let line = world.line("web", "still here").await;
    assert_eq!(line.generation, generation);
    world.gone(generation).await;
    world.signal(next, Signal::Kill, false);
    world.gone(next).await;
    world.end().await;
}

#[tokio::test]
async fn a_follower_sees_every_line_once_across_restarts() {
    let mut world = World::new();
    let names = ["web", "db"].map(Name::from);
    let mut follower = world.processes.logs().follow(&names, 10, Filter::default());
    let mut seen: Vec<LogLine> = Vec::new();
    for _ in 0..3 {
        for name in ["web", "db"] {
            let generation = world.spawn(name, &sh("for i in 1 2 3 4 5; do echo $i; done")).await;
            world.exit(generation).await;
            world.gone(generation).await;
        }
    }
    while seen.len() < 30 {
        match world.during(follower.next()).await {
            LogItem::Line(line) => seen.push(line),
            LogItem::CaughtUp => {}
            gap @ LogItem::Gap { .. } => panic!("{gap:?}"),
        }
    }
    for name in names {
        let of_one: Vec<_> = seen.iter().filter(|line| line.service == name).collect();
        assert_eq!(of_one.iter().map(|line| line.number).collect::<Vec<_>>(), (1..=15).collect::<Vec<_>>());
        let texts: Vec<_> = of_one.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["1", "2", "3", "4", "5"].repeat(3));
    }
    world.end().await;
}

#[tokio::test]
async fn a_slow_follower_is_told_exactly_what_it_lost() {
    let mut world = World::new();
    let mut follower = world.processes.logs().follow(&[Name::from("web")], 0, Filter::default());
    let generation = world.spawn("web", &sh("seq 1 100000")).await;
    world.exit(generation).await;
    world.gone(generation).await;
    world.pipes_closed().await;
    let mut expected = 1;
    let mut lost_in_all = 0;
    while expected <= 100_000 {
        match world.during(follower.next()).await {
            LogItem::CaughtUp => {}
            LogItem::Gap { lost, .. } => {
                expected += lost;
                lost_in_all += lost;
            }
            LogItem::Line(line) => {
                assert_eq!((line.number, line.text), (expected, expected.to_string()));
                expected += 1;
            }
        }
    }
    assert!(lost_in_all > 90_000, "{lost_in_all}");
    world.end().await;
}

fn small_files(dir: &Path) -> OutputConfig {
    let files = FileConfig { max_bytes: 10_000, kept: 2, ..FileConfig::new(dir.join("logs")) };
    OutputConfig { files: Some(files), ..OutputConfig::default() }
}

fn log_files(world: &World) -> Vec<(String, String)> {
    let mut files: Vec<_> = std::fs::read_dir(world.dir.path().join("logs"))
        .unwrap()
        .flatten()
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn files_rotate_within_their_bounds_and_hold_the_newest_lines_without_gap() {
    let mut world = World::with_output(small_files);
    let generation =
        world.spawn("web", &sh("i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; done; echo end >&2")).await;
    world.exit(generation).await;
    world.gone(generation).await;
    let path = world.dir.path().join("logs/web.log");
    world
        .during(async {
            while !std::fs::read_to_string(&path).is_ok_and(|text| text.contains("err end\n")) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    let files = log_files(&world);
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["web.log", "web.log.1", "web.log.2"]);
    let in_order: String = files.iter().rev().map(|(_, text)| text.as_str()).collect();
    let numbers: Vec<u32> = in_order
        .lines()
        .filter_map(|line| line.split_once(" out line "))
        .map(|(stamp, number)| {
            assert!(stamp.len() == 27 && stamp.starts_with("20") && stamp.ends_with('Z'), "{stamp}");
            number.parse().unwrap()
        })
        .collect();
    let first = *numbers.first().unwrap();
    assert!(first > 1, "the oldest have gone");
    assert_eq!(numbers, (first..=1000).collect::<Vec<_>>());
    assert!(files.iter().all(|(_, text)| text.len() <= 10_000));
    assert!(files[1..].iter().all(|(_, text)| text.len() > 9_000));
    world.end().await;
}

#[tokio::test]
async fn a_disk_that_takes_nothing_blocks_nobody_and_its_loss_is_counted_and_told() {
    let mut world = World::with_output(small_files);
    let dir = world.dir.path().join("logs");
    // A folder in the file's place: no write can succeed, whoever asks.
    std::fs::create_dir(dir.join("web.log")).unwrap();
    let generation = world.spawn("web", &sh("seq 1 50000")).await;
    assert_eq!(world.exit(generation).await, Exit::Code(0));
    world.gone(generation).await;
    let logs = world.processes.logs();
    let name = Name::from("web");
    world
        .during(async {
            while logs.counters(&name).unwritten < 50_000 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    std::fs::remove_dir(dir.join("web.log")).unwrap();
    logs.append(&name, generation, Stream::Stderr, "back again");
    world
        .during(async {
            while !std::fs::read_to_string(dir.join("web.log")).is_ok_and(|text| text.contains("back again\n")) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    let text = std::fs::read_to_string(dir.join("web.log")).unwrap();
    assert!(text.contains("err ubmcd: 50000 lines were not written: "), "{text}");
    assert_eq!(
        logs.counters(&name),
        LogCounters { lines: 50_001, forgotten: logs.counters(&name).forgotten, unwritten: 50_000 }
    );
    world.end().await;
}

/// A small file system of its own.
struct Small {
    at: std::path::PathBuf,
}

impl Small {
    /// None where that is not permitted.
    fn mount(at: &Path, bytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "ubmc-test"]).arg(at);
        let mounted = mount.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then(|| Self { at: at.to_owned() })
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg("-l").arg(&self.at).status();
        assert!(unmounted.unwrap().success());
    }
}

#[tokio::test]
async fn a_full_disk_blocks_nobody_and_is_written_to_when_there_is_room_again() {
    let mut small = None;
    let mut world = World::with_output(|dir| {
        small = Small::mount(&dir.join("logs"), 128 * 1024);
        let files = FileConfig { max_bytes: 1 << 30, ..FileConfig::new(dir.join("logs")) };
        OutputConfig { files: Some(files), ..OutputConfig::default() }
    });
    if small.is_none() {
        println!("not tried: mounting is not permitted here");
        return world.end().await;
    }
    let path = world.dir.path().join("logs/web.log");
    let generation = world.spawn("web", &sh("seq 1 200000")).await;
    assert_eq!(world.exit(generation).await, Exit::Code(0));
    world.gone(generation).await;
    let logs = world.processes.logs();
    let name = Name::from("web");
    world.pipes_closed().await;
    assert_eq!(logs.counters(&name).lines, 200_000);
    world
        .during(async {
            // Each line takes more room than this.
            while logs.counters(&name).unwritten < 200_000 - 128 * 1024 / 36 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    std::fs::remove_file(&path).unwrap();
    logs.append(&name, generation, Stream::Stderr, "room again");
    world
        .during(async {
            while !std::fs::read_to_string(&path).is_ok_and(|text| text.contains("room again\n")) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("lines were not written: "), "{text}");
    world.end().await;
}

#[tokio::test]
async fn a_service_that_fills_its_quota_is_told_so_by_the_kernel_and_harms_nobody() {
    let mut world = World::new();
    let file = world.dir.path().join("file");
    let limits = ubmc_core::services::Limits { file_size_bytes: Some(1 << 16), ..Default::default() };
    // It goes on after the signal that it gets for its first attempt.
    let script =
        format!("trap '' XFSZ; head -c 1000000 /dev/zero > {0}; echo ended with $?; wc -c < {0}", file.display());
    let generation = world.spawn("web", &Binary { limits: limits.clone(), ..sh(&script) }).await;
    assert_eq!(world.exit(generation).await, Exit::Code(0));
    world.gone(generation).await;
    world.pipes_closed().await;
    let text = world.text("web");
    assert!(text.contains(&"ended with 1".to_owned()) && text.contains(&"65536".to_owned()), "{text:?}");
    // One that does not care ends by it.
    let script = format!("exec head -c 1000000 /dev/zero > {}", file.display());
    let generation = world.spawn("careless", &Binary { limits, ..sh(&script) }).await;
    assert_eq!(world.exit(generation).await, Exit::Signal(libc::SIGXFSZ));
    world.gone(generation).await;
    world.end().await;
}

#[tokio::test]
async fn a_link_in_a_files_place_is_not_followed() {
    let mut world = World::with_output(small_files);
    let target = world.dir.path().join("precious");
    std::os::unix::fs::symlink(&target, world.dir.path().join("logs/web.log")).unwrap();
    let generation = world.spawn("web", &sh("echo text")).await;
    world.exit(generation).await;
    world.gone(generation).await;
    let logs = world.processes.logs();
    world
        .during(async {
            while logs.counters(&Name::from("web")).unwritten == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    assert!(!target.exists());
    world.end().await;
}
