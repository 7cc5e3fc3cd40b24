//! What each byte is, written down at compile time: one look instead of comparisons.

/// Something for each byte.
#[derive(Debug)]
pub(crate) struct PerByte<T>([T; 256]);

impl<T: Copy> PerByte<T> {
    /// Of all bytes in their order; [`per_byte`] makes it.
    pub(crate) const fn new(all: [T; 256]) -> PerByte<T> {
        PerByte(all)
    }

    /// What this byte is.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "there is something for each byte")]
    pub(crate) fn of(&self, byte: u8) -> T {
        self.0[usize::from(byte)]
    }
}

/// A [`PerByte`] of a type and of a constant expression on a byte.
macro_rules! per_byte {
    ($type:ty, |$byte:ident| $value:expr) => {{
        #[expect(clippy::indexing_slicing, reason = "a mistake here fails the build")]
        const fn all() -> [$type; 256] {
            let $byte = 0_u8;
            let mut all: [$type; 256] = [$value; 256];
            let mut at = 0;
            while at < 256 {
                let $byte = at as u8;
                all[at] = $value;
                at += 1;
            }
            all
        }
        $crate::guard::per_byte::PerByte::new(all())
    }};
}

pub(crate) use per_byte;
