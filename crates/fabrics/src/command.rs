//! What the host says: the connection's first PDU, and commands in capsules
//! (NVM Express TCP Transport Specification 1.0, sections 3.6.2.2 and 3.6.2.6).
//! No input or output here.

use nvmeroot_plan::HostIdentity;

use crate::pdu::Completion;

/// ICReq, 128 bytes: format version 0, data aligned as it comes, no digests,
/// one R2T at a time.
pub fn initialize() -> [u8; 128] {
    let mut pdu = [0; 128];
    pdu[2] = 128;
    pdu[4] = 128;
    pdu
}

/// A register of the controller (NVM Express Base Specification 2.0, section
/// 3.1.3) that every fabrics controller has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// CC.
    Configuration = 0x14,
    /// CSTS.
    Status = 0x1c,
}

/// CC.EN, and the sizes of queue entries: 2⁶ and 2⁴ bytes.
pub const ENABLE: u64 = 1 | 6 << 16 | 4 << 20;
/// CSTS.RDY.
pub const READY: u64 = 1;
/// CSTS.CFS.
pub const FATAL: u64 = 2;

/// Statuses of the Connect command (Base Specification 2.0, figure 386), by type and
/// code.
pub const INVALID_PARAMETERS: u16 = 0x182;
/// The subsystem does not admit this host.
pub const INVALID_HOST: u16 = 0x184;
/// The host must authenticate first.
pub const AUTHENTICATION_REQUIRED: u16 = 0x191;

/// Where Connect's data has the NQNs; above is set that it is about the data.
pub const SUBSYSTEM_NQN: u64 = 1 << 16 | 256;
/// The same of the host's.
pub const HOST_NQN: u64 = 1 << 16 | 512;

/// What a controller answers to Connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connected {
    /// The host is connected.
    Yes,
    /// The host must authenticate first.
    Unauthenticated,
    /// It does not know the subsystem.
    UnknownSubsystem,
    /// The subsystem does not admit the host.
    HostRefused,
    /// Another status.
    Status(u16),
}

impl Connected {
    /// By the end of the command.
    pub fn of(end: Completion) -> Self {
        match (end.status, end.result) {
            // Above the controller's number it asks for authentication.
            (0, result) if result >> 16 & 0xffff == 0 => Self::Yes,
            (0 | AUTHENTICATION_REQUIRED, _) => Self::Unauthenticated,
            (INVALID_PARAMETERS, SUBSYSTEM_NQN) => Self::UnknownSubsystem,
            (INVALID_PARAMETERS, HOST_NQN) | (INVALID_HOST, _) => Self::HostRefused,
            (other, _) => Self::Status(other),
        }
    }
}

/// A command.
#[derive(Clone, Copy, Debug)]
pub enum Command<'a> {
    /// Connect to a subsystem, on the admin queue: the host, and the subsystem's NQN.
    Connect(&'a HostIdentity, &'a str),
    /// Property Set.
    Set(Property, u64),
    /// Property Get.
    Get(Property),
    /// Get Log Page, of the discovery log: so many bytes from there on, in
    /// double words.
    DiscoveryLog {
        /// Where the part begins.
        offset: u64,
        /// Bytes of it.
        length: u32,
    },
    /// Identify: the identifiers of the namespaces that this host may use, a page of
    /// them (Base Specification 2.0, section 5.17.2.3).
    Namespaces,
    /// Authentication Send: a message, in the capsule.
    AuthenticationSend(&'a [u8]),
    /// Authentication Receive: a message of so many bytes at most.
    AuthenticationReceive(u32),
}

/// Opcode of the commands that only fabrics have; the type of each follows
/// (Base Specification 2.0, section 6).
const FABRICS: u8 = 0x7f;
const PROPERTY_SET: u8 = 0x00;
const CONNECT: u8 = 0x01;
const PROPERTY_GET: u8 = 0x04;
const AUTHENTICATION_SEND: u8 = 0x05;
const AUTHENTICATION_RECEIVE: u8 = 0x06;
/// SPSP0, SPSP1 and SECP of authentication (Base Specification 2.0, section 6.2).
const SECURITY: [u8; 3] = [0x01, 0x01, 0xe9];
/// Base Specification 2.0, section 5.17.
const IDENTIFY: u8 = 0x06;
const ACTIVE_NAMESPACES: u8 = 0x02;
/// Bytes of what Identify brings.
pub const PAGE: u32 = 4096;
/// Base Specification 2.0, section 5.16.
const GET_LOG_PAGE: u8 = 0x02;
const DISCOVERY: u8 = 0x70;

