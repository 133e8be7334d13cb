/// Writes the setters that several client requests share. Each setter sets the field of its name.
macro_rules! setters {
    ($($field:ident),+) => { $(setters!(@$field);)+ };
    (@website) => {
        /// Sets the website of the account.
        pub fn website(self, website: crate::account::Website) -> Self {
            Self { website, ..self }
        }
    };
    (@origin) => {
        /// Sets the origin of the request: an IP address, or an [`Origin`](crate::Origin) with more
        /// details.
        ///
        /// The library counts failed attempts and requests for each source: an IPv4 address or an
        /// IPv6 /64 network. So pass the IP address of the client, not that of a proxy. All
        /// attempts at one account that have no IP address share one budget.
        pub fn origin(self, origin: impl Into<crate::token::Origin>) -> Self {
            Self { origin: origin.into(), ..self }
        }
    };
    (@challenge) => {
        /// Sets the client's response to the host's [`Challenge`](crate::challenge::Challenge).
        pub fn challenge(self, response: impl Into<crate::challenge::ChallengeResponse>) -> Self {
            Self { challenge: response.into(), ..self }
        }
    };
}

pub(in crate::flow) use setters;
