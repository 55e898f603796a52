//! DH-HMAC-CHAP without a Diffie-Hellman exchange (NVM Express Base Specification 2.0,
//! section 8.13.5; `drivers/nvme/host/auth.c`): the host shows that it has its secret.

use std::io::ErrorKind;

use hmac::{Hmac, KeyInit, Mac};
use nvmeroot_plan::{Secret, base64};
use sha2::{Sha256, Sha384, Sha512};

use crate::command::{Command, PAGE};
use crate::conversation::{Broken, Conversation};

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The controller accepts the host's secret.
    Accepted,
    /// It does not.
    Refused,
    /// It wants something that is not done here.
    NotSpoken(&'static str),
    /// It fails for a reason that is not the secret: reason code explanation.
    Failed(u8),
    /// A command fails with this status.
    Status(u16),
}

/// Types of messages, and their identifiers.
const COMMON: u8 = 0x00;
const DH_HMAC_CHAP: u8 = 0x01;
const NEGOTIATE: u8 = 0x00;
const CHALLENGE: u8 = 0x01;
const REPLY: u8 = 0x02;
const SUCCESS: u8 = 0x03;
const FAILURE1: u8 = 0xf1;

/// Identifiers of the hashes, of no Diffie-Hellman group, and of the groups.
const HASHES: [u8; 3] = [1, 2, 3];
const NO_GROUP: u8 = 0;
const GROUPS: [u8; 6] = [NO_GROUP, 1, 2, 3, 4, 5];

/// Of our one transaction on a connection.
const TRANSACTION: u16 = 1;

/// Offers all hashes and groups, as the kernel does: its target refuses a host that offers
/// the one alone that it wants (`nvmet_auth_negotiate` in Linux 7.2). Which it wants, its
/// challenge says.
fn negotiate() -> Vec<u8> {
    let mut message = vec![COMMON, NEGOTIATE, 0, 0];
    message.extend(TRANSACTION.to_le_bytes());
    // No secure channel; one protocol, which follows.
    message.extend([0, 1]);
    message.extend([DH_HMAC_CHAP, 0, 3, 6]);
    let mut lists = [0; 60];
    lists[..3].copy_from_slice(&HASHES);
    lists[30..36].copy_from_slice(&GROUPS);
    message.extend(lists);
    message
}

/// What the controller asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge<'m> {
    hash: u8,
    group: u8,
    sequence: u32,
    value: &'m [u8],
}

/// What a message of the controller is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'m> {
    /// DH-HMAC-CHAP_Challenge.
    Challenge(Challenge<'m>),
    /// DH-HMAC-CHAP_Success1.
    Success,
    /// AUTH_Failure1, with its explanation.
    Failure(u8),
    /// Anything else.
    Other,
}

impl<'m> Message<'m> {
    /// Reads a message.
    pub fn parse(bytes: &'m [u8]) -> Self {
        let Some(head) = bytes.first_chunk::<16>() else {
            return Self::Other;
        };
        match (head[0], head[1]) {
            (COMMON, FAILURE1) => Self::Failure(head[7]),
            (DH_HMAC_CHAP, SUCCESS) => Self::Success,
            (DH_HMAC_CHAP, CHALLENGE) => {
                let length = usize::from(head[6]);
                match bytes.get(16..16 + length) {
                    Some(value) if length > 0 => Self::Challenge(Challenge {
                        hash: head[8],
                        group: head[9],
                        sequence: u32::from_le_bytes([head[12], head[13], head[14], head[15]]),
                        value,
                    }),
                    _ => Self::Other,
                }
            }
            _ => Self::Other,
        }
    }
}

/// A keyed digest; `None` for a hash that does not exist.
fn hmac(hash: u8, key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
    fn by<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<Vec<u8>> {
        let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
        for part in parts {
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().to_vec())
    }
    match hash {
        1 => by::<Hmac<Sha256>>(key, parts),
        2 => by::<Hmac<Sha384>>(key, parts),
        3 => by::<Hmac<Sha512>>(key, parts),
        _ => None,
    }
}

