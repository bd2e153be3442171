//! The pages that people read, as the tests of several crates see them: fenced blocks, links, headings. No test lives here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A page and its place below the root of the repository.
pub struct Page {
    /// Such as `docs/cli.md`.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// Code between two fences.
pub struct Block {
    /// What stands behind the opening fence, such as `yaml`.
    pub info: String,
    /// The number of the line with the opening fence.
    pub line: usize,
    /// The lines between the fences, without the fence's indentation.
    pub text: String,
    /// The last line with text before it.
    pub before: String,
}

impl Block {
    /// Whether it is text for a shell; older pages do not say so.
    pub fn is_shell(&self) -> bool {
        ["", "sh"].contains(&self.info.as_str())
    }
}

/// The root of the repository; every crate whose tests read pages lies one folder below it.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Page {
    /// One page by its place.
    pub fn at(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text }
    }

    /// Every page: README, ARCHITECTURE and CHANGELOG, and all of `docs/`.
    pub fn all() -> Vec<Self> {
        let mut paths = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(str::to_owned).to_vec();
        markdown("docs", &mut paths);
        paths.sort();
        paths.iter().map(|path| Self::at(path)).collect()
    }

    /// Its fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        let (mut blocks, mut open, mut before) = (Vec::new(), None::<(Block, String)>, String::new());
        for (index, line) in self.text.lines().enumerate() {
            let bare = line.trim_start();
            let indent = &line[..line.len() - bare.len()];
            match (&mut open, bare.strip_prefix("```")) {
                (None, Some(info)) => {
                    let block =
                        Block { info: info.trim().to_owned(), line: index + 1, text: String::new(), before: before.clone() };
                    open = Some((block, indent.to_owned()));
                }
                (Some(_), Some("")) => blocks.extend(open.take().map(|(block, _)| block)),
                (Some((block, indent)), _) => {
                    block.text.push_str(line.strip_prefix(indent.as_str()).unwrap_or(line));
                    block.text.push('\n');
                }
                (None, None) if !bare.is_empty() => bare.clone_into(&mut before),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{}: a fence is not closed", self.path);
        blocks
    }

    /// The lines outside of fenced blocks, with their numbers.
    pub fn prose(&self) -> Vec<(usize, &str)> {
        let mut inside = false;
        let mut lines = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            if line.trim_start().starts_with("```") {
                inside = !inside;
            } else if !inside {
                lines.push((index + 1, line));
            }
        }
        lines
    }

    /// What its links and images name, with the number of the line.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (number, line) in self.prose() {
            let text = without_code(line);
            links.extend(text.split("](").skip(1).filter_map(|rest| Some((number, rest.split_once(')')?.0.to_owned()))));
        }
        links
    }

    /// What stands between backticks in its prose, with the number of the line.
    pub fn spans(&self) -> Vec<(usize, String)> {
        let of = |(number, line): (usize, &str)| {
            let parts: Vec<&str> = line.split('`').collect();
            // What is not closed on its line goes on on the next one.
            let closed = parts.len().saturating_sub(1);
            parts[..closed].iter().skip(1).step_by(2).map(|span| (number, (*span).to_owned())).collect::<Vec<_>>()
        };
        self.prose().into_iter().flat_map(of).collect()
    }

    /// The anchors of its headings, as the forge and the book make them.
    pub fn anchors(&self) -> BTreeSet<String> {
        let mut anchors = BTreeSet::new();
        for heading in self.prose().iter().filter_map(|(_, line)| line.strip_prefix('#')) {
            let heading = heading.trim_start_matches('#').trim();
            let kept = |c: char| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c.to_ascii_lowercase()),
                _ => None,
            };
            let anchor: String = heading.chars().filter_map(kept).collect();
            let taken = (0..).map(|n| if n == 0 { anchor.clone() } else { format!("{anchor}-{n}") });
            anchors.extend(taken.into_iter().find(|anchor| !anchors.contains(anchor)));
        }
        anchors
    }
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// Every page below a folder.
fn markdown(folder: &str, paths: &mut Vec<String>) {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    for entry in entries.filter_map(Result::ok) {
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            markdown(&path, paths);
        } else if path.ends_with(".md") {
            paths.push(path);
        }
    }
}
