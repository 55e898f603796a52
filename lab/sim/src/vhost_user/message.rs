//! What a kernel's `virtio_uml` driver says to a device: parsing, without I/O.
//!
//! Source: `arch/um/drivers/vhost_user.h` and the vhost-user protocol
//! (QEMU's `docs/interop/vhost-user.rst`). Numbers are in the machine's byte order.

/// Bytes of a message's head: request, flags, size.
pub(crate) const HEAD: usize = 12;
/// No message of the driver is longer.
const LONGEST: usize = 4096;
/// In the flags: this is version 1.
const VERSION: u32 = 1;
/// In the flags: this answers something.
const REPLY: u32 = 4;
/// In the flags: an answer is wanted.
const NEED_REPLY: u32 = 8;

/// A message's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) request: u32,
    pub(crate) need_reply: bool,
    /// Bytes that follow.
    pub(crate) size: usize,
}

/// A part of a machine's memory that it shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    pub(crate) guest: u64,
    pub(crate) size: u64,
    pub(crate) user: u64,
    pub(crate) offset: u64,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request {
    GetFeatures,
    SetFeatures(u64),
    SetOwner,
    SetMemory(Vec<Region>),
    SetSize {
        ring: usize,
        size: u16,
    },
    /// User addresses.
    SetAddresses {
        ring: usize,
        desc: u64,
        used: u64,
        avail: u64,
    },
    SetBase {
        ring: usize,
        base: u16,
    },
    SetKick {
        ring: usize,
    },
    SetCall {
        ring: usize,
    },
    GetProtocolFeatures,
    SetProtocolFeatures(u64),
    Enable {
        ring: usize,
        on: bool,
    },
    SetBackendChannel,
    GetConfig {
        offset: usize,
        size: usize,
    },
    SetConfig,
    Kick {
        ring: usize,
    },
}

/// Not what the driver says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("a message of {0} bytes")]
    TooLong(usize),
    #[error("version or flags {0:#x}")]
    Flags(u32),
    #[error("request {request} ends after {size} bytes")]
    TooShort { request: u32, size: usize },
    #[error("ring size or index {0}")]
    Number(u32),
    #[error("request {0} is not known")]
    Unknown(u32),
}

pub(crate) fn head(bytes: &[u8; HEAD]) -> Result<Head, Malformed> {
    let word =
        |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let (request, flags, size) = (word(0), word(4), word(8) as usize);
    if flags & !NEED_REPLY != VERSION {
        return Err(Malformed::Flags(flags));
    }
    if size > LONGEST {
        return Err(Malformed::TooLong(size));
    }
    Ok(Head {
        request,
        need_reply: flags & NEED_REPLY != 0,
        size,
    })
}

/// A message's body, read from its beginning.
struct Body<'a> {
    request: u32,
    whole: &'a [u8],
    rest: &'a [u8],
}

impl Body<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let Some((first, rest)) = self.rest.split_first_chunk() else {
            return Err(Malformed::TooShort {
                request: self.request,
                size: self.whole.len(),
            });
        };
        self.rest = rest;
        Ok(*first)
    }
    fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_ne_bytes(self.take()?))
    }
    fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_ne_bytes(self.take()?))
    }
    /// Index of a ring; the bits above say whether a descriptor comes along.
    fn ring(&mut self) -> Result<usize, Malformed> {
        Ok((self.u32()? & 0xff) as usize)
    }
    fn number(&mut self) -> Result<u16, Malformed> {
        let number = self.u32()?;
        u16::try_from(number).map_err(|_| Malformed::Number(number))
    }
}

pub(crate) fn body(request: u32, bytes: &[u8]) -> Result<Request, Malformed> {
    let mut body = Body {
        request,
        whole: bytes,
        rest: bytes,
    };
    Ok(match request {
        1 => Request::GetFeatures,
        2 => Request::SetFeatures(body.u64()?),
        3 => Request::SetOwner,
        5 => {
            let count = body.u32()?;
            body.u32()?;
            let mut regions = Vec::new();
            // Eight is the protocol's limit.
            for _ in 0..count.min(8) {
                let (guest, size, user, offset) =
                    (body.u64()?, body.u64()?, body.u64()?, body.u64()?);
                regions.push(Region {
                    guest,
                    size,
                    user,
                    offset,
                });
            }
            Request::SetMemory(regions)
        }
        8 => Request::SetSize {
            ring: body.ring()?,
            size: body.number()?,
        },
        9 => {
            let ring = body.ring()?;
            body.u32()?;
            let (desc, used, avail) = (body.u64()?, body.u64()?, body.u64()?);
            Request::SetAddresses {
                ring,
                desc,
                used,
                avail,
            }
        }
        10 => Request::SetBase {
            ring: body.ring()?,
            base: body.number()?,
        },
        12 => Request::SetKick { ring: body.ring()? },
        13 => Request::SetCall { ring: body.ring()? },
        15 => Request::GetProtocolFeatures,
        16 => Request::SetProtocolFeatures(body.u64()?),
        18 => Request::Enable {
            ring: body.ring()?,
            on: body.u32()? != 0,
        },
        21 => Request::SetBackendChannel,
        24 => Request::GetConfig {
            offset: body.u32()? as usize,
            size: body.u32()? as usize,
        },
        25 => Request::SetConfig,
        35 => Request::Kick { ring: body.ring()? },
        other => return Err(Malformed::Unknown(other)),
    })
}

/// An answer to `request`.
pub(crate) fn reply(request: u32, payload: &[u8]) -> Vec<u8> {
    message(request, VERSION | REPLY, payload)
}

/// A request of the device's own, on the backend channel.
pub(crate) fn ask(request: u32, need_reply: bool, payload: &[u8]) -> Vec<u8> {
    message(
        request,
        VERSION | if need_reply { NEED_REPLY } else { 0 },
        payload,
    )
}

fn message(request: u32, flags: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + payload.len());
    for word in [request, flags, payload.len() as u32] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.extend(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ring_is_described() {
        let mut bytes = Vec::new();
        bytes.extend(1u32.to_ne_bytes());
        bytes.extend(0u32.to_ne_bytes());
        for address in [0x1000u64, 0x2000, 0x3000, u64::MAX] {
            bytes.extend(address.to_ne_bytes());
        }
        let expected = Request::SetAddresses {
            ring: 1,
            desc: 0x1000,
            used: 0x2000,
            avail: 0x3000,
        };
        assert_eq!(body(9, &bytes), Ok(expected));
        assert_eq!(
            body(9, &bytes[..20]),
            Err(Malformed::TooShort {
                request: 9,
                size: 20
            })
        );
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert_eq!(body(99, &[]), Err(Malformed::Unknown(99)));
        assert_eq!(
            body(8, &[0, 0, 0, 0, 0, 0, 1, 0]),
            Err(Malformed::Number(0x1_0000))
        );
        let bytes: [u8; HEAD] = message(1, VERSION, &[0; 5000])[..HEAD]
            .try_into()
            .expect("a head");
        assert_eq!(head(&bytes), Err(Malformed::TooLong(5000)));
        let bytes: [u8; HEAD] = reply(1, &[]).try_into().expect("a head");
        assert_eq!(head(&bytes), Err(Malformed::Flags(5)));
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(request in 0u32..40, bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(Request::SetMemory(regions)) = body(request, &bytes) {
                prop_assert!(regions.len() <= 8);
            }
        }
    }
}
