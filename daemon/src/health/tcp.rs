//! A connection that succeeds.

use super::{Finding, connect};

pub(super) async fn ask(host: &str, port: u16) -> Finding {
    connect::tcp(host, port).await.map(|_| format!("{host}:{port} accepts connections"))
}
