//! What a target says: PDUs, bytes → values (NVM Express TCP Transport
//! Specification 1.0, section 3.6.2). No input or output here.

/// The header that all PDUs begin with (CH).
pub const HEADER: usize = 8;

/// The longest PDU that is read: one page of data and what goes before it.
/// Nobody is asked for more at once.
pub const LONGEST: usize = 4096 + 512;

/// A completion queue entry (NVM Express Base Specification 2.0, section
/// 3.3.3.2), as far as anybody here looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What the command returns (double words 0 and 1).
    pub result: u64,
    /// The command that it ends.
    pub command: u16,
    /// Status code and its type, 11 bits; 0 is success.
    pub status: u16,
}

/// A PDU from the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pdu<'a> {
    /// ICResp: the connection is set up.
    Initialized {
        /// Data in a command begins at a multiple of so many bytes.
        alignment: usize,
    },
    /// CapsuleResp: a command has ended.
    Response(Completion),
    /// C2HData: data that a command asked for.
    Data {
        /// The command.
        command: u16,
        /// Where in the command's data it belongs.
        offset: usize,
        /// The data.
        data: &'a [u8],
        /// The command has ended well, and no response follows.
        success: bool,
    },
}

/// Why a target is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PduError {
    /// Not as long as its type has to be, or longer than anything expected.
    #[error("PDU type {kind:#04x} of {length} bytes")]
    Length {
        /// The type.
        kind: u8,
        /// Its length, as it says.
        length: usize,
    },
    /// A PDU that has no place in this conversation.
    #[error("PDU type {kind:#04x}, which does not belong here")]
    Type {
        /// The type.
        kind: u8,
    },
    /// Another version of the format than 0.
    #[error("PDU format version {version}, only 0 is known")]
    Version {
        /// The version.
        version: u16,
    },
    /// Digests, which were not asked for.
    #[error("digests that were not asked for")]
    Digests,
    /// Data outside what was asked for, or of another command.
    #[error("data that was not asked for")]
    Data,
    /// C2HTermReq: the controller ends the connection.
    #[error("the controller ended the connection, fatal error status {status:#x}")]
    Terminated {
        /// Fatal Error Status.
        status: u16,
    },
}

const IC_RESP: u8 = 0x01;
const C2H_TERM_REQ: u8 = 0x03;
const CAPSULE_RESP: u8 = 0x05;
const C2H_DATA: u8 = 0x07;

/// HDGSTF and DDGSTF of the header's flags.
const DIGESTS: u8 = 0x3;
/// SUCCESS of C2HData's flags.
const SUCCESS: u8 = 0x8;

/// The length of the PDU that begins with this header.
///
/// # Errors
/// When it is shorter than a header or longer than anything expected.
pub fn length(header: &[u8; HEADER]) -> Result<usize, PduError> {
    let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if (HEADER..=LONGEST).contains(&length) {
        Ok(length)
    } else {
        let kind = header[0];
        Err(PduError::Length { kind, length })
    }
}

impl<'a> Pdu<'a> {
    /// Reads a whole PDU.
    ///
    /// # Errors
    /// When it is none that a controller sends to who asked for no digests.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, PduError> {
        let kind = pdu.first().copied().unwrap_or_default();
        let (flags, data_at) = (byte(pdu, 1), usize::from(byte(pdu, 3)));
        let bad_length = PduError::Length {
            kind,
            length: pdu.len(),
        };
        if pdu.len() < shortest(kind)? {
            return Err(bad_length);
        }
        if flags & DIGESTS != 0 && matches!(kind, CAPSULE_RESP | C2H_DATA) {
            return Err(PduError::Digests);
        }
        match kind {
            IC_RESP => match (u16_at(pdu, 8), byte(pdu, 11)) {
                (0, 0) => Ok(Self::Initialized {
                    // CPDA counts double words from zero, up to 32 of them.
                    alignment: (usize::from(byte(pdu, 10) & 0x1f) + 1) * 4,
                }),
                (0, _) => Err(PduError::Digests),
                (version, _) => Err(PduError::Version { version }),
            },
            CAPSULE_RESP => Ok(Self::Response(Completion {
                result: u64_at(pdu, 8),
                command: u16_at(pdu, 20),
                // Bit 0 is the phase, which has no meaning here; above the
                // code and its type are hints whether to try again.
                status: u16_at(pdu, 22) >> 1 & 0x7ff,
            })),
            C2H_DATA => Ok(Self::Data {
                command: u16_at(pdu, 8),
                offset: size_at(pdu, 12),
                data: data_at
                    .checked_add(size_at(pdu, 16))
                    .filter(|_| data_at >= shortest(C2H_DATA).unwrap_or(HEADER))
                    .and_then(|end| pdu.get(data_at..end))
                    .ok_or(bad_length)?,
                success: flags & SUCCESS != 0,
            }),
            _ => Err(PduError::Terminated {
                status: u16_at(pdu, 8),
            }),
        }
    }
}

