//! The kernel that is a program: built from Debian's source, kept by its source's
//! version and its configuration.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use crate::archive::Apt;
use crate::cache::{Cache, Key, write};
use crate::command::Program;
use crate::error::{Context, Error, Result};

const CONFIGURATION: &str = include_str!("../kernel.config");
const BUILD: &str = include_str!("../guest/build-kernel.sh");

/// Where the source comes from: what sid has is never older than what testing has
/// (forky).
const SUITE: &str = "sid";

/// About so many files are compiled.
const FILES: usize = 1150;

/// A built kernel.
#[derive(Debug, Clone)]
pub(crate) struct Kernel {
    pub(crate) key: Key,
    /// The program.
    pub(crate) linux: PathBuf,
    /// A directory with `lib/modules`.
    pub(crate) modules: PathBuf,
    /// Its configuration.
    pub(crate) configuration: PathBuf,
    /// Its release, as `/lib/modules` names it.
    pub(crate) release: String,
}

/// What a configuration asks for: an option's name and its value, `n` where it
/// must not be set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Options(BTreeMap<String, String>);

impl Options {
    fn parse(text: &str) -> Self {
        let option = |line: &str| {
            let off = line.strip_prefix("# CONFIG_");
            if let Some(name) = off.and_then(|rest| rest.strip_suffix(" is not set")) {
                return Some((name.to_owned(), "n".to_owned()));
            }
            let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        Options(text.lines().filter_map(option).collect())
    }

    /// What is asked for here and is otherwise there.
    fn refused(&self, made: &Options) -> Vec<String> {
        let value = |name: &String| made.0.get(name).map_or("n", String::as_str);
        let differ = self.0.iter().filter(|(name, want)| value(name) != *want);
        differ
            .map(|(name, want)| format!("CONFIG_{name}={want} (is {})", value(name)))
            .collect()
    }
}

impl Kernel {
    /// Whether [`Kernel::get`] finds it: nothing is fetched or built.
    pub(crate) fn is_built(cache: &Cache) -> bool {
        let package = kept(cache).ok().flatten();
        package.is_some_and(|package| cache.has("kernel", &key(&package)))
    }

