//! Over HTTP: credentials, certificates, what the server says, and what a look costs.

use super::remotes::{Authority, Fault, HttpRemote, Repository};
use super::{SHORT, Source, contents, noise, pairs, remote, token, told};
use pulse_controller::source::git::Remote;
use pulse_controller::source::tree::{SourceReason, Tree};
use std::collections::BTreeMap;

#[test]
fn a_look_answers_the_heads_files_and_an_unchanged_head_costs_one_request() {
    let repository = Repository::with(&[("a.yaml", "1"), ("sub/b.yml", "2"), ("README.md", "x")]);
    let server = HttpRemote::open(repository.root());
    let source = Source::new(remote(&server.url()));
    let tree = source.look();
    assert_eq!(contents(&tree), pairs(&[("a.yaml", "1"), ("sub/b.yml", "2")]));
    let commit = tree.commit();
    assert_eq!(Some(commit.id), repository.head("main"));
    assert_eq!(commit.author.as_deref(), Some("Ann <ann@example.org>"));
    assert_eq!((commit.title.as_deref(), commit.at.unwrap().0), (Some("A change"), 1_700_000_000_000_000));
    assert_eq!(server.take_log(), ["GET /ops.git/info/refs?service=git-upload-pack", "POST /ops.git/git-upload-pack"]);
    assert_eq!(contents(&source.look()).len(), 2);
    assert_eq!(server.take_log(), ["GET /ops.git/info/refs?service=git-upload-pack"], "nothing is new");
    repository.commit("main", &[("a.yaml", "3")]);
    assert_eq!(contents(&source.look())[0].1, "3");
    assert_eq!(contents(&tree)[0].1, "1", "an older look still answers its own commit");
}

#[test]
fn only_what_changed_is_sent() {
    let names: Vec<_> =
        (0..2000).map(|number| (format!("{}/w{number}.yaml", number % 20), format!("content {number}"))).collect();
    let files: Vec<_> = names.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let repository = Repository::with(&files);
    // History that a shallow fetch leaves where it is.
    repository.commit("main", &[("large.txt", &noise(400_000))]);
    repository.replace("main", &files.iter().copied().collect::<BTreeMap<_, _>>());
    let server = HttpRemote::open(repository.root());
    let source = Source::new(remote(&server.url()));
    source.look();
    let whole = server.take_sent();
    repository.commit("main", &[("3/w3.yaml", "other")]);
    assert_eq!(source.look().manifests().len(), 2000);
    let part = server.take_sent();
    assert!(whole < 200_000, "{whole} bytes: the history came, too");
    assert!(part < 5_000, "{part} bytes for one changed file of 2,000");
}

#[test]
fn user_and_token_open_a_guarded_repository_and_are_never_told() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let server = HttpRemote::guarded(repository.root(), "pulse", "hunter2-token");
    let with = |credentials| Source::new(Remote { credentials, ..remote(&server.url()) });
    assert_eq!(with(token("pulse", "hunter2-token")).look().manifests().len(), 1);
    let said = with(token("pulse", "hunter2-wrong")).fails(SourceReason::Unauthorized);
    assert!(said.contains("PULSE_SOURCE_TOKEN") && said.contains("401") && !said.contains("hunter2"), "{said}");
    let said = Source::new(remote(&server.url())).fails(SourceReason::Unauthorized);
    assert!(said.contains("set PULSE_SOURCE_USERNAME and PULSE_SOURCE_TOKEN"), "{said}");
    let before = with(token("pulse", "hunter2-token"));
    server.guard("pulse", "hunter2-other");
    before.fails(SourceReason::Unauthorized);
    assert_eq!(with(token("pulse", "hunter2-other")).look().manifests().len(), 1, "another token is good now");
    server.guard("pulse", "hunter2-token");
    assert_eq!(before.look().manifests().len(), 1, "and now the first one again");
    server.fault(Some(Fault::Echo));
    let said = with(token("pulse", "hunter2-token")).fails(SourceReason::RepositoryMissing);
    assert!(said.contains("you are Basic [redacted]") && !said.contains("cHVsc2U6"), "{said}");
}

#[test]
fn a_private_authority_is_trusted_where_it_is_set_and_nowhere_else() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let (authority, other) = (Authority::new(), Authority::new());
    let server = HttpRemote::secure(repository.root(), "pulse", "secret", &authority, "localhost");
    let with = |ca: Option<&str>, host| {
        let ca = ca.map(str::to_owned);
        Source::new(Remote { ca, credentials: token("pulse", "secret"), limits: SHORT, ..remote(&server.url_at(host)) })
    };
    let known = with(Some(&authority.pem), "localhost");
    assert_eq!(contents(&known.look()), pairs(&[("a.yaml", "1")]));
    let said = with(Some(&other.pem), "localhost").fails(SourceReason::HostUntrusted);
    assert!(said.contains("PULSE_SOURCE_CA"), "{said}");
    let said = with(None, "localhost").fails(SourceReason::HostUntrusted);
    assert!(said.contains("PULSE_SOURCE_CA"), "{said}");
    let said = with(Some(&authority.pem), "127.0.0.1").fails(SourceReason::HostUntrusted);
    assert!(said.contains("the name that the certificate has"), "{said}");
    assert_eq!(server.take_log().len(), 2, "nothing was asked of a server that is not trusted");
}

