//! Key files as GLib reads them (`GKeyFile`), as far as profiles need it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// As much of a file as is looked at.
const LONGEST: u64 = 64 << 10;

/// A file's groups and keys.
#[derive(Debug)]
pub(super) struct Keyfile(Vec<(String, String, String)>);

impl Keyfile {
    /// Reads a regular file; nothing else is opened and waited for.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Self {
        let mut group = String::new();
        let mut entries = Vec::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                name.clone_into(&mut group);
            } else if let Some((key, value)) = line.split_once('=')
                && !line.starts_with('#')
            {
                let [key, value] = [key, value].map(|part| part.trim().to_owned());
                entries.push((group.clone(), key, value));
            }
        }
        Self(entries)
    }

    /// The value of a key that is not empty; the last one counts.
    pub(super) fn get(&self, group: &str, key: &str) -> Option<&str> {
        let mut all = self.0.iter().rev();
        let found = all.find(|(g, k, _)| g == group && k == key);
        found
            .map(|(_, _, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_and_keys_are_told_apart() {
        let file = Keyfile::parse(
            "# [connection]\nuuid=0\n[connection]\n uuid = 1 \n#uuid=2\nid=\n[ipv4]\nuuid=3\n[connection]\nuuid=4=5\n",
        );
        assert_eq!(file.get("connection", "uuid"), Some("4=5"));
        assert_eq!(file.get("ipv4", "uuid"), Some("3"));
        assert_eq!(file.get("", "uuid"), Some("0"));
        assert_eq!(file.get("connection", "id"), None);
        assert_eq!(file.get("vlan", "uuid"), None);
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let fifo = dir.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR).expect("a fifo");
        let kind = Keyfile::read(&fifo).expect_err("no file").kind();
        assert_eq!(kind, io::ErrorKind::InvalidInput);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).expect("a link");
        Keyfile::read(&link).expect_err("a link leads out of the tree");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(\\PC|\n)*") {
            Keyfile::parse(&text);
        }
    }
}
