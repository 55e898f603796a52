//! DHCPv4 messages (RFC 2131, section 2; options: RFC 2132).

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use nvmeroot_plan::MacAddress;

use crate::net::dhcp::bytes::{ParseError, Reader};
use crate::net::dhcp::identity::ClientId;

/// Option codes.
pub(super) mod code {
    pub(in super::super) const SUBNET_MASK: u8 = 1;
    pub(in super::super) const ROUTER: u8 = 3;
    pub(in super::super) const DNS: u8 = 6;
    pub(in super::super) const HOST_NAME: u8 = 12;
    pub(in super::super) const DOMAIN_NAME: u8 = 15;
    pub(in super::super) const MTU: u8 = 26;
    pub(in super::super) const BROADCAST: u8 = 28;
    pub(in super::super) const STATIC_ROUTES: u8 = 33;
    pub(in super::super) const NTP: u8 = 42;
    pub(in super::super) const REQUESTED_ADDRESS: u8 = 50;
    pub(in super::super) const LEASE_TIME: u8 = 51;
    pub(in super::super) const OVERLOAD: u8 = 52;
    pub(in super::super) const MESSAGE_TYPE: u8 = 53;
    pub(in super::super) const SERVER_ID: u8 = 54;
    pub(in super::super) const PARAMETERS: u8 = 55;
    pub(in super::super) const ERROR_TEXT: u8 = 56;
    pub(in super::super) const MAX_SIZE: u8 = 57;
    pub(in super::super) const RENEWAL_TIME: u8 = 58;
    pub(in super::super) const REBINDING_TIME: u8 = 59;
    pub(in super::super) const CLIENT_ID: u8 = 61;
    pub(in super::super) const RAPID_COMMIT: u8 = 80;
    pub(in super::super) const DOMAIN_SEARCH: u8 = 119;
    pub(in super::super) const CLASSLESS_ROUTES: u8 = 121;
}
use code::*;

/// What is asked for. Option 121 stands before 3 and 33, as RFC 3442 wants.
const PARAMETER_LIST: [u8; 14] = [
    SUBNET_MASK,
    CLASSLESS_ROUTES,
    ROUTER,
    STATIC_ROUTES,
    DNS,
    HOST_NAME,
    DOMAIN_NAME,
    DOMAIN_SEARCH,
    MTU,
    BROADCAST,
    NTP,
    LEASE_TIME,
    RENEWAL_TIME,
    REBINDING_TIME,
];
const MAGIC: [u8; 4] = [99, 130, 83, 99];
const BOOT_REQUEST: u8 = 1;
const BOOT_REPLY: u8 = 2;
const ETHERNET: u8 = 1;
const PAD: u8 = 0;
const END: u8 = 255;
/// Where the fields `sname`, `file` and the options start.
const SNAME: usize = 44;
const FILE: usize = 108;
const OPTIONS: usize = 240;
/// BOOTP's length, below which some relays drop a message (RFC 951).
const SHORTEST: usize = 300;
/// What we take without IP fragments, on any Ethernet.
const LONGEST: u16 = 1472;

/// DHCP message types (RFC 2132, section 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MessageType {
    /// Client: who has an address?
    Discover = 1,
    /// Server: this one could be yours.
    Offer = 2,
    /// Client: I take it (or keep it).
    Request = 3,
    /// Client: another host has it.
    Decline = 4,
    /// Server: it is yours.
    Ack = 5,
    /// Server: it isn't.
    Nak = 6,
    /// Client: I don't need it any more.
    Release = 7,
    /// Client: I have an address, what else is there to know?
    Inform = 8,
}

impl MessageType {
    /// From the option's value.
    pub const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Discover,
            2 => Self::Offer,
            3 => Self::Request,
            4 => Self::Decline,
            5 => Self::Ack,
            6 => Self::Nak,
            7 => Self::Release,
            8 => Self::Inform,
            _ => return None,
        })
    }

    /// The RFC's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Discover => "DISCOVER",
            Self::Offer => "OFFER",
            Self::Request => "REQUEST",
            Self::Decline => "DECLINE",
            Self::Ack => "ACK",
            Self::Nak => "NAK",
            Self::Release => "RELEASE",
            Self::Inform => "INFORM",
        }
    }
}

/// A server's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type (option 53).
    pub kind: MessageType,
    /// Transaction id.
    pub xid: u32,
    /// The address for the client (`yiaddr`), 0.0.0.0 where there is none.
    pub your_address: Ipv4Addr,
    /// The client's MAC address.
    pub client_mac: MacAddress,
    /// The options.
    pub options: Options,
}

