// SPDX-License-Identifier: MIT OR Apache-2.0
//! Empty files, such as `mktemp` creates to reserve a name: they can be replaced without loss.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::Path;
use std::{io, process};

use crate::free_name::rename_to_first_free;

/// Returns the metadata of the file at `path` if it is an empty regular file and not a link.
pub(crate) fn metadata(path: &Path) -> Option<Metadata> {
    fs::symlink_metadata(path).ok().filter(|metadata| metadata.is_file() && metadata.len() == 0)
}

/// Removes the file at `path` if `metadata` finds it to be empty, and returns its metadata.
///
/// Another program may write to the file, or put another in its place, after it was checked.
/// Therefore it is first moved to a name that no other program uses, checked again there, and moved
/// back unless it is still empty.
pub fn remove(path: &Path) -> io::Result<Option<Metadata>> {
    let (Some(_), Some(name)) = (metadata(path), path.file_name()) else { return Ok(None) };
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".empty-{}", process::id()));
    let hidden = path.with_file_name(hidden);
    fs::rename(path, &hidden)?;
    remove_moved(&hidden, path)
}

/// Removes the file that was moved from `path` to `hidden`, or moves it back.
fn remove_moved(hidden: &Path, path: &Path) -> io::Result<Option<Metadata>> {
    if let Some(metadata) = metadata(hidden) {
        return fs::remove_file(hidden).map(|()| Some(metadata));
    }
    rename_to_first_free(hidden, path).map(|_| None)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_an_empty_regular_file_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("empty"), "").unwrap();
        fs::write(path("file"), "precious").unwrap();
        symlink("empty", path("link")).unwrap();
        fs::create_dir(path("directory")).unwrap();
        for name in ["file", "link", "directory", "missing"] {
            assert!(remove(&path(name)).unwrap().is_none(), "{name}");
        }
        assert!(remove(&path("empty")).unwrap().is_some());
        let mut names: Vec<_> = fs::read_dir(directory.path()).unwrap().flatten().collect();
        names.sort_by_key(|entry| entry.file_name());
        let names: Vec<_> = names.iter().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["directory", "file", "link"]);
    }

    #[test]
    fn content_that_comes_after_the_check_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for (others, kept) in [(None, "out"), (Some("taken"), "out.1")] {
            fs::write(path("hidden"), "late").unwrap();
            if let Some(content) = others {
                fs::write(path("out"), content).unwrap();
            }
            assert!(remove_moved(&path("hidden"), &path("out")).unwrap().is_none());
            assert!(!path("hidden").exists());
            assert_eq!(fs::read_to_string(path(kept)).unwrap(), "late");
        }
        assert_eq!(fs::read_to_string(path("out")).unwrap(), "taken");
    }
}
