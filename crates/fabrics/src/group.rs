//! The Diffie-Hellman groups of DH-HMAC-CHAP, ffdhe2048 to ffdhe8192 (RFC 7919, appendix A).

use std::io;
use std::num::NonZeroU32;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use rustix::rand::{GetRandomFlags, getrandom};

/// A group: the numbers below a prime, which 2 makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Of the prime.
    bits: u32,
    /// X in the formula of the prime.
    x: u64,
}

/// By their identifiers, from 1 on (`NVME_AUTH_DHGROUP_2048` and the next in `linux/nvme.h`).
const GROUPS: [Group; 5] = [
    Group::new(2048, 560_316),
    Group::new(3072, 2_625_351),
    Group::new(4096, 5_736_041),
    Group::new(6144, 15_705_020),
    Group::new(8192, 10_965_728),
];

/// Bytes of an exponent. The largest group wants 400 bits (RFC 7919, appendix A.5).
const EXPONENT: usize = 64;

impl Group {
    const fn new(bits: u32, x: u64) -> Self {
        Self { bits, x }
    }

    /// By its identifier.
    pub fn of(id: u8) -> Option<Self> {
        GROUPS.get(usize::from(id).checked_sub(1)?).copied()
    }

    /// 2^b - 2^(b-64) + ([2^(b-130) e] + X) 2^64 - 1, for b bits.
    fn prime(self) -> Odd<BoxedUint> {
        // e is 1 + 1/1! + 1/2! + …; the bits that divisions cut off stay among these.
        const SPARE: u32 = 64;
        let mut term = BoxedUint::one_with_precision(self.bits) << (self.bits - 130 + SPARE);
        let mut e = term.clone();
        let mut divisor = NonZeroU32::MIN;
        while term.is_nonzero().into() {
            (term, _) = term.div_rem_limb(divisor.into());
            e += &term;
            divisor = divisor.saturating_add(1);
        }
        let middle = ((e >> SPARE) + self.x) << 64;
        let top = BoxedUint::max(self.bits) << (self.bits - 64);
        Odd::new(top + middle - 1_u64).expect("odd: it is one less than a multiple of 2^64")
    }
}

/// One side of an exchange: the number that it keeps for itself.
pub struct Exponent {
    modulus: BoxedMontyParams,
    number: BoxedUint,
}

impl Exponent {
    /// A new one.
    ///
    /// # Errors
    /// The kernel gives no random numbers.
    pub fn random(group: Group) -> io::Result<Self> {
        let mut bytes = [0; EXPONENT];
        // As short as this it is given whole.
        getrandom(&mut bytes, GetRandomFlags::empty())?;
        Ok(Self::of(group, &bytes))
    }

    pub(crate) fn of(group: Group, bytes: &[u8; EXPONENT]) -> Self {
        Self {
            modulus: BoxedMontyParams::new_vartime(group.prime()),
            number: BoxedUint::from_be_slice_vartime(bytes),
        }
    }

    /// What the other side is told, as long as the prime.
    pub fn public(&self) -> Vec<u8> {
        let two = BoxedUint::from_be_slice_truncated(&[2], self.modulus.bits_precision());
        self.power(two)
    }

    /// What both sides know in the end, as long as the prime; `None` where the other side
    /// says no number between 1 and the prime less 1, which would make it easy to guess.
    pub fn shared(&self, theirs: &[u8]) -> Option<Vec<u8>> {
        let theirs = BoxedUint::from_be_slice(theirs, self.modulus.bits_precision()).ok()?;
        let last = self.modulus.modulus().as_ref() - 1_u64;
        (theirs > BoxedUint::one() && theirs < last).then(|| self.power(theirs))
    }

