//! Files and folders that only their owner reads: what a run leaves behind quotes services, commands and addresses.
//!
//! Everything below the folder of runs is made here. The mode is given with the call that makes the file, so that there
//! is no moment in which others could open it, whatever the umask.

use rustix::fs::OFlags;
use rustix::process::geteuid;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;

/// A new file to write to at its end; an error where there is one by that name already.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(FILE).open(path)
}

/// A new file to read, and to write to at its end; an error where there is one by that name already.
pub(crate) fn create_new_log(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create_new(true).mode(FILE).open(path)
}

/// A file to read, and to write to at its end, that is there, and is this user's: what it says is done in their name. A link
/// is not followed.
pub(crate) fn open_log(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).append(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.uid() != geteuid().as_raw() || found.mode() & 0o022 != 0 {
        return Err(io::Error::other("it is not a file that only this user writes to"));
    }
    Ok(file)
}

/// Whether what is there is another user's, or cannot even be looked at.
pub(crate) fn is_of_others(path: &Path) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(found) => found.uid() != geteuid().as_raw(),
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

/// An empty file to write to, in the place of what was there.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    tightened(OpenOptions::new().write(true).create(true).truncate(true).mode(FILE).open(path)?)
}

/// A file to write to at its end, made where there is none.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    tightened(OpenOptions::new().append(true).create(true).mode(FILE).open(path)?)
}

/// A folder, and those above it that are missing. What is there already stays as it is: it is not this run's.
pub(crate) fn create_dir_all(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER).create(path)
}

/// A new folder; an error where there is one by that name already.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(FOLDER).create(path)
}

/// A file that was there before kept its mode.
fn tightened(file: File) -> io::Result<File> {
    if file.metadata()?.permissions().mode() & 0o777 != FILE {
        file.set_permissions(Permissions::from_mode(FILE))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// The umask belongs to the whole process: this test runs its own program again, with every bit of it cleared.
    #[test]
    fn what_is_made_is_its_owners_alone_whatever_the_umask() {
        let name = "safety::private::tests::what_is_made_is_its_owners_alone_whatever_the_umask";
        if std::env::var_os("UMASK_IS_CLEARED").is_none() {
            let again = std::env::current_exe().unwrap();
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", "umask 0; exec \"$0\" --exact \"$1\""]).arg(again).arg(name);
            let output = shell.env("UMASK_IS_CLEARED", "1").output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        // So it is if the umask does not help.
        File::create(at("loose")).unwrap();
        assert_eq!(mode(&at("loose")), 0o666);

        create_dir_all(&at("runs/a/deep")).unwrap();
        create_dir(&at("runs/b")).unwrap();
        for folder in ["runs", "runs/a", "runs/a/deep", "runs/b"] {
            assert_eq!(mode(&at(folder)), 0o700, "{folder}");
        }
        create_new(&at("new")).unwrap();
        create(&at("made")).unwrap();
        append(&at("grown")).unwrap();
        create_new_log(&at("log")).unwrap();
        for file in ["new", "made", "grown", "log"] {
            assert_eq!(mode(&at(file)), 0o600, "{file}");
        }
        append(&at("loose")).unwrap();
        assert_eq!(mode(&at("loose")), 0o600);
    }

    #[test]
    fn a_file_is_made_anew_emptied_or_continued() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        create_new(&path).unwrap().write_all(b"first").unwrap();
        assert_eq!(create_new(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        append(&path).unwrap().write_all(b", second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "first, second");
        create(&path).unwrap().write_all(b"third").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "third");
    }

    #[test]
    fn only_a_log_that_nobody_else_can_have_written_is_read() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        create_new_log(&path).unwrap().write_all(b"said").unwrap();
        assert_eq!(io::read_to_string(open_log(&path).unwrap()).unwrap(), "said");
        assert!(!is_of_others(&path));
        std::os::unix::fs::symlink(&path, root.path().join("link")).unwrap();
        assert!(open_log(&root.path().join("link")).is_err());
        fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap();
        assert!(open_log(&path).unwrap_err().to_string().contains("only this user writes to"));
        assert!(open_log(root.path()).is_err());
    }

    #[test]
    fn a_folder_that_is_there_stays_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("theirs");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        create_dir_all(&folder.join("ours")).unwrap();
        assert_eq!((mode(&folder), mode(&folder.join("ours"))), (0o755, 0o700));
        assert_eq!(create_dir(&folder).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }
}
