//! Unified kernel images: PE files with a section for each part (the UAPI group's
//! specification "Unified Kernel Images"; Microsoft's "PE Format").

use std::io::{Read, Seek, SeekFrom, Take};

use crate::InitrdError;

/// A section of a PE file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name, `.initrd` for instance.
    pub name: String,
    /// Where it begins in the file.
    pub at: u64,
    /// Bytes of it, without what fills it up.
    pub size: u64,
}

const DOS_HEADER: usize = 64;
const COFF_HEADER: usize = 24;
const SECTION_HEADER: usize = 40;

/// More sections no such file has; the loader takes 96 at most.
const MOST_SECTIONS: usize = 96;

/// The sections of a PE file; `None`: it is another kind of file.
///
/// # Errors
/// [`InitrdError::Pe`] for one that is damaged or cut short.
pub fn sections(file: &mut (impl Read + Seek)) -> Result<Option<Vec<Section>>, InitrdError> {
    file.seek(SeekFrom::Start(0))?;
    let head = read(file, DOS_HEADER)?;
    if !head.starts_with(b"MZ") || head.len() < DOS_HEADER {
        return Ok(None);
    }
    let cut = InitrdError::Pe {
        why: "it is cut short",
    };
    file.seek(SeekFrom::Start(word(&head, 0x3c)))?;
    let coff = read(file, COFF_HEADER)?;
    if coff.len() < COFF_HEADER {
        return Err(cut);
    }
    if !coff.starts_with(b"PE\0\0") {
        return Err(InitrdError::Pe {
            why: "its header is none",
        });
    }
    let count = usize::from(half(&coff, 6));
    if count > MOST_SECTIONS {
        return Err(InitrdError::Pe {
            why: "it has too many sections",
        });
    }
    file.seek(SeekFrom::Current(half(&coff, 20).into()))?;
    let table = read(file, count * SECTION_HEADER)?;
    if table.len() < count * SECTION_HEADER {
        return Err(cut);
    }
    let section = |header: &[u8]| {
        let name = header[..8].split(|byte| *byte == 0).next();
        let (virtual_size, raw_size) = (word(header, 8), word(header, 16));
        Section {
            name: String::from_utf8_lossy(name.unwrap_or_default()).into_owned(),
            at: word(header, 20),
            size: virtual_size.min(raw_size),
        }
    };
    Ok(Some(
        table.chunks_exact(SECTION_HEADER).map(section).collect(),
    ))
}

/// What the kernel unpacks of a file: an image as it is; of a unified kernel image the
/// section `.initrd`.
///
/// # Errors
/// Those of [`sections`], and [`InitrdError::Pe`] where there is no such section.
pub fn open_initrd<F: Read + Seek>(mut file: F) -> Result<Take<F>, InitrdError> {
    let (at, size) = match sections(&mut file)? {
        None => (0, u64::MAX),
        Some(sections) => {
            let mut sections = sections.iter();
            let initrd = sections.find(|section| section.name == ".initrd");
            let initrd = initrd.ok_or(InitrdError::Pe {
                why: "it has no section `.initrd`",
            })?;
            (initrd.at, initrd.size)
        }
    };
    file.seek(SeekFrom::Start(at))?;
    Ok(file.take(size))
}

fn read(file: &mut impl Read, count: usize) -> Result<Vec<u8>, InitrdError> {
    let mut bytes = Vec::with_capacity(count);
    file.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A number of four bytes, little-endian; the caller has seen that they are there.
fn word(bytes: &[u8], at: usize) -> u64 {
    let low = u64::from(half(bytes, at));
    low | u64::from(half(bytes, at + 2)) << 16
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A PE file with these sections, each filled up to 512 bytes.
    fn pe(sections: &[(&str, &[u8])]) -> Vec<u8> {
        let mut file = b"MZ".to_vec();
        file.resize(0x3c, 0);
        file.extend(80_u32.to_le_bytes());
        file.resize(80, 0);
        file.extend(b"PE\0\0");
        file.extend(0x8664_u16.to_le_bytes());
        file.extend(u16::try_from(sections.len()).expect("few").to_le_bytes());
        file.resize(80 + 20, 0);
        file.extend(112_u16.to_le_bytes());
        file.resize(80 + COFF_HEADER + 112, 0);
        let mut at = 1024_u32;
        for (name, content) in sections {
            let mut header = name.as_bytes().to_vec();
            header.resize(8, 0);
            let size = u32::try_from(content.len()).expect("small");
            header.extend(size.to_le_bytes());
            header.extend([0; 4]);
            header.extend(size.next_multiple_of(512).to_le_bytes());
            header.extend(at.to_le_bytes());
            header.resize(SECTION_HEADER, 0);
            file.extend(header);
            at += size.next_multiple_of(512);
        }
        file.resize(1024, 0);
        for (_, content) in sections {
            file.extend(*content);
            file.resize(file.len().next_multiple_of(512), 0);
        }
        file
    }

    fn initrd(file: &[u8]) -> Result<Vec<u8>, InitrdError> {
        let mut bytes = Vec::new();
        open_initrd(Cursor::new(file))?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn the_section_is_found_without_what_fills_it_up() {
        let file = pe(&[(".linux", b"kernel"), (".initrd", b"070701"), (".x", b"y")]);
        assert_eq!(initrd(&file).expect("a section"), b"070701");
    }

    #[test]
    fn another_file_is_taken_as_it_is() {
        assert_eq!(initrd(b"070701").expect("a file"), b"070701");
        assert_eq!(initrd(b"").expect("a file"), b"");
        assert_eq!(initrd(b"MZ").expect("a file"), b"MZ");
    }

    #[test]
    fn a_damaged_file_is_said_to_be_one() {
        let whole = pe(&[(".initrd", b"070701")]);
        let why = |file: &[u8]| match initrd(file) {
            Err(InitrdError::Pe { why }) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(&pe(&[(".linux", b"x")])), "it has no section `.initrd`");
        assert_eq!(why(&whole[..90]), "it is cut short");
        assert_eq!(why(&whole[..230]), "it is cut short");
        let mut broken = whole.clone();
        broken[80] = b'X';
        assert_eq!(why(&broken), "its header is none");
        broken = whole;
        broken[86] = 200;
        assert_eq!(why(&broken), "it has too many sections");
    }
}
