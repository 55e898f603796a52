//! What an initial ramdisk is made of.

use anyhow::{Context, Result, bail};

/// Length of a file's head in an archive.
const HEAD: usize = 110;

/// Splits off the archives at the beginning that are not compressed: of the
/// "newc" form (Documentation/driver-api/early-userspace/buffer-format.rst), each
/// filled up with zeros. initramfs-tools puts there what is compressed by itself,
/// such as kernel modules.
pub(super) fn split(ramdisk: &[u8]) -> Result<(&[u8], &[u8])> {
    let mut at = 0;
    while let Some(rest) = ramdisk.get(at..)
        && rest.starts_with(b"070701")
    {
        at += file_length(rest).context("an archive in the initial ramdisk is cut")?;
        // After the last file of an archive.
        at += ramdisk[at..].iter().take_while(|byte| **byte == 0).count();
    }
    if at >= ramdisk.len() {
        bail!("nothing of the initial ramdisk is compressed");
    }
    Ok(ramdisk.split_at(at))
}

/// Head, name and content of the file at the beginning, each filled up to a
/// multiple of four bytes; `None` where less than that is there.
fn file_length(archive: &[u8]) -> Option<usize> {
    // Eight hexadecimal digits each, after the magic number.
    let field = |number: usize| {
        let digits = archive.get(6 + 8 * number..14 + 8 * number)?;
        usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let (content, name) = (field(6)?, field(11)?);
    let content_at = HEAD.checked_add(name)?.checked_next_multiple_of(4)?;
    let end = content_at
        .checked_add(content)?
        .checked_next_multiple_of(4)?;
    (end <= archive.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &str) -> Vec<u8> {
        let mut bytes = b"070701".to_vec();
        for number in 0..13 {
            let value = match number {
                6 => content.len(),
                11 => name.len() + 1,
                _ => 0,
            };
            bytes.extend(format!("{value:08x}").bytes());
        }
        for part in [format!("{name}\0"), content.to_owned()] {
            bytes.extend(part.bytes());
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn what_is_not_compressed_is_split_off() {
        // A content that looks like the next archive, which it is not.
        let mut ramdisk = [file("a", "0707010"), file("TRAILER!!!", "")].concat();
        ramdisk.resize(512, 0);
        ramdisk.extend([file("b", ""), file("TRAILER!!!", "")].concat());
        let length = ramdisk.len();
        ramdisk.extend(b"\x28\xb5\x2f\xfdrest");
        let (plain, compressed) = split(&ramdisk).unwrap();
        assert_eq!(plain.len(), length);
        assert_eq!(compressed, b"\x28\xb5\x2f\xfdrest");
        assert_eq!(split(b"\x28\xb5").unwrap().1, b"\x28\xb5");
    }

    #[test]
    fn what_is_cut_or_whole_is_refused() {
        let file = file("a", "content");
        let error = split(&file[..file.len() - 2]).unwrap_err();
        assert!(error.to_string().contains("is cut"), "{error}");
        let error = split(&file).unwrap_err();
        assert!(error.to_string().contains("compressed"), "{error}");
    }
}
