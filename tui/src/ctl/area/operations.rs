//! `ubmcctl operations`: long-running requests.

use clap::Subcommand;
use tokio::time::{Instant, timeout_at};
use ubmc_proto::v1::{
    CancelOperationRequest, GetOperationRequest, ListOperationsRequest, WatchOperationRequest,
    state_service_client::StateServiceClient,
};

use crate::ctl::{
    exit::Failure,
    object::Operation,
    outcome,
    output::{Canvas, Cell, Paint, Table, duration, left, percent, plain_text, right},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Recent operations
    List {
        /// Only those that have not ended
        #[arg(long)]
        running: bool,
    },
    /// One operation with its steps
    Show { id: String },
    /// Follows an operation to its end, and ends as it does
    Watch { id: String },
    /// Asks an operation to stop where that is safe
    Cancel { id: String },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List { running } => list(session, running).await,
            Self::Show { id } => {
                let request = GetOperationRequest { id };
                let operation: Operation = session
                    .call(|channel| async move { StateServiceClient::new(channel).get_operation(request).await })
                    .await?
                    .into();
                session.out.one(&operation, |canvas| outcome::page(&operation).draw(canvas))
            }
            Self::Watch { id } => watch(session, id).await,
            Self::Cancel { id } => cancel(session, id).await,
        }
    }
}

async fn list(session: &mut Session, running: bool) -> Result<(), Failure> {
    let request = ListOperationsRequest { running };
    let answer =
        session.call(|channel| async move { StateServiceClient::new(channel).list_operations(request).await }).await?;
    let operations: Vec<_> = answer.operations.into_iter().map(Operation::from).collect();
    session.out.list(&operations, |canvas| table(&operations).draw(canvas))
}

fn table(operations: &[Operation]) -> Table {
    let mut table = Table::new(
        [
            left("ID"),
            left("WHAT"),
            left("STATE"),
            right("DONE").rank(2),
            right("AGE").rank(1),
            right("TOOK"),
            left("WHY"),
        ],
        "no operations",
    );
    for operation in operations {
        table.row([
            Cell::name(&operation.id),
            operation.title().into(),
            Cell::word(&operation.state),
            percent((operation.progress * 100.0).round()).into(),
            duration(operation.age_s).into(),
            Cell::maybe(operation.duration_s.map(duration)),
            operation.reason.as_deref().unwrap_or_default().into(),
        ]);
    }
    table
}

/// Every change is an item; the end is the end of the command. `--timeout` bounds the wait for it.
async fn watch(session: &mut Session, id: String) -> Result<(), Failure> {
    let deadline = session.timeout.map(|bound| (Instant::now() + bound, bound));
    let request = WatchOperationRequest { id: id.clone() };
    let mut stream =
        session.call(|channel| async move { StateServiceClient::new(channel).watch_operation(request).await }).await?;
    loop {
        let message = match deadline {
            None => stream.message().await,
            Some((deadline, bound)) => timeout_at(deadline, stream.message()).await.map_err(|_| {
                Failure::TimedOut(format!("{id} has not ended within {}", duration(bound.as_secs_f64())))
            })?,
        };
        let Some(update) = message? else {
            return Err(Failure::Unreachable(format!("ubmcd ended the stream before {id} ended")));
        };
        session.watching = true;
        let operation = Operation::from(update);
        session.out.item(&operation, |canvas| line(&operation, canvas))?;
        if operation.ended() {
            return outcome::verdict(&operation);
        }
    }
}

fn line(operation: &Operation, canvas: Canvas) -> String {
    let state = canvas.paint(Paint::of(&operation.state), &operation.state);
    let step = operation.steps.iter().position(|step| step.state == "running").and_then(|index| {
        let step = operation.steps.get(index)?;
        Some(format!(", step {} of {}: {}", index + 1, operation.steps.len(), plain_text(&step.name)))
    });
    let reason = operation.reason.as_ref().map(|reason| format!(" ({})", plain_text(reason)));
    format!(
        "{} {}: {state}{}{}",
        operation.id,
        plain_text(&operation.title()),
        step.unwrap_or_default(),
        reason.unwrap_or_default()
    )
}

async fn cancel(session: &mut Session, id: String) -> Result<(), Failure> {
    let request = CancelOperationRequest { id, reason: session.reason.clone() };
    let operation: Operation = session
        .call(|channel| async move { StateServiceClient::new(channel).cancel_operation(request).await })
        .await?
        .into();
    session.out.one(&operation, |canvas| line(&operation, canvas))
}
