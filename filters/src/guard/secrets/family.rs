//! One family of credentials: its name, the words that must stand before it when
//! its shape alone says too little, and the shape. Rows of the table are written
//! with the two constructors, so that a row is one line.

/// What more is known of a value than its alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing.
    None,
    /// The last six digits in base 62 are the CRC-32 of those before (GitHub, npm):
    /// the finding is certain when it holds.
    Crc,
    /// The first part is a JSON object in base64.
    Jwt,
    /// Letters and digits both: programs' names have such shapes too.
    Mixed,
    /// The value is public in places; alone, with no word before it, it says little.
    Weak,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    /// The rule's name in findings.
    pub(super) id: &'static str,
    /// Words, of which one must stand before the value; lower case, letters and
    /// digits only, apart by `|`. Empty when the shape says enough by itself.
    pub(super) words: &'static str,
    /// Alternatives, apart by spaces.
    pub(super) shape: &'static str,
    /// The least entropy of the value without its literals, in tenths of a bit.
    pub(super) floor: u8,
    pub(super) check: Check,
}

/// A family that its shape alone gives away.
pub(super) const fn shape(id: &'static str, shape: &'static str) -> Family {
    Family {
        id,
        words: "",
        shape,
        floor: 25,
        check: Check::None,
    }
}

/// A family that needs one of its words before the value.
pub(super) const fn named(id: &'static str, words: &'static str, shape: &'static str) -> Family {
    Family {
        id,
        words,
        shape,
        floor: 20,
        check: Check::None,
    }
}

impl Family {
    /// The same with another floor of entropy, in tenths of a bit.
    pub(super) const fn floor(mut self, tenths: u8) -> Family {
        self.floor = tenths;
        self
    }

    /// The same with something more to check.
    pub(super) const fn check(mut self, check: Check) -> Family {
        self.check = check;
        self
    }
}
