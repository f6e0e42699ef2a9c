//! How a client reaches a daemon.

use std::{io, path::PathBuf, time::Duration};

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tower::service_fn;

use super::Address;

/// Why a daemon cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The socket is not there, or nobody listens.
    #[error("cannot reach ubmcd at {address}: {cause}; is it running, and is this the right --connect address?")]
    Unreachable {
        /// Where it was looked for.
        address: Address,
        /// What the system or the transport said.
        cause: String,
    },
    /// The socket is there, and this user may not open it.
    #[error("this user may not open ubmcd's socket {0}: be root, or a member of the group that the socket belongs to")]
    NotPermitted(Address),
    /// Understood, but not built into this version.
    #[error("{0}: TCP needs client certificates, which this version cannot present yet; use the unix socket")]
    TcpNotYet(Address),
}

/// Connects to a daemon. Fails within `timeout` when nobody answers.
pub async fn connect(address: &Address, timeout: Duration) -> Result<Channel, ConnectError> {
    match address {
        Address::Unix(path) => connect_unix(address, path.clone(), timeout).await,
        Address::Tcp { .. } => Err(ConnectError::TcpNotYet(address.clone())),
    }
}

async fn connect_unix(address: &Address, path: PathBuf, timeout: Duration) -> Result<Channel, ConnectError> {
    let unreachable = |cause: String| ConnectError::Unreachable { address: address.clone(), cause };
    // A plain connect first: its error says "no such file" or "refused", where the transport only says "error".
    match tokio::time::timeout(timeout, UnixStream::connect(&path)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(ConnectError::NotPermitted(address.clone()));
        }
        Ok(Err(error)) => return Err(unreachable(plain(&error))),
        Err(_) => return Err(unreachable(format!("no answer within {} s", timeout.as_secs_f64()))),
    }
    // The authority is fixed: h2 refuses a socket path there.
    let endpoint = Endpoint::from_static("http://localhost").connect_timeout(timeout);
    endpoint
        .connect_with_connector(service_fn(move |_: Uri| {
            let path = path.clone();
            async move { Ok::<_, io::Error>(TokioIo::new(UnixStream::connect(path).await?)) }
        }))
        .await
        // Its own words are "transport error". Somebody listened a moment ago.
        .map_err(|_| unreachable("what listens there ends the connection, or does not speak as ubmcd does".to_owned()))
}

/// The system's words without the number that means nothing at a rack.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such socket".to_owned(),
        io::ErrorKind::ConnectionRefused => "the socket is there, but nobody listens on it".to_owned(),
        _ => error.to_string(),
    }
}
