//! The configurations: netplan texts in files of several YAML documents, one
//! file a group. Comments at the head of each document say what is not
//! netplan's:
//!
//! ```yaml
//! ---
//! # name: one line for people
//! # portal 10.77.0.1 fd77::1      where the storage is
//! # quiet 9                       seconds without a change that count as settled
//! # file 20-more.yaml             what follows is a file of its own
//! ```

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use super::format_error::FormatError;
use crate::error::{Context, Error, Result};

/// Seconds without a change after which a machine counts as settled.
const QUIET: f64 = 1.5;
/// The same where a server has to answer first.
const QUIET_WITH_SERVER: f64 = 3.0;
/// The same where a router has to: who hears of none asks again after 4 s
/// (`RTR_SOLICITATION_INTERVAL`, RFC 4861, section 10).
const QUIET_WITH_ROUTER: f64 = 5.0;

/// What one netplan configuration is and where its storage would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// Short, for tables and the command line.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The group's name: that of its file.
    pub group: String,
    /// The portals that its interfaces lead to.
    pub portals: Vec<IpAddr>,
    /// Seconds without a change that count as settled.
    pub quiet: f64,
    /// Names and texts of the files below `/etc/netplan`.
    pub files: Vec<(String, String)>,
}

/// All configurations, group by group.
///
/// # Errors
/// [`Error::Configurations`] when a file makes no sense, [`Error::File`] when
/// one can't be read.
pub fn all() -> Result<Vec<Configuration>> {
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/differential"));
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).context("list", dir)? {
        paths.push(entry.context("list", dir)?.path());
    }
    paths.sort();
    let mut all: Vec<Configuration> = Vec::new();
    for path in paths {
        let group = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = fs::read_to_string(&path).context("read", &path)?;
        let wrong = |source| Error::Configurations {
            path: path.clone(),
            source,
        };
        for one in parse(&group, &text).map_err(wrong)? {
            if all.iter().any(|other| other.name == one.name) {
                return Err(wrong(FormatError::Twice { name: one.name }));
            }
            all.push(one);
        }
    }
    Ok(all)
}

fn parse(group: &str, text: &str) -> Result<Vec<Configuration>, FormatError> {
    let mut documents = vec![Vec::new()];
    for line in text.lines() {
        match (line, documents.last_mut()) {
            ("---", _) => documents.push(Vec::new()),
            (line, Some(last)) => last.push(line),
            (_, None) => {}
        }
    }
    documents
        .iter()
        .filter(|lines| lines.iter().any(|line| !line.trim().is_empty()))
        .enumerate()
        .map(|(at, lines)| document(group, at + 1, lines))
        .collect()
}

fn document(group: &str, number: usize, lines: &[&str]) -> Result<Configuration, FormatError> {
    let mut lines = lines.iter().skip_while(|line| line.trim().is_empty());
    let head = lines.next().and_then(|line| line.strip_prefix("# "));
    let Some((name, title)) = head.and_then(|head| head.split_once(": ")) else {
        return Err(FormatError::NoName { number });
    };
    let wrong = |word: &str| FormatError::Word {
        name: name.to_owned(),
        word: word.to_owned(),
    };
    let mut one = Configuration {
        name: name.to_owned(),
        title: title.to_owned(),
        group: group.to_owned(),
        portals: Vec::new(),
        quiet: QUIET,
        files: vec![("50-differential.yaml".to_owned(), String::new())],
    };
    let mut quiet = None;
    for line in lines {
        if let Some(words) = line.strip_prefix("# portal ") {
            for word in words.split_whitespace() {
                one.portals.push(word.parse().map_err(|_| wrong(word))?);
            }
        } else if let Some(word) = line.strip_prefix("# quiet ") {
            quiet = Some(word.parse().map_err(|_| wrong(word))?);
        } else if let Some(file) = line.strip_prefix("# file ") {
            one.files.push((file.to_owned(), String::new()));
        } else if let Some((_, text)) = one.files.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    one.files.retain(|(_, text)| !text.trim().is_empty());
    let asks = |word| one.files.iter().any(|(_, text)| text.contains(word));
    let usual = if asks("accept-ra: true") {
        QUIET_WITH_ROUTER
    } else if asks("dhcp4: true") || asks("dhcp6: true") || asks("accept-ra") {
        QUIET_WITH_SERVER
    } else {
        QUIET
    };
    one.quiet = quiet.unwrap_or(usual);
    if one.portals.is_empty() {
        return Err(FormatError::NoPortal { name: one.name });
    }
    Ok(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart() {
        let text = "# one: an address\n# portal 10.77.0.1 fd77::1\nnetwork: {}\n---\n\
                    # two: two files\n# portal 10.77.0.1\n# quiet 9\n\
                    # file a.yaml\nnetwork: {version: 2}\n# file b.yaml\nnetwork: {}\n";
        let parsed = parse("group", text).unwrap();
        assert_eq!(parsed.len(), 2);
        assert_eq!(parsed[0].portals.len(), 2);
        let first = (
            "50-differential.yaml".to_owned(),
            "network: {}\n".to_owned(),
        );
        assert_eq!(parsed[0].files, [first]);
        let names: Vec<_> = parsed[1].files.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a.yaml", "b.yaml"]);
        assert!((parsed[1].quiet - 9.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let error = parse("g", "network: {}\n").unwrap_err();
        assert_eq!(error, FormatError::NoName { number: 1 });
        let error = parse("g", "# a: b\nnetwork: {}\n").unwrap_err();
        assert!(matches!(error, FormatError::NoPortal { .. }), "{error}");
        let error = parse("g", "# a: b\n# portal x\nnetwork: {}\n").unwrap_err();
        assert!(matches!(&error, FormatError::Word { word, .. } if word == "x"));
    }

    #[test]
    fn all_files_make_sense() {
        let all = all().unwrap();
        assert!(all.len() >= 60, "{}", all.len());
    }
}
