//! The Debian archive that this machine's own apt uses.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Program;
use crate::error::{Context, Error, Result};
use crate::requirements::ARCHIVE_KEYRING;

/// The release that everything of the lab's is of.
pub const SUITE: &str = "trixie";

/// An option of apt's, to be switched off. Mirrors lag behind, those of releases that move by more than the week
/// for which a list is valid. Its signature is checked all the same.
pub(crate) const VALIDITY: &str = "Acquire::Check-Valid-Until";

/// A line of apt's sources for [`SUITE`]: `deb` or `deb-src`.
///
/// # Errors
/// When apt is not there or has no Debian archive.
pub fn line(kind: &str) -> Result<String> {
    line_of(kind, SUITE)
}

/// The same for another release.
pub(crate) fn line_of(kind: &str, suite: &str) -> Result<String> {
    let site = site()?;
    // Named, so that nothing has to guess it (which takes gpg).
    Ok(format!(
        "{kind} [signed-by={ARCHIVE_KEYRING}] {site} {suite} main"
    ))
}

/// The machine's own apt, with its proxy and its certificates, for one suite; what
/// it knows of that suite lies in a directory and touches nothing of the machine.
#[derive(Debug)]
pub struct Apt {
    dir: PathBuf,
}

impl Apt {
    /// Fetches the lists of `suite`: of packages (`deb`) or sources (`deb-src`).
    ///
    /// # Errors
    /// As [`line()`], and [`Error::Command`] with what apt said.
    pub fn new(dir: &Path, kind: &str, suite: &str) -> Result<Self> {
        for name in ["state/lists/partial", "cache/archives/partial"] {
            let path = dir.join(name);
            fs::create_dir_all(&path).context("create", &path)?;
        }
        let list = dir.join("sources.list");
        let text = line_of(kind, suite)? + "\n";
        fs::write(&list, text).context("write", &list)?;
        let apt = Apt {
            dir: dir.to_owned(),
        };
        apt.program("apt-get")
            .args(["-qq", "update", "--error-on=any"])
            .output()?;
        Ok(apt)
    }

    /// One of apt's programs.
    fn program(&self, name: &str) -> Program {
        let option = |name: &str, value: &Path| format!("{name}={}", value.display());
        let options = [
            option("Dir::State", &self.dir.join("state")),
            option("Dir::Cache", &self.dir.join("cache")),
            option("Dir::Etc::SourceList", &self.dir.join("sources.list")),
            option("Dir::Etc::SourceParts", Path::new("/dev/null")),
            format!("{VALIDITY}=false"),
        ];
        options
            .into_iter()
            .fold(Program::new(name), |program, option| {
                program.args(["-o", &option])
            })
    }

    /// What `apt-cache` says.
    ///
    /// # Errors
    /// [`Error::Command`].
    pub fn cache(&self, words: &[&str]) -> Result<String> {
        self.program("apt-cache").args(words).output()
    }

    /// Runs `apt-get` in `dir`, where it leaves what it downloads.
    ///
    /// # Errors
    /// [`Error::Command`].
    pub fn get(&self, dir: &Path, words: &[&str]) -> Result<()> {
        let program = self.program("apt-get").in_dir(dir);
        program.arg("-qq").args(words).output().map(drop)
    }
}

/// A mirror or proxy chosen by the machine's administrator serves the lab as
/// well.
fn site() -> Result<String> {
    let targets = Program::new("apt-get")
        .args([
            "indextargets",
            "--format",
            "$(SITE) $(RELEASE) $(COMPONENT)",
        ])
        .output()?;
    pick(&targets).ok_or_else(|| Error::Unavailable {
        reason: "apt has no Debian archive in its sources".to_owned(),
        hint: "add one to /etc/apt/sources.list and run `apt-get update`".to_owned(),
    })
}

/// The site of the first index of component `main` that belongs to the main
/// archive: security and third parties have no whole suite.
fn pick(targets: &str) -> Option<String> {
    targets.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let (site, release, component) = (words.next()?, words.next()?, words.next()?);
        let whole = component == "main"
            && !release.contains('/')
            && !release.ends_with("-security")
            && !site.contains("security")
            && site.trim_end_matches('/').ends_with("/debian");
        whole.then(|| site.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_archive_is_picked() {
        let targets = "http://a.example/debian-security bookworm-security main\n\
                       http://b.example/tools nodistro main\n\
                       http://a.example/debian bookworm non-free\n\
                       http://a.example/debian bookworm main\n";
        assert_eq!(pick(targets).as_deref(), Some("http://a.example/debian"));
        assert_eq!(pick("http://a.example/ubuntu noble main\n"), None);
    }
}
