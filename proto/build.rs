//! Compiles the `.proto` files in pure Rust (protox): no protoc is needed to build.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: [&str; 11] =
    ["common", "event", "inventory", "led", "operator", "power", "sensor", "simulation", "state", "system", "thermal"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=ubmc");
    let files = FILES.map(|name| format!("ubmc/v1/{name}.proto"));
    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_source_info(true).include_imports(true).open_files(&files)?;
    // Reflection serves the descriptor set without comments: a third of the size.
    let documented = compiler.file_descriptor_set();
    let mut served = documented.clone();
    for file in &mut served.file {
        file.source_code_info = None;
    }
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), prost::Message::encode_to_vec(&served))?;
    tonic_prost_build::configure().build_transport(false).compile_fds(documented)?;
    Ok(())
}