    fn power(&self, base: BoxedUint) -> Vec<u8> {
        let power = BoxedMontyForm::new(base, &self.modulus).pow(&self.number);
        power.retrieve().to_be_bytes().into_vec()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// SHA-256 of the primes as another implementation has them (`openssl genpkey -genparam
    /// -algorithm DH -pkeyopt group:ffdhe2048`).
    #[test]
    fn the_primes_are_those_of_the_rfc() {
        let digests = [
            "9cd3b7f336872f46c09428d1bbc19877a4d440512cda8d1c1cf0cd6e33698966",
            "0eaf67db3a839156d5013494a5318a772b5697d270d721f37f092efc69ea5a17",
            "4648414224ac881b3d0dc59b466f96d06a558278776807797ecf1f66ff397b3e",
            "227ac9066b3ddd9e193670cda2388fa884f65ba0cf98b742d1fe77a6687c79c7",
            "770b14efaf6f049929c523113b3fa99a8d11dab1b18af3609590122075d19833",
        ];
        for (group, digest) in GROUPS.into_iter().zip(digests) {
            let prime = group.prime().as_ref().to_be_bytes();
            assert_eq!(prime.len() * 8, usize::try_from(group.bits).expect("small"));
            assert_eq!(hex(&Sha256::digest(prime)), digest, "{group:?}");
        }
        let first = GROUPS[0].prime().as_ref().to_be_bytes();
        assert!(hex(&first).starts_with("ffffffffffffffffadf85458a2bb4a9a"));
        assert!(hex(&first).ends_with("886b423861285c97ffffffffffffffff"));
    }

    #[test]
    fn groups_have_identifiers_from_1_on() {
        assert_eq!(Group::of(0), None);
        assert_eq!(Group::of(1), Some(GROUPS[0]));
        assert_eq!(Group::of(5), Some(GROUPS[4]));
        assert_eq!(Group::of(6), None);
    }

    /// Python: `pow(2, x, p)` with the prime from openssl, and its SHA-256.
    #[test]
    fn the_public_value_is_a_power_of_two() {
        let digests = [
            (
                1,
                "f0fd84e4744d9fa81f5dbe17e37587940ec2d2b69c8992f7ef10bac387a2c759",
            ),
            (
                5,
                "cbdbf6851a26896d95b0e56b0230b7b3bd5546de9b84810659681afa67e47496",
            ),
        ];
        for (id, digest) in digests {
            let public = Exponent::of(Group::of(id).expect("a group"), &[1; EXPONENT]).public();
            assert_eq!(hex(&Sha256::digest(public)), digest);
        }
    }

    #[test]
    fn two_exponents_differ() {
        let one = || Exponent::random(GROUPS[0]).expect("a number").public();
        assert_ne!(one(), one());
    }

    #[test]
    fn a_value_out_of_bounds_is_none() {
        let exponent = Exponent::of(GROUPS[0], &[1; EXPONENT]);
        let prime = GROUPS[0].prime();
        let less = |by: u64| (prime.as_ref() - by).to_be_bytes();
        let long = [&[0][..], &exponent.public()].concat();
        for theirs in [&[][..], &[0], &[1], &less(0), &less(1), &[0xff; 256], &long] {
            assert_eq!(exponent.shared(theirs), None, "{}", hex(theirs));
        }
        // A number may come without the zeros before it, which what is known to both has.
        for theirs in [&[2][..], &less(2)] {
            let shared = exponent.shared(theirs);
            assert_eq!(shared.map(|shared| shared.len()), Some(256));
        }
        assert_eq!(exponent.shared(&[2]), Some(exponent.public()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn both_sides_know_the_same(
            id in 1..=5_u8,
            ours in any::<[[u8; 32]; 2]>(),
            theirs in any::<[[u8; 32]; 2]>(),
        ) {
            let side = |bytes: [[u8; 32]; 2]| {
                let bytes = bytes.as_flattened().try_into().expect("64 bytes");
                Exponent::of(Group::of(id).expect("a group"), bytes)
            };
            let (ours, theirs) = (side(ours), side(theirs));
            let shared = ours.shared(&theirs.public());
            prop_assert!(shared.is_some());
            prop_assert_eq!(shared, theirs.shared(&ours.public()));
        }
    }
}
