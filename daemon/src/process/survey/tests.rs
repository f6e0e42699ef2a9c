//! Everything that may be wrong, one thing at a time and all at once.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    sync::Arc,
};

use tempfile::TempDir;
use ubmc_core::services::Builtin;

use super::*;
use crate::process::{Config, OutputConfig, Processes, tests::alone};

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::set_permissions(place.dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn file(&self, name: &str, content: &[u8], mode: u32) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn program(path: &str) -> Binary {
    Binary { path: path.to_owned(), working_dir: "/".to_owned(), ..Binary::default() }
}

fn spec(binary: Binary) -> ServiceSpec {
    ServiceSpec::new("web", Deployment::Binary(Arc::new(binary)))
}

/// Looks with what a daemon has, and says kinds, texts and remedies, one line each.
async fn look(specs: Vec<ServiceSpec>) -> Vec<Vec<String>> {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let config = Config { runtime_dir: dir.path().to_owned(), cgroups: false, output: OutputConfig::default() };
    let processes = Processes::new(config).unwrap();
    let survey = processes.survey();
    let asked = tokio::task::spawn_blocking(move || specs.iter().map(|spec| survey.of(spec)).collect::<Vec<_>>());
    let found = asked.await.unwrap();
    for obstacle in found.iter().flatten() {
        assert_eq!(obstacle.subject, "service web");
        assert!(!obstacle.text.is_empty() && !obstacle.remedy.is_empty() && obstacle.since.is_none(), "{obstacle:?}");
    }
    let line = |obstacle: &Obstacle| format!("{}: {} => {}", obstacle.kind, obstacle.text, obstacle.remedy);
    found.iter().map(|obstacles| obstacles.iter().map(line).collect()).collect()
}

async fn look_at(binary: Binary) -> Vec<String> {
    look(vec![spec(binary)]).await.pop().unwrap()
}

#[tokio::test]
async fn nothing_stands_against_what_can_be_started() {
    let place = Place::new();
    let script = place.file("script", b"#!/bin/sh\nexit 0\n", 0o755);
    let by_env = place.file("by-env", b"#!/usr/bin/env sh\n", 0o755);
    let plain = place.file("plain", b"\x01\x02", 0o755);
    let dir = place.dir.path().to_str().unwrap().to_owned();
    let stop_command = ["kill", "1"].map(str::to_owned).to_vec();
    let cases = vec![
        program("/bin/sh"),
        program("sh"),
        program(&script),
        program(&by_env),
        // What it is only the kernel can tell: it may know how to run it.
        program(&plain),
        Binary { working_dir: dir.clone(), ..program("./script") },
        Binary { working_dir: String::new(), ..program("sh") },
        Binary { env: [("PATH".to_owned(), format!("/nowhere:{dir}"))].into(), ..program("script") },
        Binary { stop_command, capabilities: Some(vec!["net_admin".to_owned()]), ..program("sh") },
    ];
    for binary in cases {
        assert_eq!(look_at(binary.clone()).await, [] as [&str; 0], "{binary:?}");
    }
    let builtin = ServiceSpec::new("api", Deployment::Builtin(Builtin::Api));
    let elsewhere = ServiceSpec::new("box", Deployment::Unsupported { mode: "docker".into() });
    assert_eq!(look(vec![builtin, elsewhere]).await, [vec![], vec![] as Vec<String>]);
}

#[tokio::test]
async fn each_thing_that_is_wrong_is_named_with_what_to_do() {
    let place = Place::new();
    let folder = place.dir.path().to_str().unwrap().to_owned();
    let plain = place.file("plain", b"", 0o644);
    let orphaned = place.file("orphaned", b"#!/no/such/interpreter -x\n", 0o755);
    let dos = place.file("dos", b"#!/bin/sh\r\nexit 0\r\n", 0o755);
    let by_env = place.file("by-env", b"#! /usr/bin/env no-such-language\n", 0o755);
    let nested = place.file("nested", format!("#!{orphaned}\n").as_bytes(), 0o755);
    let link = place.path("link").to_str().unwrap().to_owned();
    symlink("/no/such/target", &link).unwrap();
    let loader = place.file("loader", &elf_with_loader(b"/no/such/ld.so"), 0o755);
    let fifo = place.path("fifo").to_str().unwrap().to_owned();
    nix::unistd::mkfifo(fifo.as_str(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let path = "/nowhere:/neither";
    let in_path = Binary { env: [("PATH".to_owned(), path.to_owned())].into(), ..program("tool") };
    let stop = Binary { stop_command: vec!["/no/such/stop".to_owned()], ..program("sh") };
    let in_dir = |dir: &str| Binary { working_dir: dir.to_owned(), ..program("/bin/sh") };
    let with_path = std::env::var("PATH").unwrap();
    let cases = [
        (
            program("/opt/no/such/x"),
            "binary-missing: /opt/no/such/x does not exist => install it, or correct `binary_path`".to_owned(),
        ),
        (
            in_path,
            format!("binary-missing: there is no program `tool` in {path} => install `tool`, or give its whole path in `binary_path`"),
        ),
        (
            program(&link),
            format!("binary-missing: {link} is a link to /no/such/target, which does not exist => install it, or correct `binary_path`"),
        ),
        (
            program(&folder),
            format!("binary-not-executable: {folder} is a directory, not a program => name the program itself in `binary_path`"),
        ),
        (
            program(&fifo),
            format!("binary-not-executable: {fifo} is no ordinary file => name the program itself in `binary_path`"),
        ),
        (
            program(&plain),
            format!("binary-not-executable: {plain} may not be executed => `chmod +x {plain}`, and see that its file system is not mounted noexec"),
        ),
        (
            program(&orphaned),
            format!("interpreter-missing: {orphaned}: its interpreter /no/such/interpreter does not exist => install /no/such/interpreter, or correct the script's first line"),
        ),
        (
            program(&nested),
            format!("interpreter-missing: {nested}: its interpreter /no/such/interpreter does not exist => install /no/such/interpreter, or correct the script's first line"),
        ),
        (
            program(&dos),
            format!("interpreter-missing: {dos}: its first line ends with a carriage return: there is no /bin/sh\\r => save the script with Unix line ends"),
        ),
        (
            program(&by_env),
            format!("interpreter-missing: {by_env}: its interpreter `no-such-language` is not in {with_path} => install no-such-language, or correct the script's first line"),
        ),
        (
            program(&loader),
            format!("interpreter-missing: {loader}: its dynamic loader /no/such/ld.so does not exist => use a program that was built for this machine"),
        ),
        (
            in_dir("/no/such/dir"),
            "working-directory: its working directory /no/such/dir does not exist => make it (`mkdir -p /no/such/dir`), or correct `working_dir`".to_owned(),
        ),
        (
            in_dir(&plain),
            format!("working-directory: its working directory {plain} is not a directory => correct `working_dir`"),
        ),
        (
            in_dir(&format!("{plain}/below")),
            format!("working-directory: its working directory {plain}/below leads through something that is no directory => correct `working_dir`"),
        ),
        (
            Binary { user: Some("nobody-by-that-name".to_owned()), ..program("sh") },
            "user: there is no user `nobody-by-that-name` on this machine => add the user (`useradd -r nobody-by-that-name`), or correct `user`".to_owned(),
        ),
        (
            Binary { group: Some("no-such-group".to_owned()), ..program("sh") },
            "group: there is no group `no-such-group` on this machine => add the group (`groupadd no-such-group`), or correct `group`".to_owned(),
        ),
        (
            stop,
            "stop-command: its stop command: /no/such/stop does not exist => install it, or correct `stop_command`".to_owned(),
        ),
        (
            Binary { capabilities: Some(vec!["CAP_FLY".to_owned()]), ..program("sh") },
            "capability: `CAP_FLY` is not a capability => see capabilities(7) for their names".to_owned(),
        ),
    ];
    for (binary, expected) in cases {
        assert_eq!(look_at(binary).await, [expected]);
    }
}

/// A program of this machine that wants a loader, cut off after its headers.
fn elf_with_loader(loader: &[u8]) -> Vec<u8> {
    let mut bytes = std::fs::read("/bin/sh").unwrap();
    let wide = bytes[4] == 2;
    assert!(wide, "the test knows the wide form only");
    let table = usize::try_from(u64::from_ne_bytes(bytes[32..40].try_into().unwrap())).unwrap();
    bytes.truncate(table);
    bytes[56..58].copy_from_slice(&1u16.to_ne_bytes());
    let mut header = vec![0; 56];
    header[..4].copy_from_slice(&3u32.to_ne_bytes());
    header[8..16].copy_from_slice(&u64::try_from(table + 56).unwrap().to_ne_bytes());
    header[32..40].copy_from_slice(&u64::try_from(loader.len() + 1).unwrap().to_ne_bytes());
    bytes.extend(header);
    bytes.extend(loader);
    bytes.push(0);
    bytes
}

#[tokio::test]
async fn everything_is_said_at_once() {
    let binary = Binary {
        user: Some("nobody-by-that-name".to_owned()),
        group: Some("no-such-group".to_owned()),
        working_dir: "/no/such/dir".to_owned(),
        stop_command: vec!["no-such-stop".to_owned()],
        capabilities: Some(vec!["CAP_FLY".to_owned(), "CAP_SWIM".to_owned()]),
        ..program("/no/such/program")
    };
    let kinds: Vec<_> =
        look_at(binary).await.into_iter().map(|line| line.split(':').next().unwrap().to_owned()).collect();
    let expected = ["group", "user", "binary-missing", "working-directory", "stop-command", "capability", "capability"];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn what_the_services_user_may_not_do_is_seen_beforehand() {
    let place = Place::new();
    let private = place.file("private", b"#!/bin/sh\n", 0o700);
    let shared = place.file("shared", b"#!/bin/sh\n", 0o711);
    std::fs::create_dir(place.path("closed")).unwrap();
    let inside = place.file("closed/inside", b"#!/bin/sh\n", 0o755);
    let closed = place.path("closed").to_str().unwrap().to_owned();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let nobody = |path: &str| Binary { user: Some("nobody".to_owned()), ..program(path) };
    if !nix::unistd::Uid::effective().is_root() {
        let text = "privileges: it is to run as user nobody, and ubmcd does not run as root => \
                    run ubmcd as root, or leave `user` and `group` out";
        assert!(look_at(nobody("sh")).await.contains(&text.to_owned()));
        return;
    }
    assert_eq!(look_at(nobody(&shared)).await, [] as [&str; 0]);
    let chmod = |path: &str| format!("`chmod +x {path}`, and see that its file system is not mounted noexec");
    assert_eq!(
        look_at(nobody(&private)).await,
        [format!("binary-not-executable: {private} may not be executed by user nobody => {}", chmod(&private))]
    );
    let way = format!("user nobody may not enter {closed}");
    assert_eq!(
        look_at(nobody(&inside)).await,
        [format!(
            "binary-not-executable: {inside}: {way} => see that {way} no longer holds, or put the program elsewhere"
        )]
    );
    let dir = Binary { working_dir: closed.clone(), ..nobody("sh") };
    assert_eq!(
        look_at(dir.clone()).await,
        [format!(
            "working-directory: its working directory {closed}: {way} => let user nobody enter it, or choose another `working_dir`"
        )]
    );
    // Whoever keeps that capability gets at everything, and so does a member of the right group.
    let capable = Binary { capabilities: Some(vec!["CAP_DAC_OVERRIDE".to_owned()]), ..dir.clone() };
    assert_eq!(look_at(capable).await, [] as [&str; 0]);
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o710)).unwrap();
    assert_eq!(look_at(Binary { group: Some("0".to_owned()), ..dir }).await, [] as [&str; 0]);
}

fn listener(address: impl Into<SocketAddr>) -> (TcpListener, u16) {
    let listener = TcpListener::bind(address.into()).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_who_has_it() {
    let with_port = |port| ServiceSpec { port: Some(port), ..spec(program("sh")) };
    let all = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        (Ipv4Addr::UNSPECIFIED, 0).into(),
        (Ipv6Addr::LOCALHOST, 0).into(),
        (Ipv6Addr::UNSPECIFIED, 0).into(),
    ];
    for address in all {
        let (listener, port) = listener(address);
        let expected = format!("port-taken: port {port} is taken by ubmcd itself => give one of the two another port");
        assert_eq!(look(vec![with_port(port)]).await, [[expected]], "{address}");
        // A connection that lingers after its listener has gone does not count.
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        drop((server, listener));
        drop(client);
        assert_eq!(look(vec![with_port(port)]).await, [vec![] as Vec<String>], "{address}: it lingers");
    }
}

#[test]
fn only_taken_ports_are_worth_another_try() {
    let obstacle = |kind| Obstacle {
        kind,
        subject: String::new(),
        text: format!("{kind} is wrong"),
        remedy: String::new(),
        since: None,
    };
    assert_eq!(as_error(&[]), None);
    let error = as_error(&[obstacle(PORT_TAKEN)]).unwrap();
    assert_eq!((error.stage, error.errno), (SpawnStage::Preflight, 98));
    let error = as_error(&[obstacle(PORT_TAKEN), obstacle("user")]).unwrap();
    assert_eq!((error.errno, error.text.as_str()), (2, "port-taken is wrong; user is wrong"));
}
