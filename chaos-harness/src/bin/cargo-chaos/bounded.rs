//! Files that may be anything.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The whole of a file that has at most `longest` bytes. Of a longer one, or one without an end, no more is read.
pub(crate) fn read(file: &Path, longest: usize) -> io::Result<Vec<u8>> {
    read_open(File::open(file)?, longest)
}

/// The same of a file that is open.
pub(crate) fn read_open(file: File, longest: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(longest as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > longest {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it is too long: it can have {longest} bytes at most"),
        ));
    }
    Ok(bytes)
}
