//! Embeds the dashboard's bundle, which is kept in git: a table of its files, each as it is and compressed, with its digest. What is
//! served is so the same bytes in every build, and no build needs Node.

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=dashboard/dist");
    println!("cargo:rerun-if-changed=build.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboard/dist");
    let out = out_dir();
    let mut files = Vec::new();
    walk(&root, &mut files)?;
    files.sort();
    let mut table = "&[\n".to_owned();
    for file in &files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?.to_str().expect("names of the bundle are ASCII");
        let bytes = fs::read(file)?;
        let packed = out.join(format!("{}.gz", name.replace('/', "+")));
        fs::write(&packed, gzip(&bytes)?)?;
        let digest = Sha256::digest(&bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>();
        writeln!(
            table,
            "    File {{ path: {name:?}, plain: include_bytes!({file:?}), gzip: include_bytes!({packed:?}), digest: {digest:?} }},"
        )
        .expect("a String takes everything");
    }
    table.push_str("]\n");
    fs::write(out.join("dashboard.rs"), table)
}

#[expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script where to write")]
fn out_dir() -> PathBuf {
    PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}; `git checkout` brings it back", folder.display()));
    for entry in fs::read_dir(folder).map_err(named)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => walk(&entry.path(), files)?,
            false => files.push(entry.path()),
        }
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
