//! What ARCHITECTURE.md says is kept true by reading the sources as text: its paths and names exist, imports point one
//! way, and what only one module may do is done by that module alone.
//!
//! Comments and modules of unit tests are not read: they may name whatever explains them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// Modules of the library in layers: a module may name those of the layers above its own in this list, and itself.
const LAYERS: &[&[&str]] = &[
    &["clock", "escape", "failpoint", "tls"],
    &["model"],
    &["private_file"],
    &["address", "admission", "aws", "db", "local_socket", "presign", "render"],
    &["queue"],
    &["ledger"],
    &["catalog", "store"],
    &["flow"],
    &["preflight", "proof", "worker"],
    &["operate"],
    &["client"],
    &["webhooks"],
    &["push", "serve"],
    &["config"],
    &["server"],
];

/// Backends: the flow must not know which of them it works with.
const BACKENDS: &[&str] =
    &["sqlite", "db", "embedded", "memory", "mysql", "postgres", "sqs", "s3", "aws", "in_process", "children"];

/// What the console names of the library: bodies of the API, words, and the handle of the API.
const CONSOLE_NAMES: &[&str] = &["client::wire", "escape", "model", "proof::deliveries", "serve::Api"];

/// Where tasks and processes may be started beside `server/`, and why.
const MAY_SPAWN: &[(&str, &str)] = &[
    ("crates/cameo/src/db/writer.rs", "the writer lives as long as the handles of its database"),
    ("crates/cameo/src/serve/http/mod.rs", "a task for each connection, awaited when the listener ends"),
    ("crates/cameo/src/store/embedded/write.rs", "an accepted change is finished although its client went away"),
    ("crates/cameo/src/render/", "the children that render"),
    ("crates/cameo/src/preflight/content.rs", "threads that end before the check does"),
];

/// Lines of a source file, at most.
const LINES_MAX: usize = 700;
/// Longer files, each with its reason.
const LONG: &[(&str, &str)] = &[];

/// What `crates/image` must do without.
const NOT_IN_THE_ENGINE: &[&str] =
    &["std::fs", "std::net", "std::process", "std::env", "std::time", "tokio", "async fn"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A source file.
pub(crate) struct Source {
    /// From the root of the repository, with slashes.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Source {
    /// The text without comment lines and without the module of unit tests at its end.
    pub(crate) fn code(&self) -> String {
        let code = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
        let lines: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        lines.join("\n")
    }

    /// The module of the library that it belongs to.
    fn module(&self) -> Option<&str> {
        let module = self.path.strip_prefix("crates/cameo/src/")?.split(['/', '.']).next()?;
        (module != "lib").then_some(module)
    }

    fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }
}

pub(crate) fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for member in ["crates/cameo/src", "crates/image/src", "crates/cli/src", "crates/console/src"] {
        collect(member, &mut sources);
    }
    assert!(sources.len() > 50, "only {} source files were found", sources.len());
    sources
}

fn collect(folder: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
        let is_tests = path.ends_with("/tests") || path.ends_with("/tests.rs");
        if entry.path().is_dir() && !is_tests {
            collect(&path, sources);
        } else if entry.path().extension().is_some_and(|extension| extension == "rs") && !is_tests {
            sources.push(Source { text: fs::read_to_string(entry.path()).unwrap(), path });
        }
    }
}

/// Fails with everything that was found, so that one run shows it all.
pub(crate) fn nothing(found: &[String], rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

pub(crate) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The words of code, as identifiers.
fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c| !is_name_char(c)).filter(|word| !word.is_empty())
}

/// The modules named behind `crate::`, in groups and one by one.
fn modules_named(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_name_char) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => named.extend(first_names(group)),
            None => named.extend(rest.split(|c| !is_name_char(c)).next().map(str::to_owned)),
        }
    }
    named
}

