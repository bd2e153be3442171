//! Bytes of one file to its manifests and every problem in it.

use crate::decode::{self, Report};
use crate::document::Document;
use crate::problem::{Problem, Severity, code};
use crate::source::Source;
use crate::tree::{Node, Span};
use crate::yaml;
use std::sync::Arc;

/// Bytes in one file.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// What a file holds: the documents without a problem, and the problems of the others in the order of the text.
#[derive(Debug, Clone, Default)]
pub struct ParsedFile {
    /// The manifests.
    pub documents: Vec<Document>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Reads a file. `path` is what problems name; nothing is opened.
pub fn parse_file(path: &str, bytes: &[u8]) -> ParsedFile {
    match trees(path, bytes) {
        Ok((source, trees)) => documents(&source, &trees),
        Err(problem) => ParsedFile { documents: Vec::new(), problems: vec![*problem] },
    }
}

fn documents(source: &Arc<Source>, trees: &[Node]) -> ParsedFile {
    let mut report = Report::new(source);
    let mut documents = Vec::new();
    for tree in trees {
        if let Some(manifest) = decode::manifest(tree, &mut report) {
            documents.push(Document::new(manifest, tree, Arc::clone(source)));
        }
    }
    ParsedFile { documents, problems: report.finish() }
}

fn trees(path: &str, bytes: &[u8]) -> Result<(Arc<Source>, Vec<Node>), Box<Problem>> {
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are allowed", bytes.len());
        return Err(refused(path, "", 0, code::FILE_TOO_LARGE, &message, "split it into several files"));
    }
    let text = utf8(path, bytes)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find('\0') {
        return Err(refused(
            path,
            text,
            at,
            code::NUL,
            "the file holds a NUL character",
            "a manifest is UTF-8 text; remove the character",
        ));
    }
    let source = Arc::new(Source::new(path, text));
    let trees = yaml::read(&source)?;
    Ok((source, trees))
}

fn utf8<'a>(path: &str, bytes: &'a [u8]) -> Result<&'a str, Box<Problem>> {
    const HELP: &str = "save the file as UTF-8";
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(refused(path, "", 0, code::NOT_UTF8, "the file is UTF-16", HELP));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        refused(path, &good, good.len(), code::NOT_UTF8, "the file is no UTF-8 from here on", HELP)
    })
}

fn refused(path: &str, text: &str, at: usize, code: &str, message: &str, help: &str) -> Box<Problem> {
    let span = Span { start: at, end: at };
    Box::new(Source::new(path, text).problem(span, "", Severity::Error, code, message.to_owned(), Some(help.to_owned())))
}
