//! The house's structure, held against what the code says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::files::{self, Files};
use crate::shell::{cargo, top};

/// Which crate may know which: data flows one way, and no front-end knows a
/// back-end.
const ARROWS: &[(&str, &[&str])] = &[
    ("nvmeroot-plan", &[]),
    // Of use to others: it knows nothing of this house.
    ("nvmeroot-nbft", &[]),
    ("nvmeroot-intake", &["nvmeroot-plan"]),
    ("nvmeroot-render", &["nvmeroot-plan"]),
    (
        "nvmeroot",
        &[
            "nvmeroot-plan",
            "nvmeroot-nbft",
            "nvmeroot-intake",
            "nvmeroot-render",
        ],
    ),
    ("nvmeroot-record", &["nvmeroot-plan"]),
    ("nvmeroot-agent", &["nvmeroot-plan", "nvmeroot-record"]),
    ("machinesim", &[]),
    ("nvmeroot-lab", &["machinesim"]),
    ("xtask", &["nvmeroot-lab"]),
];

/// What the source of a crate must not mention, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("crates/plan/src", IO, "the plan is pure"),
    ("crates/nbft/src", IO, "bytes to table and back"),
    (
        "crates/intake/src",
        IO,
        "parsers take text or bytes; reading a file is the caller's",
    ),
    (
        "crates/render/src",
        IO,
        "renderers return data; `root` writes",
    ),
    ("crates/cli/src", WRITES, "only `root` writes"),
];

const IO: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
];
const WRITES: &[&str] = &[
    "fs::write",
    "File::create",
    "OpenOptions",
    "create_dir",
    "fs::rename",
    "fs::remove",
    "symlink(",
];

/// What of `crates/cli/src` may write: the end of a file's or a folder's path.
const WRITERS: &[&str] = &["cli/src/root"];