/// The first name of every path of a group, up to its closing brace.
fn first_names(group: &str) -> Vec<String> {
    let (mut depth, mut at_start, mut names) = (0_u32, true, vec![String::new()]);
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(String::new());
                at_start = true;
            }
            _ if depth == 0 && at_start && is_name_char(c) => names.last_mut().unwrap().push(c),
            _ => at_start &= c.is_whitespace(),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn imports_point_one_way() {
    let mut found = Vec::new();
    for source in &sources() {
        let Some(module) = source.module() else { continue };
        let Some(own) = layer(module) else {
            found.push(format!("{}: the module {module} stands in no layer", source.path));
            continue;
        };
        for named in modules_named(&source.code()) {
            let below = layer(&named).is_some_and(|layer| layer < own);
            if named != module && !below {
                found.push(format!("{}: {module} names {named}", source.path));
            }
        }
    }
    nothing(&found, "imports point one way (LAYERS in tidy.rs, \"Imports\" in ARCHITECTURE.md)");
}

/// The block of "Imports" in ARCHITECTURE.md, from left to right, is the list from its end to its beginning.
#[test]
fn the_architecture_page_has_the_same_layers() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let chain = page.split("## Imports").nth(1).and_then(|rest| rest.split("```text\n").nth(1)).unwrap();
    let chain = chain.split("```").next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let chain = chain.strip_prefix("cli → ").expect("the chain begins with the command");
    let names = |layer: &str| layer.trim_matches(['{', '}']).split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
    let told: Vec<_> = chain.split(" → ").map(names).collect();
    let listed: Vec<_> = LAYERS.iter().rev().map(|layer| layer.iter().map(|&name| name.to_owned()).collect()).collect();
    assert_eq!(told, listed, "LAYERS of tidy.rs, and \"Imports\" in ARCHITECTURE.md");
}

/// The paths of the library that code names, groups written out.
fn library_paths(code: &str) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for (at, root) in code.match_indices("cameo::") {
        if code[..at].ends_with(|c| is_name_char(c) || c == ':') {
            continue;
        }
        write_out("", &code[at + root.len()..], &mut paths);
    }
    paths
}

/// Reads a path or a group of them; returns how many bytes it has.
pub(crate) fn write_out(before: &str, text: &str, paths: &mut BTreeSet<String>) -> usize {
    if let Some(group) = text.strip_prefix('{') {
        let mut at = 1;
        loop {
            at += text[at..].len() - text[at..].trim_start_matches([' ', ',', '\n']).len();
            if group.is_empty() || text[at..].starts_with('}') || text[at..].is_empty() {
                return at + 1;
            }
            at += write_out(before, &text[at..], paths).max(1);
        }
    }
    let name = text.split(|c| !is_name_char(c)).next().unwrap_or("");
    let path = if before.is_empty() { name.to_owned() } else { format!("{before}::{name}") };
    match text[name.len()..].strip_prefix("::") {
        Some(rest) if rest.starts_with(|c| is_name_char(c) || c == '{') => {
            name.len() + 2 + write_out(&path, rest, paths)
        }
        _ => {
            paths.insert(path);
            name.len()
        }
    }
}

#[test]
fn the_console_asks_the_api_alone() {
    let code = "use cameo::{\n    client::wire::{A, B},\n    serve::Api,\n};\nfn f() -> cameo::model::lang::Lang { my_cameo::x() }";
    let paths: Vec<_> = library_paths(code).into_iter().collect();
    assert_eq!(paths, ["client::wire::A", "client::wire::B", "model::lang::Lang", "serve::Api"]);
    let mut found = Vec::new();
    let console: Vec<_> = sources().into_iter().filter(|source| source.is_in("crates/console/src/")).collect();
    assert!(console.len() > 10, "only {} files of the console were found", console.len());
    for source in &console {
        let may =
            |path: &String| CONSOLE_NAMES.iter().any(|name| *path == *name || path.starts_with(&format!("{name}::")));
        let others = library_paths(&source.code()).into_iter().filter(|path| !may(path));
        found.extend(others.map(|path| format!("{}: cameo::{path}", source.path)));
    }
    nothing(&found, "pages know what the API says, and nothing behind it (CONSOLE_NAMES of tidy.rs)");
}

