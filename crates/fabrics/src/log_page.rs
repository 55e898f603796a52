//! The discovery log page, 0x70 (NVM Express over Fabrics 1.1a, section 5.2;
//! NVM Express Base Specification 2.0, section 5.16.1.23).

use std::net::IpAddr;

use nvmeroot_plan::{Nqn, Port};

/// The length of the header and of each entry in bytes.
pub const ENTRY: usize = 1024;

/// More entries than that are taken for nonsense.
pub const MOST_ENTRIES: u64 = 4096;

/// What the page's first 1024 bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogHeader {
    /// Grows with each change of the log.
    pub generation: u64,
    /// Number of entries.
    pub records: u64,
}

/// Why a log can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogPageError {
    /// Fewer bytes than the header has.
    #[error("the discovery log has {length} bytes, its header alone takes 1024")]
    Short {
        /// The number of bytes.
        length: usize,
    },
    /// A format that is not 0.
    #[error("the discovery log has record format {format}, only 0 is known")]
    Format {
        /// The format.
        format: u16,
    },
    /// More entries than can be true.
    #[error("the discovery log claims {records} entries")]
    TooMany {
        /// The number claimed.
        records: u64,
    },
}

impl LogHeader {
    /// Reads the header.
    ///
    /// # Errors
    /// When it is cut off, of an unknown format, or claims absurdly many
    /// entries.
    pub fn parse(page: &[u8]) -> Result<Self, LogPageError> {
        let short = LogPageError::Short { length: page.len() };
        if page.len() < ENTRY {
            return Err(short);
        }
        let format = u16::from_le_bytes(take(page, 16).ok_or(short)?);
        if format != 0 {
            return Err(LogPageError::Format { format });
        }
        let records = u64::from_le_bytes(take(page, 8).ok_or(short)?);
        if records > MOST_ENTRIES {
            return Err(LogPageError::TooMany { records });
        }
        Ok(Self {
            generation: u64::from_le_bytes(take(page, 0).ok_or(short)?),
            records,
        })
    }

    /// The bytes that all entries take.
    pub fn entries_length(self) -> usize {
        usize::try_from(self.records).unwrap_or(0) * ENTRY
    }
}

/// What an entry leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubsystemKind {
    /// Another discovery subsystem.
    Referral,
    /// A subsystem with namespaces.
    Nvm,
    /// The discovery subsystem that was asked.
    CurrentDiscovery,
}

/// A subsystem behind a TCP portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiscoveryEntry {
    /// What it leads to.
    pub kind: SubsystemKind,
    /// The portal's address.
    pub traddr: IpAddr,
    /// The portal's port.
    pub trsvcid: Port,
    /// The subsystem.
    pub nqn: Nqn,
}

/// Reads the entries that follow the header. Entries of other transports and
/// address families, and such as make no sense, are left out and counted; what
/// follows a cut-off entry is missing.
pub fn parse_entries(entries: &[u8]) -> Offered {
    let mut read = Vec::new();
    let mut left_out = 0;
    for entry in entries.chunks(ENTRY) {
        match parse_entry(entry) {
            Some(entry) => read.push(entry),
            None => left_out += 1,
        }
    }
    (read, left_out)
}

/// The entries of a log, and the number of those that were left out: other
/// transports and address families, and nonsense.
pub type Offered = (Vec<DiscoveryEntry>, usize);

/// How often the log may change while it is read.
const MOST_CHANGES: u32 = 5;

/// The part of a log that is read at once: what every controller can transfer
/// in one command (a page).
const CHUNK: usize = 4096;

/// Reads a whole log by what reads a part of it, from an offset on.
///
/// # Errors
/// What `part` says; a log that makes no sense, or keeps changing.
pub fn read_log(
    mut part: impl FnMut(u64, &mut [u8]) -> Result<(), String>,
) -> Result<Offered, String> {
    let header = |page: &[u8]| LogHeader::parse(page).map_err(|e| e.to_string());
    // Most logs are no longer than a page, and what one command brings is of
    // one generation. It may ask for more than there is (Base Specification
    // 2.0, section 5.16).
    let mut page = [0; CHUNK];
    part(0, &mut page)?;
    let mut before = header(&page)?;
    if let Some(entries) = page[ENTRY..].get(..before.entries_length()) {
        return Ok(parse_entries(entries));
    }
    for _ in 0..MOST_CHANGES {
        let mut entries = vec![0; before.entries_length()];
        let mut offset = ENTRY as u64;
        for chunk in entries.chunks_mut(CHUNK) {
            part(offset, chunk)?;
            offset += CHUNK as u64;
        }
        // A log that grew meanwhile may be half old and half new.
        part(0, &mut page[..ENTRY])?;
        let after = header(&page)?;
        if after == before {
            return Ok(parse_entries(&entries));
        }
        before = after;
    }
    Err("it keeps changing".to_owned())
}

