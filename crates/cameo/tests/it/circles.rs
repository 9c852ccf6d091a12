//! No circle: of the files and folders that are side by side, none takes from one that takes from it, however far round.
//!
//! A folder counts as one thing beside its neighbours, and a file may name what is in the `mod.rs` above it. Imports and paths are read as
//! text, as in `tidy`.

use std::collections::{BTreeMap, BTreeSet};

use super::tidy::{Source, is_name_char, nothing, sources, write_out};

/// The path of a module within its crate.
type Module = Vec<String>;
/// What takes from what, each with an example: the file, and the name that it takes.
type Arrows = BTreeMap<Module, BTreeMap<Module, String>>;

/// The crate of a file, and its module there.
fn place(path: &str) -> Option<(&str, Module)> {
    let (name, file) = path.strip_prefix("crates/")?.split_once("/src/")?;
    let mut module: Module = file.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    module.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    Some((name, module))
}

/// What code names behind `crate::` and `super::`, each from the root of its crate.
fn named(code: &str, own: &[String]) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            if code[..at].ends_with(|c| is_name_char(c) || c == ':') {
                continue;
            }
            let (mut rest, mut from) = (&code[at..], own);
            if let Some(behind) = rest.strip_prefix("crate::") {
                (rest, from) = (behind, &[]);
            }
            while let Some(behind) = rest.strip_prefix("super::") {
                (rest, from) = (behind, &from[..from.len().saturating_sub(1)]);
            }
            let mut paths = BTreeSet::new();
            write_out("", rest, &mut paths);
            let whole = |path: String| from.iter().cloned().chain(path.split("::").map(str::to_owned)).collect();
            found.extend(paths.into_iter().map(whole));
        }
    }
    found
}

/// The arrows between what is side by side, of the sources of one crate.
fn arrows(sources: &[(Module, &Source)]) -> Arrows {
    let mut modules: BTreeSet<&[String]> = BTreeSet::new();
    for (module, _) in sources {
        modules.extend((1..=module.len()).map(|n| &module[..n]));
    }
    let mut arrows = Arrows::new();
    for (own, source) in sources {
        for path in named(&source.code(), own) {
            // As far as the path is one of modules; what follows is a name within.
            let known = (1..=path.len()).take_while(|n| modules.contains(&path[..*n])).last().unwrap_or(0);
            let shared = own.iter().zip(&path[..known]).take_while(|(a, b)| a == b).count();
            if shared < own.len() && shared < known {
                let (from, to) = (own[..=shared].to_vec(), path[..=shared].to_vec());
                let example = format!("{} takes {}", source.path, path.join("::"));
                arrows.entry(from).or_default().entry(to).or_insert(example);
            }
        }
    }
    arrows
}

/// Everything that is reached from a module.
fn reached<'a>(arrows: &'a Arrows, from: &Module) -> BTreeSet<&'a Module> {
    let (mut reached, mut left) = (BTreeSet::new(), vec![from]);
    while let Some(next) = left.pop() {
        for to in arrows.get(next).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(to) {
                left.push(to);
            }
        }
    }
    reached
}

/// The arrows that are part of a circle.
fn circles(arrows: &Arrows) -> Vec<String> {
    let of_circle = |(from, to): (&Module, &BTreeMap<Module, String>)| {
        let back = |(to, example): (&Module, &String)| {
            reached(arrows, to).contains(from).then(|| format!("{} → {}: {example}", from.join("/"), to.join("/")))
        };
        to.iter().filter_map(back).collect::<Vec<_>>()
    };
    arrows.iter().flat_map(of_circle).collect()
}

#[test]
fn no_file_takes_from_one_that_takes_from_it() {
    let source = |path: &str, text: &str| Source { path: format!("crates/c/src/{path}"), text: text.to_owned() };
    let round = [
        source("a.rs", "use super::{b::{B, c::C}, std::X};"),
        source("b/mod.rs", "mod c;"),
        source("b/c.rs", "fn f() { crate::d::g() }"),
        source("d.rs", "use crate::a::A; use super::mine;"),
        source("e.rs", "use super::a::A; // use super::e::E;"),
    ];
    let placed: Vec<_> = round.iter().filter_map(|source| Some((place(&source.path)?.1, source))).collect();
    let found = circles(&arrows(&placed));
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], "a → b: crates/c/src/a.rs takes b::B");

    let sources = sources();
    let mut crates: BTreeMap<&str, Vec<(Module, &Source)>> = BTreeMap::new();
    for source in &sources {
        let Some((name, module)) = place(&source.path) else { continue };
        crates.entry(name).or_default().push((module, source));
    }
    let found: Vec<String> = crates.values().flat_map(|sources| circles(&arrows(sources))).collect();
    nothing(&found, "nothing takes from what takes from it: move what both need into a file of its own");
}
