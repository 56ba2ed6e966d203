//! All integration tests, one module an area: `cargo test --test it door::`. `docs/testing.md` says what each proves.

mod cli;
mod crash;
mod demo;
mod door;
mod forward;
mod harmless;
mod instrument;
mod law;
mod ledger;
mod outcomes;
mod peers;
mod probes;
mod proto;
mod push;
mod recovery;
mod reports;
mod secure;
mod shipped;
mod simulation;
mod support;
mod truth;
mod volume;
