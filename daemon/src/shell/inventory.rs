//! The built-in service `inventory`: keeps the list of what is built in.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ubmc_proto::v1::InventoryItem;

use super::Handle;
use crate::api::{streams::Pace, to_wire};

/// Presence does not change faster than somebody can plug.
const INTERVAL: Duration = Duration::from_secs(1);

/// The list, while the service runs. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Items(Arc<Mutex<Option<Arc<[InventoryItem]>>>>);

impl Items {
    /// What is built in. None while the service does not run.
    pub fn get(&self) -> Option<Arc<[InventoryItem]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, items: Option<Arc<[InventoryItem]>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = items;
    }
}

/// Empties the list when the task ends, however it ends: an old list must not pass for a true one.
struct Emptied<'a>(&'a Items);

impl Drop for Emptied<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// Keeps the list true until the loop ends or it is dropped.
pub(super) async fn keep(handle: Handle, items: Items) {
    let _emptied = Emptied(&items);
    let Ok((first, mut changes)) =
        handle.look(|sight| (to_wire::inventory(sight.core), sight.hub.status.subscribe(None))).await
    else {
        return;
    };
    items.set(Some(first.into()));
    let mut pace = Pace::new(INTERVAL);
    loop {
        pace.wait().await;
        if changes.next().await.is_none() {
            return;
        }
        pace.made();
        match handle.look(|sight| to_wire::inventory(sight.core)).await {
            Ok(list) => items.set(Some(list.into())),
            Err(_) => return,
        }
    }
}
