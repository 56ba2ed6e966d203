//! The loop of the one writer: takes facts, makes them rows, and writes them as files.

use super::Settings;
use super::buffer::PartitionBuffer;
use super::compaction;
use super::delivered::DeliveredFacts;
use super::file_list::FileList;
use super::name::{FileKey, FileName, day};
use super::parquet_file;
use super::queue::{LedgerQueue, LedgerWork};
use super::row::RowMaker;
use super::table::Table;
use super::tree;
use crate::catalogue::InternalMetric;
use crate::clock::Clock;
use crate::log::LogError;
use crate::log::disk::files::Files;
use crate::model::Name;
use crate::model::time::Timestamp;
use crate::telemetry::{counter, gauge};
use ::metrics::{Counter, Gauge};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, error, info, warn};

/// The writer looks for rows that are old enough at least this often.
const LOOK: Duration = Duration::from_secs(1);
/// How long the writer waits before it tries again what failed.
const RETRY: Duration = Duration::from_secs(1);
/// How often the writer looks for days whose files can be one.
const TIDY: Duration = Duration::from_secs(60);

/// What rows say that facts do not.
#[derive(Clone, Debug)]
pub struct LedgerWords {
    /// The names of the dimensions of cohorts, in their order.
    pub dimensions: Vec<String>,
    /// That of all money.
    pub currency: Name,
}

/// The one writer, not running yet.
pub struct LedgerWriter {
    queue: Arc<LedgerQueue>,
    files: Arc<dyn Files>,
    settings: Settings,
    words: LedgerWords,
    clock: Clock,
    list: FileList,
    buffers: BTreeMap<usize, PartitionBuffer>,
    /// When what failed is tried again.
    retry: Option<Timestamp>,
    /// When it looks next for days whose files can be one.
    tidy: Timestamp,
    metrics: LedgerMetrics,
}

