//! Whole numbers within the kernel's bounds.

use serde::{Deserialize, Serialize};

use crate::name::{NameError, shown_as_content};

/// A newtype of a whole number from `$min` to `$max`.
macro_rules! ranged {
    ($(#[$meta:meta])* $name:ident($inner:ty), $min:literal ..= $max:expr, $what:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        pub struct $name($inner);
        shown_as_content!($name);

        impl $name {
            /// The number.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl TryFrom<u64> for $name {
            type Error = NameError;

            fn try_from(value: u64) -> Result<Self, NameError> {
                <$inner>::try_from(value)
                    .ok()
                    .filter(|v| ($min..=$max).contains(v))
                    .map(Self)
                    .ok_or(NameError::Number {
                        value,
                        what: $what,
                        min: $min,
                        max: $max.into(),
                    })
            }
        }

        impl From<$name> for $inner {
            fn from(number: $name) -> $inner {
                number.0
            }
        }

        impl From<$name> for u64 {
            fn from(number: $name) -> u64 {
                number.0.into()
            }
        }
    };
}

/// The kernel holds these numbers in an `int`.
const INT_MAX: u32 = i32::MAX as u32;

ranged!(
    /// A link's MTU in bytes, from the least that RFC 791 allows.
    Mtu(u16), 68..=u16::MAX, "MTU"
);
ranged!(
    /// An IEEE 802.1Q VLAN id.
    VlanId(u16), 0..=4094_u16, "VLAN id"
);
ranged!(
    /// A time in milliseconds, as the bonding driver takes it
    /// (`bond_intmax_tbl` in the kernel's bond_options.c).
    Milliseconds(u32), 0..=INT_MAX, "number of milliseconds"
);
ranged!(
    /// Seconds between two learning packets (`lp_interval`,
    /// `bond_lp_interval_tbl` in the kernel's bond_options.c).
    LearnPacketInterval(u32), 1..=INT_MAX, "number of seconds between learning packets"
);
ranged!(
    /// A time in hundredths of a second, as the bridge driver takes it over
    /// netlink and in sysfs (`clock_t`, `USER_HZ` is 100).
    ///
    /// The kernel takes a hello time from 100 to 1000, a maximum age from 600
    /// to 4000 and, where the spanning tree protocol is on, a forward delay
    /// from 200 to 3000 (`BR_MIN_…` in net/bridge/br_private.h).
    Centiseconds(u32), 0..=INT_MAX, "number of hundredths of a second"
);
ranged!(
    /// A bridge port's priority; less is preferred (`BR_PORT_BITS` in the
    /// kernel's net/bridge/br_private_stp.h).
    PortPriority(u8), 0..=63_u8, "port's priority"
);
ranged!(
    /// A bridge port's cost; less is preferred (`BR_MIN_PATH_COST` in the
    /// kernel's net/bridge/br_private_stp.h).
    PathCost(u16), 1..=u16::MAX, "path's cost"
);
ranged!(
    /// The MTU of IPv6 on a link, bytes: from the least that RFC 8200 allows.
    Ipv6Mtu(u16), 1280..=u16::MAX, "MTU of IPv6"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_the_kernel_s_bounds() {
        let out = |value, what, min, max| NameError::Number {
            value,
            what,
            min,
            max,
        };
        assert_eq!(Mtu::try_from(67), Err(out(67, "MTU", 68, 65_535)));
        assert_eq!(Mtu::try_from(9000).map(u64::from), Ok(9000));
        assert_eq!(Mtu::try_from(65_536), Err(out(65_536, "MTU", 68, 65_535)));
        let (mtu, vlan) = (Mtu::try_from(68), VlanId::try_from(4094));
        assert_eq!(mtu.expect("an MTU").to_string(), "68");
        assert_eq!(vlan.expect("a VLAN id").to_string(), "4094");
        assert_eq!(VlanId::try_from(4094).map(u64::from), Ok(4094));
        assert_eq!(VlanId::try_from(4095), Err(out(4095, "VLAN id", 0, 4094)));
        assert_eq!(Milliseconds::try_from(0).map(Milliseconds::get), Ok(0));
        assert_eq!(
            Milliseconds::try_from(1 << 31),
            Err(out(1 << 31, "number of milliseconds", 0, (1 << 31) - 1))
        );
        assert_eq!(PortPriority::try_from(63).map(u64::from), Ok(63));
        assert_eq!(
            PortPriority::try_from(64),
            Err(out(64, "port's priority", 0, 63))
        );
        assert_eq!(PathCost::try_from(0), Err(out(0, "path's cost", 1, 65_535)));
        assert_eq!(
            Ipv6Mtu::try_from(1279).expect_err("too small").to_string(),
            "`1279` is no MTU of IPv6: expected a whole number from 1280 to 65535"
        );
        assert!(LearnPacketInterval::try_from(0).is_err());
        assert!(Centiseconds::try_from(u64::MAX).is_err());
        assert!(serde_json::from_str::<PortPriority>("64").is_err());
    }
}
