//! Fields of two bits.

/// An enum whose four values are those of a field of two bits, in order, each with its
/// word.
macro_rules! two_bits {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            const ALL: [Self; 4] = [$(Self::$value,)*];

            /// By the two lowest of the bits.
            pub(crate) fn of(bits: impl Into<usize>) -> Self {
                Self::ALL[bits.into() & 3]
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(match self { $(Self::$value => $word,)* })
            }
        }
    };
}
pub(crate) use two_bits;