/// The key of a secret (`DHHC-1:HASH:BASE64:`), as this host uses it.
fn key(secret: &Secret, host: &str) -> Option<Vec<u8>> {
    let mut fields = secret.expose().split(':').skip(1);
    let hash: u8 = fields.next()?.parse().ok()?;
    let mut key = base64(fields.next()?)?;
    // A checksum ends it.
    key.truncate(key.len().checked_sub(4)?);
    match hash {
        0 => Some(key),
        _ => hmac(hash, &key, &[host.as_bytes(), b"NVMe-over-Fabrics"]),
    }
}

/// What the host answers; `None`: the secret or the hash is none.
pub fn response(
    challenge: &Challenge<'_>,
    secret: &Secret,
    host: &str,
    subsystem: &str,
) -> Option<Vec<u8>> {
    let key = key(secret, host)?;
    hmac(
        challenge.hash,
        &key,
        &[
            challenge.value,
            &challenge.sequence.to_le_bytes(),
            &TRANSACTION.to_le_bytes(),
            // No secure channel.
            &[0],
            b"HostHost",
            host.as_bytes(),
            &[0],
            subsystem.as_bytes(),
        ],
    )
}

/// The message with the answer; the controller is not asked for its own.
fn reply(response: &[u8]) -> Vec<u8> {
    let mut message = vec![DH_HMAC_CHAP, REPLY, 0, 0];
    message.extend(TRANSACTION.to_le_bytes());
    message.push(u8::try_from(response.len()).unwrap_or(0));
    message.extend([0; 9]);
    message.extend(response);
    // The place of a challenge of ours is there, too.
    message.resize(message.len() + response.len(), 0);
    message
}

/// Authenticates the host on a connection that was told to.
///
/// # Errors
/// [`Broken`].
pub fn authenticate(
    conversation: &mut Conversation,
    secret: &Secret,
    host: &str,
    subsystem: &str,
) -> Result<Verdict, Broken> {
    let mut page = vec![0; usize::try_from(PAGE).unwrap_or(0)];
    if let Some(verdict) = say(conversation, &negotiate(), &mut page)? {
        return Ok(verdict);
    }
    let answer = match Message::parse(&page) {
        Message::Challenge(challenge) if challenge.group != NO_GROUP => {
            return Ok(Verdict::NotSpoken("a Diffie-Hellman group"));
        }
        Message::Challenge(challenge) => response(&challenge, secret, host, subsystem),
        Message::Failure(why) => return Ok(failed(why, false)),
        Message::Success | Message::Other => None,
    };
    let Some(answer) = answer else {
        return Ok(Verdict::NotSpoken("another protocol"));
    };
    match say(conversation, &reply(&answer), &mut page) {
        Ok(None) => {}
        Ok(Some(verdict)) => return Ok(verdict),
        // The kernel's target may be gone before its answer is.
        Err(Broken::Io(error)) if is_end(error.kind()) => return Ok(Verdict::Refused),
        Err(other) => return Err(other),
    }
    Ok(match Message::parse(&page) {
        Message::Success => Verdict::Accepted,
        Message::Failure(why) => failed(why, true),
        _ => Verdict::NotSpoken("another protocol"),
    })
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
    )
}

/// Explanations of a failure (figure 735). Only who has seen an answer can say that the
/// secret is wrong.
fn failed(why: u8, has_answer: bool) -> Verdict {
    match why {
        0x01 if has_answer => Verdict::Refused,
        0x02 => Verdict::NotSpoken("another protocol"),
        0x03 => Verdict::NotSpoken("a secure channel"),
        0x04 => Verdict::NotSpoken("another hash"),
        0x05 => Verdict::NotSpoken("another Diffie-Hellman group"),
        other => Verdict::Failed(other),
    }
}

