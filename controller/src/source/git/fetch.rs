//! One fetch: what is asked for, and how the answer is taken apart. Depth 1 and one commit; what the mirror has already need not
//! come again.

use super::advert::Advert;
use super::pkt::{self, Line};
use git2::Oid;
use std::io::{self, Read};

/// What is used of the server's abilities, where it has them.
const WANTED: &[&str] = &["side-band-64k", "ofs-delta", "thin-pack", "shallow", "no-progress"];

/// Why a fetch ended without its pack.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// The connection failed, or what came is not Git's protocol.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server says why.
    #[error("{0}")]
    Refused(String),
    /// The pack could not be taken in.
    #[error("{0}")]
    Pack(git2::Error),
}

/// The request for one commit, by a mirror that has these commits.
pub(super) fn request(want: Oid, have: &[Oid], advert: &Advert) -> Vec<u8> {
    let able: Vec<_> = WANTED.iter().copied().filter(|ability| advert.can(ability)).collect();
    let mut bytes = Vec::new();
    pkt::write(&mut bytes, &format!("want {want} {} agent=pulse/{}\n", able.join(" "), env!("CARGO_PKG_VERSION")));
    if advert.can("shallow") {
        // The mirror has these without their parents.
        have.iter().for_each(|have| pkt::write(&mut bytes, &format!("shallow {have}\n")));
        pkt::write(&mut bytes, "deepen 1\n");
    }
    pkt::flush(&mut bytes);
    have.iter().for_each(|have| pkt::write(&mut bytes, &format!("have {have}\n")));
    pkt::write(&mut bytes, "done\n");
    bytes
}

/// Takes the answer apart and hands the pack on, piece by piece.
pub(super) fn receive(
    from: &mut impl Read,
    shallow: bool,
    mut pack: impl FnMut(&[u8]) -> Result<(), git2::Error>,
) -> Result<(), FetchError> {
    if shallow {
        while let Line::Data(line) = pkt::read(from)? {
            let text = pkt::text(&line);
            refused(&text)?;
            if !text.starts_with("shallow ") && !text.starts_with("unshallow ") {
                return Err(garbage());
            }
        }
    }
    // Which of ours it has in common with us, or none.
    match pkt::read(from)? {
        Line::Data(line) => {
            let text = pkt::text(&line);
            refused(&text)?;
            if text != "NAK" && !text.starts_with("ACK ") {
                return Err(garbage());
            }
        }
        Line::Flush => return Err(garbage()),
    }
    while let Line::Data(line) = pkt::read(from)? {
        match line.split_first() {
            Some((1, piece)) => pack(piece).map_err(FetchError::Pack)?,
            // How far it is, for people who watch.
            Some((2, _)) => {}
            Some((3, said)) => return Err(FetchError::Refused(pkt::text(said))),
            _ => return Err(garbage()),
        }
    }
    Ok(())
}

fn refused(text: &str) -> Result<(), FetchError> {
    text.strip_prefix("ERR ").map_or(Ok(()), |said| Err(FetchError::Refused(said.to_owned())))
}

fn garbage() -> FetchError {
    io::Error::new(io::ErrorKind::InvalidData, "what came is not Git's protocol").into()
}

#[cfg(test)]
mod tests {
    use super::super::pkt;
    use super::{FetchError, receive};

    fn answer(lines: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in lines {
            match *line {
                b"" => pkt::flush(&mut bytes),
                line => pkt::write(&mut bytes, str::from_utf8(line).unwrap()),
            }
        }
        bytes
    }

    fn taken(lines: &[&[u8]], shallow: bool) -> Result<Vec<u8>, FetchError> {
        let mut pack = Vec::new();
        receive(&mut answer(lines).as_slice(), shallow, |piece| {
            pack.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(pack)
    }

    #[test]
    fn the_pack_is_put_together_from_its_band() {
        let lines: &[&[u8]] = &[b"shallow 1\n", b"", b"NAK\n", b"\x01PA", b"\x02counting", b"\x01CK", b""];
        assert_eq!(taken(lines, true).unwrap(), b"PACK");
        assert_eq!(taken(&[b"ACK 1\n", b"\x01x", b""], false).unwrap(), b"x");
    }

    #[test]
    fn what_the_server_says_against_it_is_told() {
        for lines in [&[b"ERR no\n".as_slice()][..], &[b"", b"ERR no\n"], &[b"", b"NAK\n", b"\x03no\n"]] {
            assert!(matches!(taken(lines, true), Err(FetchError::Refused(said)) if said == "no"));
        }
        for lines in
            [&[b"<html>".as_slice()][..], &[b"", b"hello"], &[b"", b""], &[b"", b"NAK\n", b"\x09x"], &[b"", b"NAK\n", b"\x01x"]]
        {
            assert!(matches!(taken(lines, true), Err(FetchError::Io(_))), "{lines:?}");
        }
    }
}
