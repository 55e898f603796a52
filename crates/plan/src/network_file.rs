//! Files of systemd-networkd's.

use std::fmt::Write as _;

use crate::DefinitionId;
use crate::name::name_type;

name_type!(
    /// The name of a `.network` file (systemd.network(5)), without its directory: what the boot
    /// calls a directory after, below `/run`.
    NetworkFile: "name of a `.network` file", check
);

fn check(text: &str) -> Result<(), &'static str> {
    let is_name = text.len() <= 255 && !text.starts_with('.') && !text.contains(['/', '\0']);
    let is_one = is_name && text.ends_with(".network");
    is_one
        .then_some(())
        .ok_or("expected one without a directory, such as `20-san.network`")
}

/// The name of the file that netplan makes of a definition: its id as `g_uri_escape_string`
/// writes it with no further characters allowed but UTF-8.
pub fn netplan_file(definition: &DefinitionId) -> String {
    let mut name = "10-netplan-".to_owned();
    for c in definition.as_str().chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' | '~' => name.push(c),
            c if c.is_ascii() => {
                let _ = write!(name, "%{:02X}", u32::from(c));
            }
            c => name.push(c),
        }
    }
    name + ".network"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn netplan_escapes_ids() {
        for (id, escaped) in [
            ("ens3", "ens3"),
            ("eth0.100", "eth0.100"),
            ("a b/c%", "a%20b%2Fc%25"),
            ("wäg", "wäg"),
            ("..", ".."),
        ] {
            let file = netplan_file(&id.parse().expect("an id"));
            assert_eq!(file, format!("10-netplan-{escaped}.network"));
        }
    }

    #[test]
    fn a_name_leads_out_of_no_directory() {
        let file: NetworkFile = "20-san.network".parse().expect("a name");
        assert_eq!(file.to_string(), "20-san.network");
        for bad in [
            "",
            ".network",
            "20-san.conf",
            "../a.network",
            "a/b.network",
            "a\0.network",
        ] {
            let refused = bad.parse::<NetworkFile>().expect_err(bad).to_string();
            let expected = "expected one without a directory, such as `20-san.network`";
            assert_eq!(
                refused,
                format!("`{bad}` is no name of a `.network` file: {expected}")
            );
        }
    }
}
