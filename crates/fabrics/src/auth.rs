//! DH-HMAC-CHAP (NVM Express Base Specification 2.0, section 8.13.5;
//! `drivers/nvme/host/auth.c`): the host shows that it has its secret.

use std::io::ErrorKind;

use hmac::{Hmac, KeyInit, Mac};
use nvmeroot_plan::{Secret, base64};
use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::command::{Command, PAGE};
use crate::conversation::{Broken, Conversation};
use crate::group::{Exponent, Group};

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

/// What is not spoken, and shows in more than one way.
const ANOTHER_PROTOCOL: &str = "another protocol";
const ANOTHER_GROUP: &str = "another Diffie-Hellman group";

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
    /// The controller's side of the Diffie-Hellman exchange.
    public: &'m [u8],
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
                let of_public = usize::from(u16::from_le_bytes([head[10], head[11]]));
                match bytes.get(16..16 + length + of_public) {
                    Some(values) if length > 0 => {
                        let (value, public) = values.split_at(length);
                        Self::Challenge(Challenge {
                            hash: head[8],
                            group: head[9],
                            sequence: u32::from_le_bytes([head[12], head[13], head[14], head[15]]),
                            value,
                            public,
                        })
                    }
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

/// A digest; `None` for a hash that does not exist.
fn digest(hash: u8, data: &[u8]) -> Option<Vec<u8>> {
    match hash {
        1 => Some(Sha256::digest(data).to_vec()),
        2 => Some(Sha384::digest(data).to_vec()),
        3 => Some(Sha512::digest(data).to_vec()),
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

/// What the host answers, with what an exchange made known to both sides; `None`: the
/// secret or the hash is none.
pub fn response(
    challenge: &Challenge<'_>,
    shared: Option<&[u8]>,
    secret: &Secret,
    host: &str,
    subsystem: &str,
) -> Option<Vec<u8>> {
    let hash = challenge.hash;
    let value = match shared {
        Some(shared) => hmac(hash, &digest(hash, shared)?, &[challenge.value])?,
        None => challenge.value.to_vec(),
    };
    hmac(
        hash,
        &key(secret, host)?,
        &[
            &value,
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

/// The message with the answer, and the host's side of the Diffie-Hellman exchange; the
/// controller is not asked for its own.
fn reply(response: &[u8], public: &[u8]) -> Vec<u8> {
    let mut message = vec![DH_HMAC_CHAP, REPLY, 0, 0];
    message.extend(TRANSACTION.to_le_bytes());
    message.push(u8::try_from(response.len()).unwrap_or(0));
    message.extend([0; 3]);
    message.extend(u16::try_from(public.len()).unwrap_or(0).to_le_bytes());
    message.extend([0; 4]);
    message.extend(response);
    // The place of a challenge of ours is there, too.
    message.resize(message.len() + response.len(), 0);
    message.extend(public);
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
    let challenge = match Message::parse(&page) {
        Message::Challenge(challenge) => challenge,
        Message::Failure(why) => return Ok(failed(why, false)),
        Message::Success | Message::Other => return Ok(Verdict::NotSpoken(ANOTHER_PROTOCOL)),
    };
    let (public, shared) = match (challenge.group, Group::of(challenge.group)) {
        (NO_GROUP, _) => (Vec::new(), None),
        (_, Some(group)) => {
            let exponent = Exponent::random(group)?;
            let shared = exponent.shared(challenge.public).ok_or(Broken::Value)?;
            (exponent.public(), Some(shared))
        }
        (_, None) => return Ok(Verdict::NotSpoken(ANOTHER_GROUP)),
    };
    let Some(response) = response(&challenge, shared.as_deref(), secret, host, subsystem) else {
        return Ok(Verdict::NotSpoken(ANOTHER_PROTOCOL));
    };
    match say(conversation, &reply(&response, &public), &mut page) {
        Ok(None) => {}
        Ok(Some(verdict)) => return Ok(verdict),
        // The kernel's target may be gone before its answer is.
        Err(Broken::Io(error)) if is_end(error.kind()) => return Ok(Verdict::Refused),
        Err(other) => return Err(other),
    }
    Ok(match Message::parse(&page) {
        Message::Success => Verdict::Accepted,
        Message::Failure(why) => failed(why, true),
        _ => Verdict::NotSpoken(ANOTHER_PROTOCOL),
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
        0x02 => Verdict::NotSpoken(ANOTHER_PROTOCOL),
        0x03 => Verdict::NotSpoken("a secure channel"),
        0x04 => Verdict::NotSpoken("another hash"),
        0x05 => Verdict::NotSpoken(ANOTHER_GROUP),
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
        let plain = reply(&[7; 32], &[]);
        assert_eq!(plain.len(), 16 + 64);
        assert_eq!(plain[..8], [1, 2, 0, 0, 1, 0, 32, 0]);
        assert_eq!(plain[8..16], [0; 8]);
        // Then the value of the exchange, its length before the sequence number.
        let longest = reply(&[7; 64], &[8; 1024]);
        assert_eq!(longest.len(), 16 + 128 + 1024);
        assert_eq!(longest[6..16], [64, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
        assert_eq!(longest[16..80], [7; 64]);
        assert_eq!(longest[80..144], [0; 64]);
        assert_eq!(longest[144..], [8; 1024]);
    }

    #[test]
    fn a_challenge_is_read_with_its_hash() {
        // struct nvmf_auth_dhchap_challenge_data, with a value of an exchange or none.
        for (group, length, public) in [(0, [0, 0], &[][..]), (5, [0, 4], &[6; 1024])] {
            let mut message = vec![1, 1, 0, 0, 1, 0, 32, 0, 2, group];
            message.extend(length);
            message.extend([9, 0, 0, 0]);
            message.extend([5; 32]);
            message.extend(public);
            let whole = message.len();
            message.resize(4096, 0);
            let challenge = Message::Challenge(Challenge {
                hash: 2,
                group,
                sequence: 9,
                value: &[5; 32],
                public,
            });
            assert_eq!(Message::parse(&message), challenge);
            assert_eq!(Message::parse(&message[..whole]), challenge);
            assert_eq!(Message::parse(&message[..whole - 1]), Message::Other);
        }
        let failure = [0, 0xf1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(Message::parse(&failure), Message::Failure(1));
    }

    /// What Python's `hmac` and `pow` say, by the words of the specification: the exponents
    /// are 64 bytes of 1 and of 2, the key is that of the first secret.
    #[test]
    fn a_response_after_an_exchange_is_as_others_compute_it() {
        let secret: Secret = PLAIN.parse().expect("a secret");
        let (host, subsystem) = (
            "nqn.2014-08.org.example:host",
            "nqn.2014-08.org.example:drive",
        );
        let expected = [
            (
                (1, 1),
                "d63cfdaa5eeb99cb1243870af43f5111c981986cd87dcf1793e2a7185b2d71b2",
            ),
            (
                (2, 2),
                "f3d74ddeb1f3d02109c17c7219c518405e1563ec5215360b2f3904c308290172\
                 f69a546e24e21ffcbf9b66cf1003b05a",
            ),
            (
                (5, 3),
                "e4c71d2a0918f972db85d299bb6477b13ff7dafdcda8fc1ebbf82d7fbc6fe05c\
                 2cc009f3508bacd20a494c0a1cd05163de59b9b12ea4deef3da2367e63a71922",
            ),
        ];
        for ((group, hash), expected) in expected {
            let side = |byte| Exponent::of(Group::of(group).expect("a group"), &[byte; 64]);
            let public = side(2).public();
            let challenge = Challenge {
                hash,
                group,
                sequence: 9,
                value: &vec![5; 16 + 16 * usize::from(hash)],
                public: &public,
            };
            let shared = side(1).shared(&public).expect("a value");
            let response = response(&challenge, Some(&shared), &secret, host, subsystem);
            let response = response.expect("a hash").into_iter();
            let hex: String = response.map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected);
        }
    }

    #[test]
    fn a_response_depends_on_all_that_it_is_about() {
        let secret: Secret = PLAIN.parse().expect("a secret");
        let challenge = |hash, sequence| Challenge {
            hash,
            group: 0,
            sequence,
            value: &[1; 32],
            public: &[],
        };
        let all = [
            response(&challenge(1, 1), None, &secret, "h", "s"),
            response(&challenge(1, 2), None, &secret, "h", "s"),
            response(&challenge(2, 1), None, &secret, "h", "s"),
            response(&challenge(1, 1), None, &secret, "i", "s"),
            response(&challenge(1, 1), None, &secret, "h", "t"),
            response(&challenge(1, 1), Some(&[1]), &secret, "h", "s"),
            response(&challenge(1, 1), Some(&[2]), &secret, "h", "s"),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(one.is_some());
            assert!(all[..at].iter().all(|other| other != one));
        }
        assert_eq!(response(&challenge(9, 1), None, &secret, "h", "s"), None);
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
