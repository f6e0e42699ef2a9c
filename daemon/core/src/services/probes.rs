//! How it is known that a service can be relied on, and that it works: what registries say of it.

use std::{sync::Arc, time::Duration};

/// How it is known that a service can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// The exec succeeded.
    #[default]
    Exec,
    /// It says `READY=1` on the notification socket.
    Notify,
    /// It writes a newline to this descriptor.
    Fd(i32),
    /// Its first health check passes.
    Check,
    /// So long after the exec.
    Delay(Duration),
}

/// How a service's health is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthSpec {
    /// What is done.
    pub check: Arc<HealthCheck>,
    /// Between checks.
    pub interval: Duration,
    /// Failures in a row that make it unhealthy, at least 1.
    pub retries: u32,
    /// A check that takes longer has failed.
    pub timeout: Duration,
}

/// One way of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthCheck {
    /// An HTTP request.
    Http {
        /// `http://HOST[:PORT]/PATH`
        endpoint: String,
        /// Status code that means healthy.
        expected_status: u16,
        /// e.g. `GET`
        method: String,
    },
    /// A connection that succeeds.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A command's exit code.
    Command {
        /// Run by `sh -c`.
        command: String,
        /// Code that means healthy.
        expected_exit_code: i32,
    },
    /// A file's presence.
    File {
        /// Path.
        path: String,
        /// Healthy when it is there (true) or when it is not (false).
        must_exist: bool,
    },
    /// grpc.health.v1.
    Grpc {
        /// `HOST:PORT` or `unix:PATH`
        endpoint: String,
        /// Service name asked for; empty: the server as a whole.
        service: String,
    },
    /// The service must say `WATCHDOG=1` at least once per interval.
    Heartbeat,
}

impl HealthCheck {
    /// As registries write its type.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::Tcp { .. } => "tcp",
            Self::Command { .. } => "command",
            Self::File { .. } => "file",
            Self::Grpc { .. } => "grpc",
            Self::Heartbeat => "heartbeat",
        }
    }
}
