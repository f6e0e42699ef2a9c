//! Each kind of check against servers that answer, refuse, lie or say nothing.

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener},
};
use tokio_stream::wrappers::{TcpListenerStream, UnixListenerStream};
use tonic::transport::Server;

use super::*;
use crate::process::{Config, OutputConfig, Processes, tests::alone};

/// Enough for anything that answers at all.
const LONG: Duration = Duration::from_secs(30);
/// For what never answers.
const SHORT: Duration = Duration::from_millis(100);

/// Asks while the reaper runs, as it does in the daemon.
async fn ask(checks: Vec<(HealthCheck, Duration)>) -> Vec<Verdict> {
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let config = Config { runtime_dir: dir.path().to_owned(), cgroups: false, output: OutputConfig::default() };
    let mut processes = Processes::new(config).unwrap();
    let prober = Prober::new(processes.commands(), 8);
    let mut verdicts = Vec::new();
    for (check, timeout) in checks {
        tokio::select! {
            verdict = prober.run(&check, timeout) => verdicts.push(verdict),
            happening = processes.next() => unreachable!("{happening:?}"),
        }
    }
    verdicts
}

async fn check(cases: Vec<(HealthCheck, Duration, Result<String, String>)>) {
    let asked = cases.iter().map(|(check, timeout, _)| (check.clone(), *timeout)).collect();
    for ((check, timeout, expected), verdict) in cases.into_iter().zip(ask(asked).await) {
        let found = if verdict.passed { Ok(verdict.text) } else { Err(verdict.text) };
        assert_eq!(found, expected, "{check:?}");
        assert!(verdict.took < LONG && (timeout == LONG || verdict.took >= timeout), "{check:?}: {:?}", verdict.took);
    }
}

/// A server that answers every connection with the same bytes, once it has heard something. Without an answer it keeps
/// the connection and says nothing.
async fn server(answer: Option<Vec<u8>>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            match answer.clone() {
                Some(answer) => {
                    tokio::spawn(async move {
                        let mut request = [0; 1024];
                        let _ = stream.read(&mut request).await;
                        let _ = stream.write_all(&answer).await;
                    });
                }
                None => silent.push(stream),
            }
        }
    });
    port
}

/// A port where nobody listens.
async fn closed_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port()
}

fn http(port: u16, expected_status: u16) -> HealthCheck {
    HealthCheck::Http { endpoint: format!("http://127.0.0.1:{port}/health"), expected_status, method: "GET".to_owned() }
}

#[tokio::test]
async fn http_compares_the_status_and_reads_no_more() {
    let answer = |text: &str| Some(text.as_bytes().to_vec());
    let good = server(answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")).await;
    let bad = server(answer("HTTP/1.0 503 Service Unavailable\r\n\r\n")).await;
    let endless = server(Some([b"HTTP/1.1 200 OK\r\n".to_vec(), vec![b'x'; 1 << 24]].concat())).await;
    let babble = server(Some(vec![b'x'; 1 << 24])).await;
    let other = server(answer("SSH-2.0-OpenSSH_9.2\r\n")).await;
    let closing = server(answer("")).await;
    let silent = server(None).await;
    let nobody = closed_port().await;
    check(vec![
        (http(good, 200), LONG, Ok("status 200".to_owned())),
        (http(good, 204), LONG, Err("status 200 instead of 204".to_owned())),
        (http(bad, 200), LONG, Err("status 503 instead of 200".to_owned())),
        (http(bad, 503), LONG, Ok("status 503".to_owned())),
        (http(endless, 200), LONG, Ok("status 200".to_owned())),
        (http(babble, 200), LONG, Err(format!("127.0.0.1:{babble} does not speak HTTP"))),
        (http(other, 200), LONG, Err(format!("127.0.0.1:{other} does not speak HTTP"))),
        (http(closing, 200), LONG, Err(format!("127.0.0.1:{closing} closed the connection without an answer"))),
        (http(silent, 200), SHORT, Err(format!("no answer from http://127.0.0.1:{silent}/health within 0.1 s"))),
        (http(nobody, 200), LONG, Err(format!("connection refused by 127.0.0.1:{nobody}"))),
        (
            HealthCheck::Http { endpoint: "https://x/".to_owned(), expected_status: 200, method: "GET".to_owned() },
            LONG,
            Err("`https://x/` is not of the form http://HOST[:PORT]/PATH".to_owned()),
        ),
    ])
    .await;
}

#[tokio::test]
async fn tcp_passes_when_the_connection_does() {
    let open = server(None).await;
    let nobody = closed_port().await;
    let tcp = |host: &str, port| HealthCheck::Tcp { host: host.to_owned(), port };
    check(vec![
        (tcp("127.0.0.1", open), LONG, Ok(format!("127.0.0.1:{open} accepts connections"))),
        (tcp("localhost", open), LONG, Ok(format!("localhost:{open} accepts connections"))),
        (tcp("127.0.0.1", nobody), LONG, Err(format!("connection refused by 127.0.0.1:{nobody}"))),
        (tcp("localhost", nobody), LONG, Err(format!("connection refused by localhost:{nobody}"))),
    ])
    .await;
}

#[tokio::test]
async fn a_command_passes_with_its_code_and_is_killed_in_time() {
    let command =
        |command: &str, expected_exit_code| HealthCheck::Command { command: command.to_owned(), expected_exit_code };
    check(vec![
        (command("exit 0", 0), LONG, Ok("exit code 0".to_owned())),
        (command("echo all is well; exit 3", 3), LONG, Ok("exit code 3: all is well".to_owned())),
        (
            command("echo first; echo disk full >&2; exit 1", 0),
            LONG,
            Err("exit code 1 instead of 0: disk full".to_owned()),
        ),
        (command("kill -9 $$", 0), LONG, Err("killed by SIGKILL".to_owned())),
        (command("sleep 1000 | sleep 1000", 0), SHORT, Err("killed because it did not end within 0.1 s".to_owned())),
    ])
    .await;
}

#[tokio::test]
async fn a_file_is_there_or_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let there = dir.path().join("there");
    std::fs::write(&there, "").unwrap();
    let (there, missing) = (there.to_str().unwrap().to_owned(), format!("{}/missing", dir.path().display()));
    let file = |path: &str, must_exist| HealthCheck::File { path: path.to_owned(), must_exist };
    check(vec![
        (file(&there, true), LONG, Ok(format!("{there} is there"))),
        (file(&there, false), LONG, Err(format!("{there} is there, but must not be"))),
        (file(&missing, true), LONG, Err(format!("{missing} is not there"))),
        (file(&missing, false), LONG, Ok(format!("{missing} is not there"))),
        (file(&format!("{there}/below"), true), LONG, Err(format!("{there}/below: Not a directory (os error 20)"))),
    ])
    .await;
}

