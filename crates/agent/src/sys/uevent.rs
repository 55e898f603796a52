//! The kernel's messages about devices (lib/kobject_uevent.c).

/// The path under `/sys` of what a message tells of: `ACTION@DEVPATH`, then `KEY=VALUE`, each
/// ended by a NUL. `None` where it is none of the kernel's (udev's own start with `libudev`).
pub fn devpath(message: &[u8]) -> Option<&str> {
    let head = message.split(|b| *b == 0).next()?;
    let (action, path) = std::str::from_utf8(head).ok()?.split_once('@')?;
    Some(path).filter(|_| !action.is_empty() && path.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_the_kernels_form_and_leaves_udevs() {
        let message = b"add@/devices/virtual/net/veth0\0ACTION=add\0DEVPATH=/devices/virtual/net/veth0\0SUBSYSTEM=net\0INTERFACE=veth0\0";
        assert_eq!(devpath(message), Some("/devices/virtual/net/veth0"));
        for other in [
            &b"libudev\0\xfe\xed\xca\xfe"[..],
            b"@/devices",
            b"add@devices",
            b"",
        ] {
            assert_eq!(devpath(other), None);
        }
    }

    proptest! {
        #[test]
        fn any_message_is_read(message in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = devpath(&message);
        }

        #[test]
        fn what_the_kernel_says_comes_back(action in "[a-z]{1,8}", path in "/[a-z0-9/]{0,40}") {
            let message = format!("{action}@{path}\0SEQNUM=1\0SUBSYSTEM=net\0");
            prop_assert_eq!(devpath(message.as_bytes()), Some(path.as_str()));
        }
    }
}
