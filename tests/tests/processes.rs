//! Real processes under the real daemon: crashes, stubbornness, orphans, output, readiness. Nothing may be left of any.

#![allow(clippy::expect_used, reason = "a test that cannot be set up should say where")]
#![allow(clippy::zombie_processes, reason = "what leaves its children behind is what is tried here")]

use std::{
    fs::{self, File},
    io::Write,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use ubmc_tests::daemon::{Ubmcd, eventually};

/// One service of the helper binary.
fn service(name: &str, arguments: &str, more: &str) -> String {
    let arguments: Vec<_> = arguments.split_whitespace().map(|word| format!("{word:?}")).collect();
    format!(
        "[services.{name}]\n[services.{name}.deployment]\nmode = \"binary\"\n[services.{name}.deployment.binary]\n\
         binary_path = \"$WORKLOAD\"\nargs = [{}]\n{}\n",
        arguments.join(", "),
        more.replace("[restart", &format!("[services.{name}.restart"))
            .replace("[startup", &format!("[services.{name}.startup"))
            .replace("[readiness", &format!("[services.{name}.readiness"))
            .replace("[health_check", &format!("[services.{name}.health_check"))
    )
}

/// A service that does what a line says, in a shell.
fn shell(name: &str, line: &str, more: &str) -> String {
    service(name, "", more)
        .replace("\"$WORKLOAD\"", "\"/bin/sh\"")
        .replace("args = []", &format!("args = [\"-c\", {line:?}]"))
}

/// A service that this test binary is itself; see [`acts_when_started_as_a_service`].
fn actor(name: &str, act: &str, more: &str) -> String {
    let me = std::env::current_exe().expect("a test knows its own path");
    let arguments = "--exact acts_when_started_as_a_service --nocapture -q";
    service(name, arguments, &format!("env = {{ ACT = \"{act}\" }}\n{more}"))
        .replace("$WORKLOAD", me.to_str().expect("a path"))
}

/// Not a test of its own: what others start as a service that forks, speaks to its supervisor, or floods it.
#[test]
fn acts_when_started_as_a_service() {
    let Ok(act) = std::env::var("ACT") else { return };
    match act.split(' ').collect::<Vec<_>>()[..] {
        ["fork"] => {
            let child = Command::new("setsid")
                .arg(std::env::current_exe().expect("a path"))
                .args(std::env::args().skip(1))
                .env("ACT", "stay")
                .spawn()
                .expect("a child");
            notify(&format!("MAINPID={}", child.id()));
        }
        ["stay"] => {
            notify("READY=1");
            loop {
                std::thread::park();
            }
        }
        ["flood", megabytes, to] => {
            let bytes = megabytes.parse::<usize>().expect("a number") * 1_000_000;
            let piece = "some forty bytes of text on each of them\n".repeat(1600);
            let (begun, mut out) = (Instant::now(), std::io::stdout().lock());
            for _ in 0..bytes / piece.len() {
                out.write_all(piece.as_bytes()).expect("it is read");
            }
            let speed = (bytes / 1_000_000) as f64 / begun.elapsed().as_secs_f64();
            fs::write(to, speed.to_string()).expect("the figure is written");
            loop {
                std::thread::park();
            }
        }
        ref other => panic!("{other:?}"),
    }
}

fn notify(text: &str) {
    let socket = UnixDatagram::unbound().expect("a socket");
    socket.send_to(text.as_bytes(), std::env::var("NOTIFY_SOCKET").expect("somebody listens")).expect("it is told");
}

#[test]
fn a_killed_service_is_restarted_as_a_new_life() {
    let ubmcd = Ubmcd::with_services(&service("sleeper", "sleep", "[restart]\ndelay = \"10ms\""));
    ubmcd.await_service("sleeper", "running");
    let first = ubmcd.service("sleeper", "pid").as_i64().expect("a pid");
    kill(Pid::from_raw(i32::try_from(first).expect("a pid")), Signal::SIGKILL).expect("killed");
    let second = eventually("a new life", || {
        let status = ubmcd.json(&["services", "status", "sleeper"]);
        (status["state"] == "running" && status["pid"] != first).then_some(status)
    });
    assert_eq!(second["restarts"], 1);
    assert!(second["last_exit"].to_string().contains("SIGKILL"), "{second}");
}

#[test]
fn a_service_that_ignores_term_is_killed_after_its_time_and_not_before() {
    let ubmcd = Ubmcd::with_services(&service("stubborn", "stubborn", "[startup]\nstop_timeout = 1"));
    ubmcd.await_service("stubborn", "running");
    let begun = Instant::now();
    assert_eq!(ubmcd.code(&["services", "stop", "stubborn", "--wait"]), 0);
    assert!(begun.elapsed().as_millis() >= 1000, "killed after {:?}", begun.elapsed());
    assert!(ubmcd.service("stubborn", "last_exit").to_string().contains("SIGKILL"));
}

#[test]
fn a_binary_that_is_not_there_is_told_at_once_with_stage_and_reason() {
    let registry = "[services.ghost]\n[services.ghost.deployment]\nmode = \"binary\"\n[services.ghost.deployment.binary]\nbinary_path = \"/nonexistent/ghost\"\n";
    let ubmcd = Ubmcd::with_services(registry);
    ubmcd.await_service("ghost", "failed");
    let said = |arguments: &[&str]| {
        let output = ubmcd.ctl(arguments);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), text)
    };
    // Looked at beforehand, it is refused.
    let (code, text) = said(&["services", "start", "ghost", "--wait"]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("/nonexistent/ghost does not exist"), "{text}");
    // Forced, it is tried.
    let (code, text) = said(&["services", "start", "ghost", "--force", "--wait"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("exec failed: /nonexistent/ghost"), "{text}");
}

