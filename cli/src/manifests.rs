//! The manifests of a folder or file, read the way the controller reads its source.

use crate::failure::Failure;
use crd_schemas::listing::{EntryKind, Listed, Names};
use crd_schemas::{MAX_FILE_BYTES, Problem};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A file as it was found.
#[derive(Debug, Clone)]
pub struct ManifestFile {
    /// The path to show: what was given on the command line, and what lies under it.
    pub shown: String,
    /// The path relative to the source's root, `/` between parts; the file's name where the root is not known.
    pub relative: String,
    /// The source's root: what was said, or the folder that was given. Of a file alone it is not known.
    pub root: Option<PathBuf>,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// What lies at a path.
#[derive(Debug, Default)]
pub struct Found {
    /// The files, sorted by path.
    pub files: Vec<ManifestFile>,
    /// What the controller would refuse to read.
    pub problems: Vec<Problem>,
}

/// Every manifest at a path: the file itself whatever its name, or in a folder each `*.yaml` and `*.yml`, apart from what lies
/// under a name that begins with a dot. A folder is the source's root, unless that is said.
pub fn read(path: &Path, root: Option<&Path>) -> Result<Found, Failure> {
    let meta = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    let mut found = Found::default();
    if meta.is_dir() {
        found.folder(path, &root.map_or(Ok(String::new()), |root| below(root, path))?)?;
    } else {
        let name = || path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
        let relative = root.map_or_else(|| Ok(name()), |root| below(root, path))?;
        found.file(path, &relative)?;
    }
    if found.files.is_empty() && found.problems.is_empty() {
        let message = format!("{} has no file that ends in .yaml or .yml", path.display());
        return Err(Failure::new(message).with_help("name the folder that holds the manifests, or a file"));
    }
    let root = root.or(meta.is_dir().then_some(path));
    found.files.iter_mut().for_each(|file| file.root = root.map(Path::to_owned));
    found.files.sort_by(|a, b| a.relative.cmp(&b.relative));
    Ok(found)
}

/// The way from the source's root to a path below it, `/` between parts; empty where they are the same.
fn below(root: &Path, path: &Path) -> Result<String, Failure> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| unreadable(path, &error));
    let (real_root, real_path) = (real(root)?, real(path)?);
    if !real_root.is_dir() {
        return Err(Failure::new(format!("--root {} is no folder", root.display())).with_help("name the source's folder"));
    }
    let way = real_path.strip_prefix(&real_root).map_err(|_| {
        let message = format!("{} does not lie below --root {}", path.display(), root.display());
        Failure::new(message).with_help("name the folder from which the controller reads its source")
    })?;
    let way = way.to_str().ok_or_else(|| Failure::new(format!("{} is no UTF-8", path.display())).with_help("rename it"))?;
    Ok(way.to_owned())
}

impl Found {
    /// Lists a folder that lies at `way` below the source's root. The names are judged as in every source.
    fn folder(&mut self, folder: &Path, way: &str) -> Result<(), Failure> {
        let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut entries = entries.map_err(|error| unreadable(folder, &error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        let mut names = Names::of(way);
        for entry in entries {
            let path = entry.path();
            let kind = entry.file_type().map(EntryKind::from).map_err(|error| unreadable(&path, &error))?;
            match names.judge(entry.file_name().as_encoded_bytes(), kind, || path.is_dir()) {
                Listed::PassedOver => {}
                Listed::Manifest(relative) => self.file(&path, &relative)?,
                Listed::Folder(relative) => self.folder(&path, &relative)?,
                Listed::Refused(problem) => {
                    // Shown as the paths of files are: as it lies from here.
                    let name = problem.file.rsplit('/').next().unwrap_or_default();
                    let file = folder.join(name).display().to_string();
                    self.problems.push(Problem { file, ..*problem });
                }
            }
        }
        Ok(())
    }

    /// Reads at most a byte more than a manifest's file may have; the parser refuses it then.
    fn file(&mut self, path: &Path, relative: &str) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes));
        read.map_err(|error| unreadable(path, &error))?;
        self.files.push(ManifestFile { shown: path.display().to_string(), relative: relative.to_owned(), root: None, bytes });
        Ok(())
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot read {}: {error}", path.display())).with_help("check the path and its permissions")
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::fs;
    use std::path::Path;

