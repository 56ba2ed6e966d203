//! Makes the views; protox stands in for a protoc on the machine.

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=otlp.proto");
    let set = std::path::Path::new(&std::env::var("OUT_DIR")?).join("otlp.bin");
    std::fs::write(&set, protox::compile(["otlp.proto"], ["."])?.encode_to_vec())?;
    buffa_build::Config::new()
        .files(&["otlp.proto"])
        .descriptor_set(set)
        .include_file("views.rs")
        .compile()
}
