//! TLS: a certificate counts if the user's roots say so, and only then.
