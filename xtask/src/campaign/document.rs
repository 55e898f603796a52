//! Documents of which a part is written by a campaign.

use std::fs;

use anyhow::Context as _;

/// The part of a file that has one.
pub(super) const TABLE: &str = "table";

pub(super) fn read(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{path}`"))
}

/// Puts a part into a file: what is between the two lines that name it.
pub(super) fn put(path: &str, part: &str, text: &str) -> anyhow::Result<()> {
    let new = replaced(&read(path)?, part, text)
        .with_context(|| format!("`{path}` has no place for the part `{part}`"))?;
    fs::write(path, new).with_context(|| format!("cannot write `{path}`"))
}

fn replaced(text: &str, part: &str, table: &str) -> Option<String> {
    let begin = format!("<!-- {part} -->\n");
    let end = format!("<!-- end of {part} -->\n");
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_new_takes_the_former_ones_place() {
        let text = "a\n<!-- table -->\nold\n<!-- end of table -->\nb\n";
        let new = replaced(text, "table", "| new |\n");
        assert_eq!(
            new.as_deref(),
            Some("a\n<!-- table -->\n| new |\n<!-- end of table -->\nb\n")
        );
        assert_eq!(replaced(text, "other", ""), None);
    }
}
