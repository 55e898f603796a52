//! Whose a controller is, where nvme-cli 3 and what else stands on libnvme 3 look
//! before they disconnect it.
//!
//! A directory a controller, `/run/nvme/registry/nvmeN`, with a line in each file:
//! `owner`, a name, and `seqnum`, the number of the kernel's last uevent when the
//! controller was made. By the latter, libnvme's udev rule tells an entry of a
//! controller that is gone from that of the next one of its name. The format is that of
//! `libnvmf_registry_create_instance` (libnvme/src/nvme/registry.c in nvme-cli), and
//! libnvme/design/REGISTRY.md there says what it is for.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use crate::sys::paths::Paths;

/// Who owns what this program connects.
const OWNER: &str = "nvmeroot";

const DIRECTORY: u32 = 0o755;
const FILE: u32 = 0o644;

/// Enters a controller that was just made. What is there under its name is that of a
/// former one.
///
/// # Errors
/// When the registry can't be written.
pub(super) fn enter(paths: &Paths, instance: u32) -> io::Result<()> {
    let registry = paths.run_root.join("nvme/registry");
    make(DirBuilder::new().recursive(true), &registry)?;
    let entry = registry.join(format!("nvme{instance}"));
    // Names with a dot in front are nobody's entries: a reader sees a whole entry or
    // none.
    let new = registry.join(format!(".nvme{instance}.nvmeroot"));
    remove(&new)?;
    make(&mut DirBuilder::new(), &new)?;
    // Without the number the rule looks at the device alone.
    if let Ok(number) = fs::read_to_string(paths.sys.join("kernel/uevent_seqnum")) {
        write(&new.join("seqnum"), number.trim())?;
    }
    write(&new.join("owner"), OWNER)?;
    remove(&entry)?;
    fs::rename(&new, &entry)
}

fn make(builder: &mut DirBuilder, path: &Path) -> io::Result<()> {
    builder.mode(DIRECTORY).create(path)
}

fn write(path: &Path, line: &str) -> io::Result<()> {
    fs::write(path, format!("{line}\n"))?;
    fs::set_permissions(path, Permissions::from_mode(FILE))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The files of the entry, with what they hold and who may read them.
    fn entry(paths: &Paths, name: &str) -> Vec<(String, String, u32)> {
        let directory = paths.run_root.join("nvme/registry").join(name);
        let mut files: Vec<_> = fs::read_dir(directory)
            .expect("an entry")
            .map(|file| {
                let path = file.expect("a file").path();
                let mode = path.metadata().expect("its mode").permissions().mode() & 0o777;
                let name = path.file_name().expect("a name").to_string_lossy();
                let text = fs::read_to_string(&path).expect("its text");
                (name.into_owned(), text, mode)
            })
            .collect();
        files.sort();
        files
    }

    /// `libnvmf_registry_create_instance` in nvme-cli 3.0-rc1: what
    /// `libnvmf_registry_retrieve` and `disconnect_all_match` read back.
    #[test]
    fn an_entry_is_what_libnvme_writes() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths::under(directory.path());
        fs::create_dir_all(paths.sys.join("kernel")).expect("a directory");
        fs::write(paths.sys.join("kernel/uevent_seqnum"), "1234\n").expect("a file");
        enter(&paths, 3).expect("an entry");
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned(), 0o644);
        let whole = [file("owner", "nvmeroot\n"), file("seqnum", "1234\n")];
        assert_eq!(entry(&paths, "nvme3"), whole);
        let names = fs::read_dir(paths.run_root.join("nvme/registry")).expect("a registry");
        assert_eq!(names.count(), 1, "nothing half made is left");
    }

    #[test]
    fn what_a_former_controller_left_goes() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths::under(directory.path());
        let former = paths.run_root.join("nvme/registry/nvme0");
        let crashed = paths.run_root.join("nvme/registry/.nvme0.nvmeroot");
        for left in [&former, &crashed] {
            fs::create_dir_all(left).expect("a directory");
            fs::write(left.join("note"), "old\n").expect("a file");
        }
        enter(&paths, 0).expect("an entry");
        // No number here: this kernel shows none.
        let owner = ("owner".to_owned(), "nvmeroot\n".to_owned(), 0o644);
        assert_eq!(entry(&paths, "nvme0"), [owner]);
        assert!(!crashed.exists());
    }

    #[test]
    fn what_cannot_be_written_is_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let paths = Paths::under(directory.path());
        fs::create_dir_all(paths.run_root.join("nvme")).expect("a directory");
        fs::write(paths.run_root.join("nvme/registry"), "").expect("a file");
        let refused = enter(&paths, 0).expect_err("no registry");
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
    }
}
