//! Why a root tree could not be read or written.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a root tree could not be read or written.
#[derive(Debug, Error)]
pub(crate) enum RootError {
    #[error("can't open the root tree `{}`: {source}{}", .path.display(), denied(.source))]
    Open { path: PathBuf, source: io::Error },
    /// The system refused.
    #[error("can't {action} `{path}` in the root tree: {source}{}", denied(.source))]
    Io {
        action: &'static str,
        path: String,
        source: io::Error,
    },
    /// Something else is in the place.
    #[error(
        "`{path}` in the root tree is {what}, where {belongs} belongs\nhint: move it away, then run this again"
    )]
    Obstacle {
        path: String,
        what: &'static str,
        belongs: &'static str,
    },
    /// A symbolic link on the way to a file leads nowhere.
    #[error(
        "`{path}` in the root tree is a symbolic link to nothing inside the tree, where a directory belongs\nhint: remove the link, or make the directory that it names"
    )]
    Dangling { path: String },
    /// chattr(1) protects it.
    #[error(
        "`{path}` in the root tree is protected from changes (lsattr(1) shows `{attribute}`)\nhint: `chattr -{attribute}` ends that"
    )]
    Protected {
        path: String,
        attribute: &'static str,
    },
    /// Something is mounted over the file.
    #[error("`{path}` in the root tree is a mount point and can't be replaced\nhint: unmount it")]
    MountPoint { path: String },
    #[error(
        "`{directory}` in the root tree is on a filesystem that is mounted read-only\nhint: mount it for writing, such as by `mount -o remount,rw`"
    )]
    ReadOnly { directory: String },
    #[error(
        "no permission to write in `{directory}` of the root tree\nhint: run this as the administrator (root)"
    )]
    Denied { directory: String },
    /// Another program holds the lock.
    #[error(
        "another nvmeroot is at work in this root tree, and did not end within {seconds} s; nothing was changed\nhint: wait until it has ended, then run this again"
    )]
    Busy { seconds: u64 },
    /// A signal asked to stop; everything was undone.
    #[error("stopped by {signal}; the root tree is as it was")]
    Stopped { signal: &'static str, number: i32 },
    /// The tree could not be put back, after another error.
    #[error(
        "{cause}\nand {and}\nhint: mend the cause, then run `nvmeroot configure` again: first of all it puts the rest back"
    )]
    NotUndone {
        cause: Box<RootError>,
        and: Box<RootError>,
    },
    /// All was put back, and nvmeroot's own directory could not be removed.
    #[error(
        "{cause}; all else is as it was before the first `nvmeroot configure`\nhint: mend the cause, then run `nvmeroot revert` again"
    )]
    NotCleaned { cause: Box<RootError> },
    /// Somebody changed nvmeroot's files.
    #[error(
        "{}\nhint: take over what you need of it; then pass `--force`, which keeps the edited file beside its place, as `.NAME.edited`",
        all_edited(.0)
    )]
    Edited(Vec<EditedFile>),
    /// What was kept has been removed.
    #[error(
        "`{kept}` in the root tree is gone, where nvmeroot had kept what was `{path}` before\nhint: put the file there again from a backup; an empty one will do where none is needed"
    )]
    Lost { path: String, kept: String },
    #[error("can't read nvmeroot's record of this root tree, `{path}`: {why}\nhint: {hint}")]
    Record {
        path: &'static str,
        why: String,
        hint: &'static str,
    },
}

impl RootError {
    /// Who asked may not look there: nothing is known of it.
    pub(crate) fn is_denied(&self) -> bool {
        match self {
            Self::Open { source, .. } | Self::Io { source, .. } => is_denied(source),
            _ => false,
        }
    }

    /// It was the file of a device that is no more (`kernfs_seq_start` in the kernel's
    /// fs/kernfs/file.c), or of a network card (`netdev_show` in net/core/net-sysfs.c).
    pub(crate) fn is_gone(&self) -> bool {
        use rustix::io::Errno;
        let gone = [Errno::NODEV, Errno::INVAL].map(|error| Some(error.raw_os_error()));
        matches!(self, Self::Io { source, .. } if gone.contains(&source.raw_os_error()))
    }
}

fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// What to do where that is the reason.
fn denied(error: &io::Error) -> &'static str {
    match is_denied(error) {
        true => "\nhint: run it as root (the administrator)",
        false => "",
    }
}

/// A file that somebody changed.
#[derive(Debug)]
pub(crate) struct EditedFile {
    pub(super) path: String,
    /// From what is there to what belongs there, where that may be shown.
    pub(super) difference: Option<String>,
}

fn all_edited(files: &[EditedFile]) -> String {
    let mut lines = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let said = match number {
            0 => "was edited since nvmeroot wrote it, so nothing was changed",
            _ => "was edited, too",
        };
        lines.push(format!("`{}` {said}", file.path));
        lines.extend(file.difference.clone());
    }
    lines.join("\n")
}

/// For `map_err`: an [`RootError::Io`].
pub(super) fn failed<E: Into<io::Error>>(
    action: &'static str,
    path: &str,
) -> impl FnOnce(E) -> RootError {
    move |source| RootError::Io {
        action,
        path: path.to_owned(),
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_look_is_told_who_may() {
        let error = failed("read", "etc/nvmeroot/plan.json")(rustix::io::Errno::ACCESS);
        assert!(error.is_denied());
        assert_eq!(
            error.to_string(),
            "can't read `etc/nvmeroot/plan.json` in the root tree: Permission denied (os error 13)\nhint: run it as root (the administrator)"
        );
        let error = failed("read", "etc/fstab")(rustix::io::Errno::IO);
        assert!(!error.is_denied() && !error.to_string().contains("hint"));
    }
}
