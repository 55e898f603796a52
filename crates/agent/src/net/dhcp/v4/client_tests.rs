//! The client against scripted servers, in virtual time.

use std::time::Duration;

use super::super::message::tests::{MAC, reply};
use super::*;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const OURS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

fn config() -> V4Config {
    V4Config {
        link: Link {
            name: "eth0".parse().unwrap(),
            index: 2,
            mac: MAC,
        },
        client_id: Some(ClientId::of_mac(MAC)),
        host_name: None,
    }
}

/// What a client sent, as a server reads it: kind, xid, options.
struct Sent {
    at: Duration,
    kind: u8,
    xid: u32,
    bytes: Vec<u8>,
}

impl Sent {
    fn option(&self, code: u8) -> Option<&[u8]> {
        let mut rest = &self.bytes[240..];
        loop {
            match rest {
                [0, tail @ ..] => rest = tail,
                [found, length, tail @ ..] if *found != 255 => {
                    let (value, tail) = tail.split_at(usize::from(*length));
                    if *found == code {
                        return Some(value);
                    }
                    rest = tail;
                }
                _ => return None,
            }
        }
    }

    fn answer(&self, kind: MessageType, server: Ipv4Addr) -> Vec<u8> {
        let options: [(u8, &[u8]); 3] = [
            (54, &server.octets()),
            (51, &120_u32.to_be_bytes()),
            (1, &[255, 255, 255, 0]),
        ];
        reply(self.xid, kind, OURS, &options)
    }
}

/// Runs until `end` or a lease; `server` answers what is sent, each answer
/// after a delay. Gives everything that was sent.
fn run(
    client: &mut Client,
    end: Duration,
    mut server: impl FnMut(&Sent) -> Vec<(Duration, Vec<u8>)>,
) -> Vec<Sent> {
    let mut sent = Vec::new();
    let mut arriving: Vec<(Duration, Vec<u8>)> = Vec::new();
    let mut now = Duration::ZERO;
    while now <= end && client.lease().is_none() {
        client.on_time(now);
        let outputs: Vec<Output> = client.outputs().collect();
        for output in outputs {
            let (Output::Broadcast(bytes) | Output::Unicast(_, bytes)) = output else {
                continue;
            };
            let message = Sent {
                at: now,
                kind: bytes[242],
                xid: u32::from_be_bytes(bytes[4..8].try_into().unwrap()),
                bytes,
            };
            for (delay, answer) in server(&message) {
                arriving.push((now + delay, answer));
            }
            sent.push(message);
        }
        arriving.sort_by_key(|(at, _)| *at);
        match arriving.first() {
            Some((at, _)) if *at < client.next_time() => {
                let (at, bytes) = arriving.remove(0);
                now = at;
                client.on_packet(now, &bytes);
            }
            _ => now = client.next_time(),
        }
    }
    sent
}

const MS: Duration = Duration::from_millis(1);

fn good_server(message: &Sent) -> Vec<(Duration, Vec<u8>)> {
    let kind = match message.kind {
        1 => MessageType::Offer,
        3 => MessageType::Ack,
        _ => return Vec::new(),
    };
    vec![(MS, message.answer(kind, SERVER))]
}

fn client(seed: u64) -> Client {
    Client::new(config(), Random::seeded(seed))
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

#[test]
fn lease_from_a_good_server() {
    let mut client = client(1);
    let sent = run(&mut client, minutes(3), good_server);
    let kinds: Vec<u8> = sent.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, [1, 3]);
    assert_eq!(sent[1].at, MS, "the REQUEST follows the OFFER at once");
    assert_eq!(sent[1].option(50), Some(&OURS.octets()[..]));
    assert_eq!(sent[1].option(54), Some(&SERVER.octets()[..]));
    assert_eq!(
        sent[1].option(61),
        Some(config().client_id.unwrap().as_bytes())
    );
    let lease = client.lease().unwrap();
    assert_eq!(lease.address.to_string(), "10.0.0.9/24");
    let events: Vec<Event> = client.events().collect();
    assert_eq!(events.len(), 4, "{events:?}");
    assert_eq!(
        events[3],
        Event::Bound {
            address: OURS.into()
        }
    );
}

#[test]
fn server_forty_seconds_late() {
    for seed in 0..50 {
        let mut client = client(seed);
        let late = Duration::from_secs(40);
        let sent = run(&mut client, minutes(3), |m| {
            if m.at < late {
                Vec::new()
            } else {
                good_server(m)
            }
        });
        assert!(client.lease().is_some());
        let last = sent.last().unwrap().at;
        assert!(last < late + Duration::from_millis(4500), "{last:?}");
    }
}

