// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules of a crate do not import in circles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Imports = BTreeMap<String, BTreeSet<String>>;

/// Returns the names after `crate::` in a file, up to its unit tests; all names of a list. Those of
/// macros, after `$crate::`, belong to the modules that call the macro.
fn imported(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| line.replace("$crate::", "") + "\n")
        .collect();
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let (list, count) = match rest.strip_prefix('{') {
            Some(list) => (list.split(';').next().unwrap_or_default(), usize::MAX),
            None => (rest, 1),
        };
        let words = list.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        names.extend(words.filter(|word| !word.is_empty()).take(count).map(str::to_owned));
    }
    names
}

/// Adds the imports of the files in a folder to the module `of`, or to one for each file if `None`.
/// The root of the crate is `root` for them: as often `super::` as the folder is deep.
fn gather(folder: &Path, of: Option<&str>, root: &str, imports: &mut Imports) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let module = of.unwrap_or(name);
        if path.is_dir() && !["tests", "examples", "fuzz", "target"].contains(&name) {
            gather(&path, Some(module), &format!("super::{root}"), imports);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "lib" {
            let text = fs::read_to_string(&path).expect("a source file");
            let text = text.replace(root, "crate::");
            imports.entry(module.to_owned()).or_default().extend(imported(&text));
        }
    }
}

/// Removes the modules that import none of the others, until there are none; returns the rest.
fn in_circles(mut imports: Imports) -> Imports {
    loop {
        let modules: BTreeSet<String> = imports.keys().cloned().collect();
        imports.iter_mut().for_each(|(module, imported)| {
            imported.retain(|other| other != module && modules.contains(other));
        });
        imports.retain(|_, imported| !imported.is_empty());
        if imports.len() == modules.len() {
            return imports;
        }
    }
}

#[test]
fn modules_do_not_import_in_circles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates: Vec<_> =
        fs::read_dir(root).expect("src").flatten().map(|entry| entry.path()).collect();
    assert!(crates.len() > 10, "only {} crates", crates.len());
    for folder in crates {
        let mut imports = Imports::new();
        gather(&folder, None, "super::", &mut imports);
        assert!(imports.len() > 1, "no modules in {}", folder.display());
        let circles = in_circles(imports);
        assert!(
            circles.is_empty(),
            "{}: in a circle, or importing one that is: {circles:?}",
            folder.display()
        );
    }
}
