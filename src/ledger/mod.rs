//! The ledger: what was found out, as rows in Parquet files that other tools read. It is made from the same business facts as the metrics, and holds no text of messages.
//!
//! ```text
//! partitions ─► LedgerQueue ─► LedgerWriter (one thread) ─► TABLE/day=YYYY-MM-DD/PARTITION-LOG-FROM-TO.parquet
//! ```
//!
//! Rows are a function of the log, and the name of a file says up to which position of a partition it has them. So a process that finds out again what is in a
//! file does not write it again, and each row is there once, wherever the last process died. A snapshot waits until the rows before it are durable.
//!
//! | File | Content |
//! |---|---|
//! | `settings.rs` | the keys of `ledger` |
//! | `table.rs` | the tables and their columns |
//! | `delivered.rs` | the facts of one delivery that have rows |
//! | `row.rs` | a fact as a row |
//! | `calls.rs` | calls of models and tools, grouped |
//! | `cell.rs, column.rs` | the values of rows, kept by column |
//! | `parquet_file.rs` | columns as the bytes of a Parquet file |
//! | `parquet_rows.rs` | the rows of a Parquet file as columns |
//! | `name.rs` | the names of files |
//! | `tree.rs` | the directory, as a folder of files with `/` in their names |
//! | `queue.rs` | facts on their way from the partitions to the writer |
//! | `buffer.rs` | rows that no file has yet |
//! | `file_list.rs` | which files there are |
//! | `writer.rs` | the loop of the writer |
//! | `compaction.rs` | several files of a day as one |
//! | `reader.rs` | reads rows, also while the writer runs |
//! | `export.rs` | rows for other programs |
//! | `inspection.rs` | what is in a ledger, and whether it is whole |

mod buffer;
mod calls;
mod cell;
mod column;
mod compaction;
mod delivered;
mod export;
mod file_list;
mod inspection;
mod name;
mod parquet_file;
mod parquet_rows;
mod queue;
mod reader;
mod row;
mod settings;
mod table;
mod tree;
mod writer;

#[cfg(test)]
mod tests;

pub use compaction::compact;
pub use export::{LedgerFormat, export};
pub use inspection::{LedgerInspection, TableOverview};
pub use queue::LedgerQueue;
pub use reader::{EVER, LedgerQuery, LedgerReader, LedgerRow};
pub use settings::Settings;
pub use table::Table;
pub use tree::LedgerTree;
pub use writer::{LedgerWords, LedgerWriter};