#[tokio::test]
async fn grpc_asks_the_health_service() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("grpc.sock");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("up", tonic_health::ServingStatus::Serving).await;
    reporter.set_service_status("down", tonic_health::ServingStatus::NotServing).await;
    tokio::spawn(Server::builder().add_service(service.clone()).serve_with_incoming(TcpListenerStream::new(listener)));
    let incoming = UnixListenerStream::new(UnixListener::bind(&path).unwrap());
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let silent = server(None).await;
    let nobody = closed_port().await;
    let grpc = |endpoint: &str, service: &str| HealthCheck::Grpc {
        endpoint: endpoint.to_owned(),
        service: service.to_owned(),
    };
    let tcp = format!("127.0.0.1:{port}");
    let unix = format!("unix:{}", path.display());
    check(vec![
        (grpc(&tcp, ""), LONG, Ok("the server is serving".to_owned())),
        (grpc(&tcp, "up"), LONG, Ok("up is serving".to_owned())),
        (grpc(&tcp, "down"), LONG, Err("down is not serving".to_owned())),
        (grpc(&tcp, "other"), LONG, Err(format!("the server at {tcp} knows no service `other`"))),
        (grpc(&unix, "up"), LONG, Ok("up is serving".to_owned())),
        (grpc("unix:/no/such.sock", ""), LONG, Err("/no/such.sock: there is no such socket".to_owned())),
        (grpc(&format!("127.0.0.1:{nobody}"), ""), LONG, Err(format!("connection refused by 127.0.0.1:{nobody}"))),
        (
            grpc(&format!("127.0.0.1:{silent}"), ""),
            SHORT,
            Err(format!("no answer from 127.0.0.1:{silent} within 0.1 s")),
        ),
        (grpc("nonsense", ""), LONG, Err("`nonsense` is not of the form HOST:PORT or unix:PATH".to_owned())),
    ])
    .await;
    // Something else that listens there: how it is put is the transport's business, that it fails is ours.
    let other = server(Some(b"HTTP/1.1 200 OK\r\n\r\n".to_vec())).await;
    let verdicts = ask(vec![(grpc(&format!("127.0.0.1:{other}"), ""), LONG)]).await;
    assert!(verdicts.iter().all(|verdict| !verdict.passed), "{verdicts:?}");
}

#[tokio::test]
async fn no_more_than_so_many_are_asked_at_once() {
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let open = OPEN.fetch_add(1, Ordering::SeqCst) + 1;
            MOST.fetch_max(open, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                // Long enough for all others to come, if they were let.
                tokio::time::sleep(Duration::from_millis(20)).await;
                OPEN.fetch_sub(1, Ordering::SeqCst);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            });
        }
    });
    let _alone = alone();
    let dir = tempfile::tempdir().unwrap();
    let config = Config { runtime_dir: dir.path().to_owned(), cgroups: false, output: OutputConfig::default() };
    let processes = Processes::new(config).unwrap();
    let prober = Prober::new(processes.commands(), 3);
    let asked: Vec<_> = (0..12)
        .map(|_| {
            let prober = prober.clone();
            tokio::spawn(async move { prober.run(&http(port, 200), LONG).await })
        })
        .collect();
    for asked in asked {
        assert!(asked.await.unwrap().passed);
    }
    assert_eq!(MOST.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_heartbeat_is_not_asked_for() {
    let verdict = &ask(vec![(HealthCheck::Heartbeat, LONG)]).await[0];
    assert!(!verdict.passed);
}
