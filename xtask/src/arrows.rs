//! The house's structure, held against what the code says.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::shell::{cargo, top};

/// Which crate may know which: data flows one way, and no front-end knows a
/// back-end.
const ARROWS: &[(&str, &[&str])] = &[
    ("nvmeroot-plan", &[]),
    ("nvmeroot-intake", &["nvmeroot-plan"]),
    ("nvmeroot-render", &["nvmeroot-plan"]),
    (
        "nvmeroot",
        &["nvmeroot-plan", "nvmeroot-intake", "nvmeroot-render"],
    ),
    ("nvmeroot-lab", &[]),
    ("xtask", &["nvmeroot-lab"]),
];

/// What the source of a crate must not mention, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("crates/plan/src", IO, "the plan is pure"),
    (
        "crates/intake/src",
        IO,
        "parsers take text or bytes; reading a file is the caller's",
    ),
    (
        "crates/render/src",
        IO,
        "renderers return data; root.rs writes",
    ),
    ("crates/cli/src", WRITES, "only root.rs writes"),
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

/// The files of `crates/cli/src` that may write, and the tests beside them.
const WRITERS: &[&str] = &["root.rs", "root/tests.rs"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Checks both.
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
    if !faults.is_empty() {
        bail!("structure:\n  {}", faults.join("\n  "));
    }
    eprintln!("   structure: passed, {} crates", metadata.packages.len());
    Ok(())
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

fn mentions(directory: &Path, words: &[&str], fault: &mut dyn FnMut(String, &str)) -> Result<()> {
    let entries = std::fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut paths: Vec<_> = entries
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    paths.sort();
    for path in paths {
        if path.is_dir() {
            mentions(&path, words, fault)?;
            continue;
        }
        if path.extension().is_none_or(|e| e != "rs") || WRITERS.iter().any(|w| path.ends_with(w)) {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        for (number, line) in text.lines().enumerate() {
            // Tests may read and write; they come last in a file.
            if line.trim_start().starts_with("#[cfg(test)]") {
                break;
            }
            if line.trim_start().starts_with("//") {
                continue;
            }
            for word in words.iter().filter(|word| line.contains(**word)) {
                let place = path.strip_prefix(top()).unwrap_or(&path).display();
                fault(format!("{place}:{}", number + 1), word);
            }
        }
    }
    Ok(())
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
        let text = "// std::fs\nuse std::fs;\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        std::fs::write(dir.path().join("a.rs"), text).expect("a file");
        let mut found = Vec::new();
        mentions(dir.path(), IO, &mut |place, word| {
            found.push((place.ends_with("a.rs:2"), word.to_owned()));
        })
        .expect("a directory");
        assert_eq!(found, [(true, "std::fs".to_owned())]);
    }
}
