//! The client against scripted servers, in virtual time.

use std::time::Duration;

use nvmeroot_plan::MacAddress;

use super::super::message::tests::{address, answer, association, option};
use super::*;

const MAC: MacAddress = MacAddress::new([2, 0, 0, 0, 0, 7]);
const IAID: [u8; 4] = [1, 2, 3, 4];
const OURS: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 9);
const SERVER: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const MS: Duration = Duration::from_millis(1);

fn client(seed: u64) -> Client {
    let config = V6Config {
        link: Link {
            name: "eth0".parse().unwrap(),
            index: 2,
            mac: MAC,
        },
        duid: Duid::link_layer(MAC),
        iaid: Iaid(IAID),
    };
    Client::new(config, Random::seeded(seed))
}

/// Runs until `end` or a lease. `server`: kind, transaction → answers, each
/// after a delay. Gives the kinds and times of what was sent.
fn run(
    client: &mut Client,
    end: Duration,
    mut server: impl FnMut(u8, [u8; 3], Duration) -> Vec<(Duration, Vec<u8>)>,
) -> Vec<(u8, Duration)> {
    let mut sent = Vec::new();
    let mut arriving: Vec<(Duration, Vec<u8>)> = Vec::new();
    let mut now = Duration::ZERO;
    while now <= end && client.lease().is_none() {
        client.on_time(now);
        let outputs: Vec<Vec<u8>> = client.outputs().collect();
        for bytes in outputs {
            let transaction = [bytes[1], bytes[2], bytes[3]];
            for (delay, answer) in server(bytes[0], transaction, now) {
                arriving.push((now + delay, answer));
            }
            sent.push((bytes[0], now));
        }
        arriving.sort_by_key(|(at, _)| *at);
        match arriving.first() {
            Some((at, _)) if *at < client.next_time() => {
                let (at, bytes) = arriving.remove(0);
                now = at;
                client.on_packet(now, SERVER, &bytes);
            }
            _ => now = client.next_time(),
        }
    }
    sent
}

fn ids(server: u8) -> Vec<(u16, Vec<u8>)> {
    vec![
        (1, Duid::link_layer(MAC).as_bytes().to_vec()),
        (2, vec![0, 1, server]),
    ]
}

fn granting(kind: u8, transaction: [u8; 3], server: u8, more: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut options = ids(server);
    options.push((3, association(IAID, [0, 0], &address(OURS, [60, 120]))));
    options.extend(more.iter().cloned());
    answer(kind, transaction, &options)
}

