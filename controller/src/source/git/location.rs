//! Where a repository is: `https`, `ssh` (also as `git@host:path`), `file`, and plain `http`. Everything else is refused, and so
//! is whatever could mean something to a program that is handed the text.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Over HTTP.
    Http {
        /// With TLS.
        tls: bool,
        /// Host name or address; an IPv6 address in brackets.
        host: String,
        /// The port, if it was said.
        port: Option<u16>,
        /// Begins with a slash and does not end with one.
        path: String,
    },
    /// Over SSH.
    Ssh {
        /// Whom to log in as, if it was said.
        user: Option<String>,
        /// Host name or address, without brackets.
        host: String,
        /// The port.
        port: u16,
        /// As the server is told: below its root with a slash at the beginning, else below the user's home.
        path: String,
    },
    /// A bare repository on this machine.
    File(PathBuf),
}

impl Location {
    /// Reads a URL.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and the mend; without anything of it that could be a secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) || text.starts_with('-') {
            return Err("a URL has no spaces or control characters and does not begin with a dash".to_owned());
        }
        match text.split_once("://") {
            Some(("https", rest)) => http(true, rest),
            Some(("http", rest)) => http(false, rest),
            Some(("ssh", rest)) => ssh(rest),
            Some(("file", rest)) => file(rest),
            Some((scheme, _)) => Err(format!("`{}` is no supported scheme; use https, ssh or file", shown(scheme))),
            // Such as `ext::sh -c …`, which would run a program.
            None if text.contains("::") => Err("helpers such as `ext::` are not supported; use https, ssh or file".to_owned()),
            None => scp(text),
        }
    }

    /// It is reached without leaving this machine.
    pub fn is_loopback(&self) -> bool {
        match self {
            Self::File(_) => true,
            Self::Http { host, .. } | Self::Ssh { host, .. } => {
                let host = host.trim_start_matches('[').trim_end_matches(']');
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// Whether a folder is a bare repository.
pub fn is_bare_repository(folder: &Path) -> bool {
    folder.join("HEAD").is_file() && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

/// Whether a folder is what is left of a bare repository without its HEAD, as after a crash: nobody means it as a plain folder.
pub fn is_headless_repository(folder: &Path) -> bool {
    !is_bare_repository(folder) && folder.join("objects").is_dir() && folder.join("refs").is_dir()
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http { tls, host, port, path } => {
                write!(f, "{}://{host}", if *tls { "https" } else { "http" })?;
                port.map_or(Ok(()), |port| write!(f, ":{port}"))?;
                f.write_str(path)
            }
            Self::Ssh { user, host, port, path } => {
                let user = user.as_deref().map_or(String::new(), |user| format!("{user}@"));
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let port = if *port == 22 { String::new() } else { format!(":{port}") };
                write!(f, "ssh://{user}{host}{port}/{}", path.trim_start_matches('/'))
            }
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

fn http(tls: bool, rest: &str) -> Result<Location, String> {
    let (authority, path) = split_path(rest)?;
    if authority.contains('@') {
        return Err("user and password do not belong into the URL, where logs would show them; set PULSE_SOURCE_USERNAME and \
                    PULSE_SOURCE_TOKEN"
            .to_owned());
    }
    if path.contains(['?', '#']) {
        return Err("a repository's URL has no `?` and no `#`".to_owned());
    }
    if !path.chars().all(|c| c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@%/".contains(c)) {
        return Err("its path has characters that a URL has to write as `%` and two hex digits".to_owned());
    }
    let (host, port) = authority_of(authority)?;
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    Ok(Location::Http { tls, host, port, path: path.trim_end_matches('/').to_owned() })
}

fn ssh(rest: &str) -> Result<Location, String> {
    let (authority, path) = split_path(rest)?;
    let (user, authority) = user_of(authority)?;
    let (host, port) = authority_of(authority)?;
    // `ssh://host/~/ops.git` is below the user's home.
    let path = path.strip_prefix("/~/").unwrap_or(path);
    Ok(Location::Ssh { user, host, port: port.unwrap_or(22), path: path_of(path)? })
}

/// `git@host:path`.
fn scp(text: &str) -> Result<Location, String> {
    let (authority, path) = text.split_once(':').ok_or("it is no URL and no `git@host:path`")?;
    let (user, host) = user_of(authority)?;
    let (host, _) = authority_of(host)?;
    Ok(Location::Ssh { user, host, port: 22, path: path_of(path)? })
}

fn file(rest: &str) -> Result<Location, String> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err("a file URL has three slashes and a whole path, such as file:///srv/git/ops.git".to_owned());
    }
    Ok(Location::File(PathBuf::from(path)))
}

fn split_path(rest: &str) -> Result<(&str, &str), String> {
    let slash = rest.find('/').filter(|slash| rest.len() > slash + 1);
    let slash = slash.ok_or("the repository's path is missing behind the host, such as /team/ops.git")?;
    Ok(rest.split_at(slash))
}

fn user_of(authority: &str) -> Result<(Option<String>, &str), String> {
    let Some((user, host)) = authority.rsplit_once('@') else { return Ok((None, authority)) };
    if user.contains(':') {
        return Err("a password does not belong into the URL; an ssh source has a key, set PULSE_SOURCE_SSH_KEY".to_owned());
    }
    if !is_user(user) {
        return Err("the user before the `@` has letters, digits, `.`, `_` and `-`, and begins with none of the last".to_owned());
    }
    Ok((Some(user.to_owned()), host))
}

/// A user's name that no program takes for an option.
pub(crate) fn is_user(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
}

/// Host, without brackets, and port.
fn authority_of(text: &str) -> Result<(String, Option<u16>), String> {
    let bad = || "its host is no name and no address, an IPv6 address in brackets".to_owned();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| bad())?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':').ok_or_else(bad)?) })
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let plain = host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    if !(plain || text.starts_with('[')) {
        return Err(bad());
    }
    let number = |port: &str| {
        port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| "its port is no number from 1 to 65535".to_owned())
    };
    Ok((host.to_owned(), port.map(number).transpose()?))
}

