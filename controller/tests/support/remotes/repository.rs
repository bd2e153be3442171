//! A bare repository in a folder of its own, and commits in it: made by `git fast-import`, so that ten thousand files take as
//! long as one.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A bare repository; its folder goes with it.
pub struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// An empty one.
    pub fn empty() -> Self {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(repository.path()).unwrap();
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main", "."]);
        repository
    }

    /// One with a commit on `main` that holds these files.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let repository = Self::empty();
        repository.commit("main", files);
        repository
    }

    /// The bare repository.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("ops.git")
    }

    /// The folder that it lies in; a server's root.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A commit on a branch: these files are added or replaced, the others stay. Answers its id.
    pub fn commit(&self, branch: &str, files: &[(&str, &str)]) -> String {
        let parent = self.head(branch);
        self.import(branch, parent.as_deref(), false, "A change", &files.iter().copied().collect())
    }

    /// A commit on a branch that holds these files and no others.
    pub fn replace(&self, branch: &str, files: &BTreeMap<&str, &str>) -> String {
        let parent = self.head(branch);
        self.import(branch, parent.as_deref(), true, "Another content", files)
    }

    /// A commit without a parent takes the branch's place, as after a force-push.
    pub fn force(&self, branch: &str, files: &[(&str, &str)]) -> String {
        self.git(&["update-ref", "-d", &format!("refs/heads/{branch}")]);
        self.import(branch, None, false, "Another history", &files.iter().copied().collect())
    }

    /// The branch's commit.
    pub fn head(&self, branch: &str) -> Option<String> {
        let name = format!("refs/heads/{branch}");
        let answer = self.command(&["rev-parse", "--verify", "--quiet", &name]).output().unwrap();
        answer.status.success().then(|| String::from_utf8(answer.stdout).unwrap().trim().to_owned())
    }

    /// A commit of a tree that is made of raw lines `(mode, name, object id)`, as no honest `git` would make it.
    pub fn commit_raw_tree(&self, branch: &str, lines: &[(&str, &[u8], &str)]) -> String {
        let tree = self.raw_tree(lines);
        let commit = self.git(&["commit-tree", &tree, "-m", "A crafted tree"]);
        self.git(&["update-ref", &format!("refs/heads/{branch}"), &commit]);
        commit
    }

    /// A tree object of raw lines.
    pub fn raw_tree(&self, lines: &[(&str, &[u8], &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in lines {
            bytes.extend_from_slice(format!("{mode} ").as_bytes());
            bytes.extend_from_slice(name);
            bytes.push(0);
            let byte = |at: usize| u8::from_str_radix(&id[at..at + 2], 16).unwrap();
            bytes.extend((0..40).step_by(2).map(byte));
        }
        self.git_with(&["hash-object", "-t", "tree", "--literally", "-w", "--stdin"], &bytes)
    }

    /// A blob; its id.
    pub fn blob(&self, content: &[u8]) -> String {
        self.git_with(&["hash-object", "-w", "--stdin"], content)
    }

    /// Runs `git` in the repository; what it printed.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, b"")
    }

    fn git_with(&self, arguments: &[&str], input: &[u8]) -> String {
        let mut child =
            self.command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            // A program that ends without reading all of it says why itself.
            scope.spawn(move || drop(stdin.write_all(input)));
            let answer = child.wait_with_output().unwrap();
            assert!(answer.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&answer.stderr));
            String::from_utf8(answer.stdout).unwrap().trim().to_owned()
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(self.path()).args(arguments);
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "Ann").env(format!("GIT_{who}_EMAIL"), "ann@example.org");
        }
        command
    }

    fn import(&self, branch: &str, parent: Option<&str>, clear: bool, title: &str, files: &BTreeMap<&str, &str>) -> String {
        let mut stream = format!(
            "commit refs/heads/{branch}\nauthor Ann <ann@example.org> 1700000000 +0000\ncommitter Ann <ann@example.org> 1700000000 +0000\n\
             data {}\n{title}\n",
            title.len()
        );
        if let Some(parent) = parent {
            stream.push_str(&format!("from {parent}\n"));
        }
        if clear {
            stream.push_str("deleteall\n");
        }
        for (path, content) in files {
            let mode = if path.ends_with(".sh") { "100755" } else { "100644" };
            stream.push_str(&format!("M {mode} inline {path}\ndata {}\n{content}\n", content.len()));
        }
        self.git_with(&["fast-import", "--quiet", "--force"], stream.as_bytes());
        self.head(branch).unwrap()
    }
}