impl Message {
    /// Reads a server's message, a UDP payload.
    ///
    /// # Errors
    /// It is no BOOTP reply for an Ethernet client, is cut off, or has no
    /// known message type. The values of other options are read where they
    /// are needed.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(bytes, 0);
        let field = |what, offset| ParseError::Field { what, offset };
        let [op, hardware, length, _hops] = reader.array("the header")?;
        if op != BOOT_REPLY {
            return Err(field("the operation (a reply is 2)", 0));
        }
        if hardware != ETHERNET || length != 6 {
            return Err(field("the hardware type or address length", 1));
        }
        let xid = reader.u32("the transaction id")?;
        reader.take(4, "seconds and flags")?;
        reader.take(4, "the client's address")?;
        let your_address = reader.ipv4("your address")?;
        reader.take(8, "the server's and relay's addresses")?;
        let client_mac = MacAddress::new(reader.array("the client's MAC address")?);
        reader.take(10, "the hardware address's padding")?;
        let sname = reader.take(FILE - SNAME, "the server name field")?;
        let file = reader.take(OPTIONS - 4 - FILE, "the file name field")?;
        if reader.array("the magic cookie")? != MAGIC {
            return Err(field("the magic cookie", OPTIONS - 4));
        }

        let mut options = Options::default();
        options.add(reader.rest(), OPTIONS)?;
        let overload = options.u8(OVERLOAD)?.unwrap_or(0);
        // RFC 2131, section 4.1: `file` first, then `sname`.
        if overload & 1 != 0 {
            options.add(file, FILE)?;
        }
        if overload & 2 != 0 {
            options.add(sname, SNAME)?;
        }
        let kind = options
            .u8(MESSAGE_TYPE)?
            .ok_or(ParseError::Missing {
                option: MESSAGE_TYPE.into(),
            })
            .and_then(|code| {
                MessageType::from_code(code)
                    .ok_or_else(|| options.wrong(MESSAGE_TYPE, "it is no known message type"))
            })?;
        Ok(Self {
            kind,
            xid,
            your_address,
            client_mac,
            options,
        })
    }
}

/// A message's options; the parts of a split one are put together (RFC 3396).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<u8, (usize, Vec<u8>)>);

impl Options {
    fn add(&mut self, bytes: &[u8], offset: usize) -> Result<(), ParseError> {
        let mut reader = Reader::new(bytes, offset);
        // A missing end marker is common and does no harm.
        while reader.left() > 0 {
            let start = reader.offset();
            match reader.u8("an option")? {
                PAD => {}
                END => break,
                code => {
                    let length = usize::from(reader.u8("an option's length")?);
                    let have = reader.left();
                    let value =
                        reader
                            .take(length, "an option")
                            .map_err(|_| ParseError::Overrun {
                                option: code.into(),
                                offset: start,
                                length,
                                have,
                            })?;
                    let entry = self.0.entry(code).or_insert_with(|| (start, Vec::new()));
                    entry.1.extend(value);
                }
            }
        }
        Ok(())
    }

    /// An option's bytes.
    pub fn bytes(&self, code: u8) -> Option<&[u8]> {
        self.0.get(&code).map(|(_, value)| value.as_slice())
    }

    /// An error about an option's value.
    pub(super) fn wrong(&self, code: u8, problem: &'static str) -> ParseError {
        ParseError::Value {
            option: code.into(),
            offset: self.0.get(&code).map_or(0, |(offset, _)| *offset),
            problem,
        }
    }

    fn fixed<const N: usize>(&self, code: u8) -> Result<Option<[u8; N]>, ParseError> {
        self.bytes(code)
            .map(|value| {
                value
                    .try_into()
                    .map_err(|_| self.wrong(code, "its length is wrong"))
            })
            .transpose()
    }

    /// A byte.
    ///
    /// # Errors
    /// Its length is wrong; so below.
    pub fn u8(&self, code: u8) -> Result<Option<u8>, ParseError> {
        Ok(self.fixed(code)?.map(|[byte]| byte))
    }

    /// Two bytes, as a number.
    ///
    /// # Errors
    /// Its length is wrong.
    pub fn u16(&self, code: u8) -> Result<Option<u16>, ParseError> {
        Ok(self.fixed(code)?.map(u16::from_be_bytes))
    }

    /// Four bytes, as a number.
    ///
    /// # Errors
    /// Its length is wrong.
    pub fn u32(&self, code: u8) -> Result<Option<u32>, ParseError> {
        Ok(self.fixed(code)?.map(u32::from_be_bytes))
    }

    /// An address.
    ///
    /// # Errors
    /// Its length is wrong.
    pub fn address(&self, code: u8) -> Result<Option<Ipv4Addr>, ParseError> {
        Ok(self.fixed::<4>(code)?.map(Ipv4Addr::from))
    }