#[test]
fn groups_of_imports_are_understood() {
    let code =
        "use crate::{\n    a::{b, c},\n    d,\n    e::f,\n};\nuse crate::g::h;\npub(crate) fn f() { crate::i::j() }\n";
    let named: Vec<_> = modules_named(code).into_iter().collect();
    assert_eq!(named, ["a", "d", "e", "g", "i"]);
}

#[test]
fn the_flow_names_no_backend() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.is_in("crates/cameo/src/flow/")) {
        let code = source.code().to_ascii_lowercase();
        let named = words(&code).filter(|word| BACKENDS.contains(word)).collect::<BTreeSet<_>>();
        found.extend(named.into_iter().map(|word| format!("{}: {word}", source.path)));
    }
    nothing(&found, "flow/ works with any backend and names none");
}

#[test]
fn only_one_module_reads_the_environment_and_one_the_time() {
    let mut found = Vec::new();
    for source in &sources() {
        let code = source.code();
        let environment = ["env::var(", "env::vars(", "env::var_os(", "env::vars_os("];
        if !source.is_in("crates/cameo/src/config/") && environment.iter().any(|call| code.contains(call)) {
            found.push(format!("{} reads the environment: take a config::Environment", source.path));
        }
        let time = ["SystemTime::now(", "Timestamp::now(", "Zoned::now("];
        if source.path != "crates/cameo/src/clock.rs" && time.iter().any(|call| code.contains(call)) {
            found.push(format!("{} reads the time: take a clock::Clock", source.path));
        }
    }
    nothing(&found, "only config reads the environment, only clock the time");
}

#[test]
fn only_the_server_starts_what_lives_on() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.is_in("crates/cameo/src/")) {
        let code = source.code();
        let spawns = [".spawn(", "tokio::spawn(", "thread::spawn("].iter().any(|call| code.contains(call));
        let may = source.is_in("crates/cameo/src/server/") || MAY_SPAWN.iter().any(|(path, _)| source.is_in(path));
        if spawns && !may {
            found.push(format!("{} (let server/ do it, or give the reason in MAY_SPAWN of tidy.rs)", source.path));
        }
    }
    nothing(&found, "only server/ starts tasks and processes that live on");
}

#[test]
fn the_engine_takes_bytes_and_gives_bytes() {
    let mut found = Vec::new();
    let engine = sources().into_iter().filter(|source| source.is_in("crates/image/src/"));
    for source in engine.filter(|source| !source.is_in("crates/image/src/bin/")) {
        let code = source.code();
        let named = NOT_IN_THE_ENGINE.iter().filter(|name| code.contains(**name));
        found.extend(named.map(|name| format!("{}: {name}", source.path)));
    }
    nothing(&found, "crates/image does no I/O, has no clock and starts nothing");
}

/// Words that nobody searches a log for, and what stands in their place: "Words" in CONTRIBUTING.md. Texts that people read are looked at:
/// literals, and the help of the command.
const NOT_IN_TEXTS: &[(&str, &str)] = &[
    ("altogether", "in total"),
    ("anew", "again"),
    ("band", "spectral selection"),
    ("bury", "dead-letter"),
    ("give back", "release"),
    ("given back", "released"),
    ("gives back", "releases"),
    ("honest", "normal, legitimate"),
    ("in company", "in a batch"),
    ("meanwhile", "in the meantime"),
    ("mend", "fix, repair"),
    ("mended", "fixed, repaired"),
    ("mends", "fixes, repairs"),
    ("misfit", "mismatch"),
    ("none of this name", "X does not exist"),
    ("obituary", "exit report"),
    ("said of", "reported of"),
    ("set aside", "moved to the dead-letter queue"),
    ("stand", "is, exists, remains"),
    ("stands", "is, exists, remains"),
    ("stood", "was"),
    ("strays", "unexpected files"),
    ("tell", "report, return, distinguish"),
    ("tells", "reports, returns"),
    ("told", "reported, returned"),
];

