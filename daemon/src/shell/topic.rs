//! One kind of thing that can be watched: services, machines, sensors…
//!
//! Each subscriber has a mailbox with at most one message per thing: a newer one replaces an older one that has not
//! been fetched, so a slow subscriber sees fewer steps, never a wrong end, and costs no more than the table is long.
//! A message is made once, whoever gets it, and not at all when nobody does.

use std::{
    collections::BTreeSet,
    hash::Hash,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use indexmap::IndexMap;
use tokio::sync::Notify;

/// What the loop tells of one kind of thing; `K` names a thing, `M` is what is told of it.
#[derive(Debug)]
pub struct Topic<K, M> {
    mailboxes: Vec<Weak<Mailbox<K, M>>>,
}

/// A subscriber's end of a [`Topic`].
#[derive(Debug)]
pub struct Subscription<K, M> {
    mailbox: Arc<Mailbox<K, M>>,
}

#[derive(Debug)]
struct Mailbox<K, M> {
    /// Only these; absent: all.
    only: Option<BTreeSet<K>>,
    /// Not yet fetched, oldest change first.
    waiting: Mutex<IndexMap<K, Arc<M>>>,
    /// The topic is gone: nothing will come any more.
    ended: AtomicBool,
    wake: Notify,
}

impl<K, M> Mailbox<K, M> {
    fn waiting(&self) -> MutexGuard<'_, IndexMap<K, Arc<M>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, M> Default for Topic<K, M> {
    fn default() -> Self {
        Self { mailboxes: Vec::new() }
    }
}

impl<K: Copy + Ord + Hash, M> Topic<K, M> {
    /// Registers a subscriber for `only` these things, or for all.
    pub fn subscribe(&mut self, only: Option<BTreeSet<K>>) -> Subscription<K, M> {
        let mailbox = Arc::new(Mailbox {
            only,
            waiting: Mutex::new(IndexMap::new()),
            ended: AtomicBool::new(false),
            wake: Notify::new(),
        });
        self.forget_the_gone();
        self.mailboxes.push(Arc::downgrade(&mailbox));
        Subscription { mailbox }
    }

    /// Whether anybody would be told.
    pub fn is_watched(&self) -> bool {
        self.mailboxes.iter().any(|mailbox| mailbox.strong_count() > 0)
    }

    /// Tells of the things in `changed`; `make` makes a message of one.
    pub fn publish(&mut self, changed: impl IntoIterator<Item = K>, make: impl FnMut(K) -> M) {
        self.publish_values(changed.into_iter().map(|key| (key, key)), make);
    }

    /// Tells of the things in `changed`; `make` makes a message of what stands beside its key.
    pub fn publish_values<V: Copy>(&mut self, changed: impl IntoIterator<Item = (K, V)>, mut make: impl FnMut(V) -> M) {
        if self.mailboxes.is_empty() {
            return;
        }
        self.forget_the_gone();
        let mailboxes: Vec<_> = self.mailboxes.iter().filter_map(Weak::upgrade).collect();
        for (key, value) in changed {
            let mut message = None;
            for mailbox in &mailboxes {
                if mailbox.only.as_ref().is_none_or(|only| only.contains(&key)) {
                    let message = message.get_or_insert_with(|| Arc::new(make(value)));
                    mailbox.waiting().insert(key, Arc::clone(message));
                    mailbox.wake.notify_one();
                }
            }
        }
    }

    fn forget_the_gone(&mut self) {
        self.mailboxes.retain(|mailbox| mailbox.strong_count() > 0);
    }
}

impl<K, M> Drop for Topic<K, M> {
    fn drop(&mut self) {
        for mailbox in self.mailboxes.iter().filter_map(Weak::upgrade) {
            mailbox.ended.store(true, Ordering::Release);
            mailbox.wake.notify_one();
        }
    }
}

impl<K, M> Subscription<K, M> {
    /// Waits for changes and fetches all there are, the oldest first. None when nothing will come any more.
    /// Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<Vec<(K, Arc<M>)>> {
        self.wait().await?;
        Some(self.fetch())
    }

    /// Waits until there is something to fetch. None when nothing will come any more.
    pub async fn wait(&mut self) -> Option<()> {
        loop {
            // Order matters: what was told before the end is still fetched.
            let ended = self.mailbox.ended.load(Ordering::Acquire);
            if !self.mailbox.waiting().is_empty() {
                return Some(());
            }
            if ended {
                return None;
            }
            self.mailbox.wake.notified().await;
        }
    }

    /// Fetches what there is, the oldest change first.
    pub fn fetch(&mut self) -> Vec<(K, Arc<M>)> {
        std::mem::take(&mut *self.mailbox.waiting()).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn fetch(subscription: &mut Subscription<u32, String>) -> Option<Vec<String>> {
        let fetched = tokio::time::timeout(Duration::ZERO, subscription.next()).await.ok()??;
        Some(fetched.into_iter().map(|(key, message)| format!("{key}:{message}")).collect())
    }

    #[tokio::test]
    async fn the_latest_of_each_thing_wins_and_nothing_is_lost() {
        let mut topic = Topic::default();
        let mut subscription = topic.subscribe(None);
        for round in 0..3 {
            topic.publish([2, 1], |_| round.to_string());
        }
        topic.publish([3], |_| "new".into());
        assert_eq!(fetch(&mut subscription).await, Some(vec!["2:2".into(), "1:2".into(), "3:new".into()]));
        assert_eq!(fetch(&mut subscription).await, None, "fetched once");
    }

    #[tokio::test]
    async fn a_message_is_made_once_for_many_and_never_for_nobody() {
        let mut topic = Topic::default();
        let mut made = 0;
        topic.publish([1], |_| made += 1);
        assert_eq!(made, 0, "nobody watches");
        let subscriptions = [topic.subscribe(None), topic.subscribe(None), topic.subscribe(Some([7].into()))];
        topic.publish([1], |_| made += 1);
        assert_eq!(made, 1, "two watch it");
        drop(subscriptions);
        topic.publish([1, 7], |_| made += 1);
        assert_eq!(made, 1, "all have left");
    }

    #[tokio::test]
    async fn a_subscriber_for_some_things_hears_of_them_only() {
        let mut topic = Topic::default();
        let mut subscription = topic.subscribe(Some([2].into()));
        topic.publish([1, 2, 3], |key| key.to_string());
        assert_eq!(fetch(&mut subscription).await, Some(vec!["2:2".into()]));
    }

    #[tokio::test]
    async fn the_end_comes_after_the_last_change() {
        let mut topic = Topic::default();
        let mut subscription = topic.subscribe(None);
        topic.publish([1], |_| "last".to_owned());
        drop(topic);
        assert_eq!(subscription.next().await.map(|fetched| fetched.len()), Some(1));
        assert!(subscription.next().await.is_none());
    }

    #[test]
    fn a_topic_is_watched_while_somebody_holds_a_subscription() {
        let mut topic = Topic::<u32, ()>::default();
        assert!(!topic.is_watched());
        let subscription = topic.subscribe(None);
        assert!(topic.is_watched());
        drop(subscription);
        assert!(!topic.is_watched());
    }
}
