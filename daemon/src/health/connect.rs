//! Connections whose failure is a sentence.

use std::{io, net::IpAddr};

use tokio::net::{TcpStream, UnixStream};

/// Connects to a host by name or address, trying all its addresses.
pub(super) async fn tcp(host: &str, port: u16) -> Result<TcpStream, String> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let connected = if let Ok(address) = host.parse::<IpAddr>() {
        TcpStream::connect((address, port)).await
    } else if host == "localhost" {
        // By far the most frequent name: the resolver, which needs a thread, has nothing to add.
        match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(stream) => Ok(stream),
            Err(first) => TcpStream::connect(("::1", port)).await.map_err(|_| first),
        }
    } else {
        TcpStream::connect((host, port)).await
    };
    connected.map_err(|error| refusal(&error, &format!("{host}:{port}")))
}

/// Connects to a unix socket.
pub(super) async fn unix(path: &str) -> Result<UnixStream, String> {
    UnixStream::connect(path).await.map_err(|error| refusal(&error, path))
}

fn refusal(error: &io::Error, whom: &str) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("connection refused by {whom}"),
        io::ErrorKind::NotFound => format!("{whom}: there is no such socket"),
        io::ErrorKind::PermissionDenied => format!("{whom}: ubmcd may not connect to it"),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => format!("{whom} cannot be reached"),
        _ => format!("connecting to {whom}: {error}"),
    }
}
