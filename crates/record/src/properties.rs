//! Any record, written and read again, is the same.

use std::net::{IpAddr, SocketAddr};

use nvmeroot_plan::InterfaceName;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use crate::{
    BootRecord, ErrorRecord, FORMAT_VERSION, Failure, FailureKind, Missing, Moment, Outcome,
    Portal, Requirement, Scope, StepKind, StepRecord, StepState,
};

fn moments() -> impl Strategy<Value = Moment> {
    any::<(u64, Option<u64>)>().prop_map(|(monotonic_us, kernel_us)| Moment {
        monotonic_us,
        kernel_us,
    })
}

fn names() -> impl Strategy<Value = InterfaceName> {
    "[a-z][a-z0-9.]{0,10}[a-z0-9]".prop_map(|name| name.parse().expect("a name"))
}

/// As the record has them: without a flow or a scope.
fn addresses() -> impl Strategy<Value = SocketAddr> {
    any::<(IpAddr, u16)>().prop_map(SocketAddr::from)
}

fn scopes() -> impl Strategy<Value = Scope> {
    let portal = (addresses(), option::of(names()), any::<Option<IpAddr>>());
    prop_oneof![
        names().prop_map(|subject| Scope::Interface { subject }),
        portal.prop_map(|(address, host_iface, host_traddr)| {
            Scope::Portal(Portal {
                address,
                host_iface,
                host_traddr,
            })
        }),
    ]
}

fn failures() -> impl Strategy<Value = Failure> {
    let kinds = vec![
        FailureKind::Unsupported,
        FailureKind::NoCard,
        FailureKind::NoCarrier,
        FailureKind::NoLease,
        FailureKind::AddressInUse,
        FailureKind::Network,
        FailureKind::NoRoute,
        FailureKind::Refused,
        FailureKind::Timeout,
        FailureKind::Kernel,
        FailureKind::WrongNqn,
        FailureKind::AccessDenied,
        FailureKind::Authentication,
        FailureKind::Protocol,
        FailureKind::NoNamespace,
    ];
    let words = any::<(String, String)>();
    (proptest::sample::select(kinds), words)
        .prop_map(|(kind, (message, hint))| Failure::new(kind, message).with_hint(hint))
}

fn kinds() -> impl Strategy<Value = StepKind> {
    proptest::sample::select(StepKind::ALL)
}

fn steps() -> impl Strategy<Value = StepRecord> {
    let states =
        proptest::sample::select(vec![StepState::Running, StepState::Done, StepState::Failed]);
    let errors = (moments(), any::<u32>(), failures())
        .prop_map(|(at, times, failure)| ErrorRecord { at, times, failure });
    (
        (scopes(), kinds(), any::<String>(), states),
        (moments(), option::of(moments()), any::<u32>()),
        vec(errors, 0..3),
    )
        .prop_map(
            |((scope, action, detail, state), (start, end, tries), errors)| StepRecord {
                scope,
                action,
                detail,
                state,
                start,
                end,
                tries,
                errors,
            },
        )
}

fn missing() -> impl Strategy<Value = Missing> {
    let nqn = "nqn\\.2014-08\\.org\\.example:[a-z0-9]{1,20}";
    let nqn = nqn.prop_map(|nqn| nqn.parse().expect("an NQN"));
    (
        scopes(),
        option::of(kinds()),
        any::<String>(),
        option::of(nqn),
        failures(),
    )
        .prop_map(|(scope, action, detail, nqn, failure)| Missing {
            scope,
            action,
            detail,
            nqn,
            failure,
        })
}

fn requirements() -> impl Strategy<Value = Requirement> {
    let mounts = "/[a-z]{0,8}".prop_map(|path| path.parse().expect("a mount point"));
    (vec(mounts, 0..3), vec(addresses(), 0..3))
        .prop_map(|(mounts, any_of)| Requirement { mounts, any_of })
}

fn records() -> impl Strategy<Value = BootRecord> {
    let outcomes = proptest::sample::select(vec![
        Outcome::Running,
        Outcome::Done,
        Outcome::Failed,
        Outcome::Idle,
    ]);
    let later = || option::of(moments());
    (
        (any::<String>(), outcomes, any::<u64>(), any::<u32>()),
        (moments(), later(), later(), later()),
        vec(requirements(), 0..3),
        btree_map(names(), any::<String>(), 0..3),
        vec(steps(), 0..4),
        vec(missing(), 0..3),
    )
        .prop_map(
            |(
                (program, outcome, deadline_s, steps_left_out),
                (start, decided, mounted, end),
                requirements,
                interfaces,
                steps,
                missing,
            )| BootRecord {
                version: FORMAT_VERSION,
                program,
                outcome,
                start,
                decided,
                mounted,
                end,
                deadline_s,
                requirements,
                interfaces,
                steps,
                steps_left_out,
                missing,
            },
        )
}

proptest! {
    #[test]
    fn what_is_written_is_read_the_same(record in records()) {
        let text = serde_json::to_vec(&record).expect("JSON");
        prop_assert_eq!(BootRecord::parse(&text).expect("a record"), record);
    }

    #[test]
    fn a_record_that_is_cut_off_is_refused(record in records(), end: proptest::sample::Index) {
        let text = serde_json::to_vec(&record).expect("JSON");
        let end = end.index(text.len());
        let read = BootRecord::parse(&text[..end]);
        prop_assert!(matches!(read, Err(crate::RecordError::Malformed { .. })), "{:?}", read);
    }
}
