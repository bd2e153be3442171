//! What a remote says first: its references and what it can do.

use super::pkt::{self, Line};
use git2::Oid;
use std::io::{self, Read};

/// Most references that are kept in mind.
const MAX_REFERENCES: usize = 1_000_000;
/// Branches that an error names.
const SHOWN: usize = 10;

/// References and capabilities.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Advert {
    references: Vec<(String, Oid)>,
    capabilities: Vec<String>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum AdvertError {
    /// The connection failed, or what came is not Git's protocol.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The remote says so itself.
    #[error("{0}")]
    Refused(String),
    /// There is a repository, but none that can be read.
    #[error("{0}")]
    Unsupported(String),
}

impl Advert {
    /// Reads it. `service` is the line that comes before it over HTTP.
    pub(super) fn read(from: &mut impl Read, service: bool) -> Result<Self, AdvertError> {
        if service {
            let greeting = pkt::read(from)?;
            if greeting != Line::Data(b"# service=git-upload-pack\n".to_vec()) || pkt::read(from)? != Line::Flush {
                return Err(garbage().into());
            }
        }
        let mut advert = Self::default();
        let mut first = true;
        while let Line::Data(line) = pkt::read(from)? {
            advert.line(&line, first)?;
            first = false;
        }
        Ok(advert)
    }

    fn line(&mut self, line: &[u8], first: bool) -> Result<(), AdvertError> {
        let text = pkt::text(line);
        if let Some(reason) = text.strip_prefix("ERR ") {
            return Err(AdvertError::Refused(reason.to_owned()));
        }
        if text.starts_with("shallow ") || text == "version 1" {
            return Ok(());
        }
        let (reference, capabilities) = match text.split_once('\0') {
            Some((reference, capabilities)) if first => (reference, capabilities),
            _ => (text.as_str(), ""),
        };
        self.capabilities.extend(capabilities.split_ascii_whitespace().map(str::to_owned));
        if let Some(format) = self.value("object-format=").filter(|format| *format != "sha1") {
            return Err(AdvertError::Unsupported(format!("the repository's object format is {format}; only sha1 is supported")));
        }
        let (id, name) = reference.split_once(' ').ok_or_else(garbage)?;
        let id = Some(id).filter(|id| id.len() == 40).and_then(|id| Oid::from_str(id).ok()).ok_or_else(garbage)?;
        if self.references.len() >= MAX_REFERENCES {
            return Err(AdvertError::Unsupported(format!("the repository has more than {MAX_REFERENCES} references")));
        }
        // An empty repository has a line of zeros, so that there is a place for the capabilities.
        if !id.is_zero() {
            self.references.push((name.to_owned(), id));
        }
        Ok(())
    }

    /// A reference by its full name; of an annotated tag what it points to.
    pub(super) fn find(&self, name: &str) -> Option<Oid> {
        let find = |name: &str| self.references.iter().find(|(other, _)| other == name).map(|(_, id)| *id);
        find(&format!("{name}^{{}}")).or_else(|| find(name))
    }

    /// It has no commit at all.
    pub(super) fn is_empty(&self) -> bool {
        self.references.is_empty()
    }

    /// A capability by its name.
    pub(super) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|other| other == capability)
    }

    /// The default branch, if the remote says so.
    pub(super) fn default_branch(&self) -> Option<&str> {
        self.value("symref=HEAD:refs/heads/")
    }

    /// The first few branches, for people.
    pub(super) fn branches(&self) -> String {
        let mut names = self.references.iter().filter_map(|(name, _)| name.strip_prefix("refs/heads/"));
        let shown: Vec<_> = names.by_ref().take(SHOWN).map(|name| format!("`{name}`")).collect();
        let more = names.count();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", shown.join(", "))
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.capabilities.iter().find_map(|capability| capability.strip_prefix(key))
    }
}

fn garbage() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what came is not Git's protocol")
}

#[cfg(test)]
mod tests {
    use super::super::pkt;
    use super::{Advert, AdvertError};

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    fn read(lines: &[String], service: bool) -> Result<Advert, AdvertError> {
        let mut bytes = Vec::new();
        if service {
            pkt::write(&mut bytes, "# service=git-upload-pack\n");
            pkt::flush(&mut bytes);
        }
        lines.iter().for_each(|line| pkt::write(&mut bytes, line));
        pkt::flush(&mut bytes);
        Advert::read(&mut bytes.as_slice(), service)
    }

    #[test]
    fn references_and_capabilities_are_read() {
        let lines = [
            format!("{A} HEAD\0shallow side-band-64k symref=HEAD:refs/heads/main\n"),
            format!("{A} refs/heads/main\n"),
            format!("{A} refs/tags/v1\n"),
            format!("{B} refs/tags/v1^{{}}\n"),
        ];
        let advert = read(&lines, true).unwrap();
        assert_eq!(advert.find("refs/heads/main").unwrap().to_string(), A);
        assert_eq!(advert.find("refs/tags/v1").unwrap().to_string(), B, "a tag is peeled");
        assert!(advert.find("refs/heads/mai").is_none());
        assert!(advert.can("shallow") && !advert.can("side-band"));
        assert_eq!((advert.default_branch(), advert.branches().as_str()), (Some("main"), "`main`"));
    }

    #[test]
    fn an_empty_repository_has_no_reference() {
        let advert = read(&[format!("{} capabilities^{{}}\0shallow\n", "0".repeat(40))], false).unwrap();
        assert!(advert.is_empty() && advert.can("shallow"));
    }

    #[test]
    fn what_is_no_advert_is_refused() {
        let said = |lines: &[String]| read(lines, false).unwrap_err().to_string();
        assert_eq!(said(&["ERR access denied\n".to_owned()]), "access denied");
        assert_eq!(said(&["nonsense\n".to_owned()]), "what came is not Git's protocol");
        assert_eq!(said(&[format!("{} HEAD\0x\n", &A[1..])]), "what came is not Git's protocol");
        assert!(said(&[format!("{A} HEAD\0object-format=sha256\n")]).contains("only sha1"));
        assert!(Advert::read(&mut "0000".as_bytes(), true).is_err(), "over HTTP the service comes first");
    }
}
