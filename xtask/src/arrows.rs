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
    ("nvmeroot-initrd", &[]),
    ("nvmeroot-fabrics", &["nvmeroot-plan"]),
    ("nvmeroot-firmware", &["nvmeroot-plan", "nvmeroot-nbft"]),
    ("nvmeroot-intake", &["nvmeroot-plan"]),
    ("nvmeroot-render", &["nvmeroot-plan"]),
    (
        "nvmeroot",
        &[
            "nvmeroot-plan",
            "nvmeroot-nbft",
            "nvmeroot-initrd",
            "nvmeroot-fabrics",
            "nvmeroot-firmware",
            "nvmeroot-intake",
            "nvmeroot-render",
        ],
    ),
    ("nvmeroot-record", &["nvmeroot-plan"]),
    (
        "nvmeroot-agent",
        &[
            "nvmeroot-plan",
            "nvmeroot-nbft",
            "nvmeroot-fabrics",
            "nvmeroot-firmware",
            "nvmeroot-record",
        ],
    ),
    ("machinesim", &[]),
    // It writes the tables that a machine's firmware leaves; what came of them it reads anew.
    ("nvmeroot-lab", &["machinesim", "nvmeroot-nbft"]),
    ("xtask", &["nvmeroot-lab"]),
];

/// What the source of a crate must not mention, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("crates/plan/src", IO, "the plan is pure"),
    ("crates/nbft/src", IO, "bytes to table and back"),
    ("crates/initrd/src", IO, "it reads what it is given"),
    (
        "crates/firmware/src",
        IO,
        "tables and text are read by the caller",
    ),
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
    let sources = sources()?;
    for (directory, words, why) in FORBIDDEN {
        mentions(&sources, directory, words, &mut |place, word| {
            faults.push(format!("{place} mentions `{word}`: {why}"));
        });
    }
    faults.extend(files::check(&sources, &topmost(&metadata))?);
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

/// Looks through the files of a directory, tests left out.
fn mentions(files: &Files, directory: &str, words: &[&str], fault: &mut dyn FnMut(String, &str)) {
    let within = files.iter();
    let within = within.filter(|(path, _)| Path::new(path).starts_with(directory));
    let tests: BTreeSet<PathBuf> = within
        .clone()
        .flat_map(|(path, text)| {
            let path = Path::new(path);
            // Beside the file that declares it, or in the folder of its name.
            let places = [
                path.parent().unwrap_or(path).to_owned(),
                path.with_extension(""),
            ];
            test_modules(text)
                .flat_map(move |module| places.clone().map(|place| place.join(module)))
        })
        .collect();
    for (path, text) in within {
        let module = Path::new(path).with_extension("");
        let is_for_tests = module.ancestors().any(|above| tests.contains(above));
        let writes = |above: &Path| WRITERS.iter().any(|writer| above.ends_with(writer));
        if is_for_tests || Path::new(path).ancestors().any(writes) {
            continue;
        }
        for (number, line) in shipped_lines(text) {
            for word in words.iter().filter(|word| line.contains(**word)) {
                fault(format!("{path}:{number}"), word);
            }
        }
    }
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
        let mut files = Files::new();
        let mut write = |name: &str, text: &str| {
            files.insert(format!("src/{name}"), text.to_owned());
        };
        let text = "#[cfg(test)]\nmod only;\n// std::fs\nuse std::fs;\n\
                    #[cfg(test)]\nmod tests {\nuse std::fs;\n}\n";
        write("a.rs", text);
        write("only.rs", "use std::fs;\n");
        write("b.rs", "use std::env;\n");
        let mut found = Vec::new();
        mentions(&files, "src", IO, &mut |place, word| {
            let file = place.rsplit('/').next().unwrap_or_default().to_owned();
            found.push((file, word.to_owned()));
        });
        let expected = [("a.rs:4", "std::fs"), ("b.rs:1", "std::env")];
        assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