/// The string literals of a source, without what is put into them.
fn literals(code: &str) -> Vec<String> {
    let chars: Vec<char> = code.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\n');
    let (mut texts, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        let hashes = (i + 1..chars.len()).take_while(|j| at(*j) == '#').count();
        let is_raw = at(i) == 'r' && at(i + 1 + hashes) == '"' && (i == 0 || !at(i - 1).is_ascii_alphanumeric());
        match at(i) {
            '/' if at(i + 1) == '/' => i += (i..chars.len()).take_while(|j| at(*j) != '\n').count(),
            // A character, where it is no lifetime.
            '\'' if at(i + 1) == '\\' => {
                i += 3 + (i + 3..chars.len()).take_while(|j| at(*j) != '\'' && at(*j) != '\n').count();
            }
            '\'' if at(i + 2) == '\'' => i += 2,
            'r' if is_raw => {
                let end: String = format!("\"{}", "#".repeat(hashes));
                let rest: String = chars[i + 2 + hashes..].iter().collect();
                let text = rest.split(&end).next().unwrap_or("");
                i += 1 + hashes + text.chars().count() + end.len();
                texts.push(text.to_owned());
            }
            '"' => {
                let (mut text, mut depth) = (String::new(), 0_u32);
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    match at(i) {
                        // What is escaped separates words.
                        '\\' => {
                            text.push(' ');
                            i += 1;
                        }
                        '{' => depth += 1,
                        '}' => depth = depth.saturating_sub(1),
                        c if depth == 0 => text.push(c),
                        _ => {}
                    }
                    i += 1;
                }
                texts.push(text);
            }
            _ => {}
        }
        i += 1;
    }
    texts
}

/// The words that a text should not have, each with what to write instead. Names of fields and codes are promises.
fn banned(text: &str) -> Vec<String> {
    let words: Vec<_> =
        text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    let text = format!(" {} ", words.join(" ").to_lowercase());
    let found = NOT_IN_TEXTS.iter().filter(|(word, _)| text.contains(&format!(" {word} ")));
    found.map(|(word, instead)| format!("{word:?} (write: {instead}) in {:?}", text.trim())).collect()
}

#[test]
fn texts_use_the_words_that_people_search_for() {
    let code = "f(\"it {told} \\\"me\\\" and \\\n  goes on\", x, 'a', '\"', r#\"raw \"one\"\"#, \"b\"); // \"not\"\nfn f<'a>() {}";
    assert_eq!(literals(code), ["it   me  and    goes on", "raw \"one\"", "b"]);
    assert_eq!(banned("What is Told, and set\n aside").len(), 2);
    let mut found = Vec::new();
    for source in &sources() {
        let is_command = source.is_in("crates/cli/src/commands/") || source.path == "crates/cli/src/main.rs";
        let code = source.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
        let lines = code.lines().map(str::trim_start);
        let help = lines.filter_map(|line| line.strip_prefix("/// ").filter(|_| is_command && !line.ends_with('.')));
        let texts = literals(code).into_iter().chain(help.map(str::to_owned));
        found.extend(texts.flat_map(|text| banned(&text)).map(|what| format!("{}: {what}", source.path)));
    }
    for page in ["README.md", "cameo.example.toml", "deploy/aws/template.yaml"] {
        let text = std::fs::read_to_string(root().join(page)).unwrap();
        let of_line = |(n, line): (usize, &str)| {
            banned(line).into_iter().map(move |what| format!("{page}:{}: {what}", n + 1)).collect::<Vec<_>>()
        };
        found.extend(text.lines().enumerate().flat_map(of_line));
    }
    nothing(&found, "texts that people read use the field's words (\"Words\" in CONTRIBUTING.md)");
}

