//! What Debian's ifupdown is told of root's interfaces: that they are up.
//!
//! ifup(8) gives an interface its addresses without a look at what it has, fails where
//! they are there, and its hook scripts set the members of a bond down before they add
//! them. One that is up it leaves alone. It keeps that in a file an interface, next to
//! a list of all (`ifacestatefile`, `lock_interface` and `read_all_state` in its main.c).
//! Root's are not put on that list: `ifdown -a`, as at shutdown, takes down what is on it.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::sys::paths::Paths;

fn state(paths: &Paths, link: &str) -> PathBuf {
    paths.run_root.join(format!("network/ifstate.{link}"))
}

/// Says that a link is up.
///
/// # Errors
/// When the file can't be written.
pub(super) fn set_up(paths: &Paths, link: &str) -> io::Result<()> {
    let path = state(paths, link);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, format!("{link}\n"))
}

/// It is said that a link is up.
pub(super) fn is_up(paths: &Paths, link: &str) -> bool {
    fs::read_to_string(state(paths, link)).is_ok_and(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `lock_interface` in ifupdown 0.8.45's main.c: the first line is the logical
    /// name, none means down.
    #[test]
    fn a_link_is_up_as_ifup_reads_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths::under(directory.path());
        assert!(!is_up(&paths, "bond0.7"));
        set_up(&paths, "bond0.7").expect("a file");
        assert!(is_up(&paths, "bond0.7"));
        let file = directory.path().join("run/network/ifstate.bond0.7");
        assert_eq!(fs::read_to_string(&file).expect("a file"), "bond0.7\n");
        // As `ifdown` leaves it.
        fs::write(file, "\n").expect("a file");
        assert!(!is_up(&paths, "bond0.7"));
        assert!(!directory.path().join("run/network/ifstate").exists());
    }
}
