//! The Debian archive that this machine's own apt uses.

use crate::command::Program;
use crate::error::{Error, Result};
use crate::requirements::ARCHIVE_KEYRING;

/// The release that everything of the lab's is of.
pub const SUITE: &str = "trixie";

/// A line of apt's sources for [`SUITE`]: `deb` or `deb-src`.
///
/// # Errors
/// When apt is not there or has no Debian archive.
pub fn line(kind: &str) -> Result<String> {
    let site = site()?;
    // Named, so that nothing has to guess it (which takes gpg).
    Ok(format!(
        "{kind} [signed-by={ARCHIVE_KEYRING}] {site} {SUITE} main"
    ))
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