/// The bytes that a PDU of this type has at least.
fn shortest(kind: u8) -> Result<usize, PduError> {
    match kind {
        IC_RESP => Ok(128),
        C2H_TERM_REQ | CAPSULE_RESP | C2H_DATA => Ok(24),
        _ => Err(PduError::Type { kind }),
    }
}

/// What one command brings: its data, piece by piece, and its end.
#[derive(Debug)]
pub struct Transfer<'a> {
    command: u16,
    data: &'a mut [u8],
    received: usize,
}

impl<'a> Transfer<'a> {
    /// For a command that asked for as much as `data` holds.
    pub fn new(command: u16, data: &'a mut [u8]) -> Self {
        Self {
            command,
            data,
            received: 0,
        }
    }

    /// Takes a PDU; the completion when it was the last. One that says that it
    /// went well has all the data.
    ///
    /// # Errors
    /// When the PDU is not about this command, or data is missing or too much.
    pub fn take(&mut self, pdu: Pdu<'_>) -> Result<Option<Completion>, PduError> {
        let completion = match pdu {
            Pdu::Initialized { .. } => return Err(PduError::Type { kind: IC_RESP }),
            Pdu::Response(completion) => completion,
            Pdu::Data {
                command,
                offset,
                data,
                success,
            } => {
                // Pieces come in order (section 3.3.2.2), each byte once.
                if command != self.command || offset != self.received {
                    return Err(PduError::Data);
                }
                let end = offset.checked_add(data.len()).ok_or(PduError::Data)?;
                let place = self.data.get_mut(offset..end).ok_or(PduError::Data)?;
                place.copy_from_slice(data);
                self.received = end;
                if !success {
                    return Ok(None);
                }
                Completion {
                    result: 0,
                    command,
                    status: 0,
                }
            }
        };
        let whole = completion.status != 0 || self.received == self.data.len();
        if completion.command != self.command || !whole {
            return Err(PduError::Data);
        }
        Ok(Some(completion))
    }
}

fn byte(pdu: &[u8], at: usize) -> u8 {
    pdu.get(at).copied().unwrap_or_default()
}

/// What lies beyond the end is zero; the callers know that nothing does.
fn take<const N: usize>(pdu: &[u8], at: usize) -> [u8; N] {
    pdu.get(at..at + N)
        .and_then(|bytes| bytes.try_into().ok())
        .unwrap_or([0; N])
}

fn u16_at(pdu: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(take(pdu, at))
}

fn size_at(pdu: &[u8], at: usize) -> usize {
    usize::try_from(u32::from_le_bytes(take(pdu, at))).unwrap_or(usize::MAX)
}