    /// A list of addresses; empty without the option.
    ///
    /// # Errors
    /// Its length is no multiple of 4.
    pub fn addresses(&self, code: u8) -> Result<Vec<Ipv4Addr>, ParseError> {
        let (quads, rest) = self.bytes(code).unwrap_or_default().as_chunks::<4>();
        if rest.is_empty() {
            Ok(quads.iter().map(|quad| Ipv4Addr::from(*quad)).collect())
        } else {
            Err(self.wrong(code, "its length is no multiple of 4"))
        }
    }

    /// Text, without the NULs that some servers append.
    ///
    /// # Errors
    /// It is no ASCII without control characters.
    pub fn text(&self, code: u8) -> Result<Option<&str>, ParseError> {
        let Some(value) = self.bytes(code) else {
            return Ok(None);
        };
        std::str::from_utf8(value)
            .map(|text| text.trim_end_matches('\0'))
            .ok()
            .filter(|text| text.bytes().all(|b| (b' '..=b'~').contains(&b)))
            .map(Some)
            .ok_or_else(|| self.wrong(code, "it is no plain text"))
    }
}

/// A client's message, to be encoded.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Its type.
    pub kind: MessageType,
    /// Transaction id.
    pub xid: u32,
    /// Seconds since the client began.
    pub seconds: u16,
    /// The server shall broadcast its answer.
    pub broadcast: bool,
    /// The address that we have (renewal), or 0.0.0.0.
    pub address: Ipv4Addr,
    /// Our MAC address.
    pub mac: MacAddress,
    /// Client identifier.
    pub client_id: Option<&'a ClientId>,
    /// The address that we want (option 50).
    pub requested: Option<Ipv4Addr>,
    /// The server that we chose (option 54).
    pub server: Option<Ipv4Addr>,
    /// Our host name (option 12).
    pub host_name: Option<&'a str>,
    /// The server may skip the OFFER (RFC 4039).
    pub rapid_commit: bool,
}

