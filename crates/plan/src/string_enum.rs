//! Settings that are one of a few words, each with the kernel's number.

/// An enum of words: `as_str`, `number` (the kernel's own), `FromStr`,
/// `Display` and the serde form as text.
macro_rules! string_enum {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal {
            $($(#[$word_meta:meta])* $variant:ident = $number:literal $text:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub enum $name {
            $($(#[$word_meta])* $variant,)+
        }
        $crate::name::text_newtype!($name);

        impl $name {
            /// All of them, as they are declared.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Their words.
            pub const WORDS: &[&str] = &[$($text,)+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The kernel's number.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)+
                }
            }
        }

        impl From<$name> for u8 {
            fn from(word: $name) -> u8 {
                word.number()
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().find(|word| word.as_str() == text);
                found.copied().ok_or_else(|| $crate::NameError::Word {
                    value: text.to_owned(),
                    what: $what,
                    words: Self::WORDS,
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use string_enum;
