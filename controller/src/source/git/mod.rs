//! A Git repository as a source. The head of one branch is asked for; if it is new, that one commit is fetched without its history
//! into a bare mirror, and its files are read from there. There is no work tree, and no hook, filter, submodule, credential
//! helper, agent or configuration of this machine takes part.
//!
//! The way of a look: [`Location`] → `http` or `ssh` (`advert`: what the remote has) → `wanted` (which commit) → `fetch` (its pack)
//! → `mirror` → `list` → [`GitTree`]. libgit2 keeps and reads objects; it never opens a connection: the two transports here have a
//! deadline on every wait, which libgit2's own do not.

mod advert;
mod fail;
mod fetch;
mod http;
pub(crate) mod known_hosts;
mod limits;
mod list;
mod location;
mod mirror;
mod objects;
mod pkt;
mod remote;
mod ssh;
mod tree;
mod wanted;

pub(crate) use http::certificates;
pub use limits::Limits;
pub(crate) use location::is_user;
pub use location::{Location, is_bare_repository, is_headless_repository};
pub use remote::{Credentials, Remote};
pub(crate) use remote::{DEFAULT_USER, check_ca, check_key};
pub use tree::GitTree;

use super::Source;
use super::tree::{SourceError, SourceReason, Tree};
use advert::Advert;
use fail::fail;
use fetch::FetchError;
use git2::{ConfigLevel, Oid, Repository};
use limits::{Deadline, Metered};
use mirror::Mirror;
use pulse_core::source_status::{SourceAddress, SourceKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;
use tree::Unlisted;
use wanted::Wanted;

/// A repository, and the mirror of it below the data folder; one per source.
#[derive(Debug)]
pub struct GitSource {
    remote: Remote,
    folder: PathBuf,
    /// One look at a time writes the mirror and uses the connection. They come one at a time, so that nobody waits here.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    mirror: Option<Arc<Mirror>>,
    client: Option<ureq::Agent>,
}

/// How one try of a look ended.
enum Tried {
    Done(Box<GitTree>),
    /// The mirror is of no use; fetch all of it anew.
    Anew(SourceError),
    /// The remote has moved on between its two answers.
    Again(SourceError),
}

/// A connection that waits for what is wanted.
enum Link<'a> {
    Http(&'a ureq::Agent),
    Ssh(ssh::Link),
}

impl GitSource {
    /// A source that keeps its mirror in this folder, which is its own.
    pub fn new(remote: Remote, folder: PathBuf) -> Self {
        forget_this_machine();
        Self { remote, folder, state: Mutex::default() }
    }

    /// What it points to.
    pub fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Fetches the branch's head and answers its tree. Blocks, and ends by its deadline, [`Limits::total`].
    pub fn look(&self) -> Result<GitTree, SourceError> {
        self.look_for(&Wanted::Branch)
    }

    /// The tree of a branch, tag, full reference or whole commit id that the remote has. Blocks like [`Self::look`].
    pub fn look_at(&self, reference: &str) -> Result<GitTree, SourceError> {
        self.look_for(&Wanted::named(reference)?)
    }

    fn look_for(&self, wanted: &Wanted) -> Result<GitTree, SourceError> {
        let deadline = Deadline::after(self.remote.limits.total);
        // A look that panicked has left nothing that the next one could not use.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Location::File(path) = &self.remote.location {
            return self.look_here(path, wanted, deadline);
        }
        let anew = match self.attempt(&mut state, wanted, deadline, false)? {
            Tried::Done(tree) => return Ok(*tree),
            Tried::Again(_) => false,
            Tried::Anew(error) => {
                tracing::warn!(%error, source = %self.remote.location, "this commit cannot be read; it is fetched anew");
                true
            }
        };
        match self.attempt(&mut state, wanted, deadline, anew)? {
            Tried::Done(tree) => Ok(*tree),
            Tried::Anew(error) | Tried::Again(error) => Err(error),
        }
    }

    /// A repository on this machine is read as it lies there.
    fn look_here(&self, path: &std::path::Path, wanted: &Wanted, deadline: Deadline) -> Result<GitTree, SourceError> {
        let remote = &self.remote;
        if is_headless_repository(path) {
            let message =
                format!("{} is a Git repository without its HEAD; write it anew, or restore the repository", path.display());
            return Err(fail(SourceReason::Corrupt, message));
        }
        if !is_bare_repository(path) {
            let message = format!("{} is no bare Git repository; check PULSE_SOURCE_URL", path.display());
            return Err(fail(SourceReason::RepositoryMissing, message));
        }
        let repository = Repository::open_bare(path).map_err(|error| fail(SourceReason::Corrupt, error.message()))?;
        let id = wanted.within(&repository, remote)?;
        GitTree::list(repository, None, id, &remote.path, deadline).map_err(|error| match error {
            Unlisted::Unfit(error) => error,
            Unlisted::Late => fail(SourceReason::TimedOut, tree::late(&id.to_string())),
            Unlisted::Damaged(error) => fail(
                SourceReason::Corrupt,
                format!("commit {id} of {} cannot be read: {}; run `git fsck` there", remote.location, error.message()),
            ),
        })
    }

    fn attempt(&self, state: &mut State, wanted: &Wanted, deadline: Deadline, anew: bool) -> Result<Tried, SourceError> {
        let remote = &self.remote;
        let State { mirror: kept, client } = state;
        let (advert, link) = self.connect(client, deadline)?;
        let id = wanted.on(&advert, remote)?;
        if kept.is_none() {
            *kept = Mirror::newest(&self.folder)?.map(Arc::new);
        }
        let current = kept.clone().filter(|mirror| !anew && !mirror.is_damaged());
        let opened = current.and_then(|mirror| mirror.open().ok().map(|repository| (mirror, repository)));
        if kept.is_some() && opened.is_none() {
            tracing::warn!(source = %remote.location, "the mirror is damaged; it is thrown away and fetched anew");
        }
        let known = opened.filter(|(mirror, repository)| holds(repository, id) || !mirror.is_full(&remote.limits));
        let (mirror, repository) = match known {
            Some(known) => known,
            None => {
                let mirror = Mirror::create(&self.folder, kept.as_deref())?;
                let repository = mirror.open().map_err(|error| fail(SourceReason::Local, error.message()))?;
                (Arc::new(mirror), repository)
            }
        };
        if holds(&repository, id) {
            link.leave();
        } else if let Err(tried) = self.fetch(link, &advert, (&mirror, &repository), id, deadline)? {
            return Ok(tried);
        }
        let listed = match GitTree::list(repository, Some(Arc::clone(&mirror)), id, &remote.path, deadline) {
            Ok(tree) => Ok(tree),
            Err(Unlisted::Damaged(error)) => return Ok(Tried::Anew(remote.damaged(error.message()))),
            Err(Unlisted::Unfit(error)) => Err(error),
            Err(Unlisted::Late) => Err(fail(SourceReason::TimedOut, tree::late(&id.to_string()))),
        };
        // The commit is whole, even if it is not fit.
        let repository = mirror.open().map_err(|error| fail(SourceReason::Local, error.message()))?;
        mirror.note(&repository, id, *wanted == Wanted::Branch)?;
        mirror.keep();
        if let Some(old) = kept.replace(Arc::clone(&mirror)).filter(|old| !Arc::ptr_eq(old, &mirror)) {
            old.retire();
        }
        listed.map(|tree| Tried::Done(Box::new(tree)))
    }

    fn connect<'a>(&self, client: &'a mut Option<ureq::Agent>, deadline: Deadline) -> Result<(Advert, Link<'a>), SourceError> {
        if matches!(self.remote.location, Location::Ssh { .. }) {
            let (advert, link) = ssh::open(&self.remote, deadline)?;
            return Ok((advert, Link::Ssh(link)));
        }
        let client = match client {
            Some(client) => client,
            None => client.insert(http::client(&self.remote)?),
        };
        Ok((http::advert(client, &self.remote, deadline)?, Link::Http(client)))
    }

    /// Fetches one commit into a mirror. The inner error says that another try may help.
    fn fetch(
        &self,
        link: Link<'_>,
        advert: &Advert,
        (mirror, repository): (&Mirror, &Repository),
        id: Oid,
        deadline: Deadline,
    ) -> Result<Result<(), Tried>, SourceError> {
        let remote = &self.remote;
        if !advert.can("side-band-64k") {
            return Err(remote.no_git());
        }
        let have = mirror.has(repository);
        let wanted = fetch::request(id, &have, advert);
        let stream: Box<dyn std::io::Read> = match link {
            Link::Http(client) => Box::new(http::fetch(client, remote, &wanted, deadline)?),
            Link::Ssh(link) => Box::new(link.fetch(remote, &wanted)?),
        };
        let mut stream = Metered::new(stream, remote.limits.received_bytes, deadline);
        let shallow = advert.can("shallow");
        let taken = mirror::take_in(repository, deadline, |pack| fetch::receive(&mut stream, shallow, pack), FetchError::Pack);
        match taken {
            Ok(()) if holds(repository, id) => Ok(Ok(())),
            Ok(()) => Ok(Err(Tried::Anew(remote.damaged(&format!("commit {id} is not in the pack"))))),
            Err(_) if deadline.is_over() => Err(remote.timed_out()),
            Err(FetchError::Io(error)) => Err(remote.broken_off(&error)),
            Err(FetchError::Refused(said)) => Ok(Err(Tried::Again(remote.refused(id, &said)))),
            Err(FetchError::Pack(error)) if mirror::is_local(&error) => Err(fail(
                SourceReason::Local,
                format!("the mirror in {} cannot be written: {}", self.folder.display(), error.message()),
            )),
            Err(FetchError::Pack(error)) => Ok(Err(Tried::Anew(remote.damaged(error.message())))),
        }
    }
}

