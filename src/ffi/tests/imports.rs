// SPDX-License-Identifier: MIT OR Apache-2.0
//! The modules of a crate do not import in circles: neither those at its root, nor those within one
//! module. A module and its own submodules may import from each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The path of a module or item from the root of its crate.
type ModulePath = Vec<String>;

/// For each module, the modules that it imports from.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The modules of a crate, each with the paths that it imports.
type Modules = BTreeMap<ModulePath, BTreeSet<ModulePath>>;

/// Returns the paths in the tree at the beginning of `text`, as in `a::{b, c::d}`.
fn tree(text: &str) -> Vec<ModulePath> {
    if let Some(list) = text.strip_prefix('{') {
        let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    paths.extend(tree(list[start..at].trim()));
                    start = at + 1;
                    if letter == '}' {
                        break;
                    }
                }
                _ => (),
            }
        }
        return paths;
    }
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let rest = rest.strip_prefix("::").map_or_else(|| vec![Vec::new()], tree);
    rest.into_iter().map(|path| [vec![name.to_owned()], path].concat()).collect()
}

/// Returns the paths that a module imports, or uses in its code, except in its unit tests. Paths in
/// macros, after `$crate::`, belong to the modules that call the macro.
fn imported(module: &ModulePath, text: &str) -> BTreeSet<ModulePath> {
    let code = text.split("\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            if before.is_alphanumeric() || "_$:".contains(before) {
                continue;
            }
            let (mut base, mut rest) = (module.clone(), &code[at..]);
            while let Some(outer) = rest.strip_prefix("super::") {
                base.pop();
                rest = outer;
            }
            if let Some(absolute) = rest.strip_prefix("crate::") {
                base.clear();
                rest = absolute;
            }
            found.extend(tree(rest).into_iter().map(|path| [base.clone(), path].concat()));
        }
    }
    found
}

/// Adds the modules in a folder, which are in the module `parent`.
fn gather(folder: &Path, parent: &[String], modules: &mut Modules) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        let module = [parent, &[name.to_owned()]].concat();
        if path.is_dir() && !["tests", "examples", "fuzz", "target"].contains(&name) {
            gather(&path, &module, modules);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "lib" {
            let text = fs::read_to_string(&path).expect("a source file");
            let paths = imported(&module, &text);
            modules.entry(module).or_default().extend(paths);
        }
    }
}

/// Returns the imports between modules of the same parent, by parent. Those of a submodule count for
/// the module that contains it.
fn between_siblings(modules: &Modules) -> BTreeMap<ModulePath, Imports> {
    let mut siblings = BTreeMap::<ModulePath, Imports>::new();
    for (module, paths) in modules {
        for path in paths {
            let shared = module.iter().zip(path).take_while(|(own, other)| own == other).count();
            let (Some(from), Some(to)) = (module.get(shared), path.get(shared)) else { continue };
            if modules.keys().any(|known| known.starts_with(&path[..=shared])) {
                let imports = siblings.entry(module[..shared].to_vec()).or_default();
                imports.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    siblings
}

/// Removes the modules that import none of the others, until there are none. Returns the rest.
fn in_circles(mut imports: Imports) -> Imports {
    loop {
        let modules: BTreeSet<String> = imports.keys().cloned().collect();
        imports.values_mut().for_each(|imported| imported.retain(|name| modules.contains(name)));
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
        let mut modules = Modules::new();
        gather(&folder, &[], &mut modules);
        assert!(modules.len() > 1, "no modules in {}", folder.display());
        for (parent, imports) in between_siblings(&modules) {
            let circles = in_circles(imports);
            let parent = folder.join(parent.join("/"));
            assert!(
                circles.is_empty(),
                "{}: in a circle, or importing one that is: {circles:?}",
                parent.display()
            );
        }
    }
}

#[test]
fn circles_within_a_module_are_found() {
    let path = |text: &str| text.split("::").map(str::to_owned).collect::<ModulePath>();
    let files = [
        ("queue", "use crate::sync::Padded;\nuse one::One;"),
        ("queue::one", "use super::two::{Two, other};\nuse crate::{sync, wire::{self, key}};"),
        ("queue::two", "fn f() -> super::three::Three {}\nmod tests {\nuse super::one::One;\n}"),
        ("queue::three", "use super::Limit;\nuse super::super::queue::one;"),
        ("sync", "// use crate::queue;"),
    ];
    let modules: Modules =
        files.iter().map(|(name, text)| (path(name), imported(&path(name), text))).collect();
    assert!(modules[&path("queue::one")].contains(&path("wire::key")));
    let siblings = between_siblings(&modules);
    assert!(in_circles(siblings[&Vec::new()].clone()).is_empty());
    let circle = in_circles(siblings[&path("queue")].clone());
    assert_eq!(circle.into_keys().collect::<Vec<_>>(), ["one", "three", "two"]);
}
