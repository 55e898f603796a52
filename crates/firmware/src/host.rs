//! The host's identity, put together from halves.

use nvmeroot_plan::{HostId, HostIdentity, Nqn};

/// What an NQN that is made of a UUID begins with (NVM Express Base Specification 2.0,
/// section 4.5).
const OF_UUID: &str = "nqn.2014-08.org.nvmexpress:uuid:";

/// The identifier that is in an NQN; nvme-cli takes it where no other is given
/// (`nvme_hostid_from_hostnqn` in libnvme's src/nvme/tree.c).
pub(crate) fn id_in(nqn: &Nqn) -> Option<HostId> {
    nqn.as_str().strip_prefix(OF_UUID)?.parse().ok()
}

/// Some firmware stores the identifier with its first three fields swapped (as Microsoft
/// writes GUIDs). The one that the NQN holds is what the host is called otherwise, and the
/// kernel takes no second identifier for one NQN (`nvmf_host_add` in
/// drivers/nvme/host/fabrics.c).
pub(crate) fn in_written_order(nqn: &Nqn, stored: HostId) -> HostId {
    let Some(written) = id_in(nqn) else {
        return stored;
    };
    let mut bytes = stored.octets();
    bytes[..4].reverse();
    bytes[4..6].reverse();
    bytes[6..8].reverse();
    match bytes == written.octets() {
        true => written,
        false => stored,
    }
}

/// An identity of what is given and, for the other half, what the NQN or a weaker source
/// says; `None`: half a pair is none.
pub(crate) fn completed(
    nqn: Option<Nqn>,
    id: Option<HostId>,
    weaker: Option<&HostIdentity>,
) -> Option<HostIdentity> {
    let nqn = nqn.or_else(|| Some(weaker?.nqn.clone()))?;
    let id = id.or_else(|| id_in(&nqn)).or_else(|| Some(weaker?.id))?;
    Some(HostIdentity { nqn, id })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "8f3c4d2a-5b1e-4f60-9a7d-0c1b2e3f4a5d";

    fn nqn(text: &str) -> Nqn {
        text.parse().expect("an NQN")
    }

    fn id(text: &str) -> HostId {
        text.parse().expect("an id")
    }

    #[test]
    fn a_swapped_identifier_is_the_one_of_the_name() {
        let named = nqn(&format!("{OF_UUID}{UUID}"));
        let swapped = id("2a4d3c8f-1e5b-604f-9a7d-0c1b2e3f4a5d");
        assert_eq!(in_written_order(&named, swapped), id(UUID));
        let other = id("11111111-1e5b-604f-9a7d-0c1b2e3f4a5d");
        assert_eq!(in_written_order(&named, other), other);
        assert_eq!(in_written_order(&nqn("nqn.2024-01.a:h"), swapped), swapped);
    }

    #[test]
    fn half_a_pair_takes_the_other_half_from_the_name_then_from_below() {
        let weaker = HostIdentity {
            nqn: nqn("nqn.2024-01.a:old"),
            id: id("11111111-1e5b-604f-9a7d-0c1b2e3f4a5d"),
        };
        let named = nqn(&format!("{OF_UUID}{UUID}"));
        let made = completed(Some(named.clone()), None, Some(&weaker)).expect("a pair");
        assert_eq!((&made.nqn, made.id), (&named, id(UUID)));
        let plain = completed(Some(nqn("nqn.2024-01.a:new")), None, Some(&weaker));
        assert_eq!(plain.expect("a pair").id, weaker.id);
        let made = completed(None, Some(id(UUID)), Some(&weaker)).expect("a pair");
        assert_eq!((made.nqn, made.id), (weaker.nqn, id(UUID)));
        assert_eq!(completed(Some(nqn("nqn.2024-01.a:new")), None, None), None);
        assert_eq!(completed(None, Some(id(UUID)), None), None);
    }
}
