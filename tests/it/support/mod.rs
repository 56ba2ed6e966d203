//! What several areas share.
//!
//! | File | Content |
//! |---|---|
//! | `process.rs` | the real binary: started, waited for, fed with sessions of known figures, and read |
//! | `http.rs` | a plain HTTP request and its answer |
//! | `log.rs` | what Baton logs in the process of the test |
//! | `capture.rs` | the recordings of `tests/fixtures` |
//! | `dice.rs` | random numbers from a seed |

pub mod capture;
pub mod dice;
pub mod http;
pub mod log;
pub mod process;
