//! What a server needs to become an agent: the script that installs one, and the agent's program, each with its checksum. No secret: both are
//! part of every release.

use super::Problem;
use super::extract::Segment;
use super::reply::{Program, ShellScript, Sum};
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::io::AsyncReadExt;

/// The script, in whose text each of these files has its place.
const TEMPLATE: &str = include_str!("../../../deploy/install-agent.sh");
const PARTS: [(&str, &str); 5] = [
    ("@agent.yaml@", include_str!("../../../deploy/debian/agent.yaml")),
    ("@pulse-agent.service@", include_str!("../../../deploy/systemd/pulse-agent.service")),
    ("@pulse-agent-shims.socket@", include_str!("../../../deploy/systemd/pulse-agent-shims.socket")),
    ("@pulse-agent-shims@.service@", include_str!("../../../deploy/systemd/pulse-agent-shims@.service")),
    ("@pulse-commands.slice@", include_str!("../../../deploy/systemd/pulse-commands.slice")),
];
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    // Packages have their program in /usr/bin; what no package manager knows of does not belong there.
    let fill = |script: String, (place, part): (&str, &str)| {
        script.replace(&format!("{place}\n"), &part.replace("/usr/bin/pulse-agent", "/usr/local/bin/pulse-agent"))
    };
    PARTS.into_iter().fold(TEMPLATE.to_owned(), fill)
});
const SCRIPT_NAME: &str = "install-agent.sh";
/// What the names of programs begin with; the machine's architecture follows, as `uname -m` says it.
const PREFIX: &str = "pulse-agent-";
/// What stands behind the name for the checksum.
const SUM: &str = ".sha256";
/// Bytes that are read at once.
const PIECE: usize = 64 * 1024;

/// Checksums of files as they were when they were last asked for.
static SUMS: LazyLock<Mutex<BTreeMap<PathBuf, (State, String)>>> = LazyLock::new(Mutex::default);

/// By what another file under the same name is known.
type State = (u64, Option<SystemTime>);

/// `GET /install-agent.sh`.
pub(super) async fn script() -> ShellScript {
    ShellScript(([(header::CONTENT_TYPE, "text/x-shellscript; charset=utf-8")], SCRIPT.as_str()).into_response())
}

/// `GET /install-agent.sh.sha256`.
pub(super) async fn script_sum() -> Sum {
    said(&hex(&Sha256::digest(SCRIPT.as_str())), SCRIPT_NAME)
}

/// `GET /downloads/{name}`.
pub(super) async fn download(Segment(name): Segment) -> Result<Program, Problem> {
    let (program, is_sum) = name.strip_suffix(SUM).map_or((name.as_str(), false), |program| (program, true));
    let path = std::env::current_exe().ok().and_then(|own| find(&own, program)).ok_or_else(|| missing(&name))?;
    let answer = if is_sum { sum_of(path, program.to_owned()).await } else { bytes_of(&path).await };
    answer.map(Program).map_err(|error| missing(&name).with_help(format!("its file cannot be read: {error}")))
}

/// Where the program of this name lies: beside the controller's own, for machines such as this one, or in `../lib/pulse/agents`.
fn find(own: &Path, name: &str) -> Option<PathBuf> {
    let architecture = name.strip_prefix(PREFIX)?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if architecture.is_empty() || !architecture.chars().all(word) {
        return None;
    }
    let folder = own.parent()?;
    let beside = (architecture == std::env::consts::ARCH).then(|| folder.join("pulse-agent"));
    let kept = folder.parent().map(|above| above.join("lib/pulse/agents").join(name));
    // The kept one is made for any distribution; what lies beside may be a build of this host.
    kept.into_iter().chain(beside).find(|path| path.is_file())
}

fn missing(name: &str) -> Problem {
    let detail = format!("this controller has no `{name}`");
    let help = format!(
        "the package pulse-controller and its image bring it; its place is ../lib/pulse/agents/{name} beside the controller's program"
    );
    Problem::not_found("no_such_download", detail).with_help(help)
}

async fn bytes_of(path: &Path) -> io::Result<Response> {
    let file = tokio::fs::File::open(path).await?;
    let length = file.metadata().await?.len();
    let pieces = stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        io::Result::Ok((read > 0).then_some((piece, file)))
    });
    let headers = [(header::CONTENT_TYPE, "application/octet-stream".to_owned()), (header::CONTENT_LENGTH, length.to_string())];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

async fn sum_of(path: PathBuf, name: String) -> io::Result<Response> {
    let sum = tokio::task::spawn_blocking(move || sum(&path)).await.map_err(io::Error::other)??;
    Ok(said(&sum, &name).into_response())
}

fn sum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let state = state(&file.metadata()?);
    let mut sums = SUMS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, sum)) = sums.get(path).filter(|(known, _)| *known == state) {
        return Ok(sum.clone());
    }
    let (mut digest, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => digest.update(&piece[..read]),
        }
    }
    let sum = hex(&digest.finalize());
    sums.insert(path.to_owned(), (state, sum.clone()));
    Ok(sum)
}

fn state(found: &Metadata) -> State {
    (found.len(), found.modified().ok())
}

/// As `sha256sum` writes it, and `sha256sum --check` reads it.
fn said(sum: &str, name: &str) -> Sum {
    Sum(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{sum}  {name}\n")).into_response())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{find, sum};

    #[test]
    fn only_agents_are_found_and_the_kept_ones_first() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("bin/pulse-controller");
        let this = format!("pulse-agent-{}", std::env::consts::ARCH);
        for folder in ["bin", "lib/pulse/agents"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        assert_eq!(find(&own, &this), None);
        let (beside, kept) = (root.path().join("bin/pulse-agent"), root.path().join("lib/pulse/agents").join(&this));
        std::fs::write(&beside, "1").unwrap();
        assert_eq!(find(&own, &this), Some(beside.clone()));
        assert_eq!(find(&own, "pulse-agent-vax"), None, "what lies beside is for this architecture");
        std::fs::write(&kept, "2").unwrap();
        assert_eq!(find(&own, &this), Some(kept));
        for wrong in ["pulse-controller", "pulse-agent-", "pulse-agent-../../../bin/pulse-agent", "pulse-agent-.", ""] {
            assert_eq!(find(&own, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn another_file_has_another_sum() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            sum(&path).unwrap()
        };
        assert_eq!(of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(sum(&path).unwrap(), of("abc"));
    }
}
