//! `/etc/fstab` (fstab(5)), read as libmount reads it (`mnt_parse_table_line` in
//! util-linux' libmount/src/tab_parse.c).

use nvmeroot_plan::{FilesystemType, MountPoint, Origin, Warning};

use crate::diagnostic::MAX_WARNINGS;
use crate::lines;

/// The first field of a line (fstab(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Spec {
    /// A block device, by its path or by what udev knows of it
    /// (`UUID=`, `LABEL=`, …).
    Device(String),
    /// A directory that is mounted a second time.
    Bind(MountPoint),
    /// A dataset of ZFS, by the name of its pool.
    Pool(String),
    /// Of ZFS what names no pool, which can only be a drive of one (mount.zfs(8)).
    PoolMember(String),
    /// A filesystem of a network, or one without any device.
    Elsewhere,
}

impl Spec {
    pub(crate) fn read(spec: &str, fstype: Option<&str>, options: &str) -> Self {
        let has = |wanted: &str| options.split(',').any(|option| option == wanted);
        if (has("bind") || has("rbind") || fstype == Some("none"))
            && let Ok(directory) = spec.parse()
        {
            return Self::Bind(directory);
        }
        let is_device = spec.starts_with("/dev/")
            || ["UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=", "ID="]
                .iter()
                .any(|tag| spec.starts_with(tag));
        if fstype == Some("zfs") {
            let pool = pool(spec);
            // As zpool-create(8) has it.
            let is_name = pool.starts_with(|c: char| c.is_ascii_alphabetic());
            return match is_name && !is_device {
                true => Self::Pool(pool.to_owned()),
                false => Self::PoolMember(spec.to_owned()),
            };
        }
        if is_device {
            Self::Device(spec.to_owned())
        } else {
            // `host:/path`, `//host/share`, `none`, `tmpfs`.
            Self::Elsewhere
        }
    }
}

/// The pool of a dataset or a snapshot: `POOL/DATASET@SNAPSHOT` (zfsconcepts(7)).
pub(crate) fn pool(dataset: &str) -> &str {
    dataset.split(['/', '@']).next().unwrap_or_default()
}

/// The running system boots without what has these options (systemd.mount(5)).
pub(crate) fn is_optional(options: &str) -> bool {
    let mut options = options.split(',');
    options.any(|option| matches!(option, "nofail" | "noauto"))
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) spec: Spec,
    pub(crate) path: MountPoint,
    /// `None` where the kernel or mount(8) finds it out (`auto`).
    pub(crate) filesystem: Option<FilesystemType>,
    /// `_netdev` is among the options.
    pub(crate) netdev: bool,
    /// See [`is_optional`].
    pub(crate) optional: bool,
    pub(crate) origin: Origin,
}

/// The lines that say what is mounted, in the file's order, and what the user should
/// know of the others. mount(8) passes over a line that makes no sense, so that is no
/// error. `name` is what messages call the file.
pub fn read(name: &str, bytes: &[u8]) -> (Vec<Entry>, Vec<Warning>) {
    let text = String::from_utf8_lossy(bytes);
    let mut entries = Vec::new();
    let mut warnings = Vec::new();
    for (line, origin) in lines::read(name, &text, &['#'], None) {
        match entry(&line, origin.clone()) {
            Ok(entry) => entries.push(entry),
            Err(message) if warnings.len() < MAX_WARNINGS => {
                let hint = "a line is: device, directory, type, options (fstab(5))";
                warnings.push(Warning::at(origin, message).with_hint(hint));
            }
            Err(_) => {}
        }
    }
    (entries, warnings)
}

fn entry(line: &str, origin: Origin) -> Result<Entry, String> {
    let mut fields = line.split([' ', '\t']).filter(|field| !field.is_empty());
    let mut next = || fields.next().map(plain);
    let (Some(spec), Some(path), Some(fstype)) = (next(), next(), next()) else {
        return Err("this line has fewer than three fields, so mount(8) passes over it".to_owned());
    };
    let options = next().unwrap_or_default();
    let path = match fstype.as_str() {
        // swapon(8) looks at no directory.
        "swap" => "swap".parse(),
        _ => path.parse(),
    };
    let path = path.map_err(|error: nvmeroot_plan::NameError| error.to_string())?;
    // Several types stand with commas between them, to be tried in turn (mount(8)).
    let filesystem = match fstype.as_str() {
        "auto" | "none" | "swap" => None,
        one => one.parse().ok(),
    };
    Ok(Entry {
        spec: Spec::read(&unquoted(&spec), Some(&fstype), &options),
        path,
        filesystem,
        netdev: options.split(',').any(|option| option == "_netdev"),
        optional: is_optional(&options),
        origin,
    })
}

/// A tag's value may stand in quotes (`blkid_parse_tag_string` in libblkid/src/tag.c).
fn unquoted(spec: &str) -> String {
    let Some((tag, value)) = spec.split_once('=') else {
        return spec.to_owned();
    };
    let quoted = |quote: char| {
        let inner = value.strip_prefix(quote)?;
        inner.strip_suffix(quote)
    };
    match quoted('"').or_else(|| quoted('\'')) {
        Some(inner) => format!("{tag}={inner}"),
        None => spec.to_owned(),
    }
}

