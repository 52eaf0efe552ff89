// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where symbolic links lead. A name that leads to the standard output stands for it, as `-` does.

use std::fs;
use std::path::{Path, PathBuf};

use crate::STANDARD_OUTPUT;

/// Links that are followed at most, as Linux does.
const LINKS_MAX: usize = 40;

/// The descriptors of this program, as paths.
const DESCRIPTORS: &str = "/proc/self/fd";

/// Returns the file that `name` leads to, which may not exist.
pub fn target(name: &Path) -> PathBuf {
    let descriptors = Path::new(DESCRIPTORS).canonicalize().ok();
    let mut path = name.to_path_buf();
    for _ in 0..LINKS_MAX {
        let directory = path.parent().unwrap_or(Path::new(""));
        // What such a link says is no path.
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
    fn links_lead_on_and_descriptors_end_them() {
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
