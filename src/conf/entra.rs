//! Why: at Azure an application may be known by its identity instead of a key. What it proves itself with is a secret, or a
//! token that its cluster writes to a file.

use std::path::PathBuf;

use super::secret::Secret;
use super::shape::section;

section! {
    /// An application of Microsoft Entra ID, whose access tokens take the place of keys. Alfred asks for them and renews them.
    pub struct Entra {
        /// The tenant: its id or domain.
        pub tenant: String,
        /// The id of the application or the managed identity.
        pub client_id: String,
        /// Its secret; or else `federated_token_file`.
        pub client_secret: Option<Secret> = None,
        /// The file with the token of a workload identity, read anew for each request of a token.
        pub federated_token_file: Option<PathBuf> = None,
        /// Where tokens are given.
        pub authority: String = "https://login.microsoftonline.com".to_owned(),
        /// What they are for.
        pub scope: String = "https://cognitiveservices.azure.com/.default".to_owned(),
    }
}
