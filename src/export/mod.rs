//! DOOR. Metric families out: to Prometheus by scrape, and as text, JSON or a table for people and scripts.

pub mod json;
mod own;
pub mod prometheus;
mod sentence;
pub mod server;
pub mod story;
pub mod summary;
pub mod table;

#[cfg(test)]
mod tests;
