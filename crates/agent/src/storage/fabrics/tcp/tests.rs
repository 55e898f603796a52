use std::net::TcpStream;
use std::thread;

use super::fake::Fake;
use super::*;
use nvmeroot_fabrics::answers;
use nvmeroot_fabrics::command::{
    AUTHENTICATION_REQUIRED, HOST_NQN, INVALID_HOST, INVALID_PARAMETERS, SUBSYSTEM_NQN,
};
use nvmeroot_fabrics::log_page::{DiscoveryEntry, ENTRY, SubsystemKind};
use nvmeroot_plan::{ConnectOptions, Transport};
use rustix::io::Errno;

fn host() -> HostIdentity {
    HostIdentity {
        nqn: "nqn.2024-01.example:host".parse().expect("an NQN"),
        id: "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d"
            .parse()
            .expect("a host ID"),
    }
}

/// A log with so many entries, of one address after the other.
fn log(entries: u8) -> Vec<u8> {
    let mut log = vec![0; ENTRY];
    log[8] = entries;
    for last in 0..entries {
        let mut entry = vec![0; ENTRY];
        entry[..3].copy_from_slice(&[3, 1, 2]);
        let mut put = |at: usize, text: &str| {
            entry[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(32, "4420");
        put(256, "nqn.2024-01.example:root");
        put(512, &format!("192.0.2.{last}"));
        log.extend(entry);
    }
    log
}

fn ask(fake: Fake) -> Result<Offered, Unanswered> {
    let host = host();
    let inquiry = Inquiry {
        at: fake.serve(),
        host: &host,
        link: None,
        from: None,
    };
    inquiry.ask(Duration::from_secs(5))
}

#[track_caller]
fn failure(fake: Fake) -> Failure {
    match ask(fake) {
        Err(Unanswered::Failure(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_fake_targets_log_is_read_in_parts() {
    for entries in [0, 1, 3, 4, 9] {
        let fake = Fake {
            log: log(entries),
            ..Fake::default()
        };
        let (read, left_out) = ask(fake).expect("an answer");
        assert_eq!((read.len(), left_out), (usize::from(entries), 0));
        if let Some(last) = read.last() {
            let wanted = DiscoveryEntry {
                kind: SubsystemKind::Nvm,
                traddr: IpAddr::from([192, 0, 2, entries - 1]),
                trsvcid: "4420".parse().expect("a port"),
                nqn: "nqn.2024-01.example:root".parse().expect("an NQN"),
            };
            assert_eq!(*last, wanted);
        }
    }
}

#[test]
fn answers_may_come_in_another_order() {
    let fake = Fake {
        log: log(2),
        backwards: true,
        ..Fake::default()
    };
    let (read, _) = ask(fake).expect("an answer");
    assert_eq!(read.len(), 2);
}

#[test]
fn a_log_that_changes_is_read_again_and_not_for_ever() {
    let changing = |changes| Fake {
        log: log(5),
        changes,
        ..Fake::default()
    };
    assert_eq!(ask(changing(3)).expect("an answer").0.len(), 5);
    let failure = failure(changing(100));
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(
        failure
            .message
            .ends_with("can't be read: it keeps changing")
    );
}

#[test]
fn refusals_have_the_layers_that_the_kernels_have() {
    let refusing = |result, status| Fake {
        connect: (result, status),
        ..Fake::default()
    };
    let denied = failure(refusing(0, INVALID_HOST));
    assert_eq!(denied.kind, FailureKind::AccessDenied);
    assert!(denied.message.contains("does not admit this host to"));
    let denied = failure(refusing(HOST_NQN, INVALID_PARAMETERS));
    assert_eq!(denied.kind, FailureKind::AccessDenied);
    let wrong = failure(refusing(SUBSYSTEM_NQN, INVALID_PARAMETERS));
    assert_eq!(wrong.kind, FailureKind::WrongNqn);
    assert!(wrong.message.contains("knows no subsystem"), "{wrong}");
    // Authentication, by a status or by a flag beside the controller's number,
    // and what the kernel has words for.
    for (result, status) in [(0, AUTHENTICATION_REQUIRED), (0x2_0001, 0), (0, 0x181)] {
        let unanswered = ask(refusing(result, status));
        assert_eq!(unanswered, Err(Unanswered::NotEnough), "{status:#x}");
    }
}

#[test]
fn what_is_not_understood_is_left_to_the_kernel() {
    let saying = |first: Vec<u8>| Fake {
        first: Some(first),
        ..Fake::default()
    };
    let mut digests = answers::initialized();
    digests[11] = 3;
    for (first, why) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), None),
        (digests, Some(PduError::Digests)),
        (vec![9; 200], None),
    ] {
        match (ask(saying(first)), why) {
            (Err(Unanswered::NotUnderstood(e)), Some(why)) => assert_eq!(e, why),
            (Err(Unanswered::NotUnderstood(_)), None) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_portal_that_falls_silent_or_leaves_is_not_waited_for() {
    let socket = |fake: Fake| {
        let at = fake.serve();
        TcpStream::connect(at).expect("a connection")
    };
    let silent = Fake {
        silent: true,
        ..Fake::default()
    };
    let never_ready = Fake {
        never_ready: true,
        ..Fake::default()
    };
    let host = host();
    for fake in [silent, never_ready] {
        let inquiry = Inquiry {
            at: ([127, 0, 0, 1], 1).into(),
            host: &host,
            link: None,
            from: None,
        };
        let patience = Duration::from_millis(200);
        match inquiry.hold(socket(fake), "192.0.2.1:4420", patience) {
            Err(Broken::Io(e)) => assert_eq!(errno(&e), Errno::AGAIN),
            other => panic!("{other:?}"),
        }
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = listener.local_addr().expect("its address");
    let leaver = thread::spawn(move || listener.accept().map(drop));
    let inquiry = Inquiry {
        at,
        host: &host,
        link: None,
        from: None,
    };
    match inquiry.ask(Duration::from_secs(5)) {
        Err(Unanswered::Failure(failure)) => assert_eq!(failure.kind, FailureKind::Protocol),
        other => panic!("{other:?}"),
    }
    leaver.join().expect("no panic").expect("a connection");
    match inquiry.ask(Duration::from_secs(5)) {
        Err(Unanswered::Failure(failure)) => assert_eq!(failure.kind, FailureKind::Refused),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_plain_request_with_an_identity_is_asked_so() {
    let host = host();
    let plain = ConnectOptions::default();
    let asks = |host, options: &ConnectOptions| {
        let request = Request {
            transport: Transport::Tcp,
            at: SocketAddr::from(([192, 0, 2, 1], 8009)),
            nqn: Nqn::DISCOVERY,
            host,
            options,
        };
        Inquiry::of(&request).is_some()
    };
    assert!(asks(Some(&host), &plain));
    assert!(!asks(None, &plain));
    let digests = ConnectOptions {
        hdr_digest: true,
        ..ConnectOptions::default()
    };
    assert!(!asks(Some(&host), &digests));
}
