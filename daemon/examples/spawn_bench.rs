//! How long a start takes, beside a bare `posix_spawn` loop in the same run, and how long a restart.
//!
//! `cargo run --example spawn_bench -- [PROCESSES] [ROUNDS] [PROGRAM]`; the program is to stay, e.g. a static binary that
//! pauses. Rounds of both kinds take turns, so that the machine's mood hits both; the median start is the one to look
//! at, the mean also holds what other programs took.

use std::{
    ffi::CString,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, posix_spawn};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use ubmc_core::{
    ids::{Generation, Name, ServiceId},
    input::{ServiceHappening, Usage},
    services::{Binary, Readiness, Signal as Asked},
};
use ubmcd::process::{Config, Order, OutputConfig, Processes};

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
    let binary =
        Binary { path: program.clone(), args: words.clone(), working_dir: "/".to_owned(), ..Binary::default() };
    let mut bench = Bench { processes: Processes::new(config)?, binary: Arc::new(binary), generation: 0 };
    let (mut bare, mut ours, mut together, mut restarts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        // Its children are reaped within the round, before anybody else looks for ends of processes.
        bare_round(&program, &words, count, &mut bare)?;
        for index in 0..count {
            let started = Instant::now();
            bench.start(index).await?;
            ours.push(started.elapsed());
        }
        bench.end_all().await;
        let started = Instant::now();
        bench.start_all(count).await?;
        together.push(started.elapsed() / u32::try_from(count)?);
        bench.restart_some(count, &mut restarts).await?;
        bench.end_all().await;
    }
    drop(bench);
    std::fs::remove_dir_all(&dir)?;
    println!("{program}, {rounds} rounds of {count} processes; µs");
    println!("                          p50     p99    mean");
    print("bare posix_spawn", &mut bare);
    print("spawn, heard of", &mut ours);
    print("all asked at once", &mut together);
    print("restart after KILL", &mut restarts);
    println!("p50 of a start: {:.3} of bare; mean: {:.3}", at(&ours, 50) / at(&bare, 50), mean(&ours) / mean(&bare));
    Ok(())
}

fn bare_round(program: &str, words: &[String], count: usize, times: &mut Vec<Duration>) -> Result<(), Failure> {
    let path = CString::new(program)?;
    let mut argv = vec![path.clone()];
    for word in words {
        argv.push(CString::new(word.as_str())?);
    }
    let env = [c"PATH=/bin:/usr/bin", c"HOME=/", c"TMPDIR=/tmp"];
    let actions = PosixSpawnFileActions::init()?;
    let attributes = PosixSpawnAttr::init()?;
    let mut pids = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        let pid = posix_spawn(path.as_c_str(), &actions, &attributes, &argv, &env)?;
        times.push(started.elapsed());
        pids.extend(Pid::from_raw(pid.as_raw()));
    }
    for pid in &pids {
        kill_process(*pid, Signal::KILL)?;
    }
    for pid in &pids {
        waitpid(Some(*pid), WaitOptions::empty())?;
    }
    Ok(())
}

struct Bench {
    processes: Processes,
    binary: Arc<Binary>,
    generation: u64,
}

impl Bench {
    fn begin(&mut self, index: usize) -> Generation {
        self.generation += 1;
        let generation = Generation(self.generation);
        self.processes.spawn(Order {
            service: ServiceId::new(index),
            generation,
            name: Name::from(format!("service{index}")),
            binary: Arc::clone(&self.binary),
            readiness: Readiness::Exec,
            watchdog: None,
            port: None,
            preflight: true,
        });
        generation
    }

    async fn started(&mut self) -> Result<Generation, Failure> {
        loop {
            match self.processes.next().await {
                (_, generation, ServiceHappening::Spawned { .. }) => return Ok(generation),
                (_, _, ServiceHappening::SpawnFailed(error)) => return Err(error.to_string().into()),
                _ => {}
            }
        }
    }

    async fn start(&mut self, index: usize) -> Result<(), Failure> {
        let generation = self.begin(index);
        while self.started().await? != generation {}
        Ok(())
    }

    async fn start_all(&mut self, count: usize) -> Result<(), Failure> {
        for index in 0..count {
            self.begin(index);
        }
        for _ in 0..count {
            self.started().await?;
        }
        Ok(())
    }

    /// Kills some, one after the other, and starts each again as soon as it is gone: the supervisor's part of a restart.
    async fn restart_some(&mut self, count: usize, times: &mut Vec<Duration>) -> Result<(), Failure> {
        let running: Vec<_> = self.running().into_iter().take(count.min(50)).collect();
        for (service, generation, _) in running {
            let started = Instant::now();
            self.processes.signal(service, generation, Asked::Kill, false);
            while !matches!(self.processes.next().await, (_, ended, ServiceHappening::Gone) if ended == generation) {}
            self.start(service.index()).await?;
            times.push(started.elapsed());
        }
        Ok(())
    }

    fn running(&mut self) -> Vec<(ServiceId, Generation, Usage)> {
        let mut running = self.processes.measure();
        while self.processes.is_measuring() {
            running.extend(self.processes.measure());
        }
        running
    }

    async fn end_all(&mut self) {
        let running = self.running();
        for (service, generation, _) in &running {
            self.processes.signal(*service, *generation, Asked::Kill, false);
        }
        let mut left = running.len();
        while left > 0 {
            if matches!(self.processes.next().await, (_, _, ServiceHappening::Gone)) {
                left -= 1;
            }
        }
    }
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort();
    println!("{what:20} {:8.1}{:8.1}{:8.1}", at(times, 50), at(times, 99), mean(times));
}

/// Of sorted times.
fn at(times: &[Duration], percent: usize) -> f64 {
    times.get(times.len() * percent / 100).map_or(f64::NAN, micros)
}

fn mean(times: &[Duration]) -> f64 {
    times.iter().map(micros).sum::<f64>() / times.len() as f64
}

fn micros(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