impl std::fmt::Debug for LedgerWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerWriter")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl LedgerWriter {
    /// The writer of a directory, and the queue that it takes facts from. Removes what was left half written. Registers its metrics with the recorder in whose scope it is called.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn open(
        files: Arc<dyn Files>,
        settings: &Settings,
        words: LedgerWords,
        clock: Clock,
    ) -> Result<(Arc<LedgerQueue>, Self), LogError> {
        let fault = |error| LogError::Io(files.place(), error);
        let list = FileList::read(&*files).map_err(fault)?;
        let queue = Arc::new(LedgerQueue::default());
        let writer = Self {
            queue: Arc::clone(&queue),
            files,
            settings: settings.clone(),
            words,
            clock,
            list,
            buffers: BTreeMap::new(),
            retry: None,
            tidy: Timestamp::default(),
            metrics: LedgerMetrics::new(),
        };
        Ok((queue, writer))
    }

    /// Writes until the end is said and all is written, or cannot be: with a log on disk, the next process finds out again what is in no file.
    pub fn work(mut self) {
        while self.round(LOOK) {}
    }

    /// Does what there is to do; waits for it at most so long. `false`: it is the end.
    pub fn round(&mut self, wait: Duration) -> bool {
        let work = self.queue.next(wait);
        let now = self.clock.now();
        self.take(&work, now);
        let mut touched: Vec<usize> = work.facts.iter().map(|one| one.partition).collect();
        touched.extend(&work.wanted);
        let is_waiting = self.retry.is_some_and(|retry| now < retry) && !work.has_ended;
        if !is_waiting {
            let due: Vec<usize> = self.buffers.keys().copied().collect();
            let due = due.into_iter().filter(|one| self.is_due(*one, &work, now));
            for partition in due.collect::<Vec<_>>() {
                touched.push(partition);
                if !self.write_partition(partition, (work.log, now)) {
                    break;
                }
            }
        }
        if !is_waiting && !work.has_ended && self.tidy <= now {
            self.tidy_up(now);
        }
        touched.sort_unstable();
        touched.dedup();
        touched.into_iter().for_each(|one| self.settle(one));
        let rows = self.buffers.values().flat_map(|one| one.tables.values());
        let rows: u64 = rows.map(|table| table.rows).sum();
        self.metrics.waiting.set(rows as f64);
        if work.has_ended && rows > 0 {
            error!(rows, "rows of the ledger were not written before the end");
        }
        !work.has_ended
    }

    fn is_due(&self, partition: usize, work: &LedgerWork, now: Timestamp) -> bool {
        let buffer = &self.buffers[&partition];
        let Some(since) = buffer.since else {
            return false;
        };
        work.has_ended
            || work.wanted.contains(&partition)
            || now.since(since) >= self.settings.roll_interval
            || buffer.bytes() as u64 >= self.settings.roll_size
    }

    /// Tells the queue how far the rows of a partition are.
    fn settle(&self, partition: usize) {
        let buffer = self.buffers.get(&partition);
        let durable = buffer.filter(|buffer| buffer.tables.is_empty());
        let durable = durable.map(|buffer| buffer.told);
        let bytes = buffer.map_or(0, PartitionBuffer::bytes);
        self.queue.settle(partition, durable, bytes);
    }

    /// Makes facts rows, without those that are in files.
    fn take(&mut self, work: &LedgerWork, now: Timestamp) {
        let maker = RowMaker {
            log: Name::from(format!("{:016x}", work.log)),
            dimensions: self.words.dimensions.iter().map(Name::from).collect(),
            currency: self.words.currency.clone(),
        };
        for delivered in &work.facts {
            self.take_delivery(&maker, delivered, (work.log, now));
        }
    }

    fn take_delivery(
        &mut self,
        maker: &RowMaker,
        delivered: &DeliveredFacts,
        (log, now): (u64, Timestamp),
    ) {
        let DeliveredFacts {
            partition,
            position,
            ..
        } = *delivered;
        let day = day(delivered.decided);
        let has = Table::ALL.map(|table| {
            let key = FileKey {
                table,
                day,
                log,
                partition,
            };
            self.list.written(&key).is_some_and(|to| position <= to)
        });
        let buffer = self.buffers.entry(partition).or_default();
        buffer.told = position;
        let own = delivered.facts.iter();
        let own = own.filter_map(|fact| maker.row(delivered, fact));
        let calls = maker.calls(delivered).map(|row| (Table::Calls, row));
        for (table, row) in own.chain(calls) {
            if !has[table as usize] {
                buffer.push((table, day), (position, now), row);
            }
        }
    }

    /// Writes all rows of a partition, one file for each table and day. `false`: not all of them could be written.
    fn write_partition(&mut self, partition: usize, (log, now): (u64, Timestamp)) -> bool {
        let Some(buffer) = self.buffers.get_mut(&partition) else {
            return true;
        };
        while let Some(((table, day), rows)) = buffer.tables.first_key_value() {
            let (table, day) = (*table, *day);
            let name = FileName {
                key: FileKey {
                    table,
                    day,
                    log,
                    partition,
                },
                from: rows.from,
                to: rows.to,
            };
            let bytes = parquet_file::file(table, rows.leaves()).map_err(io::Error::other);
            let written = bytes.and_then(|bytes| {
                tree::write(&*self.files, &name.to_string(), |mut sink| {
                    sink.write_all(&bytes)?;
                    Ok(sink)
                })
            });
            if let Err(fault) = written {
                self.failed(&fault, now);
                return false;
            }
            debug!(file = %name, rows = rows.rows, "wrote rows of the ledger");
            self.metrics.rows[table as usize].increment(rows.rows);
            self.list.insert(name);
            buffer.tables.remove(&(table, day));
        }
        buffer.since = None;
        if self.retry.take().is_some() {
            self.queue.set_blocked(false);
            info!("the ledger is written again");
        }
        true
    }

    /// Makes the files of one partition, table and past day one, if there are several.
    fn tidy_up(&mut self, now: Timestamp) {
        match compaction::step(&*self.files, &mut self.list, compaction::past(now)) {
            Ok(Some(file)) => debug!(%file, "made one file of several of the ledger"),
            Ok(None) => self.tidy = now + TIDY,
            Err(fault) => {
                self.metrics.failed.increment(1);
                let directory = self.files.place();
                warn!(%fault, directory, "cannot make one file of several of the ledger: tried again in a minute");
                self.tidy = now + TIDY;
            }
        }
    }

    fn failed(&mut self, fault: &io::Error, now: Timestamp) {
        self.metrics.failed.increment(1);
        if self.retry.is_none() {
            let directory = self.files.place();
            error!(%fault, directory, "cannot write the ledger: its rows wait in memory, and snapshots for them");
            self.queue.set_blocked(true);
        }
        self.retry = Some(now + RETRY);
    }
}

/// What is counted of the ledger.
struct LedgerMetrics {
    rows: [Counter; Table::ALL.len()],
    failed: Counter,
    waiting: Gauge,
}

impl LedgerMetrics {
    /// Registers with the recorder in whose scope it is called.
    fn new() -> Self {
        let rows = |table: Table| counter(InternalMetric::LedgerRows, &[table.as_str()]);
        Self {
            rows: Table::ALL.map(rows),
            failed: counter(InternalMetric::LedgerFailed, &[]),
            waiting: gauge(InternalMetric::LedgerWaiting, &[]),
        }
    }
}