#[test]
fn server_that_answers_the_third_of_each() {
    let mut counts = [0; 9];
    let mut client = client(3);
    let sent = run(&mut client, minutes(3), |m| {
        let count = &mut counts[usize::from(m.kind)];
        *count += 1;
        if *count < 3 {
            Vec::new()
        } else {
            good_server(m)
        }
    });
    let kinds: Vec<u8> = sent.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, [1, 1, 1, 3, 3, 3]);
    let last = sent.last().unwrap().at;
    assert!(last < Duration::from_millis(1700), "{last:?}");
    assert!(client.lease().is_some());
}

#[test]
fn answers_slower_than_the_tries() {
    let mut client = client(4);
    run(&mut client, minutes(3), |m| {
        let answers = good_server(m);
        answers
            .into_iter()
            .map(|(_, bytes)| (Duration::from_secs(3), bytes))
            .collect()
    });
    assert!(client.lease().is_some());
    assert_eq!(client.tries(), 8, "four of each in six seconds");
}

#[test]
fn nobody_there() {
    let mut client = client(5);
    let sent = run(&mut client, minutes(3), |_| Vec::new());
    assert!((40..60).contains(&sent.len()), "{}", sent.len());
    assert_eq!(client.failure(), Failure::NoAnswer);
    assert!(sent[1].at < Duration::from_millis(300));
    let flags: Vec<bool> = sent.iter().map(|s| s.bytes[10] == 0x80).collect();
    assert_eq!(flags[..6], [false, false, false, true, false, true]);
}

#[test]
fn nak_then_lease() {
    let mut naks = 0;
    let mut client = client(6);
    let sent = run(&mut client, minutes(3), |m| {
        if m.kind == 3 && naks < 2 {
            naks += 1;
            let options: [(u8, &[u8]); 2] = [(54, &SERVER.octets()), (56, b"address in use")];
            let nak = reply(m.xid, MessageType::Nak, Ipv4Addr::UNSPECIFIED, &options);
            vec![(MS, nak)]
        } else {
            good_server(m)
        }
    });
    let kinds: Vec<u8> = sent.iter().map(|s| s.kind).collect();
    assert_eq!(kinds, [1, 3, 1, 3, 1, 3]);
    assert!(client.lease().is_some());
    assert!(client.events().any(|e| e
        == Event::Refused {
            reason: "`10.0.0.1` sent a NAK: address in use".into()
        }));
}

#[test]
fn always_nak_is_refused_and_no_flood() {
    let mut client = client(7);
    let sent = run(&mut client, minutes(3), |m| {
        if m.kind == 3 {
            vec![(MS, m.answer(MessageType::Nak, SERVER))]
        } else {
            good_server(m)
        }
    });
    assert_eq!(
        client.failure(),
        Failure::Refused {
            reason: "`10.0.0.1` sent a NAK: without a reason".into()
        }
    );
    assert!(sent.len() < 120, "{}", sent.len());
}

#[test]
fn two_servers() {
    let mut client = client(8);
    let sent = run(&mut client, minutes(3), |m| match m.kind {
        1 => vec![
            (MS * 2, m.answer(MessageType::Offer, SERVER)),
            (MS, m.answer(MessageType::Offer, OTHER)),
        ],
        // The first offer's server is slower than what the other one says
        // without being asked.
        _ => vec![
            (MS, m.answer(MessageType::Nak, SERVER)),
            (MS * 2, m.answer(MessageType::Ack, SERVER)),
            (MS * 3, m.answer(MessageType::Ack, OTHER)),
        ],
    });
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].option(54), Some(&OTHER.octets()[..]));
    assert_eq!(client.lease().unwrap().server, OTHER);
}

#[test]
fn rapid_commit_only_with_the_option() {
    let rapid = |with: bool| {
        let mut client = client(9);
        run(&mut client, Duration::from_millis(100), |m| {
            let options: [(u8, &[u8]); 3] = [
                (54, &SERVER.octets()),
                (51, &120_u32.to_be_bytes()),
                (if with { 80 } else { 0 }, &[]),
            ];
            assert_eq!(m.option(80), Some(&[][..]));
            vec![(MS, reply(m.xid, MessageType::Ack, OURS, &options))]
        });
        (client.lease().is_some(), client.tries())
    };
    assert_eq!(rapid(true), (true, 1));
    assert!(!rapid(false).0);
}

