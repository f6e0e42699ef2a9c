//! What peers are told, without the peers.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read, Write},
    os::unix::{net::UnixStream, process::ExitStatusExt},
    path::Path,
};

use super::*;
use crate::bench::{Wanted, plan::Shape};

/// A bench whose folder of peers holds empty programs of these names.
fn bench(folder: &Path, programs: &[&str]) -> Bench {
    fs::create_dir_all(folder.join("bin")).unwrap();
    for program in programs {
        fs::write(folder.join("bin").join(program), "").unwrap();
    }
    Bench {
        binaries: "/build".into(),
        rings: folder.to_owned(),
        peers_folder: Some(folder.to_owned()),
        peers: Wanted::All,
        runs: 1,
    }
}

fn kind(name: &str) -> &'static dyn Kind {
    ALL.into_iter().find(|kind| kind.name() == name).unwrap()
}

/// The text of a file that a peer is given for a chain of two services.
fn written(name: &str, begin: Begin, file: &str) -> String {
    let (folder, kind) = (tempfile::tempdir().unwrap(), kind(name));
    let bench = bench(folder.path(), kind.programs());
    let work = folder.path().join("work");
    fs::create_dir(&work).unwrap();
    let job = Job::new(&bench, kind, &work, Path::new("/ring"), &Plan::steady(2, Shape::Chain), begin).unwrap();
    kind.prepare(&job).unwrap();
    fs::read_to_string(work.join(file)).unwrap_or_default()
}

#[test]
fn a_dependency_and_the_smallest_delay_are_said_in_every_peers_own_words() {
    let check = |peer: &str, file: &str, expected: &[&str]| {
        let text = written(peer, Begin::Asked, file);
        for line in expected {
            assert!(text.lines().any(|said| said == *line), "{peer}: no line {line:?} in\n{text}");
        }
    };
    check(
        "dinit",
        "services/s0001",
        &["depends-on = s0000", "restart-delay = 0", "command = /build/ubmc-bench-service /ring 1"],
    );
    check("dinit", "services/all", &["type = internal", "waits-for = s0000", "waits-for = s0001"]);
    check(
        "systemd",
        "units/s0001.service",
        &[
            "Requires=s0000.service",
            "After=s0000.service",
            "RestartSec=0",
            "ExecStart=/build/ubmc-bench-service /ring 1",
        ],
    );
    check("horust", "services/s0001.toml", &["start-after = [\"s0000.toml\"]", "backoff = \"0s\""]);
    check("s6", "scan/s0001/run", &["#!/build/ubmc-bench-service /ring 1"]);
    check("supervisord", "supervisord.conf", &["command=/build/ubmc-bench-service /ring 1", "startsecs=0"]);
    check("circus", "circus.ini", &["cmd = /build/ubmc-bench-service /ring 1", "max_retry = -1"]);
}

#[test]
fn services_wait_for_a_request_or_start_with_their_supervisor() {
    let check = |peer: &str, file: &str, line: &str, when_asked: bool| {
        let says = |begin| written(peer, begin, file).lines().any(|said| said == line);
        assert_eq!((says(Begin::Asked), says(Begin::Launched)), (when_asked, !when_asked), "{peer}: {line}");
    };
    check("dinit", "services/boot", "waits-for = all", false);
    check("supervisord", "supervisord.conf", "autostart=false", true);
    check("supervisord", "supervisord.conf", "autostart=true", false);
    for peer in ["s6", "runit", "daemontools"] {
        let down = |begin| {
            let (folder, kind) = (tempfile::tempdir().unwrap(), kind(peer));
            let bench = bench(folder.path(), kind.programs());
            let plan = Plan::steady(1, Shape::Independent);
            let job = Job::new(&bench, kind, folder.path(), Path::new("/ring"), &plan, begin).unwrap();
            kind.prepare(&job).unwrap();
            folder.path().join("scan/s0000/down").exists()
        };
        assert_eq!((down(Begin::Asked), down(Begin::Launched)), (true, false), "{peer}");
    }
}

#[test]
fn a_script_line_that_the_kernel_would_cut_off_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bench = Bench { binaries: "/x".repeat(150).into(), ..bench(folder.path(), kind("s6").programs()) };
    let plan = Plan::steady(1, Shape::Independent);
    let job = Job::new(&bench, kind("s6"), folder.path(), Path::new("/ring"), &plan, Begin::Asked).unwrap();
    assert!(matches!(kind("s6").prepare(&job), Err(Failure::Invalid(_))));
}

#[test]
fn a_peer_without_one_of_its_programs_is_not_installed() {
    let folder = tempfile::tempdir().unwrap();
    // dinitctl alone is not enough, wherever the machine has what.
    if missing(&bench(folder.path(), &[]), kind("dinit")).is_some() {
        assert_eq!(missing(&bench(folder.path(), &["dinitctl"]), kind("dinit")).as_deref(), Some("not installed"));
    }
    assert_eq!(missing(&bench(folder.path(), &["dinit", "dinitctl"]), kind("dinit")), None);
}

#[test]
fn an_answer_is_fine_or_fails_with_what_it_said() {
    let check = |answer: &str, fine: bool| {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(answer.as_bytes()).unwrap();
        drop(theirs);
        assert_eq!(Pending::Reply(ours).finish().is_ok(), fine, "{answer}");
    };
    check("HTTP/1.1 200 OK\r\n\r\n<methodResponse><params/></methodResponse>", true);
    check("HTTP/1.1 200 OK\r\n\r\n<methodResponse><fault>no</fault></methodResponse>", false);
    check("HTTP/1.1 500 Internal Server Error\r\n\r\n", false);
    check("", false);
}

#[test]
fn a_client_that_fails_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let bench = bench(folder.path(), kind("dinit").programs());
    let plan = Plan::steady(0, Shape::Independent);
    let job = Job::new(&bench, kind("dinit"), folder.path(), Path::new("/ring"), &plan, Begin::Asked).unwrap();
    let ask = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        job.run(command).unwrap().finish()
    };
    assert!(ask("true").is_ok());
    assert!(ask("echo no such service >&2; exit 3").unwrap_err().to_string().contains("no such service"));
}

#[test]
fn a_pipe_that_nobody_reads_is_no_supervisor() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("control");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(job::open_pipe(&pipe).is_err());
    // Read and write, so that opening it waits for nobody.
    let mut reader = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    job::open_pipe(&pipe).unwrap().write_all(b"u").unwrap();
    let mut byte = [0];
    reader.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"u");
}

#[test]
fn a_version_is_found_in_what_is_said() {
    let check = |said: &str, expected: &str| {
        let output = Output { status: ExitStatusExt::from_raw(0), stdout: said.into(), stderr: Vec::new() };
        assert_eq!(first_number(Some(&output)), expected);
    };
    check("Dinit version 0.19.4.\nSupported features: cgroups", "0.19.4");
    check("systemd 252 (252.38-1~deb12u1)\n+PAM", "252");
    check("4.3.0\n", "4.3.0");
    check("horust v0.1.14\n", "0.1.14");
    check("1:0.76-8.1", "1:0.76-8.1");
    check("nothing", "");
}

#[test]
fn every_peer_has_a_name_of_its_own_and_a_program() {
    let names: BTreeSet<_> = ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), ALL.len());
    assert!(ALL.iter().all(|kind| !kind.programs().is_empty()));
}
