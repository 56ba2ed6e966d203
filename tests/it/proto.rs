//! The generated messages are those of `proto/`, and what an older Baton wrote is still read.

use std::fs;
use std::path::Path;

/// `UPDATE=1 cargo test --test it proto::` writes the file anew.
#[test]
fn the_messages_are_generated_from_the_schema() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = root.join("proto");
    let files = [
        "baton/v1/log.proto",
        "baton/v1/push.proto",
        "baton/v1/snapshot.proto",
        "baton/v1/spool.proto",
    ];
    let descriptors = protox::compile(files, [&schema]).expect("the schema compiles");
    let folder = root.join("target/proto");
    fs::create_dir_all(&folder).expect("a folder");
    prost_build::Config::new()
        .out_dir(&folder)
        // A body is a part of what was read, not a copy of it.
        .bytes([".baton.v1.SpooledRequest.body"])
        .compile_fds(descriptors)
        .expect("code");
    let generated = fs::read_to_string(folder.join("baton.v1.rs")).expect("the package");
    let kept = root.join("src/proto/baton.v1.rs");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&kept, &generated).expect("written");
    }
    let known = fs::read_to_string(&kept).unwrap_or_default();
    assert!(
        known == generated,
        "run UPDATE=1 cargo test --test it proto::"
    );
}