fn path_of(path: &str) -> Result<String, String> {
    if path.is_empty() || path.starts_with('-') {
        return Err("the repository's path is missing, or begins with a dash".to_owned());
    }
    Ok(path.to_owned())
}

/// A scheme that an error may show: one that is really a password or worse is not repeated.
fn shown(scheme: &str) -> &str {
    if scheme.len() <= 12 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) { scheme } else { "…" }
}

#[cfg(test)]
mod tests {
    use super::Location;

    #[test]
    fn every_way_to_write_it() {
        for (text, shown) in [
            ("https://git.example.org/team/ops.git", "https://git.example.org/team/ops.git"),
            ("https://git.example.org:3000/team/ops/", "https://git.example.org:3000/team/ops"),
            ("http://[::1]:3000/ops", "http://[::1]:3000/ops"),
            ("ssh://git@git.example.org/team/ops.git", "ssh://git@git.example.org/team/ops.git"),
            ("ssh://git@git.example.org:2222/team/ops.git", "ssh://git@git.example.org:2222/team/ops.git"),
            ("git@git.example.org:team/ops.git", "ssh://git@git.example.org/team/ops.git"),
            ("ssh://[::1]:22/x", "ssh://[::1]/x"),
            ("file:///srv/git/ops.git", "/srv/git/ops.git"),
        ] {
            assert_eq!(Location::parse(text).unwrap().to_string(), shown, "{text}");
        }
        let Location::Ssh { path, .. } = Location::parse("git@h:team/ops.git").unwrap() else { panic!("ssh") };
        assert_eq!(path, "team/ops.git", "below the user's home");
        let Location::Ssh { path, .. } = Location::parse("ssh://git@h/team/ops.git").unwrap() else { panic!("ssh") };
        assert_eq!(path, "/team/ops.git");
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        for (text, part) in [
            ("ext::sh -c id", "spaces"),
            ("ext::sh", "`ext::`"),
            ("ext::ssh://x/y", "scheme"),
            ("git://git.example.org/ops.git", "`git` is no supported scheme"),
            ("ftp://git.example.org/ops.git", "`ftp` is no supported scheme"),
            ("--upload-pack=x", "dash"),
            ("ssh://-oProxyCommand=x/y", "host"),
            ("ssh://-x@host/y", "user"),
            ("-x@host:y", "dash"),
            ("git@-oProxyCommand=x:y", "host"),
            ("git@host:-x", "dash"),
            ("https://ann:hunter2@git.example.org/ops.git", "PULSE_SOURCE_TOKEN"),
            ("https://hunter2@git.example.org/ops.git", "PULSE_SOURCE_TOKEN"),
            ("ssh://git:hunter2@git.example.org/ops.git", "PULSE_SOURCE_SSH_KEY"),
            ("https://git.example.org", "path is missing"),
            ("https://git.example.org/", "path is missing"),
            ("https:///ops.git", "host"),
            ("https://git.example.org:0/ops.git", "port"),
            ("https://git.example.org:99999/ops.git", "port"),
            ("https://git.example.org/ops.git?x=1", "`?`"),
            ("https://git.example.org/\u{e4}.git", "hex digits"),
            ("https://git.example.org/<ops>", "hex digits"),
            ("https://git.example.org/ops\n.git", "control"),
            ("https://[::1/ops.git", "host"),
            ("file://srv/ops.git", "three slashes"),
            ("ops", "no URL"),
        ] {
            let said = Location::parse(text).unwrap_err();
            assert!(said.contains(part) && !said.contains("hunter2"), "{text}: {said}");
        }
    }
}
