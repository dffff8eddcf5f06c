//! What one kind of host does differently from another, as data: a profile is a constant of switches
//! and no code asks for a profile by name.

/// The hosts this test host can stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Envoy with `allow_on_headers_stop_iteration: true`.
    #[default]
    EnvoyNatural,
    /// Envoy without that switch (before 1.35, or behind a WasmPlugin resource), with its buffer filter directly behind:
    /// the upstream gets a head when the body is whole, and nothing of a request that is answered before.
    EnvoyPortable,
    /// nginx with a module that speaks the same ABI.
    Nginx,
}

/// The switches behind a [`Profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strictness {
    /// A filter that pauses at the headers still gets body callbacks; otherwise it hangs.
    pub body_after_header_pause: bool,
    /// The header callback may say that nothing follows.
    pub end_in_headers: bool,
    /// A message that ends without a body byte still gets a body callback.
    pub empty_body_callback: bool,
    /// Response headers that were paused can still be written while the body is collected.
    pub late_response_headers: bool,
    /// Header names arrive in lower case whatever the peer sent.
    pub lower_case_names: bool,
    /// Number properties arrive as text and not as a little-endian int64.
    pub numbers_as_text: bool,
    /// `response.code_details` says who made an answer.
    pub tells_who_answers: bool,
    /// `transfer-encoding` is the codec's own affair, and not in the map.
    pub hides_transfer_encoding: bool,
    /// `ngx.*` gives the host's variables.
    pub shows_variables: bool,
    /// A newline is put behind the body of a local reply.
    pub newline_after_reply: bool,
    /// Incrementing a gauge ends in a trap.
    pub gauges_trap: bool,
    /// Imports that keep a module from loading.
    pub missing_imports: &'static [&'static str],
}

const ENVOY: Strictness = Strictness {
    body_after_header_pause: true,
    end_in_headers: true,
    empty_body_callback: true,
    late_response_headers: true,
    lower_case_names: true,
    numbers_as_text: false,
    tells_who_answers: true,
    hides_transfer_encoding: true,
    shows_variables: false,
    newline_after_reply: false,
    gauges_trap: false,
    missing_imports: &[],
};

const NGINX: Strictness = Strictness {
    body_after_header_pause: false,
    end_in_headers: false,
    empty_body_callback: false,
    late_response_headers: false,
    lower_case_names: false,
    numbers_as_text: true,
    tells_who_answers: false,
    hides_transfer_encoding: false,
    shows_variables: true,
    newline_after_reply: true,
    gauges_trap: true,
    missing_imports: &["proxy_get_log_level"],
};

impl Profile {
    #[must_use]
    pub const fn strictness(self) -> Strictness {
        match self {
            Self::EnvoyNatural => ENVOY,
            Self::EnvoyPortable => Strictness { body_after_header_pause: false, ..ENVOY },
            Self::Nginx => NGINX,
        }
    }
}