#[test]
fn what_the_server_answers_has_its_reason() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let server = HttpRemote::open(repository.root());
    let source = Source::new(Remote { limits: SHORT, credentials: token("pulse", "hunter2-token"), ..remote(&server.url()) });
    source.look();
    for (fault, reason, part) in [
        (Fault::Status(403), SourceReason::Unauthorized, "403"),
        (Fault::Status(404), SourceReason::RepositoryMissing, "check PULSE_SOURCE_URL"),
        (Fault::Status(503), SourceReason::Unreachable, "503"),
        (Fault::Redirect, SourceReason::RepositoryMissing, "http://elsewhere.example.org/ops.git"),
        (Fault::Page, SourceReason::Corrupt, "not as a Git server"),
        (Fault::GarbageAdvert, SourceReason::Corrupt, "not as a Git server"),
        (Fault::Endless, SourceReason::TooLarge, "sends more than"),
    ] {
        server.fault(Some(fault));
        let said = source.fails(reason);
        assert!(said.contains(part) && !said.contains("hunter2"), "{fault:?}: {said}");
    }
    server.fault(None);
    assert_eq!(source.look().manifests().len(), 1, "and it is well again");
    let gone = Source::new(Remote { limits: SHORT, ..remote(&server.url().replace("ops", "nothing")) });
    gone.fails(SourceReason::RepositoryMissing);
    let url = server.url();
    drop(server);
    let said = source.fails(SourceReason::Unreachable);
    assert!(said.contains(&url), "{said}");
}

#[test]
fn branches_come_and_go() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    repository.commit("release/1", &[("r.yaml", "r")]);
    let server = HttpRemote::open(repository.root());
    let source = Source::new(remote(&server.url()));
    let first = source.look().commit().id;
    let forced = repository.force("main", &[("b.yaml", "2")]);
    let tree = source.look();
    assert_eq!((tree.commit().id, contents(&tree)), (forced.clone(), pairs(&[("b.yaml", "2")])), "a force-push is the new state");
    repository.git(&["branch", "-m", "main", "trunk"]);
    let said = source.fails(SourceReason::BranchMissing);
    assert!(
        said.contains("`release/1`, `trunk`") && said.contains("by default `trunk`") && said.contains("PULSE_SOURCE_BRANCH"),
        "{said}"
    );
    repository.git(&["branch", "-m", "trunk", "main"]);
    assert_eq!(source.look().commit().id, forced);
    let empty = Repository::empty();
    let server = HttpRemote::open(empty.root());
    let said = Source::new(remote(&server.url())).fails(SourceReason::BranchMissing);
    assert!(said.contains("is empty; push the branch `main`"), "{said}");
    assert_ne!(first, forced);
}

#[test]
fn any_branch_tag_or_commit_can_be_looked_at() {
    let repository = Repository::with(&[("a.yaml", "1")]);
    let first = repository.head("main").unwrap();
    repository.git(&["tag", "-a", "v1", "-m", "first"]);
    repository.git(&["tag", "light"]);
    repository.commit("release/1", &[("r.yaml", "r")]);
    let second = repository.commit("main", &[("a.yaml", "2")]);
    repository.git(&["config", "uploadpack.allowReachableSHA1InWant", "true"]);
    let server = HttpRemote::open(repository.root());
    let source = Source::new(remote(&server.url()));
    source.look();
    let at = |name: &str| source.source.look_at(name).unwrap().commit().id;
    assert_eq!([at("v1"), at("light"), at("refs/tags/v1"), at(&first)], [first.clone(), first.clone(), first.clone(), first]);
    assert_eq!(contents(&source.source.look_at("release/1").unwrap()), pairs(&[("r.yaml", "r")]));
    assert_eq!([at("HEAD"), at("main"), source.look().commit().id], [second.clone(), second.clone(), second]);
    let nowhere = "1".repeat(40);
    for (name, part) in [
        ("nothing", "no branch and no tag `nothing`"),
        ("-x", "no name of"),
        ("a\nb", "no name of"),
        (&nowhere, "does not hand out"),
    ] {
        let said = told(source.source.look_at(name), SourceReason::BranchMissing);
        assert!(said.contains(part), "{name}: {said}");
    }
    repository.git(&["tag", "blob", &repository.blob(b"x")]);
    assert!(told(source.source.look_at("blob"), SourceReason::BranchMissing).contains("is no commit"));
}

#[test]
fn a_path_is_the_sources_root() {
    let repository = Repository::with(&[("ops/prod/a.yaml", "1"), ("ops/run.sh", "x"), ("b.yaml", "2")]);
    let server = HttpRemote::open(repository.root());
    let at = |path: &str| Source::new(Remote { path: path.to_owned(), ..remote(&server.url()) });
    let tree = at("ops/prod").look();
    assert_eq!(contents(&tree), pairs(&[("ops/prod/a.yaml", "1")]), "named as in the repository");
    assert!(tree.file("../run.sh").is_err());
    assert!(at("ops/test").fails(SourceReason::PathMissing).contains("`ops/test` does not exist"));
    assert!(at("ops/run.sh").fails(SourceReason::PathMissing).contains("is a file"));
}