/// PSDT: the data is described by a scatter gather list.
const SGL: u8 = 0x40;
/// Data in the capsule itself; data that the transport brings.
const IN_CAPSULE: u8 = 0x01;
const TRANSPORT: u8 = 0x5a;

/// Entries of the queue, counted from zero. Two commands are under way at most.
const QUEUE_SIZE: u16 = 31;
/// Any controller.
const ANY_CONTROLLER: u16 = 0xffff;

/// CapsuleCmd: header and submission queue entry.
const HEAD: usize = 72;
const CAPSULE_CMD: u8 = 0x04;

/// The capsule with the command numbered `number`. Data in it is aligned as
/// the controller asks.
pub fn capsule(command: Command<'_>, number: u16, alignment: usize) -> Vec<u8> {
    let mut entry = [0; 64];
    let mut data = Vec::new();
    entry[1] = SGL;
    put(&mut entry, 2, &number.to_le_bytes());
    match command {
        Command::Connect(host, subsystem) => {
            (entry[0], entry[4]) = (FABRICS, CONNECT);
            data = connect_data(host, subsystem);
            describe(&mut entry, 1024, IN_CAPSULE);
            put(&mut entry, 44, &QUEUE_SIZE.to_le_bytes());
        }
        Command::Set(property, value) => {
            (entry[0], entry[4]) = (FABRICS, PROPERTY_SET);
            entry[44] = property as u8;
            put(&mut entry, 48, &value.to_le_bytes());
        }
        Command::Get(property) => {
            (entry[0], entry[4]) = (FABRICS, PROPERTY_GET);
            entry[44] = property as u8;
        }
        Command::DiscoveryLog { offset, length } => {
            entry[0] = GET_LOG_PAGE;
            describe(&mut entry, length, TRANSPORT);
            entry[40] = DISCOVERY;
            // Number of double words, counted from zero.
            let [a, b, c, d] = (length / 4).saturating_sub(1).to_le_bytes();
            put(&mut entry, 42, &[a, b, c, d]);
            put(&mut entry, 48, &offset.to_le_bytes());
        }
        Command::Namespaces => {
            entry[0] = IDENTIFY;
            describe(&mut entry, PAGE, TRANSPORT);
            entry[40] = ACTIVE_NAMESPACES;
        }
        Command::AuthenticationSend(message) => {
            (entry[0], entry[4]) = (FABRICS, AUTHENTICATION_SEND);
            data = message.to_vec();
            let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
            describe(&mut entry, length, IN_CAPSULE);
            put(&mut entry, 41, &SECURITY);
            put(&mut entry, 44, &length.to_le_bytes());
        }
        Command::AuthenticationReceive(length) => {
            (entry[0], entry[4]) = (FABRICS, AUTHENTICATION_RECEIVE);
            describe(&mut entry, length, TRANSPORT);
            put(&mut entry, 41, &SECURITY);
            put(&mut entry, 44, &length.to_le_bytes());
        }
    }
    wrap(&entry, &data, alignment)
}

fn wrap(entry: &[u8; 64], data: &[u8], alignment: usize) -> Vec<u8> {
    let data_at = HEAD.next_multiple_of(alignment.clamp(4, 128));
    let mut pdu = vec![CAPSULE_CMD, 0, 72, 0, 72, 0, 0, 0];
    pdu.extend(entry);
    if !data.is_empty() {
        pdu.resize(data_at, 0);
        pdu.extend(data);
        // At most 128.
        pdu[3] = data_at as u8;
        let length = pdu.len() as u32;
        put(&mut pdu, 4, &length.to_le_bytes());
    }
    pdu
}

/// The Connect command's data (Base Specification 2.0, section 6.3).
fn connect_data(host: &HostIdentity, subsystem: &str) -> Vec<u8> {
    let mut data = vec![0; 1024];
    put(&mut data, 0, &host.id.octets());
    put(&mut data, 16, &ANY_CONTROLLER.to_le_bytes());
    // An NQN has at most 223 bytes: a NUL always follows.
    put(&mut data, 256, subsystem.as_bytes());
    put(&mut data, 512, host.nqn.as_str().as_bytes());
    data
}