/// Where the workspace's source is.
const SOURCES: &[&str] = &["crates", "lab", "xtask"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Checks the crates and their files.
pub(crate) fn check() -> Result<()> {
    let output = cargo()
        .args(["metadata", "--format-version=1", "--no-deps", "--locked"])
        .output()?;
    if !output.status.success() {
        bail!(
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let mut faults = arrow_faults(&metadata);
    for (directory, words, why) in FORBIDDEN {
        mentions(&top().join(directory), words, &mut |place, word| {
            faults.push(format!("{place} mentions `{word}`: {why}"));
        })?;
    }
    faults.extend(files::check(&sources()?, &topmost(&metadata))?);
    if !faults.is_empty() {
        bail!("structure:\n  {}", faults.join("\n  "));
    }
    eprintln!("   structure: passed, {} crates", metadata.packages.len());
    Ok(())
}

/// The topmost file of every library and program.
fn topmost(metadata: &Metadata) -> Vec<String> {
    let packages = metadata.packages.iter();
    let targets = packages.flat_map(|package| &package.targets);
    targets
        .filter(|target| {
            target
                .kind
                .iter()
                .any(|kind| kind == "lib" || kind == "bin")
        })
        .map(|target| place(&target.src_path))
        .collect()
}

/// The text of every source file of the workspace.
fn sources() -> Result<Files> {
    let mut files = Files::new();
    for directory in SOURCES {
        read_sources(&top().join(directory), &mut files)?;
    }
    Ok(files)
}

fn read_sources(directory: &Path, files: &mut Files) -> Result<()> {
    let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read_sources(&path, files)?;
        } else if is_source(&path) {
            files.insert(place(&path), std::fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// A path as it is told: from the top of the checkout.
fn place(path: &Path) -> String {
    let path = path.strip_prefix(top()).unwrap_or(path);
    path.display().to_string()
}

fn arrow_faults(metadata: &Metadata) -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let Some(may_know) = allowed.get(package.name.as_str()) else {
            faults.push(format!(
                "the crate `{}` is not in the table of arrows",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let ours = allowed.contains_key(dependency.name.as_str());
            let shipped = dependency.kind.as_deref() != Some("dev");
            if ours && shipped && !may_know.contains(&dependency.name.as_str()) {
                faults.push(format!(
                    "`{}` must not know `{}`",
                    package.name, dependency.name
                ));
            }
        }
    }
    faults
}

/// Looks through the source of a crate, tests left out.
fn mentions(directory: &Path, words: &[&str], fault: &mut dyn FnMut(String, &str)) -> Result<()> {
    mentions_but(directory, &mut BTreeSet::new(), words, fault)
}

/// As [`mentions`], without the modules of `tests`; finds more of these.
fn mentions_but(
    directory: &Path,
    tests: &mut BTreeSet<PathBuf>,
    words: &[&str],
    fault: &mut dyn FnMut(String, &str),
) -> Result<()> {
    let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut paths: Vec<_> = entries
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths.iter().filter(|p| is_source(p)) {
        let text = std::fs::read_to_string(path)?;
        let inside = path.with_extension("");
        for module in test_modules(&text) {
            // Beside the file that declares it, or in the folder of its name.
            tests.insert(directory.join(module));
            tests.insert(inside.join(module));
        }
    }
    for path in paths {
        if WRITERS.iter().any(|w| path.ends_with(w)) || tests.contains(&path.with_extension("")) {
            continue;
        }
        if path.is_dir() {
            mentions_but(&path, tests, words, fault)?;
        } else if is_source(&path) {
            let text = std::fs::read_to_string(&path)?;
            for (number, line) in shipped_lines(&text) {
                for word in words.iter().filter(|word| line.contains(**word)) {
                    fault(format!("{}:{number}", place(&path)), word);
                }
            }
        }
    }
    Ok(())
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "rs")
}

/// The modules in files of their own that exist only for tests.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines
        .clone()
        .zip(lines.skip(1))
        .filter_map(|(attribute, item)| {
            (attribute == "#[cfg(test)]")
                .then_some(item)?
                .strip_prefix("mod ")?
                .strip_suffix(';')
        })
}

/// Lines of code that are shipped, with their numbers: no comments, and
/// nothing from an inline module of tests on, which comes last in a file.
fn shipped_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let end = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].ends_with('{'))
        .unwrap_or(lines.len());
    (1..)
        .zip(lines)
        .take(end)
        .filter(|(_, line)| !line.starts_with("//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_arrow_and_an_unknown_crate_are_faults() {
        let dependency = |name: &str, kind: Option<&str>| Dependency {
            name: name.to_owned(),
            kind: kind.map(str::to_owned),
        };
        let package = |name: &str, dependencies| Package {
            name: name.to_owned(),
            dependencies,
            targets: Vec::new(),
        };
        let metadata = Metadata {
            packages: vec![
                package(
                    "nvmeroot-intake",
                    vec![
                        dependency("nvmeroot-plan", None),
                        dependency("nvmeroot-render", None),
                        dependency("nvmeroot-lab", Some("dev")),
                        dependency("thiserror", None),
                    ],
                ),
                package("stranger", vec![]),
            ],
        };
        assert_eq!(
            arrow_faults(&metadata),
            [
                "`nvmeroot-intake` must not know `nvmeroot-render`",
                "the crate `stranger` is not in the table of arrows",
            ]
        );
    }

    #[test]
    fn forbidden_words_are_found_outside_tests_and_comments() {
        let dir = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).expect("a file");
        };
        let text = "#[cfg(test)]\nmod only;\n// std::fs\nuse std::fs;\n\
                    #[cfg(test)]\nmod tests {\nuse std::fs;\n}\n";
        write("a.rs", text);
        write("only.rs", "use std::fs;\n");
        write("b.rs", "use std::env;\n");
        let mut found = Vec::new();
        mentions(dir.path(), IO, &mut |place, word| {
            let file = place.rsplit('/').next().unwrap_or_default().to_owned();
            found.push((file, word.to_owned()));
        })
        .expect("a directory");
        let expected = [("a.rs:4", "std::fs"), ("b.rs:1", "std::env")];
        assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