fn u64_at(pdu: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(take(pdu, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers as fake;
    use proptest::prelude::*;

    #[test]
    fn what_a_target_says_is_read() {
        let initialized = fake::initialized();
        assert_eq!(
            Pdu::parse(&initialized),
            Ok(Pdu::Initialized { alignment: 4 })
        );
        let header = initialized[..HEADER].try_into().expect("a header");
        assert_eq!(length(header), Ok(128));
        let response = fake::response(7, 0x1_0002, 0x2182);
        assert_eq!(
            Pdu::parse(&response),
            Ok(Pdu::Response(Completion {
                result: 0x1_0002,
                command: 7,
                status: 0x182
            }))
        );
        let data = fake::data(7, 512, b"data", 0);
        assert_eq!(
            Pdu::parse(&data),
            Ok(Pdu::Data {
                command: 7,
                offset: 512,
                data: b"data",
                success: false
            })
        );
    }

    #[test]
    fn what_was_not_agreed_is_refused() {
        let mut digests = fake::initialized();
        digests[11] = 1;
        assert_eq!(Pdu::parse(&digests), Err(PduError::Digests));
        let mut version = fake::initialized();
        version[8] = 1;
        let refused = Err(PduError::Version { version: 1 });
        assert_eq!(Pdu::parse(&version), refused);
        let mut ended = fake::response(0, 0, 0);
        (ended[0], ended[8]) = (C2H_TERM_REQ, 2);
        let refused = Err(PduError::Terminated { status: 2 });
        assert_eq!(Pdu::parse(&ended), refused);
        // Data that begins within the header, or ends behind the PDU.
        for data_at in [8, 200] {
            let mut data = fake::data(0, 0, b"data", 0);
            data[3] = data_at;
            let refused = PduError::Length {
                kind: C2H_DATA,
                length: 28,
            };
            assert_eq!(Pdu::parse(&data), Err(refused));
        }
        assert_eq!(Pdu::parse(&[9; 64]), Err(PduError::Type { kind: 9 }));
        assert_eq!(
            length(&[5, 0, 24, 0, 0, 0, 1, 0]),
            Err(PduError::Length {
                kind: 5,
                length: 65536
            })
        );
    }

    #[test]
    fn a_transfer_ends_with_all_its_data_or_a_status() {
        let mut buffer = [0; 8];
        let (first, second) = (fake::data(3, 0, b"abcd", 0), fake::data(3, 4, b"efgh", 0));
        let (first, second) = (Pdu::parse(&first), Pdu::parse(&second));
        let (first, second) = (first.expect("data"), second.expect("data"));
        let ends = |status| {
            Pdu::Response(Completion {
                result: 0,
                command: 3,
                status,
            })
        };
        let mut transfer = Transfer::new(3, &mut buffer);
        assert_eq!(transfer.take(second), Err(PduError::Data));
        assert_eq!(transfer.take(first), Ok(None));
        assert_eq!(transfer.take(first), Err(PduError::Data));
        assert_eq!(transfer.take(ends(0)), Err(PduError::Data));
        assert_eq!(transfer.take(second), Ok(None));
        let end = transfer.take(ends(0)).expect("the end");
        assert_eq!(end.map(|c| c.status), Some(0));
        assert_eq!(&buffer, b"abcdefgh");
        let failed = Transfer::new(3, &mut buffer).take(ends(2));
        assert_eq!(failed.expect("the end").map(|c| c.status), Some(2));
        let last = fake::data(3, 0, b"ijklmnop", SUCCESS);
        let last = Pdu::parse(&last).expect("data");
        let end = Transfer::new(3, &mut buffer).take(last);
        assert_eq!(end.expect("the end").map(|c| c.status), Some(0));
    }

    proptest! {
        #[test]
        fn any_pdu_is_read(pdu in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_u8..10) {
            let mut pdu = pdu;
            if let Some(first) = pdu.first_mut() {
                *first = kind;
            }
            if let Ok(Pdu::Data { data, .. }) = Pdu::parse(&pdu) {
                prop_assert!(data.len() + 24 <= pdu.len());
            }
        }

        #[test]
        fn what_is_said_comes_back(
            command: u16, result: u64, status in 0_u16..0x800,
            offset in 0_u32..0x1_0000, data in proptest::collection::vec(any::<u8>(), 0..100)
        ) {
            let response = fake::response(command, result, status);
            let completion = Completion { result, command, status };
            prop_assert_eq!(Pdu::parse(&response), Ok(Pdu::Response(completion)));
            let said = fake::data(command, offset, &data, 0);
            let offset = offset as usize;
            let read = Pdu::Data { command, offset, data: &data, success: false };
            prop_assert_eq!(Pdu::parse(&said), Ok(read));
        }
    }
}