impl Request<'_> {
    /// The message as a UDP payload. A host name over 255 bytes is left out.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SHORTEST + 64);
        bytes.extend([BOOT_REQUEST, ETHERNET, 6, 0]);
        bytes.extend(self.xid.to_be_bytes());
        bytes.extend(self.seconds.to_be_bytes());
        bytes.extend((u16::from(self.broadcast) << 15).to_be_bytes());
        bytes.extend(self.address.octets());
        bytes.extend([0; 12]);
        bytes.extend(self.mac.octets());
        bytes.resize(OPTIONS - 4, 0);
        bytes.extend(MAGIC);
        let mut put = |code: u8, value: &[u8]| {
            if let Ok(length) = u8::try_from(value.len()) {
                bytes.extend([code, length]);
                bytes.extend(value);
            }
        };
        put(MESSAGE_TYPE, &[self.kind as u8]);
        if let Some(id) = self.client_id {
            put(CLIENT_ID, id.as_bytes());
        }
        if let Some(address) = self.requested {
            put(REQUESTED_ADDRESS, &address.octets());
        }
        if let Some(server) = self.server {
            put(SERVER_ID, &server.octets());
        }
        // RFC 2131, table 5: neither of these in a DECLINE.
        if self.kind != MessageType::Decline {
            if self.rapid_commit {
                put(RAPID_COMMIT, &[]);
            }
            put(MAX_SIZE, &LONGEST.to_be_bytes());
            if let Some(name) = self.host_name {
                put(HOST_NAME, name.as_bytes());
            }
            put(PARAMETERS, &PARAMETER_LIST);
        }
        bytes.push(END);
        bytes.resize(bytes.len().max(SHORTEST), PAD);
        bytes
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in super::super) const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 7]);

    /// A server's message with these options, written apart from the reader.
    pub(in super::super) fn reply(
        xid: u32,
        kind: MessageType,
        your: Ipv4Addr,
        options: &[(u8, &[u8])],
    ) -> Vec<u8> {
        let mut bytes = vec![2, 1, 6, 0];
        bytes.extend(xid.to_be_bytes());
        bytes.extend([0; 8]);
        bytes.extend(your.octets());
        bytes.extend([0; 8]);
        bytes.extend(MAC.octets());
        bytes.extend([0; 202]);
        bytes.extend([99, 130, 83, 99, 53, 1, kind as u8]);
        for (code, value) in options {
            bytes.extend([*code, u8::try_from(value.len()).unwrap()]);
            bytes.extend(*value);
        }
        bytes.push(255);
        bytes
    }

    const YOUR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

    #[test]
    fn reads_a_reply() {
        let bytes = reply(7, MessageType::Offer, YOUR, &[(54, &[10, 0, 0, 1])]);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.kind, MessageType::Offer);
        assert_eq!((message.xid, message.your_address), (7, YOUR));
        assert_eq!(message.client_mac, MAC);
        assert_eq!(
            message.options.address(54),
            Ok(Some(Ipv4Addr::new(10, 0, 0, 1)))
        );
    }

    #[test]
    fn joins_split_options() {
        let bytes = reply(
            1,
            MessageType::Ack,
            YOUR,
            &[(6, &[1, 1]), (15, b"a"), (6, &[1, 1])],
        );
        let options = Message::parse(&bytes).unwrap().options;
        assert_eq!(options.addresses(6), Ok(vec![Ipv4Addr::new(1, 1, 1, 1)]));
        assert_eq!(options.text(15), Ok(Some("a")));
    }

    #[test]
    fn options_in_file_and_sname() {
        let mut bytes = reply(1, MessageType::Ack, YOUR, &[(52, &[3]), (6, &[9, 9])]);
        bytes[FILE..FILE + 5].copy_from_slice(&[6, 2, 9, 9, 255]);
        bytes[SNAME..SNAME + 5].copy_from_slice(&[26, 2, 5, 220, 255]);
        let options = Message::parse(&bytes).unwrap().options;
        assert_eq!(options.addresses(6), Ok(vec![Ipv4Addr::new(9, 9, 9, 9)]));
        assert_eq!(options.u16(26), Ok(Some(1500)));
    }

    #[test]
    fn names_what_is_wrong() {
        let good = reply(1, MessageType::Ack, YOUR, &[(3, &[1, 2, 3])]);
        let options = Message::parse(&good).unwrap().options;
        assert_eq!(
            options.addresses(3),
            Err(ParseError::Value {
                option: 3,
                offset: 243,
                problem: "its length is no multiple of 4"
            })
        );
        assert_eq!(
            Message::parse(&good[..246]),
            Err(ParseError::Overrun {
                option: 3,
                offset: 243,
                length: 3,
                have: 1
            })
        );
        assert_eq!(
            Message::parse(&good[..100]).unwrap_err().to_string(),
            "the server name field at byte 44 needs 64 bytes, 56 are left"
        );
        let mut request = good.clone();
        request[0] = 1;
        assert_eq!(
            Message::parse(&request),
            Err(ParseError::Field {
                what: "the operation (a reply is 2)",
                offset: 0
            })
        );
        let mut bootp = good;
        bootp[240] = 0;
        bootp[241] = 0;
        bootp[242] = 0;
        assert_eq!(
            Message::parse(&bootp),
            Err(ParseError::Missing { option: 53 })
        );
    }

    #[test]
    fn text_is_plain() {
        let bytes = reply(1, MessageType::Ack, YOUR, &[(15, b"a\nb"), (12, b"h\0")]);
        let options = Message::parse(&bytes).unwrap().options;
        assert_eq!(
            options.text(15),
            Err(options.wrong(15, "it is no plain text"))
        );
        assert_eq!(options.text(12), Ok(Some("h")));
    }

    #[test]
    fn encodes_a_discover() {
        let bytes = Request {
            kind: MessageType::Discover,
            xid: 0x0102_0304,
            seconds: 3,
            broadcast: true,
            address: Ipv4Addr::UNSPECIFIED,
            mac: MAC,
            client_id: Some(&ClientId::of_mac(MAC)),
            requested: None,
            server: None,
            host_name: Some("host"),
            rapid_commit: true,
        }
        .encode();
        assert_eq!(bytes.len(), 300);
        assert_eq!(bytes[..12], [1, 1, 6, 0, 1, 2, 3, 4, 0, 3, 0x80, 0]);
        assert_eq!(
            bytes[236..256],
            [
                99, 130, 83, 99, 53, 1, 1, 61, 7, 1, 2, 0, 0, 0, 0, 7, 80, 0, 57, 2
            ]
        );
        assert!(bytes.windows(6).any(|w| w == b"\x0c\x04host"));
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            let _ = Message::parse(&bytes);
        }

        #[test]
        fn damaged_replies_never_panic(
            options in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..12),
            damage in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6),
        ) {
            let options: Vec<(u8, &[u8])> = options.iter().map(|(c, v)| (*c, v.as_slice())).collect();
            let mut bytes = reply(1, MessageType::Ack, YOUR, &options);
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(message) = Message::parse(&bytes) {
                let _ = crate::net::dhcp::Lease4::from_message(&message);
            }
        }
    }
}