impl Source for GitSource {
    fn address(&self) -> SourceAddress {
        let Remote { location, branch, path, .. } = &self.remote;
        let path = Some(path.clone()).filter(|path| !path.is_empty());
        SourceAddress { kind: SourceKind::Git, url: location.to_string(), branch: Some(branch.clone()), path }
    }

    fn look(&self) -> Result<Box<dyn Tree>, SourceError> {
        Ok(Box::new(Self::look(self)?))
    }

    fn look_at(&self, reference: &str) -> Result<Box<dyn Tree>, SourceError> {
        Ok(Box::new(Self::look_at(self, reference)?))
    }

    fn is_reached_so(&self, remote: &Remote) -> bool {
        self.remote == *remote
    }

    fn longest_look(&self) -> Duration {
        // Its files are read by the deadline; a quarter more is for what is made of them.
        self.remote.limits.total.mul_f64(1.25)
    }
}

impl Link<'_> {
    fn leave(self) {
        if let Self::Ssh(link) = self {
            link.leave();
        }
    }
}

fn holds(repository: &Repository, id: Oid) -> bool {
    repository.odb().is_ok_and(|odb| odb.exists(id))
}

/// libgit2 reads no configuration but the mirror's own, and lets us read repositories of other users that the settings name.
fn forget_this_machine() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let levels = [ConfigLevel::System, ConfigLevel::Global, ConfigLevel::XDG, ConfigLevel::ProgramData];
        for level in levels {
            // SAFETY: the setting is global to the process and not synchronised; `Once` lets one thread write it, and every use of
            // libgit2 in this process goes through a `GitSource`, which is made after this.
            let emptied = unsafe { git2::opts::set_search_path(level, "") };
            if let Err(error) = emptied {
                tracing::warn!(error = error.message(), "libgit2 keeps its search path");
            }
        }
        // SAFETY: as above.
        if let Err(error) = unsafe { git2::opts::set_verify_owner_validation(false) } {
            tracing::warn!(error = error.message(), "libgit2 keeps its check of owners");
        }
    });
}
