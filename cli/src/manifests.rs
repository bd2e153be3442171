//! The manifests of a folder or file, read the way the controller reads its source.

use crate::failure::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// A file as it was found.
#[derive(Debug, Clone)]
pub struct ManifestFile {
    /// The path to show: what was given on the command line, and what lies under it.
    pub shown: String,
    /// The path relative to the folder that was given, `/` between parts; the file's name when a file was given.
    pub relative: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// How deep folders may lie in each other; a source has no reason to come near it.
const MAX_DEPTH: usize = 32;

/// Every manifest at a path: the file itself whatever its name, or in a folder each `*.yaml` and `*.yml`, sorted, apart from
/// what lies under a name that begins with a dot.
pub fn read(path: &Path) -> Result<Vec<ManifestFile>, Failure> {
    let meta = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !meta.is_dir() {
        let relative = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
        return Ok(vec![read_one(path, relative)?]);
    }
    let mut found = Vec::new();
    collect(path, "", 0, &mut found)?;
    if found.is_empty() {
        let message = format!("{} has no file that ends in .yaml or .yml", path.display());
        return Err(Failure::new(message).with_help("name the folder that holds the manifests, or a file"));
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.into_iter().map(|(relative, path)| read_one(&path, relative)).collect()
}

fn collect(folder: &Path, prefix: &str, depth: usize, found: &mut Vec<(String, PathBuf)>) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        let message = format!("{} lies more than {MAX_DEPTH} folders deep", folder.display());
        return Err(Failure::new(message).with_help("name a folder nearer to the manifests"));
    }
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let message = format!("{} has a name that is no UTF-8", entry.path().display());
            return Err(Failure::new(message).with_help("rename it"));
        };
        if name.starts_with('.') {
            continue;
        }
        let (path, relative) = (entry.path(), format!("{prefix}{name}"));
        // A link to a folder is not followed: it could lead round in a circle, and Git would hand the controller no folder.
        let kind = entry.file_type().map_err(|error| unreadable(&path, &error))?;
        if kind.is_dir() {
            collect(&path, &format!("{relative}/"), depth + 1, found)?;
        } else if is_manifest(name) && fs::metadata(&path).is_ok_and(|meta| meta.is_file()) {
            found.push((relative, path));
        }
    }
    Ok(())
}

fn is_manifest(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn read_one(path: &Path, relative: String) -> Result<ManifestFile, Failure> {
    let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
    Ok(ManifestFile { shown: path.display().to_string(), relative, bytes })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", path.display())).with_help("check the path and its permissions")
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::fs;

    #[test]
    fn folders_are_read_sorted_and_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("sub")).unwrap();
        fs::create_dir_all(at(".git")).unwrap();
        for name in ["b.yaml", "a.yml", "sub/c.yaml", ".hidden.yaml", ".git/x.yaml", "README.md"] {
            fs::write(at(name), name).unwrap();
        }
        let names: Vec<_> = read(folder.path()).unwrap().into_iter().map(|file| file.relative).collect();
        assert_eq!(names, ["a.yml", "b.yaml", "sub/c.yaml"]);
        assert_eq!(read(&at("README.md")).unwrap()[0].relative, "README.md", "a file that is named is read");
    }

    #[test]
    fn what_is_not_there_is_said_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = read(folder.path()).unwrap_err().to_string();
        assert!(nothing.contains("has no file that ends in .yaml"), "{nothing}");
        let missing = read(&folder.path().join("nowhere")).unwrap_err().to_string();
        assert!(missing.contains("nowhere") && missing.contains("help: check the path"), "{missing}");
    }
}
