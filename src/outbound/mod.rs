//! Why: calls that Alfred makes for itself leave the house by one door. It honours `egress`, never
//! follows a redirect, and never calls an address inside this network that a stranger chose.
//!
//! Calls for clients do not pass here; they are Pingora's. Both ask [`Egress`] for the way out.

mod client;
mod egress;
mod renewals;
mod tunnel;

pub use client::{Outbound, OutboundError, Reply, Request, Trust};
pub use egress::{Egress, EgressError, Proxy};
pub use renewals::{Renewals, Renewed};
pub use tunnel::{TunnelError, open};
