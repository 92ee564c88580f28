//! What frame.h and frame.cc are for the peers in C++, for those in Rust: the same workload, figures and names.

use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Barrier;
use std::time::{Duration, Instant};

// Not every peer needs all of it.
#[allow(dead_code)]
pub struct Event {
    pub stream: String,
    pub event_type: String,
    pub data: String,
    pub metadata: String,
    pub position: u64, // 1, 2, ... in the workload's order
}

/// The moment of an event, in microseconds.
#[allow(dead_code)]
pub fn time_of(position: u64) -> i64 {
    1_700_000_000_000_000 + position as i64 * 1000
}

#[derive(Clone, Copy)]
pub struct Start {
    pub durable: bool,
    pub producers: usize,
    pub batch: usize,
}

pub trait Producer: Send {
    /// One batch; returns when the store says that it has it, as durable as the peer was started.
    fn append(&mut self, events: &[Event]);
}

/// Reads return how many events they found, every one of them owned by the caller.
pub trait Peer {
    /// An empty store; why not, where it has no such durability or batch.
    fn start(&mut self, start: Start) -> Result<(), &'static str>;
    fn producer(&self) -> Box<dyn Producer>;
    /// The bytes on the disk after whatever the store itself can do to make them fewer.
    fn compact(&mut self) -> u64;
    /// Closes and opens again.
    fn close(&mut self);
    fn open(&mut self);
    fn point(&self, position: u64) -> usize;
    fn last(&self, stream: &str) -> usize;
    fn whole(&self, stream: &str) -> usize;
    /// Folds the events up to and with a position.
    fn as_of(&self, stream: &str, position: u64, state: &mut Value) -> usize;
}

