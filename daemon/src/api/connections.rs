//! Connections of the API: counted, bounded, known by their caller, and closable from our side.

use std::{
    collections::BTreeMap,
    io,
    os::fd::OwnedFd,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use rustix::net::Shutdown;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
};
use tonic::transport::server::Connected;

use super::auth::Caller;

/// Connections at one time; one more is closed at once.
pub const MAX_CONNECTIONS: usize = 64;

/// All open connections. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// A second descriptor of each socket, to end it while the server holds the first.
    sockets: BTreeMap<u64, OwnedFd>,
}

impl Connections {
    /// Takes a new connection in. None when there are too many, or its peer cannot be told.
    pub fn admit(&self, stream: UnixStream) -> io::Result<Option<Connection>> {
        let caller = Caller::local(stream.peer_cred()?.uid());
        let socket = rustix::io::fcntl_dupfd_cloexec(&stream, 0)?;
        let mut open = self.open();
        if open.sockets.len() >= MAX_CONNECTIONS {
            return Ok(None);
        }
        let number = open.next;
        open.next += 1;
        open.sockets.insert(number, socket);
        drop(open);
        Ok(Some(Connection { stream, caller, number, all: self.clone() }))
    }

    /// Ends every connection now, whatever is under way on it.
    pub fn close(&self) {
        for socket in self.open().sockets.values() {
            // One that has ended in the meantime is what we want.
            let _ = rustix::net::shutdown(socket, Shutdown::Both);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    stream: UnixStream,
    caller: Caller,
    number: u64,
    all: Connections,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.all.open().sockets.remove(&self.number);
    }
}

impl Connected for Connection {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
