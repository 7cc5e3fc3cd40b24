//! The kinds of personal data: their names in policies and placeholders, and the
//! pack that switches them on.

/// One kind of personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Entity {
    /// An e-mail address.
    Email,
    /// A payment card's number.
    CreditCard,
}
