//! Documents of which a part is written by a campaign.

use std::fs;

use anyhow::Context as _;

/// The lines around that part.
const MARKS: [&str; 2] = ["<!-- table -->\n", "<!-- end of table -->\n"];

pub(super) fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"))
}

/// Puts what is between the marks into a file.
pub(super) fn put(path: &str, former: &str, text: &str) -> anyhow::Result<()> {
    let new = replaced(former, text).with_context(|| format!("`{path}` has no place for it"))?;
    fs::write(path, new).with_context(|| format!("cannot write `{path}`"))
}

/// A text with something else between the marks.
fn replaced(text: &str, table: &str) -> Option<String> {
    let [begin, end] = MARKS;
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_takes_the_former_ones_place() {
        let text = "a\n<!-- table -->\nold\n<!-- end of table -->\nb\n";
        let new = replaced(text, "| new |\n");
        assert_eq!(
            new.as_deref(),
            Some("a\n<!-- table -->\n| new |\n<!-- end of table -->\nb\n")
        );
        assert_eq!(replaced("a\n", ""), None);
    }
}
