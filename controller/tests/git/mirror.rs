//! The mirror: it does not grow without bound, survives a crash, and mends itself.

use super::remotes::{HttpRemote, Repository};
use super::{Source, contents, noise, pairs, remote};
use pulse_controller::source::git::{Limits, Remote};
use pulse_controller::source::tree::{NoFile, SourceReason, Tree};
use std::fs;
use std::path::{Path, PathBuf};

fn mirrors(source: &Source) -> Vec<PathBuf> {
    let entries = fs::read_dir(source.folder.path().join("source")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn packs(mirror: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(mirror.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "pack")).collect()
}

/// Libgit2 writes packs that nobody may write.
fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn it_is_made_anew_before_it_grows_without_bound_and_readers_keep_theirs() {
    let repository = Repository::with(&[("a.yaml", "0")]);
    let server = HttpRemote::open(repository.root());
    let limits = Limits { mirror_packs: 3, ..Limits::default() };
    let source = Source::new(Remote { limits, ..remote(&server.url()) });
    let first = source.look();
    for number in 1..=10 {
        let content = number.to_string();
        repository.commit("main", &[("a.yaml", &content)]);
        assert_eq!(contents(&source.look())[0].1, content);
        let newest = mirrors(&source).pop().unwrap();
        assert!(packs(&newest).len() <= 3, "{}", packs(&newest).len());
    }
    assert_eq!(contents(&first), pairs(&[("a.yaml", "0")]), "held for as long as it is read");
    assert_eq!(mirrors(&source).len(), 2, "the reader's and the newest");
    drop(first);
    assert_eq!(mirrors(&source).len(), 1);
}

#[test]
fn what_a_crash_left_behind_is_cleared_away() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let server = HttpRemote::open(repository.root());
    let source = Source::new(remote(&server.url()));
    source.look();
    let mirror = mirrors(&source).pop().unwrap();
    let half = mirror.join("objects/pack/pack_git2_half");
    fs::write(&half, "PACK").unwrap();
    let unborn = mirror.with_file_name("mirror-9.git");
    git2::Repository::init_bare(&unborn).unwrap();
    fs::create_dir(mirror.with_file_name("mirror-7.git")).unwrap();
    server.take_log();
    let source = source.restart();
    assert_eq!(contents(&source.look()), pairs(&[("a.yaml", "1")]));
    assert_eq!(server.take_log().len(), 1, "the mirror was good");
    assert_eq!(mirrors(&source), [mirror]);
    assert!(!half.exists());
}

#[test]
fn a_damaged_mirror_is_fetched_anew() {
    let repository = Repository::with(&[("a.yaml", "1"), ("b.yaml", "2")]);
    let server = HttpRemote::open(repository.root());
    let mut source = Source::new(remote(&server.url()));
    for spoil in [
        |mirror: &Path| packs(mirror).iter().for_each(|pack| overwrite(pack, b"")),
        |mirror: &Path| {
            packs(mirror).iter().for_each(|pack| overwrite(pack, &vec![0; fs::metadata(pack).unwrap().len() as usize]))
        },
        |mirror: &Path| packs(mirror).iter().for_each(|pack| fs::remove_file(pack).unwrap()),
        |mirror: &Path| fs::remove_dir_all(mirror.join("objects")).unwrap(),
        |mirror: &Path| fs::write(mirror.join("config"), "[nonsense").unwrap(),
        |mirror: &Path| fs::write(mirror.join("HEAD"), "").unwrap(),
        |mirror: &Path| fs::remove_dir_all(mirror).unwrap(),
    ] {
        source.look();
        spoil(&mirrors(&source).pop().unwrap());
        source = source.restart();
        assert_eq!(contents(&source.look()), pairs(&[("a.yaml", "1"), ("b.yaml", "2")]));
        assert_eq!(mirrors(&source).len(), 1);
    }
}

#[test]
fn damage_that_only_a_read_finds_is_mended_by_the_next_look() {
    let content = noise(100_000);
    for name in ["a.yaml", "a.sh"] {
        damage_is_mended(name, &content);
    }
}

fn damage_is_mended(name: &str, content: &str) {
    let repository = Repository::with(&[(name, content)]);
    let server = HttpRemote::open(repository.root());
    let source = Source::new(remote(&server.url()));
    source.look();
    let pack = packs(&mirrors(&source).pop().unwrap()).pop().unwrap();
    let mut bytes = fs::read(&pack).unwrap();
    // Nearly all of the pack is the one file.
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    overwrite(&pack, &bytes);
    let source = source.restart();
    let tree = source.look();
    // Of a file that a manifest uses it is no fault of the manifest's either.
    let error = match tree.manifests().first() {
        Some(entry) => tree.read(entry).unwrap_err(),
        None => match tree.file(name) {
            Err(NoFile::Source(error)) => error,
            other => panic!("{other:?}"),
        },
    };
    assert!(error.reason == SourceReason::Corrupt && error.message.contains(&format!("`{name}`")), "{error}");
    let tree = source.look();
    match tree.manifests().first() {
        Some(_) => assert_eq!(contents(&tree), pairs(&[(name, content)])),
        None => assert_eq!(tree.file(name).unwrap().content.as_slice(), content.as_bytes()),
    }
}

#[test]
fn a_remote_that_was_set_up_anew_is_followed() {
    let first = Repository::with(&[("a.yaml", "1")]);
    let server = HttpRemote::open(first.root());
    let source = Source::new(remote(&server.url()));
    source.look();
    fs::remove_dir_all(first.path()).unwrap();
    let second = Repository::with(&[("z.yaml", "26")]);
    fs::rename(second.path(), first.path()).unwrap();
    assert_eq!(contents(&source.look()), pairs(&[("z.yaml", "26")]));
}