/// Transport type of NVMe/TCP.
const TCP: u8 = 3;
const IPV4: u8 = 1;
const IPV6: u8 = 2;

fn parse_entry(entry: &[u8]) -> Option<DiscoveryEntry> {
    if entry.len() < ENTRY || entry[0] != TCP {
        return None;
    }
    let kind = match entry[2] {
        1 => SubsystemKind::Referral,
        2 => SubsystemKind::Nvm,
        3 => SubsystemKind::CurrentDiscovery,
        _ => return None,
    };
    let traddr: IpAddr = text(entry.get(512..768)?)?.parse().ok()?;
    if traddr.is_ipv4() != (entry[1] == IPV4) || traddr.is_ipv6() != (entry[1] == IPV6) {
        return None;
    }
    Some(DiscoveryEntry {
        kind,
        traddr,
        trsvcid: text(entry.get(32..64)?)?.parse().ok()?,
        nqn: text(entry.get(256..512)?)?.parse().ok()?,
    })
}

/// A field of text: ASCII, filled up with spaces or NUL bytes.
fn text(field: &[u8]) -> Option<&str> {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    let text = std::str::from_utf8(&field[..end]).ok()?.trim_matches(' ');
    (text.is_ascii() && !text.is_empty()).then_some(text)
}

fn take<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(kind: u8, family: u8, traddr: &str, port: &str, nqn: &str) -> Vec<u8> {
        let mut entry = vec![0; ENTRY];
        entry[0] = TCP;
        entry[1] = family;
        entry[2] = kind;
        let mut put = |at: usize, width: usize, text: &str, fill: u8| {
            entry[at..at + width].fill(fill);
            entry[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(32, 32, port, b' ');
        put(256, 256, nqn, 0);
        put(512, 256, traddr, b' ');
        entry
    }

    #[test]
    fn reads_what_a_linux_target_says() {
        let mut page = vec![0; ENTRY];
        page[0] = 7;
        page[8] = 2;
        let header = LogHeader::parse(&page).expect("a header");
        assert_eq!((header.generation, header.records), (7, 2));
        assert_eq!(header.entries_length(), 2048);
        let entries = [
            entry(2, IPV4, "192.0.2.1", "4420", "nqn.2024-01.a:b"),
            entry(3, IPV6, "2001:db8::1", "8009", Nqn::DISCOVERY),
        ]
        .concat();
        let (read, left_out) = parse_entries(&entries);
        assert_eq!(left_out, 0);
        assert_eq!(
            read[0],
            DiscoveryEntry {
                kind: SubsystemKind::Nvm,
                traddr: "192.0.2.1".parse().expect("an address"),
                trsvcid: "4420".parse().expect("a port"),
                nqn: "nqn.2024-01.a:b".parse().expect("an NQN"),
            }
        );
        assert_eq!(read[1].kind, SubsystemKind::CurrentDiscovery);
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let mut rdma = entry(2, IPV4, "192.0.2.1", "4420", "nqn.2024-01.a:b");
        rdma[0] = 1;
        let cases = [
            rdma,
            entry(9, IPV4, "192.0.2.1", "4420", "nqn.2024-01.a:b"),
            entry(2, IPV6, "192.0.2.1", "4420", "nqn.2024-01.a:b"),
            entry(2, IPV4, "target.example", "4420", "nqn.2024-01.a:b"),
            entry(2, IPV4, "192.0.2.1", "0", "nqn.2024-01.a:b"),
            entry(2, IPV4, "192.0.2.1", "4420", "nqn.a,transport=rdma"),
            entry(2, IPV4, "192.0.2.1", "4420", ""),
            vec![3; 100],
        ];
        for case in cases {
            assert_eq!(parse_entries(&case), (Vec::new(), 1));
        }
    }

    #[test]
    fn absurd_headers_are_refused() {
        let mut page = vec![0; ENTRY];
        assert_eq!(
            LogHeader::parse(&page[..1000]),
            Err(LogPageError::Short { length: 1000 })
        );
        page[8..16].fill(0xff);
        assert_eq!(
            LogHeader::parse(&page),
            Err(LogPageError::TooMany { records: u64::MAX })
        );
        page[16] = 1;
        assert_eq!(
            LogHeader::parse(&page),
            Err(LogPageError::Format { format: 1 })
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(page in proptest::collection::vec(any::<u8>(), 0..4096)) {
            let _ = LogHeader::parse(&page);
            let (read, left_out) = parse_entries(&page);
            prop_assert_eq!(read.len() + left_out, page.len().div_ceil(ENTRY));
        }

        /// Nothing that a target says can add an option to what we write.
        #[test]
        fn no_entry_smuggles_an_option(nqn in "nqn\\.[ -~]{0,60}", port in "[ -~]{0,10}") {
            let (read, _) = parse_entries(&entry(2, IPV4, "192.0.2.1", &port, &nqn));
            for entry in read {
                prop_assert!(!entry.nqn.as_str().contains([',', '\n']));
            }
        }
    }
}