    #[test]
    fn folders_are_read_sorted_and_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("sub")).unwrap();
        fs::create_dir_all(at(".git")).unwrap();
        for name in ["b.yaml", "a.yml", "sub/c.yaml", ".hidden.yaml", ".git/x.yaml", "README.md"] {
            fs::write(at(name), name).unwrap();
        }
        let names = |path: &Path, root: Option<&Path>| -> Vec<String> {
            read(path, root).unwrap().files.into_iter().map(|file| file.relative).collect()
        };
        assert_eq!(names(folder.path(), None), ["a.yml", "b.yaml", "sub/c.yaml"]);
        assert_eq!(names(&at("README.md"), None), ["README.md"], "a file that is named is read");
        assert_eq!(names(folder.path(), Some(folder.path())), ["a.yml", "b.yaml", "sub/c.yaml"]);
        assert_eq!(names(&at("sub"), Some(folder.path())), ["sub/c.yaml"]);
        assert_eq!(names(&at("sub/../sub/c.yaml"), Some(folder.path())), ["sub/c.yaml"]);
        assert_eq!(names(&at("sub"), None), ["c.yaml"]);
    }

    #[test]
    fn the_root_is_what_is_said_or_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("sub/c.yaml"), "").unwrap();
        let root = |path: &Path, root: Option<&Path>| read(path, root).unwrap().files[0].root.clone();
        assert_eq!(root(&at("sub"), None), Some(at("sub")));
        assert_eq!(root(&at("sub/c.yaml"), None), None);
        assert_eq!(root(&at("sub/c.yaml"), Some(folder.path())), Some(folder.path().to_owned()));
        let outside = read(folder.path(), Some(&at("sub"))).unwrap_err().to_string();
        assert!(outside.contains("does not lie below --root"), "{outside}");
        let file = read(&at("sub"), Some(&at("sub/c.yaml"))).unwrap_err().to_string();
        assert!(file.contains("is no folder"), "{file}");
    }

    #[test]
    fn links_are_problems_as_the_controller_sees_them() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "").unwrap();
        std::os::unix::fs::symlink("a.txt", folder.path().join("b.yaml")).unwrap();
        std::os::unix::fs::symlink("a.txt", folder.path().join("c.txt")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("up")).unwrap();
        let found = read(folder.path(), None).unwrap();
        assert!(found.files.is_empty());
        assert_eq!(found.problems.iter().map(|problem| problem.code.as_str()).collect::<Vec<_>>(), ["symlink", "symlink"]);
    }

    #[test]
    fn names_are_judged_as_the_controller_judges_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["ops/A.yaml", "ops/a.yaml", "ops/.github/x.yml", "ops/tab\t.yaml", "ops/b.YAML", "ops/fine.yml"] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            fs::write(at(name), "").unwrap();
        }
        let found = read(&at("ops"), Some(folder.path())).unwrap();
        assert_eq!(found.files.iter().map(|file| file.relative.as_str()).collect::<Vec<_>>(), ["ops/A.yaml", "ops/fine.yml"]);
        let said: Vec<_> = found.problems.iter().map(|problem| (problem.file.clone(), problem.code.as_str())).collect();
        let shown = |name: &str| at("ops").join(name).display().to_string();
        let expected = [(shown("a.yaml"), "ambiguous-file-name"), (shown("tab\u{fffd}.yaml"), "bad-file-name")];
        assert_eq!(said, expected);
    }

    #[test]
    fn what_is_not_there_is_said_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = read(folder.path(), None).unwrap_err().to_string();
        assert!(nothing.contains("has no file that ends in .yaml"), "{nothing}");
        let missing = read(&folder.path().join("nowhere"), None).unwrap_err().to_string();
        assert!(missing.contains("nowhere") && missing.contains("help: check the path"), "{missing}");
    }
}
