//! The kernel's messages about devices (lib/kobject_uevent.c).

/// One message: `ACTION@DEVPATH`, then `KEY=VALUE`, each ended by a NUL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uevent {
    /// `add`, `remove`, `change`, `move`, `online`, `offline`, `bind`, `unbind`.
    pub action: String,
    /// Path under `/sys`.
    pub devpath: String,
    /// Subsystem (`net`, `nvme`, …); empty where it says none.
    pub subsystem: String,
}

impl Uevent {
    /// Reads a message; `None` where it is none of the kernel's (udev's own
    /// messages start with `libudev`).
    pub fn parse(message: &[u8]) -> Option<Self> {
        let mut parts = message.split(|b| *b == 0);
        let head = std::str::from_utf8(parts.next()?).ok()?;
        let (action, devpath) = head.split_once('@')?;
        if action.is_empty() || !devpath.starts_with('/') {
            return None;
        }
        let subsystem = parts
            .find_map(|part| part.strip_prefix(b"SUBSYSTEM="))
            .map(|value| String::from_utf8_lossy(value).into_owned());
        Some(Self {
            action: action.to_owned(),
            devpath: devpath.to_owned(),
            subsystem: subsystem.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_kernels_form_and_leaves_udevs() {
        let message = b"add@/devices/virtual/net/veth0\0ACTION=add\0DEVPATH=/devices/virtual/net/veth0\0SUBSYSTEM=net\0INTERFACE=veth0\0";
        assert_eq!(
            Uevent::parse(message),
            Some(Uevent {
                action: "add".to_owned(),
                devpath: "/devices/virtual/net/veth0".to_owned(),
                subsystem: "net".to_owned(),
            })
        );
        assert_eq!(Uevent::parse(b"libudev\0\xfe\xed\xca\xfe"), None);
        assert_eq!(Uevent::parse(b""), None);
    }

    proptest! {
        #[test]
        fn any_message_is_read(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Uevent::parse(&message);
        }

        #[test]
        fn what_the_kernel_says_comes_back(
            action in "[a-z]{1,8}", path in "/[a-z0-9/]{0,40}", subsystem in "[a-z-]{1,15}"
        ) {
            let message = format!("{action}@{path}\0SEQNUM=1\0SUBSYSTEM={subsystem}\0");
            let event = Uevent::parse(message.as_bytes());
            prop_assert_eq!(event, Some(Uevent { action, devpath: path, subsystem }));
        }
    }
}
