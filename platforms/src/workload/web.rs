//! A web server and a client of it, as small as HTTP/1.1 allows: one request a connection, bounded in time and size.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream, ToSocketAddrs},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use super::{Options, say};

/// Requests that are served at the same time.
const WORKERS: usize = 4;
/// What a peer may take to say its piece.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest head of a request or answer.
const MAX_HEAD: usize = 8 * 1024;
/// Failures in a row after which a client gives up.
const MAX_FAILURES: u32 = 5;

pub(super) fn serve(options: &Options) -> Result<ExitCode, String> {
    let port: u16 = options.number("--port", 8080)?;
    let fails_at = options.seconds("--fail-after")?.map(|after| Instant::now() + after);
    let listener =
        TcpListener::bind(("127.0.0.1", port)).map_err(|error| format!("cannot listen on port {port}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    say(&format!("listening on {address}")).map_err(|error| format!("nobody listens: {error}"))?;
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| work(&listener, fails_at));
        }
    });
    Ok(ExitCode::SUCCESS)
}

fn work(listener: &TcpListener, fails_at: Option<Instant>) {
    loop {
        match listener.accept() {
            // A peer that breaks its connection harms itself alone.
            Ok((mut peer, _)) => answer(&mut peer, fails_at).unwrap_or_default(),
            // Most likely there are no descriptors left; there will be.
            Err(_) => thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn answer(peer: &mut TcpStream, fails_at: Option<Instant>) -> io::Result<()> {
    peer.set_read_timeout(Some(PATIENCE))?;
    peer.set_write_timeout(Some(PATIENCE))?;
    let head = head(peer)?;
    let mut words = head.lines().next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let unwell = fails_at.is_some_and(|at| at <= Instant::now());
    let (status, body) = match (method, path.split('?').next().unwrap_or_default()) {
        ("GET" | "HEAD", "/health") if unwell => ("503 Service Unavailable", "not well\n"),
        ("GET" | "HEAD", "/health") => ("200 OK", "ok\n"),
        ("GET" | "HEAD", "/") => ("200 OK", "<!doctype html><title>BMC</title><p>This is the BMC.\n"),
        ("GET" | "HEAD", _) => ("404 Not Found", "no such page\n"),
        _ => ("405 Method Not Allowed", "only GET and HEAD\n"),
    };
    let length = body.len();
    let sent = if method == "HEAD" { "" } else { body };
    write!(
        peer,
        "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{sent}"
    )
}

/// Everything up to the empty line.
fn head(peer: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    let mut part = [0; 512];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let more = peer.read(&mut part)?;
        head.extend_from_slice(&part[..more]);
        if more == 0 {
            break;
        }
        if head.len() > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

pub(super) fn poll(options: &Options) -> Result<ExitCode, String> {
    let url = options.text("--url").unwrap_or("http://127.0.0.1:8080/");
    let interval = options.seconds("--interval")?.unwrap_or(Duration::from_secs(1));
    let (host, path) = parse(url)?;
    let mut failures = 0;
    loop {
        let asked = Instant::now();
        let line = match get(&host, &path) {
            Ok(status @ 200..=399) => {
                failures = 0;
                format!("{url} {status} {} ms", asked.elapsed().as_millis())
            }
            Ok(status) => {
                failures += 1;
                format!("{url} {status} (failure {failures} of {MAX_FAILURES})")
            }
            Err(error) => {
                failures += 1;
                format!("{url} {error} (failure {failures} of {MAX_FAILURES})")
            }
        };
        say(&line).map_err(|error| format!("nobody listens: {error}"))?;
        if failures >= MAX_FAILURES {
            return Err(format!("{url} failed {MAX_FAILURES} times in a row"));
        }
        thread::sleep(interval);
    }
}

/// Host with port, and path.
fn parse(url: &str) -> Result<(String, String), String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("`{url}` does not begin with http://"))?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    Ok((host, format!("/{path}")))
}

fn get(host: &str, path: &str) -> io::Result<u16> {
    let address = host.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
    let mut peer = TcpStream::connect_timeout(&address, PATIENCE)?;
    peer.set_read_timeout(Some(PATIENCE))?;
    peer.set_write_timeout(Some(PATIENCE))?;
    write!(peer, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let head = head(&mut peer)?;
    let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|text| text.parse().ok());
    status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, expected: Result<(&str, &str), &str>) {
        let expected = expected.map(|(host, path)| (host.into(), path.into())).map_err(ToOwned::to_owned);
        assert_eq!(parse(url), expected);
    }

    #[test]
    fn urls_are_taken_apart() {
        check("http://127.0.0.1:18080/health?x=1", Ok(("127.0.0.1:18080", "/health?x=1")));
        check("http://localhost", Ok(("localhost:80", "/")));
        check("https://localhost/", Err("`https://localhost/` does not begin with http://"));
    }

    #[test]
    fn a_head_ends_at_the_empty_line_or_at_its_bound() {
        assert_eq!(head(&mut &b"GET / HTTP/1.1\r\n\r\n"[..]).unwrap(), "GET / HTTP/1.1\r\n\r\n");
        assert_eq!(head(&mut &b"GET"[..]).unwrap(), "GET");
        assert!(head(&mut io::repeat(b'x')).is_err());
    }
}
