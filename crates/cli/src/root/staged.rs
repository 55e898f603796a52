//! Names of what is not yet, or no longer, in its place.

use nvmeroot_render::TreePath;
use rustix::io::Errno;

use super::content::{FORMER, PLACE};
use super::error::{RootError, failed};
use super::tree::RootTree;
use super::writer::Writer;

/// Ends of the names of files that are to come and of those that were there.
/// The names begin with a dot: initramfs-tools, netplan and systemd pass over
/// hidden files.
pub(super) const NEW: &str = ".nvmeroot-new";
pub(super) const OLD: &str = ".nvmeroot-old";

/// The name beside a place.
pub(super) fn hidden(path: &str, end: &str) -> String {
    match path.rsplit_once('/') {
        Some((directory, name)) => format!("{directory}/.{name}{end}"),
        None => format!(".{path}{end}"),
    }
}

/// Where an edited file is kept, or beside that.
pub(super) fn edited(path: &TreePath) -> TreePath {
    let name = format!(".{}.edited", path.file_name());
    let name = match path.directory() {
        "" => name,
        directory => format!("{directory}/{name}"),
    };
    name.parse().unwrap_or_else(|_| path.clone())
}

/// Removes what a killed run left beside the files of any runtime. What
/// can't be removed there is in nobody's way, or is refused later.
///
/// # Errors
/// What is left in nvmeroot's own directory must go: it would be taken for the next
/// run's.
pub(super) fn clear_left_over(root: &RootTree) -> Result<(), RootError> {
    let mut directories: Vec<String> = nvmeroot_render::DIRECTORIES.map(str::to_owned).into();
    let (parent, end, _) = nvmeroot_render::DROP_INS;
    for name in root.list(parent).unwrap_or_default() {
        if name.ends_with(end) {
            directories.push(format!("{parent}/{name}"));
        }
    }
    let mut writer = Writer::new(root);
    for directory in directories {
        let _ = clear(&mut writer, &directory);
    }
    for directory in [PLACE, FORMER] {
        clear(&mut writer, directory).map_err(failed("clear", directory))?;
    }
    Ok(())
}

fn clear(writer: &mut Writer<'_>, directory: &str) -> Result<(), Errno> {
    let mut result = Ok(());
    for name in writer.root.list(directory).unwrap_or_default() {
        if name.starts_with('.') && (name.ends_with(NEW) || name.ends_with(OLD)) {
            let removed = writer.unlink(&format!("{directory}/{name}"));
            result = result.and(removed);
        }
    }
    result
}
