//! Files of lines: which of them say something, and where each begins.

use nvmeroot_plan::Origin;

/// The lines with something in them, comments left out, without the white space around them.
/// `joint`: where a line that ends with a backslash goes on with the next, what then
/// stands for the backslash.
pub(crate) fn read(
    name: &str,
    text: &str,
    comments: &[char],
    joint: Option<&str>,
) -> Vec<(String, Origin)> {
    let mut found = Vec::new();
    let mut lines = (1_u32..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let begun = line.trim_start();
        if begun.is_empty() || begun.starts_with(comments) {
            continue;
        }
        let indent = line[..line.len() - begun.len()].chars().count();
        let column = u32::try_from(indent + 1).unwrap_or(u32::MAX);
        let mut whole = begun.to_owned();
        while let Some(joint) = joint
            && whole.ends_with('\\')
        {
            whole.pop();
            whole.push_str(joint);
            match lines.next() {
                Some((_, more)) => whole.push_str(more),
                None => break,
            }
        }
        let origin = Origin::at(name, number, column);
        found.push((whole.trim_end().to_owned(), origin));
    }
    found
}