    /// Builds or finds it. `NVMEROOT_LAB_KERNEL` asks for another than the newest
    /// when it was first built: a version (`7.1`), or `newest` to look again.
    pub(crate) fn get(cache: &Cache, say: &dyn Fn(&str)) -> Result<Self> {
        let package = package(cache, say)?;
        let asked = Options::parse(CONFIGURATION);
        let name = package.file_name().unwrap_or_default().to_string_lossy();
        let key = key(&package);
        let series = name.split('_').next().unwrap_or_default();
        let dir = cache.get("kernel", series, &key, |dir| {
            say(&format!(
                "kernel from `{name}`: 10 minutes or more, once (log: {})",
                dir.join("log").display()
            ));
            build(&package, dir, say)
        })?;
        let configuration = dir.join("config");
        let made = fs::read_to_string(&configuration).context("read", &configuration)?;
        let refused = asked.refused(&Options::parse(&made));
        if !refused.is_empty() {
            return Err(Error::Unavailable {
                reason: format!("the kernel was built without {}", refused.join(", ")),
                hint: "look into `lab/kernel.config`".to_owned(),
            });
        }
        let modules = dir.join("modules");
        Ok(Kernel {
            key,
            linux: dir.join("linux"),
            release: release(&modules)?,
            modules,
            configuration,
        })
    }
}

/// Of the source and of what is asked for; comments may change.
fn key(package: &Path) -> Key {
    let name = package.file_name().unwrap_or_default().to_string_lossy();
    Options::parse(CONFIGURATION).0.iter().fold(
        Key::new("kernel 1").text(&name).text(BUILD),
        |key, (name, value)| key.text(name).text(value),
    )
}

/// The only directory of `lib/modules`.
fn release(modules: &Path) -> Result<String> {
    let dir = modules.join("lib/modules");
    let mut names = fs::read_dir(&dir)
        .context("list", &dir)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.next().ok_or_else(|| Error::Unavailable {
        reason: format!("`{}` holds no kernel", dir.display()),
        hint: format!("remove `{}` and run again", modules.display()),
    })
}

fn asked_version() -> String {
    env::var("NVMEROOT_LAB_KERNEL").unwrap_or_default()
}

fn sources(cache: &Cache) -> PathBuf {
    cache.dir().join("kernel-source")
}

/// The package that an earlier run fetched, unless a newer one may be wanted.
fn kept(cache: &Cache) -> Result<Option<PathBuf>> {
    let (asked, dir) = (asked_version(), sources(cache));
    fs::create_dir_all(&dir).context("create", &dir)?;
    let kept = fs::read_dir(&dir)
        .context("list", &dir)?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let wanted = (asked != "newest").then(|| newest(kept, &asked));
    Ok(wanted.flatten().map(|name| dir.join(name)))
}

/// The package of the source: one that an earlier run fetched, else from the
/// archive. A package of one version is one content, so it is found by its name.
fn package(cache: &Cache, say: &dyn Fn(&str)) -> Result<PathBuf> {
    if let Some(kept) = kept(cache)? {
        return Ok(kept);
    }
    let (asked, dir) = (asked_version(), sources(cache));
    say(&format!("kernel source from {SUITE}"));
    let scratch = cache.scratch("kernel-source")?;
    let apt = Apt::new(&scratch.join("apt"), "deb", SUITE)?;
    let names = apt.cache(&["pkgnames", "linux-source-"])?;
    let wanted = if asked == "newest" { "" } else { &asked };
    let name =
        newest(names.lines().map(str::to_owned), wanted).ok_or_else(|| Error::Unavailable {
            reason: format!("{SUITE} has no `linux-source-{wanted}`"),
            hint: "set `NVMEROOT_LAB_KERNEL` to a version that it has, or not at all".to_owned(),
        })?;
    let download = scratch.join("download");
    fs::create_dir_all(&download).context("create", &download)?;
    apt.get(&download, &["download", &name])?;
    let found = fs::read_dir(&download)
        .context("list", &download)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .next();
    let found = found.ok_or_else(|| Error::Unavailable {
        reason: format!("apt left no `{name}`"),
        hint: "run again".to_owned(),
    })?;
    let to = dir.join(found.file_name().unwrap_or_default());
    fs::rename(&found, &to).context("rename", &found)?;
    crate::cache::remove(&scratch)?;
    Ok(to)
}

/// The name with the highest version: `linux-source-7.2`, or a package's file
/// (`linux-source-7.2_7.2.13-1_all.deb`); only such a version where one is asked
/// for.
fn newest(names: impl Iterator<Item = String>, asked: &str) -> Option<String> {
    let version = |name: &String| {
        let rest = name.strip_prefix("linux-source-")?;
        let series = rest.split('_').next()?;
        let numbers = |text: &str| {
            let parts = text.split(|c: char| !c.is_ascii_digit());
            parts
                .filter_map(|part| part.parse().ok())
                .collect::<Vec<u32>>()
        };
        let plain = !series.is_empty() && series.chars().all(|c| c.is_ascii_digit() || c == '.');
        let wanted = asked.is_empty() || series == asked;
        (plain && wanted).then(|| (numbers(series), numbers(rest)))
    };
    let versions = names.filter_map(|name| Some((version(&name)?, name)));
    versions.max().map(|(_, name)| name)
}

fn build(package: &Path, dir: &Path, say: &dyn Fn(&str)) -> Result<()> {
    let script = dir.join("build-kernel.sh");
    write(&script, 0o755, BUILD)?;
    let configuration = dir.join("asked.config");
    write(&configuration, 0o644, CONFIGURATION)?;
    let jobs = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let mut files = 0;
    let mut see = |line: &str| {
        if line.trim_start().starts_with("CC ") {
            files += 1;
            if files % 100 == 0 {
                say(&format!(
                    "kernel: {files} files of about {FILES} are compiled"
                ));
            }
        }
    };
    Program::new("sh")
        .arg(&script)
        .args([package, &configuration, dir])
        .arg(jobs.to_string())
        .run_watched(&dir.join("log"), &mut see)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let text = "# a comment\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"x y\"\n\n";
        let pairs = [("A", "y"), ("B", "n"), ("C", "\"x y\"")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(Options::parse(text), Options(pairs.into()));
    }

    #[test]
    fn what_kconfig_refuses_is_named() {
        let asked = Options::parse("CONFIG_A=m\nCONFIG_B=y\n# CONFIG_C is not set\nCONFIG_D=y\n");
        let made = Options::parse("CONFIG_A=y\nCONFIG_B=y\n");
        assert_eq!(
            asked.refused(&made),
            ["CONFIG_A=m (is y)", "CONFIG_D=y (is n)"]
        );
    }

    #[test]
    fn the_configuration_says_each_thing_once() {
        let lines = CONFIGURATION.lines();
        let count = lines
            .filter(|l| l.starts_with("CONFIG_") || l.ends_with(" is not set"))
            .count();
        assert_eq!(Options::parse(CONFIGURATION).0.len(), count);
    }

    #[test]
    fn the_newest_source_is_found_by_its_version() {
        let names = || {
            [
                "linux-source-6.9",
                "linux-source-7.10",
                "linux-source-7.2",
                "linux-source-",
            ]
            .map(str::to_owned)
            .into_iter()
        };
        assert_eq!(newest(names(), "").as_deref(), Some("linux-source-7.10"));
        assert_eq!(newest(names(), "7.2").as_deref(), Some("linux-source-7.2"));
        assert_eq!(newest(names(), "7.1"), None);
        let files = [
            "linux-source-7.2_7.2.9-1_all.deb",
            "linux-source-7.2_7.2.13-1_all.deb",
        ];
        let files = files.map(str::to_owned).into_iter();
        assert_eq!(
            newest(files, "").as_deref(),
            Some("linux-source-7.2_7.2.13-1_all.deb")
        );
    }
}
