//! DHCPv6 messages (RFC 8415, sections 8 and 21; DNS: RFC 3646).

use std::fmt;
use std::net::Ipv6Addr;

use crate::net::dhcp::bytes::{ParseError, Reader};
use crate::net::dhcp::identity::{Duid, Iaid};
use crate::net::dhcp::names;

const CLIENT_ID: u16 = 1;
const SERVER_ID: u16 = 2;
const IA_NA: u16 = 3;
const IA_ADDRESS: u16 = 5;
const OPTION_REQUEST: u16 = 6;
const PREFERENCE: u16 = 7;
const ELAPSED_TIME: u16 = 8;
const STATUS_CODE: u16 = 13;
const RAPID_COMMIT: u16 = 14;
const DNS: u16 = 23;
const SEARCH: u16 = 24;
const SOL_MAX_RT: u16 = 82;

/// Message types that a client sends or takes (RFC 8415, section 7.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageType {
    /// Client: who has an address?
    Solicit = 1,
    /// Server: I have.
    Advertise = 2,
    /// Client: I take it.
    Request = 3,
    /// Client, to the server of the lease: I keep it.
    Renew = 5,
    /// Client, to any server: I keep it.
    Rebind = 6,
    /// Server: it is so.
    Reply = 7,
    /// Client: another host has it.
    Decline = 9,
}

impl MessageType {
    /// The RFC's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Solicit => "SOLICIT",
            Self::Advertise => "ADVERTISE",
            Self::Request => "REQUEST",
            Self::Renew => "RENEW",
            Self::Rebind => "REBIND",
            Self::Reply => "REPLY",
            Self::Decline => "DECLINE",
        }
    }
}

/// A status code (RFC 8415, section 21.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusCode {
    /// Done.
    Success,
    /// No address left.
    NoAddrsAvail,
    /// The server doesn't know of the lease.
    NoBinding,
    /// The address doesn't belong on this link.
    NotOnLink,
    /// Another one, by its number.
    Other(u16),
}

/// What a server says about an option or a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The code.
    pub code: StatusCode,
    /// The server's words; printable ASCII, the rest replaced by `?`.
    pub text: String,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            StatusCode::Success => f.write_str("Success"),
            StatusCode::NoAddrsAvail => f.write_str("NoAddrsAvail"),
            StatusCode::NoBinding => f.write_str("NoBinding"),
            StatusCode::NotOnLink => f.write_str("NotOnLink"),
            StatusCode::Other(code) => write!(f, "status {code}"),
        }?;
        if self.text.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", self.text)
        }
    }
}

/// An address in an IA_NA. Lifetimes in seconds, all ones is forever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IaAddress {
    /// The address.
    pub address: Ipv6Addr,
    /// For how long it is to be preferred.
    pub preferred: u32,
    /// For how long it is ours.
    pub valid: u32,
    /// What the server says about it.
    pub status: Option<Status>,
}

/// An identity association: the addresses under one IAID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IaNa {
    /// Whose they are.
    pub iaid: Iaid,
    /// When to renew, in seconds; 0: as we like.
    pub t1: u32,
    /// When to rebind, in seconds; 0: as we like.
    pub t2: u32,
    /// The addresses.
    pub addresses: Vec<IaAddress>,
    /// What the server says about them.
    pub status: Option<Status>,
}

/// A server's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// ADVERTISE or REPLY.
    pub kind: MessageType,
    /// Transaction id.
    pub transaction: [u8; 3],
    /// The client's DUID.
    pub client: Option<Vec<u8>>,
    /// The server's DUID.
    pub server: Option<Vec<u8>>,
    /// The server's preference; 0 without the option.
    pub preference: u8,
    /// The REPLY answers a SOLICIT.
    pub rapid_commit: bool,
    /// What the server says about the whole message.
    pub status: Option<Status>,
    /// Identity associations.
    pub associations: Vec<IaNa>,
    /// Name servers (option 23).
    pub dns: Vec<Ipv6Addr>,
    /// Search list (option 24).
    pub search: Vec<String>,
    /// Options that aren't vital and couldn't be read.
    pub problems: Vec<ParseError>,
}

