//! An HTTP request whose status is compared. The status line is all that is read of the answer, however long it is.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Finding, connect};

/// A status line is `HTTP/1.1 200 ` and a reason of which no more than this is worth looking at.
const LONGEST_LINE: usize = 256;

pub(super) async fn ask(endpoint: &str, method: &str, expected: u16) -> Finding {
    let Some(target) = Target::parse(endpoint) else {
        return Err(format!("`{endpoint}` is not of the form http://HOST[:PORT]/PATH"));
    };
    let mut stream = connect::tcp(target.host, target.port).await?;
    // HTTP/1.1 with a host and without keep-alive; `Connection: close` lets the server forget us at once.
    let request = format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: ubmcd\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        target.path, target.authority
    );
    let lost = |error: std::io::Error| format!("{}: {error}", target.authority);
    stream.write_all(request.as_bytes()).await.map_err(lost)?;
    let mut answer = Vec::new();
    while !answer.contains(&b'\n') && answer.len() < LONGEST_LINE {
        if stream.read_buf(&mut answer).await.map_err(lost)? == 0 {
            break;
        }
    }
    let line = String::from_utf8_lossy(&answer);
    let line = line.lines().next().unwrap_or_default();
    match status(line) {
        Some(status) if status == expected => Ok(format!("status {status}")),
        Some(status) => Err(format!("status {status} instead of {expected}")),
        None if line.is_empty() => Err(format!("{} closed the connection without an answer", target.authority)),
        None => Err(format!("{} does not speak HTTP", target.authority)),
    }
}

/// `HTTP/1.1 200 OK`
fn status(line: &str) -> Option<u16> {
    let (_, rest) = line.strip_prefix("HTTP/1.")?.split_once(' ')?;
    let code = rest.split(' ').next()?;
    (code.len() == 3).then(|| code.parse().ok())?
}

#[derive(Debug, PartialEq, Eq)]
struct Target<'a> {
    host: &'a str,
    port: u16,
    authority: &'a str,
    path: String,
}

impl<'a> Target<'a> {
    fn parse(endpoint: &'a str) -> Option<Self> {
        let rest = endpoint.strip_prefix("http://")?;
        let rest = rest.split('#').next()?;
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.rsplit_once(':') {
            // A colon inside brackets belongs to the address.
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            Some(_) | None => (authority, 80),
        };
        let is_sound = !host.is_empty() && !endpoint.chars().any(|c| c.is_control() || c == ' ');
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        is_sound.then_some(Self { host, port, authority, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_taken_apart() {
        let cases = [
            ("http://localhost:9090/health", Some(("localhost", 9090, "/health"))),
            ("http://127.0.0.1", Some(("127.0.0.1", 80, "/"))),
            ("http://bmc/a/b?c=d#e", Some(("bmc", 80, "/a/b?c=d"))),
            ("http://bmc:81?x", Some(("bmc", 81, "/?x"))),
            ("http://[::1]:8080/x", Some(("[::1]", 8080, "/x"))),
            ("http://[::1]/x", Some(("[::1]", 80, "/x"))),
            ("https://localhost/", None),
            ("localhost:80", None),
            ("http://:80/", None),
            ("http://x:port/", None),
            ("http://x/\r\nHost: y", None),
        ];
        for (endpoint, expected) in cases {
            let target = Target::parse(endpoint);
            let found = target.as_ref().map(|target| (target.host, target.port, target.path.as_str()));
            assert_eq!(found, expected, "{endpoint}");
        }
    }

    #[test]
    fn status_lines_are_read() {
        let cases = [
            ("HTTP/1.1 200 OK", Some(200)),
            ("HTTP/1.0 503 Service Unavailable", Some(503)),
            ("HTTP/1.1 204", Some(204)),
            ("HTTP/1.1 20 OK", None),
            ("HTTP/1.1", None),
            ("SSH-2.0-OpenSSH_9.2", None),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(status(line), expected, "{line}");
        }
    }
}