/// Migrations that some database has run, with the beginning of their SHA-256: what is to change is a new one, added here.
const MIGRATIONS: &[(&str, &str)] = &[
    ("mysql/0001_ledger.sql", "b765d3a22cc02b7f"),
    ("mysql/0002_published_sizes.sql", "3b2fe794334ec747"),
    ("mysql/0003_history.sql", "5abe8b14c0cea8b9"),
    ("mysql/0004_tokens.sql", "6ff5da5fe4276c8e"),
    ("mysql/0005_people.sql", "688f30f873f997d9"),
    ("mysql/0006_counts.sql", "19b4098b9801365b"),
    ("mysql/0007_webhooks.sql", "786f79deddf3dc51"),
    ("postgres/0001_ledger.sql", "27a7f0b6a51f45ba"),
    ("postgres/0002_published_sizes.sql", "f5437ca1794bea37"),
    ("postgres/0003_history.sql", "9931101c10e644f5"),
    ("postgres/0004_tokens.sql", "c3dba4ff644df38a"),
    ("postgres/0005_people.sql", "48f1b8db1e2c0599"),
    ("postgres/0006_counts.sql", "e6d5bae31b395cd7"),
    ("postgres/0007_webhooks.sql", "eded50a835970b2e"),
    ("sqlite/0001_queue_and_ledger.sql", "b478e4405e36c259"),
    ("sqlite/0002_store.sql", "6b80a4524583f86c"),
    ("sqlite/0003_shared_files.sql", "4fcd95748e214b61"),
    ("sqlite/0004_published_sizes.sql", "79168ceb9b55edf5"),
    ("sqlite/0005_last_error.sql", "bb31f28cc040b0c9"),
    ("sqlite/0006_history.sql", "147047cff3a1f33c"),
    ("sqlite/0007_tokens.sql", "fe8d286da4a403b1"),
    ("sqlite/0008_checked_addresses.sql", "641dcc13ce1086cd"),
    ("sqlite/0009_people.sql", "6f988182cc704355"),
    ("sqlite/0010_counts.sql", "30362c04eb9fda19"),
    ("sqlite/0011_webhooks.sql", "78a8d06b85deab3c"),
];

#[test]
fn migrations_that_exist_are_unchanged() {
    let folder = root().join("crates/cameo/migrations");
    let mut found = Vec::new();
    let mut there = BTreeSet::new();
    for dialect in fs::read_dir(&folder).unwrap() {
        let dialect = dialect.unwrap();
        for file in fs::read_dir(dialect.path()).unwrap() {
            let file = file.unwrap();
            let name = format!("{}/{}", dialect.file_name().to_str().unwrap(), file.file_name().to_str().unwrap());
            let digest = hex::encode(Sha256::digest(fs::read(file.path()).unwrap()));
            if !MIGRATIONS.iter().any(|(known, begins)| *known == name && digest.starts_with(begins)) {
                found.push(format!("{name}: {}", &digest[..16]));
            }
            there.insert(name);
        }
    }
    found.extend(MIGRATIONS.iter().filter(|(name, _)| !there.contains(*name)).map(|(name, _)| format!("{name}: gone")));
    nothing(&found, "a migration is never edited once it is released: add one, and list it in MIGRATIONS of tidy.rs");
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = sources().into_iter().filter(|source| !source.text.starts_with("//! "));
    let silent: Vec<_> = silent.map(|source| source.path).collect();
    nothing(&silent, "every source file begins with //! and what it is for");
}

#[test]
fn no_file_is_long_without_a_reason() {
    let mut found = Vec::new();
    for source in &sources() {
        let lines = source.text.lines().count();
        let listed = LONG.iter().any(|(path, _)| source.path == *path);
        if (lines > LINES_MAX) != listed {
            found.push(format!("{}: {lines} lines", source.path));
        }
    }
    nothing(&found, "files have at most 700 lines, or stand in LONG of tidy.rs with the reason");
}

