//! Whether a root tree has nvmeroot's package.

use anyhow::anyhow;
use nvmeroot_render::{AGENT_PATH, ChangeKind, TreePath, package_files, package_sign};

use crate::Failure;
use crate::root::RootTree;

/// As much of one of its files as is looked at.
const LONGEST: u64 = 1 << 16;

/// The package is there, and of this program's version: the agent and what the
/// generators have of it are the package's.
///
/// # Errors
/// Where its files are not those that this program knows.
pub(crate) fn is_installed(root: &RootTree) -> Result<bool, Failure> {
    let sign = package_sign()?;
    if !root.exists(sign.as_str())? {
        return Ok(false);
    }
    for change in &package_files()? {
        let path = change.path.as_str();
        let ChangeKind::File { bytes, .. } = &change.kind else {
            continue;
        };
        match root.read(path, LONGEST)? {
            Some(found) if found == *bytes => {}
            found => return Err(another(path, found.is_some())),
        }
    }
    if !root.exists(AGENT_PATH)? {
        return Err(another(AGENT_PATH, false));
    }
    Ok(true)
}

/// The paths of the package's files, where it is there, of whatever version.
pub(crate) fn paths(root: &RootTree) -> Result<Vec<TreePath>, Failure> {
    if !root.exists(package_sign()?.as_str())? {
        return Ok(Vec::new());
    }
    let files = package_files()?;
    let mut paths: Vec<TreePath> = (&files).into_iter().map(|one| one.path.clone()).collect();
    paths.push(AGENT_PATH.parse()?);
    Ok(paths)
}

fn another(path: &str, is_there: bool) -> Failure {
    let what = if is_there {
        "is not as this version of nvmeroot has it"
    } else {
        "is not there"
    };
    anyhow!(
        "the root tree has the package `nvmeroot`, but its file `{path}` {what}\n\
         hint: install the same version of the package in both places, or use the root tree's own: `chroot ROOT nvmeroot configure …`"
    )
    .into()
}
