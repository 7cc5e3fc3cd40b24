//! Why: whoever sent a token that is refused must learn what to mend, and whoever forged one must learn nothing.

/// Why a token is refused. None of them holds any of the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// It is longer than any that is looked at.
    #[error("the token is longer than the 8192 bytes that are looked at")]
    TooLong,
    /// It is no signed token, or not written as one must be.
    #[error("the token is malformed: {0}")]
    Malformed(&'static str),
    /// Nobody of this name is configured.
    #[error("the token's issuer (iss) is not one that this gateway believes")]
    UnknownIssuer,
    /// It was made for somebody else.
    #[error("the token was not made for this gateway (aud)")]
    WrongAudience,
    /// Its issuer opens other doors only.
    #[error("tokens of this issuer are not taken at this door")]
    WrongPlane,
    /// Its issuer does not sign in this way.
    #[error("the token is not signed with an algorithm that its issuer is known to use (alg)")]
    Algorithm,
    /// Its issuer's keys are not at hand; they will be.
    #[error("the keys of the token's issuer are not at hand yet; try again shortly")]
    NoKeys,
    /// None of its issuer's keys has this id.
    #[error("the token was signed with a key that its issuer is not known to have (kid)")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// A claim that must be there is missing, or has another type.
    #[error("the token's claim {0} is missing or mistyped")]
    Claim(&'static str),
    /// Its time is over.
    #[error("the token has expired; get a new one")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet; are the clocks right?")]
    NotYetValid,
}
