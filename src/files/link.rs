// SPDX-License-Identifier: MIT OR Apache-2.0
//! Targets of symbolic links. A name that refers to standard output is equivalent to `-`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::STANDARD_OUTPUT;

/// Maximum number of links to follow, as in Linux.
const LINKS_MAX: usize = 40;

/// The directory of the file descriptors of this program.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Returns the path of the file that `name` refers to. The file may not exist.
pub fn target(name: &Path) -> PathBuf {
    let descriptors = Path::new(DESCRIPTORS).canonicalize().ok();
    let mut path = name.to_path_buf();
    for _ in 0..LINKS_MAX {
        let directory = path.parent().unwrap_or(Path::new(""));
        // The target of such a link is not a path.
        if descriptors.is_some() && directory.canonicalize().ok() == descriptors {
            let is_output = path.file_name().is_some_and(|number| number == "1");
            return if is_output { STANDARD_OUTPUT.into() } else { path };
        }
        match fs::read_link(&path) {
            Ok(to) => path = directory.join(to),
            Err(_) => return path,
        }
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_up_to_descriptors() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        symlink("second", path("first")).unwrap();
        symlink("missing", path("second")).unwrap();
        symlink("/dev/stdout", path("out")).unwrap();
        symlink("round", path("round")).unwrap();
        for (name, expected) in [
            (path("first"), path("missing")),
            (path("plain"), path("plain")),
            (path("round"), path("round")),
            (path("out"), "-".into()),
            ("/dev/stdout".into(), "-".into()),
            ("/dev/fd/1".into(), "-".into()),
            ("/proc/self/fd/1".into(), "-".into()),
            ("/proc/self/fd/0".into(), "/proc/self/fd/0".into()),
            ("-".into(), "-".into()),
            ("name".into(), "name".into()),
        ] {
            assert_eq!(target(&name), expected, "{}", name.display());
        }
    }
}
