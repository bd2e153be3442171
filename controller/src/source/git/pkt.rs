//! The lines of Git's protocol: four hex digits of length, then so many bytes.

use std::io::{self, Read};

/// The longest line that the protocol allows, length included.
const MAX_LINE: usize = 65_520;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    /// `0000`: a section ends.
    Flush,
    /// What stands in it, the line break included if there is one.
    Data(Vec<u8>),
}

/// Reads one line. What is no line is [`io::ErrorKind::InvalidData`].
pub(super) fn read(from: &mut impl Read) -> io::Result<Line> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    // `from_str_radix` alone would take a sign.
    let text = str::from_utf8(&length).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let length = text.and_then(|text| usize::from_str_radix(text, 16).ok());
    match length {
        Some(0) => Ok(Line::Flush),
        Some(length @ 4..=MAX_LINE) => {
            let mut data = vec![0; length - 4];
            from.read_exact(&mut data)?;
            Ok(Line::Data(data))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "what came is not Git's protocol")),
    }
}

/// Adds a line.
pub(super) fn write(to: &mut Vec<u8>, text: &str) {
    to.extend_from_slice(format!("{:04x}{text}", text.len() + 4).as_bytes());
}

/// Adds the end of a section.
pub(super) fn flush(to: &mut Vec<u8>) {
    to.extend_from_slice(b"0000");
}

/// A line without its line break, as text.
pub(super) fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data.strip_suffix(b"\n").unwrap_or(data)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Line, flush, read, write};

    #[test]
    fn lines_come_back_as_they_were_written() {
        let mut bytes = Vec::new();
        write(&mut bytes, "want x\n");
        flush(&mut bytes);
        assert_eq!(bytes, b"000bwant x\n0000");
        let mut from = bytes.as_slice();
        assert_eq!(read(&mut from).unwrap(), Line::Data(b"want x\n".to_vec()));
        assert_eq!(read(&mut from).unwrap(), Line::Flush);
        assert_eq!(read(&mut from).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for bytes in ["<htm", "0003", "ffff", "-001", "+004", "\u{e4}\u{e4}"] {
            let error = read(&mut bytes.as_bytes()).unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{bytes}");
        }
        assert_eq!(read(&mut "000bwan".as_bytes()).unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    }
}
