//! How fast a service can write when nobody reads: what it gets through a second, and what became of its lines.
//!
//! `cargo run --release --example output_bench -- [MEGABYTES] [LINE_BYTES] [MEGABYTES_A_SECOND]`; without a rate, as fast
//! as it goes. Beside it: the same into `/dev/null`, and into a pipe that another process reads and throws away.

use std::{
    io::{self, Read, Write},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use ubmc_core::{
    ids::{Generation, Name, ServiceId},
    input::ServiceHappening,
    services::{Binary, Readiness},
};
use ubmcd::process::{Config, FileConfig, Filter, Order, OutputConfig, Processes};

type Failure = Box<dyn std::error::Error>;

const MEGA: usize = 1_000_000;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("write") => write(&numbers(&args[1..])?),
        Some("discard") => Ok(discard()?),
        _ => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(measure(&numbers(&args)?))
        }
    }
}

fn numbers(args: &[String]) -> Result<[usize; 3], Failure> {
    let number = |place: usize, default: usize| args.get(place).map_or(Ok(default), |text| text.parse());
    Ok([number(0, 1000)?, number(1, 80)?, number(2, 0)?])
}

/// The service: lines on stdout, and in the end on stderr how long they took.
fn write(&[megabytes, line, rate]: &[usize; 3]) -> Result<(), Failure> {
    let mut text = vec![b'x'; line.saturating_sub(1)];
    text.push(b'\n');
    let piece = text.repeat((64 * 1024 / text.len()).max(1));
    let mut out = io::stdout().lock();
    let (begun, mut written, mut longest) = (Instant::now(), 0, Duration::ZERO);
    while written < megabytes * MEGA {
        let before = Instant::now();
        out.write_all(&piece)?;
        out.flush()?;
        longest = longest.max(before.elapsed());
        written += piece.len();
        if rate > 0 {
            let due = Duration::from_secs_f64(written as f64 / (rate * MEGA) as f64);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let speed = written as f64 / MEGA as f64 / took;
    eprintln!("{speed:.0} MB/s, longest write {:.1} ms", longest.as_secs_f64() * 1e3);
    Ok(())
}

fn discard() -> io::Result<()> {
    let (mut buffer, mut input) = (vec![0; 64 * 1024], io::stdin().lock());
    while input.read(&mut buffer)? > 0 {}
    Ok(())
}

async fn measure(numbers: &[usize; 3]) -> Result<(), Failure> {
    let me = std::env::current_exe()?;
    let words: Vec<String> =
        std::iter::once("write".to_owned()).chain(numbers.iter().map(ToString::to_string)).collect();
    let said = |output: std::process::Output| String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    let null = Command::new(&me).args(&words).stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
    println!("into /dev/null:     {}", said(null));
    let mut reader = Command::new(&me).arg("discard").stdin(Stdio::piped()).spawn()?;
    let pipe = reader.stdin.take().ok_or("no pipe")?;
    let piped = Command::new(&me).args(&words).stdout(pipe).stderr(Stdio::piped()).output()?;
    reader.wait()?;
    println!("into a bare pipe:   {}", said(piped));
    for (what, files) in [("into the ring:", false), ("ring and files:", true)] {
        let dir = std::env::temp_dir().join(format!("output-bench-{}", std::process::id()));
        std::fs::create_dir(&dir)?;
        let files = files.then(|| FileConfig::new(dir.join("logs")));
        let output = OutputConfig { files, ..OutputConfig::default() };
        let mut processes = Processes::new(Config { runtime_dir: dir.clone(), cgroups: false, output })?;
        let path = me.to_str().ok_or("a path that is no text")?.to_owned();
        let binary = Binary { path, args: words.clone(), working_dir: "/".to_owned(), ..Binary::default() };
        let name = Name::from("flood");
        processes.spawn(Order {
            service: ServiceId::new(0),
            generation: Generation(1),
            name: name.clone(),
            binary: Arc::new(binary),
            readiness: Readiness::Exec,
            watchdog: None,
            port: None,
            preflight: false,
        });
        while !matches!(processes.next().await, (_, _, ServiceHappening::Gone)) {}
        let filter = Filter { contains: "MB/s".to_owned(), ..Filter::default() };
        let logs = processes.logs();
        let last = loop {
            if let Some(line) = logs.tail(&name, 1, &filter).pop() {
                break line.text;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        println!("{what:<20}{last}; {:?}", logs.counters(&name));
        drop(processes);
        // What is still on its way to the disk may come between.
        while std::fs::remove_dir_all(&dir).is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}