/// A field without its escapes: a backslash and three octal digits are a byte
/// (`unmangle_to_buffer` in libmount's lib/mangle.c).
pub(crate) fn plain(field: &str) -> String {
    if !field.contains('\\') {
        return field.to_owned();
    }
    let bytes = field.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let octal = bytes.get(at + 1..at + 4).filter(|digits| {
            byte == b'\\' && digits.iter().all(|digit| (b'0'..=b'7').contains(digit))
        });
        let value = octal.map(|digits| {
            let number = digits.iter().fold(0, |n, d| n * 8 + u32::from(d - b'0'));
            u8::try_from(number & 0xff).unwrap_or(0)
        });
        out.push(value.unwrap_or(byte));
        at += if value.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn one(line: &str) -> Entry {
        let (entries, warnings) = read("etc/fstab", line.as_bytes());
        assert_eq!(warnings, [], "{line}");
        entries.into_iter().next().expect(line)
    }

    #[test]
    fn a_line_says_what_is_mounted_where() {
        let text = "# <file system> <mount point> <type> <options>\n\n  UUID=6f3c / ext4 defaults,_netdev 0 1\n";
        let (entries, _) = read("etc/fstab", text.as_bytes());
        let [entry] = entries.as_slice() else {
            panic!("{entries:?}");
        };
        assert_eq!(entry.spec, Spec::Device("UUID=6f3c".to_owned()));
        assert_eq!(entry.path.as_str(), "/");
        assert_eq!(entry.filesystem, "ext4".parse().ok());
        assert!(entry.netdev && !entry.optional);
        assert!(one("UUID=1 /var ext4 rw,nofail").optional);
        assert!(one("UUID=1 /var ext4 noauto").optional);
        assert!(!one("UUID=1 /var ext4 auto,x-nofail").optional);
        assert_eq!(entry.origin, Origin::at("etc/fstab", 3, 3));
    }

    #[test]
    fn devices_directories_and_the_rest_are_told_apart() {
        let device = |spec: &str| Spec::Device(spec.to_owned());
        let member = |spec: &str| Spec::PoolMember(spec.to_owned());
        for (line, spec) in [
            ("LABEL=a\\040b / ext4", device("LABEL=a b")),
            ("UUID=\"6f3c\" / ext4", device("UUID=6f3c")),
            ("/dev/mapper/vg-root / auto", device("/dev/mapper/vg-root")),
            (
                "/dev/disk/by-id/x-part1 /srv xfs",
                device("/dev/disk/by-id/x-part1"),
            ),
            ("PARTUUID=ab-01 none swap sw", device("PARTUUID=ab-01")),
            (
                "/srv/boot /boot none bind",
                Spec::Bind("/srv/boot".parse().expect("a path")),
            ),
            ("nas:/home /home nfs _netdev", Spec::Elsewhere),
            ("tmpfs /tmp tmpfs", Spec::Elsewhere),
            (
                "bpool/BOOT/debian /boot zfs nodev,relatime",
                Spec::Pool("bpool".to_owned()),
            ),
            ("tank /srv zfs defaults", Spec::Pool("tank".to_owned())),
            ("/tank/x /srv zfs defaults", member("/tank/x")),
            ("\\040 /srv zfs", member(" ")),
            ("LABEL=tank /srv zfs", member("LABEL=tank")),
        ] {
            assert_eq!(one(line).spec, spec, "{line}");
        }
        assert_eq!(one("/dev/sda2 none swap sw").path.as_str(), "swap");
        assert_eq!(one("/dev/sda2 swap swap sw").path.as_str(), "swap");
        assert_eq!(one("/dev/sda2 / ext4,xfs").filesystem, None);
        assert_eq!(one("/dev/sda2 /a\\134b ext4").path.as_str(), "/a\\b");
    }

    #[test]
    fn a_line_that_mount_passes_over_is_told() {
        let (entries, warnings) = read("etc/fstab", b"/dev/sda1 /\n/dev/sda1 ../x ext4\n");
        assert_eq!(entries, []);
        let told: Vec<_> = warnings
            .iter()
            .map(|one| {
                let line = one.origin.as_ref().map(|origin| origin.line);
                (line, one.message.as_str())
            })
            .collect();
        assert_eq!(
            told,
            [
                (
                    Some(1),
                    "this line has fewer than three fields, so mount(8) passes over it"
                ),
                (
                    Some(2),
                    "`../x` is no mount point: it does not start with `/`"
                ),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read("etc/fstab", &bytes);
        }

        #[test]
        fn a_path_with_blanks_is_found_again(name in "[a-z \\\\]{1,20}") {
            let name = name.trim();
            prop_assume!(!name.is_empty());
            let escaped = name.replace('\\', "\\134").replace(' ', "\\040");
            prop_assert_eq!(plain(&escaped), name);
        }
    }
}