/// JSON Merge Patch (RFC 7396), as Chronos folds states.
pub fn merge(state: &mut Value, patch: Value) {
    let Value::Object(members) = patch else {
        *state = patch;
        return;
    };
    if !state.is_object() {
        *state = Value::Object(Default::default());
    }
    let into = state.as_object_mut().unwrap();
    for (key, value) in members {
        if value.is_null() {
            into.remove(&key);
        } else {
            merge(into.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[allow(dead_code)]
pub fn disk_bytes(path: &std::path::Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entry) = std::fs::symlink_metadata(path) else { return 0 };
    if !entry.is_dir() {
        return entry.blocks() * 512;
    }
    std::fs::read_dir(path).map_or(0, |entries| entries.flatten().map(|e| disk_bytes(&e.path())).sum())
}

pub fn die(why: impl std::fmt::Display) -> ! {
    eprintln!("{why}");
    std::process::exit(1)
}

struct Dice(u64); // splitmix64, as in bench/measure.cc
impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        (z ^ (z >> 31)) % n
    }
}

struct Workload {
    events: Vec<Event>,
    lengths: HashMap<String, usize>,
    hundred: Vec<String>, // streams with 90 to 110 events, in order of appearance
    raw_bytes: usize,
}

fn load(file: &str, limit: usize) -> Workload {
    let text = std::fs::read_to_string(file).unwrap_or_else(|e| die(format!("cannot read {file}: {e}")));
    let mut workload = Workload { events: vec![], lengths: HashMap::new(), hundred: vec![], raw_bytes: 0 };
    let mut streams = vec![];
    for line in text.lines().take(limit) {
        let parts = (|| {
            let rest = line.strip_prefix("{\"stream\":\"")?;
            let (stream, rest) = rest.split_once("\",\"type\":\"")?;
            let (event_type, rest) = rest.split_once("\",\"data\":")?;
            let (data, metadata) = rest.rsplit_once(",\"metadata\":")?;
            Some((stream, event_type, data, &metadata[..metadata.len() - 1]))
        })();
        let Some((stream, event_type, data, metadata)) = parts else { die("a line is not of the workload's form") };
        let length = workload.lengths.entry(stream.to_string()).or_insert_with(|| {
            streams.push(stream.to_string());
            0
        });
        *length += 1;
        workload.raw_bytes += line.len() + 1;
        workload.events.push(Event {
            stream: stream.into(),
            event_type: event_type.into(),
            data: data.into(),
            metadata: metadata.into(),
            position: workload.events.len() as u64 + 1,
        });
    }
    workload.hundred = streams.into_iter().filter(|s| (90..=110).contains(&workload.lengths[s])).collect();
    if workload.hundred.is_empty() {
        workload.hundred.push(workload.events[0].stream.clone());
    }
    workload
}

struct Measuring {
    name: &'static str,
    seconds: f64,
    workload: Workload,
}

impl Measuring {
    fn emit(&self, figure: &str, config: &str, value: f64, unit: &str) {
        println!(
            "{}",
            serde_json::json!({"program": self.name, "figure": figure, "config": config, "value": value, "unit": unit})
        );
    }

    fn not_measured(&self, what: &str, why: &str) {
        eprintln!("{}: not measured: {what}: {why}", self.name);
        self.emit("not_measured", &format!("{what}: {why}"), 0.0, "");
    }

    fn emit_us(&self, figure: &str, config: &str, mut times: Vec<Duration>) {
        times.sort();
        for (name, share) in [("p50", 0.50), ("p99", 0.99)] {
            let at = ((share * times.len() as f64) as usize).min(times.len().saturating_sub(1));
            let value = times.get(at).map_or(0.0, |t| t.as_nanos() as f64 / 1e3);
            self.emit(&format!("{figure}_{name}"), config, value, "us");
        }
    }

    /// All events, or as many as the seconds allow: events a second, and the time of each batch.
    fn append_all(&self, peer: &dyn Peer, start: Start, seconds: f64) -> (f64, Vec<Duration>) {
        let share = self.workload.events.len() / start.producers;
        let barrier = Barrier::new(start.producers + 1);
        let done = AtomicUsize::new(0);
        let mut times = vec![];
        let producers: Vec<_> = (0..start.producers).map(|_| peer.producer()).collect();
        let took = std::thread::scope(|scope| {
            let mut threads = vec![];
            for (number, mut producer) in producers.into_iter().enumerate() {
                let (barrier, done) = (&barrier, &done);
                threads.push(scope.spawn(move || {
                    let events = &self.workload.events[number * share..(number + 1) * share];
                    let mut times = vec![];
                    barrier.wait();
                    let stop = Instant::now() + Duration::from_secs_f64(seconds);
                    for batch in events.chunks(start.batch) {
                        let begin = Instant::now();
                        if begin >= stop {
                            break;
                        }
                        producer.append(batch);
                        times.push(begin.elapsed());
                        done.fetch_add(batch.len(), Ordering::Relaxed);
                    }
                    times
                }));
            }
            barrier.wait();
            let begin = Instant::now();
            for thread in threads {
                times.extend(thread.join().unwrap());
            }
            begin.elapsed()
        });
        (done.load(Ordering::Relaxed) as f64 / took.as_secs_f64(), times)
    }

    /// Every batch and number of producers for a while, then the whole workload with the best of them.
    fn appends(&self, peer: &mut dyn Peer, durable: bool) {
        let config = |start: Start| {
            let durable = if start.durable { "fsync" } else { "no" };
            format!("producers={} batch={} durable={durable}", start.producers, start.batch)
        };
        let mut told = "";
        let mut best: Option<(f64, Start)> = None;
        for producers in [1, 8] {
            for batch in [1, 100, 1000, 10000] {
                let start = Start { durable, producers, batch };
                if let Err(why) = peer.start(start) {
                    if why != told {
                        let what = if durable { "durable appends" } else { "appends that are not durable" };
                        self.not_measured(&format!("{what}, batches of {batch} and more"), why);
                        told = why;
                    }
                    continue;
                }
                let (rate, times) = self.append_all(peer, start, self.seconds);
                self.emit("append", &config(start), rate, "events/s");
                self.emit_us("append_batch", &config(start), times);
                if best.map_or(true, |(other, _)| rate > other) {
                    best = Some((rate, start));
                }
            }
        }
        if let Some((_, start)) = best {
            let _ = peer.start(start);
            let (rate, _) = self.append_all(peer, start, 10.0 * self.seconds);
            self.emit("import", &config(start), rate, "events/s");
        }
    }

    fn time_each(&self, figure: &str, config: &str, mut read: impl FnMut()) {
        for _ in 0..20 {
            read();
        }
        let stop = Instant::now() + Duration::from_secs_f64(2.0 * self.seconds);
        let mut times = vec![];
        while times.len() < 20000 && (times.len() < 50 || Instant::now() < stop) {
            let begin = Instant::now();
            read();
            times.push(begin.elapsed());
        }
        self.emit_us(figure, config, times);
    }

    fn reads(&self, peer: &mut dyn Peer) {
        let start = |durable| Start { durable, producers: 1, batch: 1000 };
        if peer.start(start(false)).is_err() && peer.start(start(true)).is_err() {
            die("it cannot be loaded");
        }
        let mut producer = peer.producer();
        for batch in self.workload.events.chunks(1000) {
            producer.append(batch);
        }
        drop(producer);
        let count = self.workload.events.len() as f64;
        self.emit("stored_bytes_per_event", "", peer.compact() as f64 / count, "B");
        self.emit("raw_bytes_per_event", "", self.workload.raw_bytes as f64 / count, "B");
        peer.close();
        let begin = Instant::now();
        peer.open();
        self.expect("open", peer.last(&self.workload.hundred[0]), 1);
        self.emit("open", &format!("store={}", self.workload.events.len()), begin.elapsed().as_secs_f64() * 1e3, "ms");
        self.queries(peer);
    }

    fn expect(&self, figure: &str, found: usize, expected: usize) {
        if found != expected {
            die(format!("{}: {figure} found {found} events, not {expected}", self.name));
        }
    }

    fn queries(&self, peer: &dyn Peer) {
        let mut dice = Dice(7);
        let positions = self.workload.events.len() as u64;
        let hundred = &self.workload.hundred;
        let streams = hundred.len() as u64;
        self.time_each("q_point", "at=now", || self.expect("q_point", peer.point(1 + dice.below(positions)), 1));
        self.time_each("q_last", "at=now", || {
            self.expect("q_last", peer.last(&hundred[dice.below(streams) as usize]), 1)
        });
        self.time_each("q_stream100", "at=now", || {
            let stream = &hundred[dice.below(streams) as usize];
            self.expect("q_stream100", peer.whole(stream), self.workload.lengths[stream]);
        });
        let (mut folded, mut states) = (0, 0);
        self.time_each("q_asof", "fork=main", || {
            let mut state = Value::Object(Default::default());
            let stream = &hundred[dice.below(streams) as usize];
            folded += peer.as_of(stream, 1 + dice.below(positions), &mut state);
            states += 1;
            std::hint::black_box(state.to_string());
        });
        self.emit("q_asof_events_folded", "fork=main", folded as f64 / states as f64, "events/query");
    }
}

/// main() of a peer program: --file --events --seconds --part, and --dir, which `make` is given.
pub fn run(name: &'static str, make: impl FnOnce(&str) -> Box<dyn Peer>) {
    let mut options: HashMap<String, String> = HashMap::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let (Some(key), Some(value)) = (word.strip_prefix("--"), words.next()) else {
            die(format!("{name} --file FILE --dir DIR [--events N] [--seconds S] [--part appends,reads]"))
        };
        options.insert(key.into(), value);
    }
    let option = |key: &str, otherwise: &str| options.get(key).cloned().unwrap_or(otherwise.into());
    let directory = option("dir", "");
    if directory.is_empty() || option("file", "").is_empty() {
        die(format!("{name} needs --file and --dir"));
    }
    std::fs::create_dir_all(&directory).unwrap_or_else(|e| die(e));
    let measuring = Measuring {
        name,
        seconds: option("seconds", "3").parse().unwrap_or_else(|e| die(e)),
        workload: load(&option("file", ""), option("events", "1000000").parse().unwrap_or_else(|e| die(e))),
    };
    let mut peer = make(&directory);
    for part in option("part", "appends,reads").split(',') {
        match part {
            "appends" => [true, false].into_iter().for_each(|durable| measuring.appends(peer.as_mut(), durable)),
            "reads" => measuring.reads(peer.as_mut()),
            _ => die(format!("no part '{part}'; there are appends and reads")),
        }
    }
}
