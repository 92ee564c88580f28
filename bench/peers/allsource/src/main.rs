//! AllSource's core in this process, as its server configures it: a log that is written first, Parquet files, and all
//! events in memory.  Its events hold parsed JSON, so parsing is part of an append here, as it is for Chronos.
//!
//! Durable is its log with a sync on every write; it writes, and so syncs, the events of a batch one by one.  It
//! has no positions: an event is found by its id, made from the position here.

#[path = "../../frame.rs"]
mod frame;

use allsource_core::application::dto::QueryEventsRequest;
use allsource_core::domain::entities::Event as StoredEvent;
use allsource_core::infrastructure::persistence::wal::WALConfig;
use allsource_core::store::{EventStore, EventStoreConfig};
use chrono::{DateTime, Utc};
use frame::{die, disk_bytes, merge, time_of, Event, Peer, Producer, Start};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;

const TENANT: &str = "default";

fn moment(position: u64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time_of(position)).unwrap()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| die(e))
}

struct AllSourceProducer {
    store: Arc<EventStore>,
}

impl Producer for AllSourceProducer {
    fn append(&mut self, events: &[Event]) {
        let batch: Vec<StoredEvent> = events
            .iter()
            .map(|event| {
                StoredEvent::reconstruct_from_strings(
                    Uuid::from_u128(event.position as u128),
                    event.event_type.clone(),
                    event.stream.clone(),
                    TENANT.to_string(),
                    parse(&event.data),
                    moment(event.position),
                    Some(parse(&event.metadata)),
                    1,
                )
            })
            .collect();
        self.store.ingest_batch(batch).unwrap_or_else(|e| die(e));
    }
}

struct AllSource {
    directory: PathBuf,
    durable: bool,
    store: Option<Arc<EventStore>>,
}

impl AllSource {
    fn query(&self, stream: &str, as_of: Option<DateTime<Utc>>, newest_only: bool) -> Vec<StoredEvent> {
        let request = QueryEventsRequest {
            entity_id: Some(stream.to_string()),
            event_type: None,
            tenant_id: Some(TENANT.to_string()),
            as_of,
            since: None,
            until: None,
            limit: newest_only.then_some(1),
            event_type_prefix: None,
            exclude_event_type_prefix: None,
            payload_filter: None,
        };
        let store = self.store.as_ref().unwrap();
        store.query_window(&request, 0, newest_only).unwrap_or_else(|e| die(e)).0
    }
}

impl Peer for AllSource {
    fn start(&mut self, start: Start) -> Result<(), &'static str> {
        if start.durable && start.batch > 100 {
            return Err("it syncs each event of a batch by itself, as the batches of 100 show");
        }
        self.store = None;
        let _ = std::fs::remove_dir_all(&self.directory);
        self.durable = start.durable;
        self.open();
        Ok(())
    }
    fn producer(&self) -> Box<dyn Producer> {
        Box::new(AllSourceProducer { store: self.store.as_ref().unwrap().clone() })
    }
    fn compact(&mut self) -> u64 {
        self.store.as_ref().unwrap().checkpoint().unwrap_or_else(|e| die(e));
        if let Some(compaction) = self.store.as_ref().unwrap().compaction_manager() {
            compaction.compact_now().unwrap_or_else(|e| die(e));
        }
        disk_bytes(&self.directory)
    }
    fn close(&mut self) {
        self.store = None;
    }
    fn open(&mut self) {
        let log = WALConfig { sync_on_write: self.durable, ..Default::default() };
        let config = EventStoreConfig::production(
            self.directory.join("storage"),
            self.directory.join("wal"),
            log,
            Default::default(),
        );
        self.store = Some(Arc::new(EventStore::with_config(config)));
    }
    fn point(&self, position: u64) -> usize {
        let found = self.store.as_ref().unwrap().get_event_by_id(&Uuid::from_u128(position as u128));
        usize::from(found.unwrap_or_else(|e| die(e)).is_some())
    }
    fn last(&self, stream: &str) -> usize {
        self.query(stream, None, true).len()
    }
    fn whole(&self, stream: &str) -> usize {
        self.query(stream, None, false).len()
    }
    fn as_of(&self, stream: &str, position: u64, state: &mut Value) -> usize {
        let events = self.query(stream, Some(moment(position)), false);
        let count = events.len();
        for event in events {
            merge(state, event.payload);
        }
        count
    }
}

fn main() {
    frame::run("peer_allsource", |directory| {
        Box::new(AllSource { directory: PathBuf::from(directory).join("allsource"), durable: true, store: None })
    });
}