impl Message {
    /// Reads a server's message, a UDP payload.
    ///
    /// # Errors
    /// It is neither ADVERTISE nor REPLY, is cut off, or an identity, an
    /// association or a status in it is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(bytes, 0);
        let kind = match reader.u8("the message type")? {
            2 => MessageType::Advertise,
            7 => MessageType::Reply,
            _ => {
                return Err(ParseError::Field {
                    what: "the message type (of a server's answer)",
                    offset: 0,
                });
            }
        };
        let mut message = Self {
            kind,
            transaction: reader.array("the transaction id")?,
            client: None,
            server: None,
            preference: 0,
            rapid_commit: false,
            status: None,
            associations: Vec::new(),
            dns: Vec::new(),
            search: Vec::new(),
            problems: Vec::new(),
        };
        while let Some(option) = Raw::next(&mut reader)? {
            match option.code {
                CLIENT_ID => message.client = Some(option.duid()?),
                SERVER_ID => message.server = Some(option.duid()?),
                IA_NA => message.associations.push(option.association()?),
                PREFERENCE => match option.value {
                    [preference] => message.preference = *preference,
                    _ => message.problems.push(option.wrong("its length is wrong")),
                },
                STATUS_CODE => message.status = Some(option.status()?),
                RAPID_COMMIT => message.rapid_commit = true,
                DNS => {
                    let (addresses, rest) = option.value.as_chunks::<16>();
                    if rest.is_empty() {
                        message
                            .dns
                            .extend(addresses.iter().map(|a| Ipv6Addr::from(*a)));
                    } else {
                        let problem = "its length is no multiple of 16";
                        message.problems.push(option.wrong(problem));
                    }
                }
                SEARCH => match names::list(option.value, false) {
                    Ok(search) => message.search.extend(search),
                    Err(problem) => message.problems.push(option.wrong(problem)),
                },
                _ => {}
            }
        }
        Ok(message)
    }
}

/// An option as it stands.
struct Raw<'a> {
    code: u16,
    /// Where it starts; its value is 4 bytes further.
    offset: usize,
    value: &'a [u8],
}

impl<'a> Raw<'a> {
    fn next(reader: &mut Reader<'a>) -> Result<Option<Self>, ParseError> {
        if reader.left() == 0 {
            return Ok(None);
        }
        let offset = reader.offset();
        let code = reader.u16("an option's code")?;
        let length = usize::from(reader.u16("an option's length")?);
        let have = reader.left();
        let value = reader
            .take(length, "an option")
            .map_err(|_| ParseError::Overrun {
                option: code,
                offset,
                length,
                have,
            })?;
        Ok(Some(Self {
            code,
            offset,
            value,
        }))
    }

    fn wrong(&self, problem: &'static str) -> ParseError {
        ParseError::Value {
            option: self.code,
            offset: self.offset,
            problem,
        }
    }

    fn reader(&self) -> Reader<'a> {
        Reader::new(self.value, self.offset + 4)
    }

    /// RFC 8415, section 11.1: a type of 2 bytes, then 1 to 128 bytes.
    fn duid(&self) -> Result<Vec<u8>, ParseError> {
        if (3..=130).contains(&self.value.len()) {
            Ok(self.value.to_vec())
        } else {
            Err(self.wrong("no DUID has this length"))
        }
    }

    fn status(&self) -> Result<Status, ParseError> {
        let mut reader = self.reader();
        let code = match reader.u16("a status code")? {
            0 => StatusCode::Success,
            2 => StatusCode::NoAddrsAvail,
            3 => StatusCode::NoBinding,
            4 => StatusCode::NotOnLink,
            other => StatusCode::Other(other),
        };
        let text = reader
            .rest()
            .iter()
            .map(|b| match b {
                b' '..=b'~' => char::from(*b),
                _ => '?',
            })
            .collect();
        Ok(Status { code, text })
    }

    fn association(&self) -> Result<IaNa, ParseError> {
        let mut reader = self.reader();
        let mut association = IaNa {
            iaid: Iaid(reader.array("an IAID")?),
            t1: reader.u32("T1")?,
            t2: reader.u32("T2")?,
            addresses: Vec::new(),
            status: None,
        };
        while let Some(option) = Raw::next(&mut reader)? {
            match option.code {
                IA_ADDRESS => association.addresses.push(option.address()?),
                STATUS_CODE => association.status = Some(option.status()?),
                _ => {}
            }
        }
        Ok(association)
    }

    fn address(&self) -> Result<IaAddress, ParseError> {
        let mut reader = self.reader();
        let mut address = IaAddress {
            address: reader.ipv6("an address")?,
            preferred: reader.u32("a preferred lifetime")?,
            valid: reader.u32("a valid lifetime")?,
            status: None,
        };
        while let Some(option) = Raw::next(&mut reader)? {
            if option.code == STATUS_CODE {
                address.status = Some(option.status()?);
            }
        }
        Ok(address)
    }
}