#[test]
fn strays_and_garbage_change_nothing() {
    let mut client = client(10);
    run(&mut client, minutes(1), |m| {
        let good = good_server(m).remove(0).1;
        let mut other_xid = good.clone();
        other_xid[4] ^= 1;
        let mut other_mac = good.clone();
        other_mac[33] ^= 1;
        let mut other_client = good.clone();
        other_client.truncate(other_client.len() - 1);
        other_client.extend([61, 2, 1, 1, 255]);
        let mut no_server = good.clone();
        no_server[243] = 200;
        let mut answers = vec![
            Vec::new(),
            vec![0; 1500],
            other_xid,
            other_mac,
            other_client,
        ];
        answers.push(good[..250].to_vec());
        answers.push(no_server);
        answers.into_iter().map(|a| (MS, a)).collect()
    });
    assert_eq!(client.lease(), None);
    assert_eq!(client.failure(), Failure::NoAnswer);
    let ignored: Vec<ParseError> = client
        .events()
        .filter_map(|e| match e {
            Event::Ignored { error } => Some(error),
            _ => None,
        })
        .collect();
    assert_eq!(
        ignored[..2],
        [
            ParseError::Truncated {
                what: "an option's length",
                offset: 250,
                needed: 1,
                have: 0
            },
            ParseError::Missing { option: 54 }
        ][..],
    );
}

#[test]
fn an_address_in_use_is_declined() {
    let other = MacAddress::new([2, 0, 0, 0, 0, 99]);
    let mut client = client(11);
    client.on_time(Duration::ZERO);
    let xid = client.xid;
    let message = |kind| {
        let options: [(u8, &[u8]); 2] = [(54, &SERVER.octets()), (51, &120_u32.to_be_bytes())];
        reply(xid, kind, OURS, &options)
    };
    client.on_packet(MS, &message(MessageType::Offer));
    assert!(client.outputs().any(|o| o == Output::Probe(OURS)));
    client.on_arp(&Arp {
        sender_mac: other,
        sender: OURS,
        target: Ipv4Addr::UNSPECIFIED,
    });
    client.on_packet(MS * 2, &message(MessageType::Ack));
    assert_eq!(client.lease(), None);
    assert_eq!(
        client.failure(),
        Failure::Conflict {
            address: OURS,
            mac: other
        }
    );
    let decline = client.outputs().last();
    assert!(
        matches!(&decline, Some(Output::Broadcast(bytes)) if bytes[242] == 4),
        "{decline:?}"
    );
    assert_eq!(client.next_time(), MS * 2 + Duration::from_secs(1));
}

fn bound() -> Client {
    let message = Sent {
        at: Duration::ZERO,
        kind: 3,
        xid: 0,
        bytes: Vec::new(),
    };
    let ack = Message::parse(&message.answer(MessageType::Ack, SERVER)).unwrap();
    let lease = Lease4::from_message(&ack).unwrap().0;
    Client::bound(config(), Random::seeded(12), lease)
}

#[test]
fn renews_at_half_time() {
    let mut client = bound();
    assert_eq!(client.next_time(), minutes(1));
    client.on_time(minutes(1));
    let outputs: Vec<Output> = client.outputs().collect();
    let [Output::Unicast(SERVER, bytes)] = outputs.as_slice() else {
        panic!("{outputs:?}");
    };
    assert_eq!(bytes[12..16], OURS.octets(), "ciaddr");
    let sent = Sent {
        at: minutes(1),
        kind: 3,
        xid: client.xid,
        bytes: bytes.clone(),
    };
    assert_eq!((sent.option(50), sent.option(54)), (None, None));
    client.on_packet(minutes(1) + MS, &sent.answer(MessageType::Ack, SERVER));
    assert_eq!(client.next_time(), minutes(2) + MS);
    assert!(client.events().any(|e| matches!(e, Event::Renewed4(_))));
}

#[test]
fn rebinds_and_expires() {
    let mut client = bound();
    let mut log = Vec::new();
    while !client.expired() {
        let now = client.next_time();
        client.on_time(now);
        for output in client.outputs() {
            log.push((now.as_secs_f32(), matches!(output, Output::Unicast(..))));
        }
    }
    assert_eq!(
        log,
        [
            (60.0, true),
            (82.5, true),
            (93.75, true),
            (99.375, true),
            (104.375, true),
            (105.0, false),
            (112.5, false),
            (117.5, false)
        ]
    );
    assert_eq!(client.lease(), None);
}
