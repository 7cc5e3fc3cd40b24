//! Why: a customer is told a transaction's id before the transaction is in the store. It is made
//! of the request's own id, so that whoever settles comes to the same one.

use uuid::Uuid;

/// The id of a transaction: the request's id, with its last two bytes replaced by the attempt and
/// by the kind and leg.
pub(super) fn transaction_id(request_id: Uuid, attempt: u8, kind: u8, leg: u8) -> Uuid {
    let mut bytes = request_id.into_bytes();
    let [.., first, second] = &mut bytes;
    *first = attempt;
    *second = (kind << 4) | (leg & 15);
    Uuid::from_bytes(bytes)
}

/// The id of the first leg of what an attempt used, as the customer is told it.
#[must_use]
pub fn usage_transaction_id(request_id: Uuid, attempt: u8) -> Uuid {
    transaction_id(request_id, attempt, 0, 0)
}