/// A client's message, to be encoded.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Its type.
    pub kind: MessageType,
    /// Transaction id.
    pub transaction: [u8; 3],
    /// Our DUID.
    pub client: &'a Duid,
    /// The chosen server's DUID.
    pub server: Option<&'a [u8]>,
    /// Our IAID.
    pub iaid: Iaid,
    /// The addresses that we want or have.
    pub addresses: &'a [Ipv6Addr],
    /// Hundredths of a second since this exchange began.
    pub elapsed: u16,
    /// A REPLY may follow at once.
    pub rapid_commit: bool,
}

impl Request<'_> {
    /// The message as a UDP payload.
    pub fn encode(&self) -> Vec<u8> {
        let mut association = Vec::new();
        association.extend(self.iaid.0);
        // T1 and T2: the server's to choose.
        association.extend([0; 8]);
        for address in self.addresses {
            let mut value = address.octets().to_vec();
            value.extend([0; 8]);
            put(&mut association, IA_ADDRESS, &value);
        }
        let mut bytes = vec![self.kind as u8];
        bytes.extend(self.transaction);
        put(&mut bytes, CLIENT_ID, self.client.as_bytes());
        if let Some(server) = self.server {
            put(&mut bytes, SERVER_ID, server);
        }
        put(&mut bytes, IA_NA, &association);
        put(&mut bytes, ELAPSED_TIME, &self.elapsed.to_be_bytes());
        // RFC 8415, section 21.7, wants SOL_MAX_RT in every SOLICIT's list.
        let list: Vec<u8> = [DNS, SEARCH, SOL_MAX_RT]
            .into_iter()
            .flat_map(u16::to_be_bytes)
            .collect();
        // RFC 8415, appendix B: not in a DECLINE.
        if self.kind != MessageType::Decline {
            put(&mut bytes, OPTION_REQUEST, &list);
        }
        if self.rapid_commit {
            put(&mut bytes, RAPID_COMMIT, &[]);
        }
        bytes
    }
}