/// Sends a message and receives the next; a verdict where a command fails.
fn say(
    conversation: &mut Conversation,
    message: &[u8],
    page: &mut [u8],
) -> Result<Option<Verdict>, Broken> {
    let sent = conversation.command(Command::AuthenticationSend(message), &mut [])?;
    if sent.status != 0 {
        return Ok(Some(Verdict::Status(sent.status)));
    }
    let received = conversation.command(Command::AuthenticationReceive(PAGE), page)?;
    Ok((received.status != 0).then_some(Verdict::Status(received.status)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// nvme-cli's `nvme gen-dhchap-key` makes such: no hash, and a hash.
    const PLAIN: &str = "DHHC-1:00:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR:";

    #[test]
    fn a_key_is_bound_to_the_host_where_the_secret_says_so() {
        let plain: Secret = PLAIN.parse().expect("a secret");
        let bare: Vec<u8> = (0..32).collect();
        assert_eq!(key(&plain, "nqn.a"), Some(bare.clone()));
        let bound: Secret = PLAIN.replace(":00:", ":01:").parse().expect("a secret");
        let one = key(&bound, "nqn.a").expect("a key");
        assert_ne!(one, bare);
        assert_ne!(Some(one), key(&bound, "nqn.b"));
    }

    #[test]
    fn messages_are_as_long_as_the_kernel_expects() {
        // struct nvmf_auth_dhchap_negotiate_data with one protocol.
        let offer = negotiate();
        assert_eq!(offer.len(), 8 + 64);
        assert_eq!(offer[..12], [0, 0, 0, 0, 1, 0, 0, 1, 1, 0, 3, 6]);
        assert_eq!(offer[42..48], [0, 1, 2, 3, 4, 5]);
        // struct nvmf_auth_dhchap_reply_data and twice the hash.
        assert_eq!(reply(&[7; 32]).len(), 16 + 64);
        assert_eq!(reply(&[7; 32])[..8], [1, 2, 0, 0, 1, 0, 32, 0]);
    }

    #[test]
    fn a_challenge_is_read_with_its_hash() {
        let mut message = vec![1, 1, 0, 0, 1, 0, 32, 0, 2, 0, 0, 0, 9, 0, 0, 0];
        message.extend([5; 32]);
        message.resize(4096, 0);
        assert_eq!(
            Message::parse(&message),
            Message::Challenge(Challenge {
                hash: 2,
                group: 0,
                sequence: 9,
                value: &[5; 32],
            })
        );
        let failure = [0, 0xf1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Message::parse(&failure), Message::Failure(1));
        assert_eq!(Message::parse(&message[..20]), Message::Other);
    }

    #[test]
    fn a_response_depends_on_all_that_it_is_about() {
        let secret: Secret = PLAIN.parse().expect("a secret");
        let challenge = |hash, sequence| Challenge {
            hash,
            group: 0,
            sequence,
            value: &[1; 32],
        };
        let all = [
            response(&challenge(1, 1), &secret, "h", "s"),
            response(&challenge(1, 2), &secret, "h", "s"),
            response(&challenge(2, 1), &secret, "h", "s"),
            response(&challenge(1, 1), &secret, "i", "s"),
            response(&challenge(1, 1), &secret, "h", "t"),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(one.is_some());
            assert!(all[..at].iter().all(|other| other != one));
        }
        assert_eq!(response(&challenge(9, 1), &secret, "h", "s"), None);
    }

    #[test]
    fn only_a_failure_after_the_answer_is_about_the_secret() {
        assert_eq!(failed(1, true), Verdict::Refused);
        assert_eq!(failed(1, false), Verdict::Failed(1));
        for why in 2..=5 {
            assert!(matches!(failed(why, true), Verdict::NotSpoken(_)), "{why}");
        }
        for why in [0, 6, 7, 0xff] {
            assert_eq!(failed(why, true), Verdict::Failed(why));
        }
    }

    proptest! {
        #[test]
        fn any_message_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Message::parse(&bytes);
        }
    }
}