/// The page's text between backticks, each with what stands behind it up to the next one. Blocks are left out.
fn quoted(page: &str) -> Vec<(&str, &str)> {
    let prose = page.split("\n```").step_by(2);
    let pairs = prose.flat_map(|prose| {
        let pieces: Vec<&str> = prose.split('`').collect();
        pieces[1..].chunks(2).map(|pair| (pair[0], pair.get(1).copied().unwrap_or(""))).collect::<Vec<_>>()
    });
    pairs.collect()
}

/// The file or folder that a quoted text names, where it looks like one: from the root, or from the library's sources.
fn path_of(quoted: &str) -> Option<Result<PathBuf, String>> {
    let ends = [".rs", ".md", ".toml", ".sql", ".html"].iter().any(|end| quoted.ends_with(end));
    let plain = quoted.chars().all(|c| is_name_char(c) || matches!(c, '/' | '.' | '-'));
    let is_path = plain && (ends || quoted.contains('/')) && !quoted.starts_with('/');
    let candidates = [root().join(quoted), root().join("crates/cameo/src").join(quoted)];
    is_path.then(|| candidates.into_iter().find(|path| path.exists()).ok_or_else(|| quoted.to_owned()))
}

#[test]
fn what_the_architecture_page_names_exists() {
    let mut page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for decision in fs::read_dir(root().join("docs/decisions")).unwrap() {
        page.push_str(&fs::read_to_string(decision.unwrap().path()).unwrap());
    }
    let quoted = quoted(&page);
    let (mut found, mut paths, mut names) = (Vec::new(), 0, 0);
    for (n, (text, behind)) in quoted.iter().enumerate() {
        match path_of(text) {
            Some(Err(missing)) => found.push(format!("there is no {missing}")),
            Some(Ok(_)) => paths += 1,
            None if *behind == " in " => {
                let Some(Some(Ok(path))) = quoted.get(n + 1).map(|(next, _)| path_of(next)) else { continue };
                names += 1;
                if path.is_file() && !defines(&fs::read_to_string(path).unwrap(), text) {
                    found.push(format!("{} does not define {text}", quoted[n + 1].0));
                }
            }
            None => {}
        }
    }
    nothing(&found, "ARCHITECTURE.md names what exists: \"`name` in `path`\" is looked up");
    assert!(paths > 40 && names > 20, "only {paths} paths and {names} names were understood");
}

#[test]
fn lines_of_the_architecture_page_can_be_read() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let long = page.lines().filter(|line| !line.starts_with('|') && line.chars().count() >= 140);
    nothing(
        &long.map(str::to_owned).collect::<Vec<_>>(),
        "lines of ARCHITECTURE.md, tables apart, are shorter than 140 characters",
    );
}

/// Whether code defines `name`, of which the last part counts (`Worker::resize_until`).
fn defines(code: &str, name: &str) -> bool {
    let name = name.rsplit("::").next().unwrap_or(name).trim_end_matches("()");
    let kinds = ["fn", "struct", "enum", "trait", "const", "static", "type", "macro_rules!", "CREATE TABLE"];
    let defined = |kind: &str| {
        let wanted = format!("{kind} {name}");
        code.match_indices(&wanted).any(|(at, _)| !code[at + wanted.len()..].starts_with(is_name_char))
    };
    kinds.iter().any(|kind| defined(kind))
}

#[test]
fn links_of_the_pages_lead_somewhere() {
    let pages = ["README.md", "README.ko.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    let mut found = Vec::new();
    for page in pages {
        let text = fs::read_to_string(root().join(page)).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
        found.extend(local.filter(|target| !root().join(target).exists()).map(|target| format!("{page}: {target}")));
    }
    nothing(&found, "links of the pages lead to files that exist");
}
