/// Writes the setters that the requests of a client have in common. The request has a field of the same name for each.
macro_rules! setters {
    ($($field:ident),+) => { $(setters!(@$field);)+ };
    (@website) => {
        /// The website of the account.
        pub fn website(self, website: crate::account::Website) -> Self {
            Self { website, ..self }
        }
    };
    (@origin) => {
        /// Origin of the request: an address, or an [`Origin`](crate::Origin) that tells more.
        ///
        /// Attempts and requests are counted by the address, so give the client's own and not a proxy's. Without an
        /// address, all clients share one budget for each account.
        pub fn origin(self, origin: impl Into<crate::token::Origin>) -> Self {
            Self { origin: origin.into(), ..self }
        }
    };
    (@challenge) => {
        /// The response to the host's [`Challenge`](crate::Challenge).
        pub fn challenge(self, response: impl Into<crate::challenge::ChallengeResponse>) -> Self {
            Self { challenge: response.into(), ..self }
        }
    };
}

pub(in crate::flow) use setters;