/// The scatter gather list's one descriptor.
fn describe(entry: &mut [u8; 64], length: u32, kind: u8) {
    put(entry, 32, &length.to_le_bytes());
    entry[39] = kind;
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

#[cfg(test)]
mod tests {
    use nvmeroot_plan::Nqn;

    use super::*;

    fn host() -> HostIdentity {
        HostIdentity {
            nqn: "nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
                .parse()
                .expect("an NQN"),
            id: "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
                .parse()
                .expect("a host ID"),
        }
    }

    #[test]
    fn connect_carries_its_data_where_the_controller_wants_it() {
        for (alignment, data_at) in [(4, 72), (64, 128), (128, 128)] {
            let pdu = capsule(Command::Connect(&host(), Nqn::DISCOVERY), 9, alignment);
            assert_eq!(pdu.len(), data_at + 1024);
            assert_eq!(pdu[..4], [4, 0, 72, u8::try_from(data_at).expect("small")]);
            assert_eq!(
                pdu[4..8],
                u32::try_from(pdu.len()).expect("small").to_le_bytes()
            );
            assert_eq!(pdu[8..14], [0x7f, 0x40, 9, 0, 1, 0]);
            // 1024 bytes, in the capsule.
            assert_eq!(pdu[40..48], [0, 4, 0, 0, 0, 0, 0, 1]);
            assert_eq!(pdu[52..54], [31, 0]);
            let data = &pdu[data_at..];
            assert_eq!(data[..4], [0x8f, 0x3c, 0x4d, 0x2a]);
            assert_eq!(data[16..18], [0xff, 0xff]);
            assert!(data[256..].starts_with(b"nqn.2014-08.org.nvmexpress.discovery\0"));
            assert!(data[512..].starts_with(b"nqn.2014-08.org.nvmexpress:uuid:8f3c4d2a"));
        }
    }

    #[test]
    fn the_log_is_asked_for_in_double_words() {
        let log = Command::DiscoveryLog {
            offset: 0x1_0000_0400,
            length: 4096,
        };
        let pdu = capsule(log, 1, 4);
        assert_eq!(pdu.len(), 72);
        assert_eq!(pdu[8..10], [2, 0x40]);
        assert_eq!(pdu[40..48], [0, 0x10, 0, 0, 0, 0, 0, 0x5a]);
        assert_eq!(pdu[48..56], [0x70, 0, 0xff, 3, 0, 0, 0, 0]);
        assert_eq!(pdu[56..64], [0, 4, 0, 0, 1, 0, 0, 0]);
    }

    #[test]
    fn properties_are_named_by_their_offset() {
        let pdu = capsule(Command::Set(Property::Configuration, ENABLE), 2, 4);
        assert_eq!(pdu[8..13], [0x7f, 0x40, 2, 0, 0]);
        assert_eq!(pdu[48..60], [0, 0, 0, 0, 0x14, 0, 0, 0, 1, 0, 0x46, 0]);
        let pdu = capsule(Command::Get(Property::Status), 3, 4);
        assert_eq!(pdu[8..13], [0x7f, 0x40, 3, 0, 4]);
        assert_eq!(pdu[48..56], [0, 0, 0, 0, 0x1c, 0, 0, 0]);
    }

    #[test]
    fn authentication_says_how_long_its_messages_are() {
        let pdu = capsule(Command::AuthenticationSend(b"abcd"), 4, 4);
        assert_eq!((pdu.len(), &pdu[72..]), (76, &b"abcd"[..]));
        assert_eq!(pdu[8..13], [0x7f, 0x40, 4, 0, 5]);
        assert_eq!(pdu[40..48], [4, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(pdu[48..56], [0, 1, 1, 0xe9, 4, 0, 0, 0]);
        let pdu = capsule(Command::AuthenticationReceive(4096), 5, 4);
        assert_eq!((pdu.len(), pdu[12]), (72, 6));
        assert_eq!(pdu[40..48], [0, 0x10, 0, 0, 0, 0, 0, 0x5a]);
        assert_eq!(pdu[48..56], [0, 1, 1, 0xe9, 0, 0x10, 0, 0]);
    }

    #[test]
    fn namespaces_are_asked_for_by_a_page() {
        let pdu = capsule(Command::Namespaces, 6, 4);
        assert_eq!(pdu[8..16], [6, 0x40, 6, 0, 0, 0, 0, 0]);
        assert_eq!(pdu[48], 2);
    }
}
