//! A bare repository on this machine: it is read where it lies.

use super::remotes::Repository;
use super::{Source, contents, pairs, remote, told};
use pulse_controller::source::git::{Location, Remote};
use pulse_controller::source::tree::{SourceReason, Tree};

fn of(repository: &Repository) -> Remote {
    remote(&format!("file://{}", repository.path().display()))
}

#[test]
fn its_branches_tags_and_commits_are_read() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let first = repository.head("main").unwrap();
    repository.git(&["tag", "-a", "v1", "-m", "first"]);
    let source = Source::new(of(&repository));
    assert_eq!(contents(&source.look()), pairs(&[("a.yaml", "1")]));
    let second = repository.commit("main", &[("a.yaml", "2")]);
    repository.git(&["gc", "--quiet"]);
    assert_eq!(contents(&source.look()), pairs(&[("a.yaml", "2")]));
    let at = |name: &str| source.source.look_at(name).unwrap().commit().id;
    assert_eq!([at("v1"), at(&first), at("HEAD")], [first.clone(), first, second]);
    assert!(told(source.source.look_at("nothing"), SourceReason::BranchMissing).contains("no branch and no tag"));
}

#[test]
fn what_is_wrong_with_it_is_told() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let with = |branch: &str| Source::new(Remote { branch: branch.to_owned(), ..of(&repository) });
    assert!(with("trunk").fails(SourceReason::BranchMissing).contains("it has `main`"));
    let gone = of(&Repository::empty());
    assert!(Source::new(gone).fails(SourceReason::RepositoryMissing).contains("no bare Git repository"));
    let empty = Repository::empty();
    assert!(Source::new(of(&empty)).fails(SourceReason::BranchMissing).contains("is empty"));
    let nowhere = Remote { location: Location::File("/no/such/place".into()), ..of(&repository) };
    assert!(Source::new(nowhere).fails(SourceReason::RepositoryMissing).contains("/no/such/place"));
}

#[test]
fn a_damaged_repository_is_told_and_not_written() {
    let repository = Repository::with(&[("a.yaml", "1"), ("b.yaml", "2")]);
    let source = Source::new(of(&repository));
    source.look();
    let tree = repository.git(&["rev-parse", "main^{tree}"]);
    // fast-import leaves loose objects for few files.
    let loose = repository.path().join("objects").join(&tree[..2]).join(&tree[2..]);
    std::fs::remove_file(loose).unwrap();
    let said = source.fails(SourceReason::Corrupt);
    assert!(said.contains("git fsck"), "{said}");
}
