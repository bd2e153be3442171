//! `pulse import FILE.json`: the old PULSE's definitions as manifests.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::import::{self, Level, Manifest, Options, TimeoutUnit};
use crate::output;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 32 * 1024 * 1024;

/// Turn the old PULSE's workflow definitions (JSON) into manifests. Exits 0 when all is translated, 1 when a person has to look at
/// something, 2 when a definition holds an error and was left out
#[derive(Debug, clap::Args)]
pub struct Import {
    /// A definition, a workflow or scheduled command, or a list of them as the old PULSE's API answers
    file: PathBuf,
    /// The folder that takes the manifests, a file each; - is stdout
    #[arg(short, long, value_name = "FOLDER|-", default_value = "-")]
    output: String,
    /// What the numbers of `timeout` are
    #[arg(long, value_enum, default_value_t, value_name = "UNIT")]
    timeout_unit: TimeoutUnit,
    /// The workflow's name; its own unless said, else the file's
    #[arg(long)]
    name: Option<String>,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
}

impl Import {
    /// Runs it.
    pub fn run(&self) -> Result<Exit, Failure> {
        let text = read(&self.file)?;
        let stem = self.file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let options = Options { unit: self.timeout_unit, name: self.name.as_deref(), otherwise: &stem };
        let found = import::convert(&text, options)
            .map_err(|error| Failure::new(format!("{}: {error}", self.file.display())).with_help(error.help))?;
        if self.output == "-" {
            let texts: Vec<&str> = found.manifests.iter().map(|manifest| manifest.text.as_str()).collect();
            if !texts.is_empty() {
                output::print(&texts.join("---\n"))?;
            }
        } else {
            write(Path::new(&self.output), &found.manifests, self.force)?;
        }
        for note in &found.notes.0 {
            output::message(&note.to_string());
        }
        if found.left_out > 0 {
            let (out, all) = (found.left_out, found.left_out + found.manifests.len());
            output::message(&format!("{out} of {all} definitions left out because of errors"));
        }
        Ok(match found.notes.worst() {
            None | Some(Level::Note) => Exit::Success,
            Some(Level::Check) => Exit::Negative,
            Some(Level::Error) => Exit::Error,
        })
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::new(format!("cannot read {}: {error}", path.display())).with_help("check the path and its permissions")
    };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::new(format!("{} is larger than 32 MiB", path.display())).with_help("split it into several files"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(format!("{} is no UTF-8", path.display())).with_help("save it as UTF-8"))
}

/// Writes every manifest, or none where one would overwrite a file that says something else.
fn write(folder: &Path, manifests: &[Manifest], force: bool) -> Result<(), Failure> {
    let mut pending = Vec::new();
    for manifest in manifests {
        let path = folder.join(&manifest.file);
        match fs::read(&path) {
            Ok(there) if there == manifest.text.as_bytes() => output::print(&format!("{}: unchanged", path.display()))?,
            Ok(_) if !force => {
                let message = format!("{} is there and says something else; nothing was written", path.display());
                return Err(Failure::new(message).with_help("give another folder, or overwrite it with --force"));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let message = format!("cannot look at {}: {error}; nothing was written", path.display());
                return Err(Failure::new(message).with_help("check the folder and its permissions"));
            }
            _ => pending.push((path, manifest)),
        }
    }
    let failed = |path: &Path, error: std::io::Error| {
        Failure::new(format!("cannot write {}: {error}", path.display())).with_help("check the folder and its permissions")
    };
    if !pending.is_empty() {
        fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    for (path, manifest) in pending {
        place(&path, &manifest.text, force).map_err(|error| failed(&path, error))?;
        output::print(&format!("{}: written", path.display()))?;
    }
    Ok(())
}

/// A file is there whole or not at all, and never in another one's place unless that is wanted.
fn place(path: &Path, text: &str, force: bool) -> std::io::Result<()> {
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    let written =
        OpenOptions::new().write(true).create_new(true).open(&draft).and_then(|mut file| file.write_all(text.as_bytes()));
    let placed = written.and_then(|()| if force { fs::rename(&draft, path) } else { fs::hard_link(&draft, path) });
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => placed.and(Err(error)),
        _ => placed,
    }
}
