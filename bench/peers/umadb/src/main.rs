//! UmaDB: its storage engine in this process, with the writer thread that its server has, which gathers what several
//! producers append into one commit.  No network, so every figure is at least what its server could reach.
//!
//! An event's stream is its tag.  UmaDB keeps no times and no versions in streams: states are folded as of a position.

#[path = "../../frame.rs"]
mod frame;

use frame::{die, merge, Event, Peer, Producer, Start};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot, watch};
use umadb_core::db::UmaDb;
use umadb_core::mvcc::{Mvcc, StorageOptions};
use umadb_core::writer_thread_blocking::writer_thread_blocking;
use umadb_core::writer_thread_request::WriterThreadRequest;
use umadb_dcb::{DcbEvent, DcbEventStoreSync, DcbQuery, DcbQueryItem, DcbSequencedEvent};

const MOST_EVENTS_A_COMMIT: usize = 2000;

struct Open {
    database: UmaDb,
    requests: mpsc::Sender<WriterThreadRequest>,
    writer: Option<JoinHandle<()>>,
}

impl Open {
    fn new(directory: &PathBuf) -> Open {
        let options = StorageOptions::default().db_path(directory);
        let mvcc = Arc::new(Mvcc::new(false, options).unwrap_or_else(|e| die(e)));
        let (requests, receiver) = mpsc::channel(1024);
        let (head, _) = watch::channel(None);
        let for_writer = mvcc.clone();
        let writer =
            std::thread::spawn(move || writer_thread_blocking(for_writer, receiver, head, MOST_EVENTS_A_COMMIT));
        Open { database: UmaDb::from_arc(mvcc), requests, writer: Some(writer) }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let _ = self.requests.blocking_send(WriterThreadRequest::Shutdown);
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

struct UmaProducer {
    requests: mpsc::Sender<WriterThreadRequest>,
}

impl Producer for UmaProducer {
    fn append(&mut self, events: &[Event]) {
        let events = events
            .iter()
            .map(|event| {
                DcbEvent::new()
                    .event_type(event.event_type.as_str())
                    .tags([event.stream.as_str()])
                    .data(event.data.as_bytes())
                    .metadata([("json", event.metadata.as_str())])
            })
            .collect();
        let (response_tx, response) = oneshot::channel();
        let request =
            WriterThreadRequest::Append { events, condition: None, tracking_info: None, response_tx, cancel: None };
        self.requests.blocking_send(request).unwrap_or_else(|e| die(e));
        response.blocking_recv().unwrap_or_else(|e| die(e)).unwrap_or_else(|e| die(e));
    }
}

struct Uma {
    directory: PathBuf,
    open: Option<Open>,
}

impl Uma {
    fn read(
        &self,
        stream: Option<&str>,
        from: Option<u64>,
        backwards: bool,
        most: Option<u32>,
    ) -> Vec<DcbSequencedEvent> {
        let query = stream.map(|name| DcbQuery::new().item(DcbQueryItem::new().tags([name])));
        let database = &self.open.as_ref().unwrap().database;
        let (events, _) = database.read_with_head(query, from, backwards, most).unwrap_or_else(|e| die(e));
        events
    }
}

impl Peer for Uma {
    fn start(&mut self, start: Start) -> Result<(), &'static str> {
        if !start.durable {
            return Err("it syncs every commit");
        }
        self.open = None;
        let _ = std::fs::remove_dir_all(&self.directory);
        std::fs::create_dir_all(&self.directory).unwrap_or_else(|e| die(e));
        self.open = Some(Open::new(&self.directory));
        Ok(())
    }
    fn producer(&self) -> Box<dyn Producer> {
        Box::new(UmaProducer { requests: self.open.as_ref().unwrap().requests.clone() })
    }
    // It has no compaction to be asked for.  The file is made larger ahead of its use, so its pages are counted.
    fn compact(&mut self) -> u64 {
        let header = self.open.as_ref().unwrap().database.mvcc.get_latest_header_page().unwrap_or_else(|e| die(e));
        let pages = header.as_header_node().unwrap_or_else(|e| die(e)).next_page_id.0;
        pages * StorageOptions::default().page_size as u64
    }
    fn close(&mut self) {
        self.open = None;
    }
    fn open(&mut self) {
        self.open = Some(Open::new(&self.directory));
    }
    fn point(&self, position: u64) -> usize {
        let events = self.read(None, Some(position), false, Some(1));
        events.iter().filter(|event| event.position == position).count()
    }
    fn last(&self, stream: &str) -> usize {
        self.read(Some(stream), None, true, Some(1)).len()
    }
    fn whole(&self, stream: &str) -> usize {
        self.read(Some(stream), None, false, None).len()
    }
    fn as_of(&self, stream: &str, position: u64, state: &mut Value) -> usize {
        let events = self.read(Some(stream), None, false, None);
        let until = events.partition_point(|event| event.position <= position);
        for event in &events[..until] {
            merge(state, serde_json::from_slice(&event.event.data).unwrap_or_else(|e| die(e)));
        }
        until
    }
}

fn main() {
    frame::run("peer_umadb", |directory| {
        Box::new(Uma { directory: PathBuf::from(directory).join("umadb"), open: None })
    });
}
