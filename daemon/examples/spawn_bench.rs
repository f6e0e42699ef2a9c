//! How long a start takes, beside a bare `posix_spawn` loop in the same run, and how long a restart.
//!
//! `cargo run --example spawn_bench -- [PROCESSES] [ROUNDS] [PROGRAM]`; the program is to stay, e.g. `/bin/cat` on a
//! pipe or a static binary that pauses. Rounds of both kinds take turns, so that the machine's mood hits both.

use std::{
    ffi::CString,
    time::{Duration, Instant},
};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, posix_spawn};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use ubmc_core::{
    ids::{Generation, Name, ServiceId},
    input::ServiceHappening,
    services::{Binary, Readiness},
};
use ubmcd::process::{Config, OutputConfig, Processes};

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let count: usize = args.next().map_or(Ok(200), |text| text.parse())?;
    let rounds: usize = args.next().map_or(Ok(7), |text| text.parse())?;
    let program = args.next().unwrap_or_else(|| "/bin/sleep".to_owned());
    let words = if program.ends_with("sleep") { vec!["1000".to_owned()] } else { Vec::new() };
    let dir = std::env::temp_dir().join(format!("spawn-bench-{}", std::process::id()));
    std::fs::create_dir(&dir)?;
    let config = Config { runtime_dir: dir.clone(), cgroups: true, output: OutputConfig::default() };
    let mut bare = Vec::new();
    let mut ours = Vec::new();
    let mut restarts = Vec::new();
    {
        // The bare loop comes first in each round, while the subreaper has no children whose ends it would steal.
        let mut processes = Processes::new(config)?;
        let binary =
            Binary { path: program.clone(), args: words.clone(), working_dir: "/".to_owned(), ..Binary::default() };
        let mut generation = 0;
        for _ in 0..rounds {
            bare.push(bare_round(&program, &words, count)?);
            let started = Instant::now();
            for index in 0..count {
                generation += 1;
                let name = Name::from(format!("service{index}"));
                processes
                    .spawn(ServiceId::new(index), &name, Generation(generation), &binary, Readiness::Exec)
                    .map_err(|error| error.to_string())?;
            }
            ours.push(started.elapsed());
            restarts.extend(restart_some(&mut processes, &binary, &mut generation, count).await?);
            end_all(&mut processes).await;
        }
    }
    std::fs::remove_dir_all(&dir)?;
    let per_start = |times: &mut Vec<Duration>| median(times) / u32::try_from(count).unwrap_or(1);
    let (bare, ours) = (per_start(&mut bare), per_start(&mut ours));
    println!("{count} processes of {program}, median of {rounds} rounds");
    println!("bare posix_spawn  {:8.1} µs a start", micros(bare));
    println!("Processes::spawn  {:8.1} µs a start, {:.3} of bare", micros(ours), micros(ours) / micros(bare));
    restarts.sort();
    let at = |share: usize| restarts.get(restarts.len() * share / 100).copied().unwrap_or_default();
    println!("restart after SIGKILL: p50 {:.0} µs, p99 {:.0} µs ({})", micros(at(50)), micros(at(99)), restarts.len());
    Ok(())
}

fn bare_round(program: &str, words: &[String], count: usize) -> Result<Duration, Failure> {
    let path = CString::new(program)?;
    let mut argv = vec![path.clone()];
    for word in words {
        argv.push(CString::new(word.as_str())?);
    }
    let env: Vec<CString> = std::env::vars().filter_map(|(k, v)| CString::new(format!("{k}={v}")).ok()).collect();
    let actions = PosixSpawnFileActions::init()?;
    let attributes = PosixSpawnAttr::init()?;
    let mut pids = Vec::new();
    let started = Instant::now();
    for _ in 0..count {
        pids.push(posix_spawn(path.as_c_str(), &actions, &attributes, &argv, &env)?);
    }
    let took = started.elapsed();
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(pid.as_raw())) {
        kill_process(pid, Signal::KILL)?;
    }
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(pid.as_raw())) {
        waitpid(Some(pid), WaitOptions::empty())?;
    }
    Ok(took)
}

/// Kills some, one after the other, and starts each again as soon as it is gone: the supervisor's part of a restart.
async fn restart_some(
    processes: &mut Processes,
    binary: &Binary,
    generation: &mut u64,
    count: usize,
) -> Result<Vec<Duration>, Failure> {
    let mut times = Vec::new();
    let Some(first) = generation.checked_sub(count as u64 - 1) else { return Ok(times) };
    for index in 0..count.min(50) {
        let victim = Generation(first + index as u64);
        let service = ServiceId::new(index);
        let started = Instant::now();
        processes.signal(service, victim, ubmc_core::services::Signal::Kill, false);
        while !matches!(processes.next().await, (_, ended, ServiceHappening::Gone) if ended == victim) {}
        *generation += 1;
        let name = Name::from(format!("service{index}"));
        processes
            .spawn(service, &name, Generation(*generation), binary, Readiness::Exec)
            .map_err(|error| error.to_string())?;
        times.push(started.elapsed());
    }
    Ok(times)
}

async fn end_all(processes: &mut Processes) {
    let all: Vec<_> = processes.measure().into_iter().map(|(service, generation, _)| (service, generation)).collect();
    for (service, generation) in &all {
        processes.signal(*service, *generation, ubmc_core::services::Signal::Kill, false);
    }
    let mut left = all.len();
    while left > 0 {
        if matches!(processes.next().await, (_, _, ServiceHappening::Gone)) {
            left -= 1;
        }
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
