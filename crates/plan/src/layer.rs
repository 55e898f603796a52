//! What may lie between a filesystem and the drives.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::name::name_type;

name_type!(
    /// The name of a volume group, of an array or of an encrypted volume.
    ///
    /// 1 to 127 characters as lvm(8) allows them: letters, digits and `+`, `_`, `.`, `-`,
    /// no `-` first; not `.` and `..`. Nothing that a shell, a table or the kernel command
    /// line reads as more than a name.
    VolumeName: "name of a volume", check
);

fn check(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "+_.-".contains(c);
    let named = (1..=127).contains(&text.len())
        && text.chars().all(allowed)
        && !text.starts_with('-')
        && !matches!(text, "." | "..");
    let expected = "expected letters, digits and `+`, `_`, `.`, `-`, as in `vg0`";
    named.then_some(()).ok_or(expected)
}

/// Something that is put together before what lies on it can be mounted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// A volume group of LVM (lvm(8)).
    VolumeGroup {
        /// Its name, where the source says one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<VolumeName>,
    },
    /// An array (md(4)).
    Array {
        /// Its name, where the source says one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<VolumeName>,
        /// So many of its members may be missing.
        can_miss: usize,
    },
    /// An encrypted volume of dm-crypt.
    Encrypted {
        /// Its name in crypttab(5), where the source says one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<VolumeName>,
    },
}

/// An array that can do without some of its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Array {
    /// So many of its members may be missing.
    pub can_miss: usize,
    /// The remote controllers that each member lies on: indexes into the plan's.
    pub members: Vec<Vec<usize>>,
}

impl Array {
    /// Whether it can be had without these controllers.
    pub(crate) fn can_do_without(&self, missing: &BTreeSet<usize>) -> bool {
        let is_gone = |member: &&Vec<usize>| member.iter().any(|c| missing.contains(c));
        self.members.iter().filter(is_gone).count() <= self.can_miss
    }

    /// A member lies on the controller.
    pub(crate) fn has(&self, controller: usize) -> bool {
        self.members.iter().any(|one| one.contains(&controller))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_named_as_lvm_names_them() {
        for good in ["vg0", "ubuntu-vg", "_x", "a+b.c", &"x".repeat(127)] {
            let name: VolumeName = good.parse().expect(good);
            assert_eq!((name.as_str(), name.to_string().as_str()), (good, good));
        }
        for bad in ["", "-vg", "a b", "a/b", ".", "..", "ä", &"x".repeat(128)] {
            let error = bad.parse::<VolumeName>().expect_err(bad).to_string();
            let expected = "expected letters, digits and `+`, `_`, `.`, `-`, as in `vg0`";
            assert_eq!(error, format!("`{bad}` is no name of a volume: {expected}"));
        }
    }

    #[test]
    fn an_array_does_without_as_many_members_as_its_level_says() {
        let mirror = Array {
            can_miss: 1,
            members: vec![vec![0, 2], vec![1]],
        };
        let without = |missing: &[usize]| mirror.can_do_without(&missing.iter().copied().collect());
        assert!(without(&[]) && without(&[0]) && without(&[0, 2]) && without(&[1, 7]));
        assert!(!without(&[0, 1]));
        assert!(mirror.has(2) && !mirror.has(3));
    }
}
