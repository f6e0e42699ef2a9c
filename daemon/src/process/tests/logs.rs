//! The handle on output, without processes.

use crate::process::{Filter, LogItem, Logs, OutputConfig, Stream};
use ubmc_core::ids::{Generation, Name};

fn logs() -> Logs {
    Logs::new(OutputConfig::default()).unwrap()
}

#[test]
fn an_unknown_name_has_written_nothing() {
    let logs = logs();
    assert_eq!(logs.tail(&Name::from("web"), 10, &Filter::default()), []);
    assert_eq!(logs.counters(&Name::from("web")).lines, 0);
}

#[test]
fn what_is_added_on_a_services_behalf_is_split_into_lines() {
    let logs = logs();
    logs.append(&Name::from("web"), Generation(3), Stream::Stderr, "one\ntwo");
    let lines = logs.tail(&Name::from("web"), 10, &Filter::default());
    let found: Vec<_> = lines.iter().map(|line| (line.number, line.text.as_str(), line.generation.0)).collect();
    assert_eq!(found, [(1, "one", 3), (2, "two", 3)]);
}

#[tokio::test]
async fn a_follower_begins_with_the_newest_lines_of_all_in_order_of_time() {
    let logs = logs();
    let names = ["a", "b"].map(Name::from);
    for round in 0..5 {
        for name in &names {
            logs.append(name, Generation(1), Stream::Stdout, &format!("{name}{round}"));
        }
    }
    let mut follower = logs.follow(&names, 2, Filter::default());
    logs.append(&names[0], Generation(1), Stream::Stdout, "after");
    let mut lines = Vec::new();
    let mut kept = None;
    for _ in 0..6 {
        match follower.next().await {
            LogItem::Line(line) => lines.push(line),
            LogItem::CaughtUp => kept = Some(lines.len()),
            gap @ LogItem::Gap { .. } => panic!("{gap:?}"),
        }
    }
    assert_eq!(kept, Some(4), "what was written after it came is new");
    assert!(lines.is_sorted_by_key(|line| line.time), "{lines:?}");
    let texts_of =
        |name| lines.iter().filter(|line| line.service == name).map(|line| line.text.as_str()).collect::<Vec<_>>();
    assert_eq!(texts_of(names[0].clone()), ["a3", "a4", "after"]);
    assert_eq!(texts_of(names[1].clone()), ["b3", "b4"]);
}

#[tokio::test]
async fn a_follower_gets_only_what_passes_its_filter() {
    let logs = logs();
    let web = Name::from("web");
    let filter = Filter { stream: Some(Stream::Stderr), contains: "bad".to_owned() };
    let mut follower = logs.follow(std::slice::from_ref(&web), 10, filter);
    for (stream, text) in [(Stream::Stdout, "bad"), (Stream::Stderr, "good"), (Stream::Stderr, "too bad")] {
        logs.append(&web, Generation(1), stream, text);
    }
    assert_eq!(follower.next().await, LogItem::CaughtUp);
    let LogItem::Line(line) = follower.next().await else { panic!("a gap") };
    assert_eq!((line.number, line.text.as_str()), (3, "too bad"));
}