fn good(kind: u8, transaction: [u8; 3], _: Duration) -> Vec<(Duration, Vec<u8>)> {
    let answer = if kind == 1 { 2 } else { 7 };
    vec![(MS, granting(answer, transaction, 9, &[]))]
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

#[test]
fn four_messages() {
    let mut client = client(1);
    let sent = run(&mut client, minutes(3), good);
    assert_eq!(sent, [(1, Duration::ZERO), (3, MS + BETTER)]);
    let lease = client.lease().unwrap();
    assert_eq!(lease.addresses[0].address, OURS);
    assert_eq!(lease.renew, Duration::from_secs(30));
    assert_eq!(lease.rebind, Duration::from_secs(48));
    assert_eq!(lease.server_id, [0, 1, 9]);
}

#[test]
fn rapid_commit_and_preference() {
    let mut rapid = client(2);
    let sent = run(&mut rapid, minutes(3), |_, t, _| {
        vec![(MS, granting(7, t, 9, &[(14, vec![])]))]
    });
    assert_eq!(sent, [(1, Duration::ZERO)]);
    assert!(rapid.lease().is_some());

    let mut preferred = client(3);
    let sent = run(&mut preferred, minutes(3), |kind, t, now| match kind {
        1 => vec![(MS, granting(2, t, 9, &[(7, vec![255])]))],
        _ => good(kind, t, now),
    });
    assert_eq!(sent, [(1, Duration::ZERO), (3, MS)]);
}

#[test]
fn reply_without_rapid_commit_is_no_answer_to_a_solicit() {
    let mut client = client(4);
    run(&mut client, Duration::from_millis(200), |_, t, _| {
        vec![(MS, granting(7, t, 9, &[]))]
    });
    assert_eq!(client.lease(), None);
}

#[test]
fn the_better_server_wins() {
    let mut client = client(5);
    run(&mut client, minutes(3), |kind, t, now| match kind {
        1 => vec![
            (MS, granting(2, t, 9, &[(7, vec![1])])),
            (MS * 9, granting(2, t, 8, &[(7, vec![7])])),
            (MS * 10, granting(2, t, 7, &[])),
        ],
        _ => vec![(MS, granting(7, t, 8, &[])), good(kind, t, now).remove(0)],
    });
    assert_eq!(client.lease().unwrap().server_id, [0, 1, 8]);
}

#[test]
fn late_server_and_lost_messages() {
    for seed in 0..50 {
        let late = Duration::from_secs(40);
        let mut client = client(seed);
        let mut requests = 0;
        let sent = run(&mut client, minutes(3), |kind, t, now| {
            requests += u32::from(kind == 3);
            if now < late || (kind == 3 && requests < 3) {
                Vec::new()
            } else {
                good(kind, t, now)
            }
        });
        assert!(client.lease().is_some());
        let last = sent.last().unwrap().1;
        assert!(last < late + Duration::from_millis(5500), "{last:?}");
        assert!(sent[1].1 < Duration::from_millis(300));
    }
}

#[test]
fn no_addresses() {
    let mut client = client(6);
    let status = option(13, b"\x00\x02none left");
    run(&mut client, minutes(1), |_, t, _| {
        let mut options = ids(9);
        options.push((3, association(IAID, [0, 0], &status)));
        vec![(MS, answer(2, t, &options))]
    });
    assert_eq!(
        client.failure(),
        Failure::NoAddresses {
            reason: "`fe80::1` says NoAddrsAvail (none left)".into()
        }
    );
}

#[test]
fn refused_request_starts_over_without_a_flood() {
    let mut client = client(7);
    let sent = run(&mut client, minutes(3), |kind, t, now| match kind {
        1 => good(kind, t, now),
        _ => {
            let mut options = ids(9);
            options.push((13, b"\x00\x04moved".to_vec()));
            vec![(MS, answer(7, t, &options))]
        }
    });
    assert_eq!(
        client.failure(),
        Failure::Refused {
            reason: "`fe80::1` says NotOnLink (moved)".into()
        }
    );
    assert!(sent.len() < 120, "{}", sent.len());
}

#[test]
fn strays_and_garbage_change_nothing() {
    let mut client = client(8);
    run(&mut client, minutes(1), |_, t, _| {
        let good = granting(7, t, 9, &[(14, vec![])]);
        let mut other_transaction = good.clone();
        other_transaction[1] ^= 1;
        let mut other_client = good.clone();
        other_client[8] ^= 1;
        let mut other_iaid = good.clone();
        let at = good.windows(4).position(|w| w == IAID).unwrap();
        other_iaid[at] ^= 1;
        let cut = good[..good.len() - 5].to_vec();
        let no_server = answer(7, t, &[ids(9)[0].clone(), (14, vec![])]);
        [
            vec![],
            other_transaction,
            other_client,
            other_iaid,
            cut,
            no_server,
        ]
        .into_iter()
        .map(|a| (MS, a))
        .collect()
    });
    assert_eq!(client.lease(), None);
    assert_eq!(
        client.failure(),
        Failure::NoAddresses {
            reason: "`fe80::1` says NoAddrsAvail (no answer to our IA_NA)".into()
        }
    );
}

#[test]
fn an_address_in_use_is_declined_until_the_server_has_heard_it() {
    let mut searching = client(1);
    run(&mut searching, Duration::from_secs(5), |kind, id, _| {
        vec![(MS, granting(if kind == 1 { 2 } else { 7 }, id, 1, &[]))]
    });
    let lease = searching.lease().expect("a lease").clone();
    let declining =
        || Client::declining(searching.config.clone(), Random::seeded(2), lease.clone());
    let mut alone = declining();
    let sent = run(&mut alone, Duration::from_secs(30), |_, _, _| vec![]);
    assert_eq!(
        sent.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
        [9; 4]
    );
    assert!(alone.expired());
    let mut heard = declining();
    let sent = run(&mut heard, Duration::from_secs(30), |_, id, _| {
        vec![(MS, granting(7, id, 1, &[]))]
    });
    assert_eq!(sent.len(), 1);
    assert!(heard.expired() && heard.lease().is_none());
}

#[test]
fn renews_rebinds_expires() {
    let mut fresh = client(9);
    run(&mut fresh, minutes(3), good);
    let lease = fresh.lease().unwrap().clone();
    let mut client = Client::bound(fresh.config.clone(), Random::seeded(1), lease);
    client.on_time(Duration::from_secs(30));
    let renew = client.outputs().last().unwrap();
    assert_eq!(renew[0], 5);
    let at = Duration::from_secs(30) + MS;
    let transaction = [renew[1], renew[2], renew[3]];
    client.on_packet(at, SERVER, &granting(7, transaction, 9, &[]));
    assert_eq!(client.next_time(), at + Duration::from_secs(30));
    assert!(client.events().any(|e| matches!(e, Event::Renewed6(_))));

    let mut kinds = Vec::new();
    while !client.expired() {
        client.on_time(client.next_time());
        kinds.extend(client.outputs().map(|bytes| bytes[0]));
    }
    // At 30, 39 and 44 s; then, from T2 on, at 48, 84, 102, 111 and 116 s.
    assert_eq!(kinds, [5, 5, 5, 6, 6, 6, 6, 6]);
}

#[test]
fn timers_leave_a_pause() {
    let second = Duration::from_secs(1);
    assert_eq!(timers(10, 20, minutes(9)), (second * 10, second * 20));
    assert_eq!(timers(20, 10, minutes(10)), (minutes(5), minutes(8)));
    assert_eq!(timers(0, 0, second), (second, second));
    assert_eq!(timers(0, 0, Duration::MAX), (Duration::MAX, Duration::MAX));
}