#[test]
fn orphans_that_leave_their_parent_go_when_their_service_stops() {
    let ubmcd = Ubmcd::with_services(&service(
        "orphan",
        "orphan",
        "[restart]\npolicy = \"never\"\n[startup]\nstop_timeout = 2",
    ));
    eventually("the orphan is there", || (ubmcd.left_over().len() >= 3).then_some(()));
    ubmcd.ctl(&["services", "stop", "orphan", "--force", "--wait"]);
    eventually("the orphan is gone", || ubmcd.left_over().iter().all(|line| !line.contains("orphan")).then_some(()));
}

#[test]
fn readiness_and_health_decide_when_dependents_start() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let web = service(
        "web",
        &format!("web --port {port}"),
        &format!(
            "[readiness]\ntype = \"check\"\n[health_check]\ntype = \"http\"\ninterval = 1\n[health_check.http]\nendpoint = \"http://127.0.0.1:{port}/health\""
        ),
    );
    let late = service("late", "late --after 1", "[readiness]\ntype = \"notify\"");
    let client = service("client", &format!("client --url http://127.0.0.1:{port}/ --interval 1"), "")
        .replace("[services.client]\n", "[services.client]\ndependencies = [\"web\", \"late\"]\n");
    let ubmcd = Ubmcd::with_services(&[web, late, client].concat());
    ubmcd.await_service("client", "running");
    assert_eq!(ubmcd.service("web", "health"), "healthy");
    let events = ubmcd.json(&["events", "list", "--subject", "service.*.ready"]);
    let order: Vec<_> =
        events.as_array().expect("a list").iter().filter_map(|event| event["subject"].as_str()).collect();
    let place =
        |name: &str| order.iter().position(|subject| *subject == format!("service.{name}.ready")).expect("ready");
    assert!(place("web") < place("client") && place("late") < place("client"), "{order:?}");
    // Its dependents stop first: without force it is refused and names them.
    let refused = ubmcd.ctl(&["services", "stop", "web"]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("client"));
}

