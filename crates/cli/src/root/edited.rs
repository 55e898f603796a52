//! What somebody has edited in a file of nvmeroot's.

use nvmeroot_render::{Change, ChangeKind, Mode};
use similar::TextDiff;

use super::tree::RootTree;

/// As much of a file as is compared by lines.
const LONGEST: u64 = 1 << 16;

/// As much of a difference is shown.
const LINES: usize = 24;

/// What others may read of a file; then it holds no secret that is not known to them.
const OTHERS: u32 = 0o004;

/// From what is there to what belongs there, by lines. Only of texts that everybody may
/// read anyway.
pub(super) fn difference(root: &RootTree, wanted: &Change) -> Option<String> {
    let ChangeKind::File { mode, bytes } = &wanted.kind else {
        return None;
    };
    let path = wanted.path.as_str();
    let is_open = root.mode(path).ok()?? & OTHERS != 0;
    if *mode == Mode::Private || !is_open {
        return None;
    }
    let found = root.read(path, LONGEST).ok()??;
    let is_short = |bytes: &[u8]| bytes.len() as u64 <= LONGEST;
    if !is_short(&found) || !is_short(bytes) {
        return None;
    }
    let found = str::from_utf8(&found).ok()?;
    let diff = TextDiff::from_lines(found, str::from_utf8(bytes).ok()?);
    let mut unified = diff.unified_diff();
    unified
        .context_radius(1)
        .header("as it is", "as `nvmeroot configure` would write it");
    let text = unified.to_string();
    let mut lines: Vec<&str> = text.lines().take(LINES + 1).collect();
    if lines.len() > LINES {
        lines[LINES] = "…";
    }
    Some(lines.join("\n"))
}