/// Appends an option; one over 65,535 bytes, which none of ours is, is left
/// out.
fn put(bytes: &mut Vec<u8>, code: u16, value: &[u8]) {
    if let Ok(length) = u16::try_from(value.len()) {
        bytes.extend(code.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(value);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A server's message with these options, written apart from the reader.
    pub(in super::super) fn answer(
        kind: u8,
        transaction: [u8; 3],
        options: &[(u16, Vec<u8>)],
    ) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend(transaction);
        for (code, value) in options {
            bytes.extend(option(*code, value));
        }
        bytes
    }

    pub(in super::super) fn option(code: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = code.to_be_bytes().to_vec();
        bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        bytes.extend(value);
        bytes
    }

    /// An IA_NA's value: IAID, T1, T2, then options.
    pub(in super::super) fn association(iaid: [u8; 4], t: [u32; 2], options: &[u8]) -> Vec<u8> {
        let mut bytes = iaid.to_vec();
        bytes.extend(t.into_iter().flat_map(u32::to_be_bytes));
        bytes.extend(options);
        bytes
    }

    /// An IAADDR option.
    pub(in super::super) fn address(address: Ipv6Addr, lifetimes: [u32; 2]) -> Vec<u8> {
        let mut value = address.octets().to_vec();
        value.extend(lifetimes.into_iter().flat_map(u32::to_be_bytes));
        option(5, &value)
    }

    fn full() -> Vec<u8> {
        let ours = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9);
        let mut inner = address(ours, [60, 120]);
        inner.extend(option(13, b"\x00\x00ok"));
        answer(
            7,
            [1, 2, 3],
            &[
                (1, vec![0, 3, 0, 1, 2]),
                (2, vec![0, 1, 9]),
                (3, association([1, 2, 3, 4], [30, 45], &inner)),
                (7, vec![255]),
                (14, vec![]),
                (23, ours.octets().to_vec()),
                (24, b"\x07example\x03org\x00".to_vec()),
                (99, vec![1]),
            ],
        )
    }

    #[test]
    fn reads_a_reply() {
        let message = Message::parse(&full()).unwrap();
        assert_eq!(message.kind, MessageType::Reply);
        assert_eq!(message.transaction, [1, 2, 3]);
        assert_eq!(message.client.as_deref(), Some(&[0, 3, 0, 1, 2][..]));
        assert_eq!((message.preference, message.rapid_commit), (255, true));
        assert_eq!(message.search, ["example.org"]);
        assert_eq!(message.dns.len(), 1);
        let [association] = message.associations.as_slice() else {
            panic!("{message:?}");
        };
        assert_eq!((association.t1, association.t2), (30, 45));
        assert_eq!(association.addresses[0].valid, 120);
        assert_eq!(
            association.status.as_ref().unwrap().to_string(),
            "Success (ok)"
        );
    }

    #[test]
    fn names_what_is_wrong() {
        let bytes = full();
        assert_eq!(
            Message::parse(&bytes[..bytes.len() - 1]),
            Err(ParseError::Overrun {
                option: 99,
                offset: bytes.len() - 5,
                length: 1,
                have: 0
            })
        );
        let odd = answer(2, [0; 3], &[(23, vec![0; 15]), (1, vec![0])]);
        assert_eq!(
            Message::parse(&odd),
            Err(ParseError::Value {
                option: 1,
                offset: 23,
                problem: "no DUID has this length"
            })
        );
        let cut = answer(
            2,
            [0; 3],
            &[(3, association([0; 4], [0; 2], &[0, 5, 0, 9, 1]))],
        );
        assert_eq!(
            Message::parse(&cut),
            Err(ParseError::Overrun {
                option: 5,
                offset: 20,
                length: 9,
                have: 1
            })
        );
        assert_eq!(
            Message::parse(&[1, 0, 0, 0]).unwrap_err().to_string(),
            "the message type (of a server's answer) at byte 0 is wrong"
        );
    }

    #[test]
    fn odd_options_cost_only_themselves() {
        let odd = answer(
            2,
            [0; 3],
            &[(23, vec![0; 15]), (24, b"\x01\n\x00".to_vec())],
        );
        let message = Message::parse(&odd).unwrap();
        assert_eq!(message.dns.len() + message.search.len(), 0);
        assert_eq!(message.problems.len(), 2);
    }

    #[test]
    fn encodes_a_request() {
        let mac = nvmeroot_plan::MacAddress::new([2, 0, 0, 0, 0, 7]);
        let bytes = Request {
            kind: MessageType::Request,
            transaction: [1, 2, 3],
            client: &Duid::link_layer(mac),
            server: Some(&[0, 1, 9]),
            iaid: Iaid([9; 4]),
            addresses: &[Ipv6Addr::LOCALHOST],
            elapsed: 7,
            rapid_commit: false,
        }
        .encode();
        let mut expected = vec![3, 1, 2, 3];
        expected.extend(option(1, &[0, 3, 0, 1, 2, 0, 0, 0, 0, 7]));
        expected.extend(option(2, &[0, 1, 9]));
        let inner = address(Ipv6Addr::LOCALHOST, [0; 2]);
        expected.extend(option(3, &association([9; 4], [0; 2], &inner)));
        expected.extend(option(8, &[0, 7]));
        expected.extend(option(6, &[0, 23, 0, 24, 0, 82]));
        assert_eq!(bytes, expected);
    }

    proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), server: bool) {
            if let (true, Some(first)) = (server, bytes.first_mut()) {
                *first = 7;
            }
            let _ = Message::parse(&bytes);
        }

        #[test]
        fn damaged_replies_never_panic(
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut bytes = full();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let _ = Message::parse(&bytes);
            let _ = Message::parse(&bytes[..cut.index(bytes.len())]);
        }
    }
}