#[test]
fn a_service_that_writes_as_fast_as_it_can_is_never_blocked_and_harms_nobody() {
    let ubmcd =
        Ubmcd::with_services(&[service("flood", "chatty --rate 0", ""), service("quiet", "sleep", "")].concat());
    ubmcd.await_service("flood", "running");
    let number = |line: &str| line.len();
    let first = eventually("it has said something", || {
        let output = ubmcd.ctl(&["services", "logs", "flood", "--lines", "5"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (number(&text) > 0).then_some(text)
    });
    eventually("it says more", || {
        let output = ubmcd.ctl(&["services", "logs", "flood", "--lines", "5"]);
        (String::from_utf8_lossy(&output.stdout) != first).then_some(())
    });
    assert_eq!(ubmcd.service("quiet", "state"), "running");
    assert_eq!(ubmcd.code(&["services", "stop", "flood", "--wait"]), 0);
}

#[test]
fn a_crash_loop_ends_in_failed_and_a_start_forgives_it() {
    let crash = "[restart]\ndelay = \"1ms\"\nmax_delay = \"5ms\"\nburst = 3\nwindow = 60";
    let ubmcd = Ubmcd::with_services(&service("loop", "exit --code 7 --after 0", crash));
    ubmcd.await_service("loop", "failed");
    let status = ubmcd.json(&["services", "status", "loop"]);
    assert_eq!(status["restarts"], 3);
    assert!(status["last_exit"].to_string().contains('7'), "{status}");
    ubmcd.ctl(&["services", "start", "loop", "--wait"]);
    ubmcd.await_service("loop", "failed");
    assert_eq!(ubmcd.service("loop", "restarts"), 6);
}

#[test]
fn after_a_crash_of_the_daemon_its_services_start_anew_and_none_runs_twice() {
    let registry = [
        service("sleeper", "sleep", ""),
        service("orphan", "orphan", "[restart]\npolicy = \"never\"\n[startup]\nstop_timeout = 1"),
    ]
    .concat();
    let mut ubmcd = Ubmcd::with_services(&registry);
    ubmcd.await_service("sleeper", "running");
    let first = ubmcd.service("sleeper", "pid");
    let (board, services) = (ubmcd.path("board.toml"), ubmcd.path("services.toml"));
    ubmcd.sigkill();
    let alive = |word: &str| ubmcd.left_over().iter().filter(|line| line.ends_with(&format!("{word} "))).count();
    assert_eq!(alive("sleep"), 1, "the service lives on without its daemon");
    let arguments = ["--board", board.to_str().expect("a path"), "--services", services.to_str().expect("a path")];
    ubmcd.launch(&arguments);
    ubmcd.await_service("sleeper", "running");
    assert_ne!(ubmcd.service("sleeper", "pid"), first);
    let sleeping = ubmcd.left_over().iter().filter(|line| line.ends_with("sleep ")).count();
    assert_eq!(sleeping, 1, "{:?}", ubmcd.left_over());
    assert!(ubmcd.log().contains("did not shut down"), "{}", ubmcd.log());
}

#[test]
fn a_service_that_forks_and_says_so_goes_on_as_its_child() {
    let ubmcd = Ubmcd::with_services(&actor("forks", "fork", "[readiness]\ntype = \"notify\""));
    ubmcd.await_service("forks", "running");
    let status = ubmcd.json(&["services", "status", "forks"]);
    assert_eq!(status["restarts"], 0, "{status}");
    let main = i32::try_from(status["pid"].as_i64().expect("a pid")).expect("a pid");
    let environment = fs::read(format!("/proc/{main}/environ")).expect("it runs");
    assert!(
        environment.split(|byte| *byte == 0).any(|variable| variable == b"ACT=stay"),
        "the child is the main process"
    );
    // Its end is the service's end.
    kill(Pid::from_raw(main), Signal::SIGKILL).expect("killed");
    let second = eventually("a new life", || {
        let status = ubmcd.json(&["services", "status", "forks"]);
        (status["state"] == "running" && status["pid"] != main).then_some(status)
    });
    assert_eq!(second["restarts"], 1);
    assert_eq!(ubmcd.code(&["services", "stop", "forks", "--wait"]), 0);
}

#[test]
fn what_holds_the_pipes_open_after_the_end_hangs_no_stop() {
    let line = "(setsid env -i /bin/sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' &); exec sleep 1000";
    let ubmcd = Ubmcd::with_services(&shell("holder", line, "[startup]\nstop_timeout = 1"));
    ubmcd.await_service("holder", "running");
    let begun = Instant::now();
    assert_eq!(ubmcd.code(&["services", "stop", "holder", "--wait"]), 0);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(ubmcd.service("holder", "state"), "stopped");
    // That nothing is left of it, although it cleared its environment, is looked at in the end.
}

#[test]
fn a_service_that_fills_its_quota_harms_neither_the_daemon_nor_others() {
    let limits = "[services.greedy.limits]\nfile_size = 65536\n";
    let line = "trap '' XFSZ; head -c 1000000 /dev/zero > $FOLDER/big; wc -c < $FOLDER/big; exec sleep 1000";
    let registry = [shell("greedy", line, ""), limits.to_owned(), service("quiet", "sleep", "")].concat();
    let ubmcd = Ubmcd::with_services(&registry);
    eventually("it met its limit", || {
        let output = ubmcd.ctl(&["services", "logs", "greedy", "--lines", "5"]);
        String::from_utf8_lossy(&output.stdout).contains("65536").then_some(())
    });
    assert_eq!(
        (ubmcd.service("greedy", "state"), ubmcd.service("quiet", "state")),
        ("running".into(), "running".into())
    );
}

#[test]
fn a_full_disk_under_the_logs_blocks_no_service_and_its_loss_is_counted() {
    let mut ubmcd = Ubmcd::idle();
    let logs = ubmcd.path("state").join("logs");
    let options = ["-t", "tmpfs", "-o", "size=64k", "ubmc-test"].map(str::to_owned);
    let Some(_small) = Mounted::at(&logs, &options, Stdio::null()) else {
        println!("not tried: mounting is not permitted here");
        return;
    };
    let figure = ubmcd.path("figure");
    let arguments = ubmcd.declared(&actor("flood", &format!("flood 20 {}", figure.display()), ""));
    ubmcd.launch(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    eventually("it wrote everything", || figure.exists().then_some(()));
    let dropped = eventually("the loss is counted", || {
        ubmcd.service("flood", "dropped_lines").as_u64().filter(|dropped| *dropped > 400_000)
    });
    assert!(dropped <= 20_000_000 / 41 + 10, "{dropped}");
    assert_eq!(ubmcd.service("flood", "state"), "running");
}

#[test]
fn a_flood_that_nobody_reads_is_not_throttled() {
    let ubmcd = Ubmcd::idle();
    let figure = ubmcd.path("figure");
    let mut ubmcd = ubmcd;
    let arguments = ubmcd.declared(&actor("flood", &format!("flood 200 {}", figure.display()), ""));
    ubmcd.launch(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let speed: f64 = eventually("it wrote everything", || fs::read_to_string(&figure).ok()?.parse().ok());
    println!("{speed:.0} MB/s");
    // Of a build without optimization on a machine that may be busy. That of a release is measured, not tested:
    // `cargo run --release --example output_bench`.
    assert!(speed > 3.0, "{speed:.1} MB/s");
    // Whether anything is lost depends on the machine's disk; that what is lost is counted has a test of its own, with a
    // disk that keeps nobody waiting.
    let status = ubmcd.json(&["services", "status", "flood"]);
    assert!(status["dropped_lines"].is_u64(), "{status}");
    assert_eq!((&status["state"], &status["restarts"]), (&"running".into(), &0.into()), "{status}");
}

/// A file system of our own.
struct Mounted(PathBuf);

impl Mounted {
    /// None where that is not permitted.
    fn at(at: &Path, options: &[String], device: Stdio) -> Option<Self> {
        fs::create_dir_all(at).expect("a place for it");
        let mut mount = Command::new("mount");
        mount.args(["-i"]).args(options).arg(at).stdin(device).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_program_on_a_file_system_that_never_answers_holds_up_nobody_else() {
    let mut ubmcd = Ubmcd::idle();
    let Ok(device) = File::options().read(true).write(true).open("/dev/fuse") else {
        println!("not tried: there is no FUSE here");
        return;
    };
    // A server that has stopped serving: nobody will ever read from the device.
    let server = device.try_clone().expect("a descriptor");
    let hung = ubmcd.path("hung");
    let options = ["-t", "fuse", "-o", "fd=0,rootmode=40000,user_id=0,group_id=0", "hung"].map(str::to_owned);
    let Some(mounted) = Mounted::at(&hung, &options, device.into()) else {
        println!("not tried: mounting is not permitted here");
        return;
    };
    let stuck = |name: &str| {
        service(name, "", "[startup]\nauto_start = false\nstart_timeout = 1")
            .replace("$WORKLOAD", &format!("{}/program", hung.display()))
    };
    let names = ["stuck1", "stuck2", "stuck3"];
    let free = shell("free", "echo begun; exec sleep 1000", "[startup]\nauto_start = false");
    let registry = [names.map(stuck).concat(), free].concat();
    let arguments = ubmcd.declared(&registry);
    ubmcd.launch(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    for name in names {
        assert_eq!(ubmcd.code(&["services", "start", name, "--force"]), 0);
    }
    let begun = Instant::now();
    assert_eq!(ubmcd.code(&["services", "start", "free", "--force", "--wait"]), 0);
    ubmcd.await_service("free", "running");
    println!("free after {:?}", begun.elapsed());
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let asked = Instant::now();
        assert_eq!(ubmcd.code(&["services", "list"]), 0);
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    eventually("the start has timed out", || {
        let error = ubmcd.json(&["services", "status", "stuck1"]).to_string();
        error.contains("timed out").then_some(())
    });
    assert_eq!(ubmcd.code(&["services", "stop", "stuck2", "--force", "--wait"]), 0);
    let begun = Instant::now();
    assert_eq!(ubmcd.shut_down(), Some(0), "{}", ubmcd.log());
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    drop((mounted, server));
}
