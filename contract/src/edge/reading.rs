//! From a whole request to a signed message, in the order in which things are judged: JSON, whose it is, form of the
//! request, caller, origin, the dialect's members. Invariant: nothing of the request is copied through.

use alloc::{string::String, vec::Vec};

use crate::dialect::{Caller, Dialect, Does};
use crate::edge::exchange::{Circumstances, Exchange, FLOW_COOKIE, Forward, MAX_BODY, busy};
use crate::edge::legacy::{self, LEGACY};
use crate::edge::media::{is_json, reads_one_way};
use crate::edge::sharing::{self, Whose};
use crate::edge::{Asking, Edge, cors};
use crate::json;
use crate::message::{Call, Claim as Words, Context, Flow, Message, Operation};
use crate::outcome::Refusal;
use crate::signature::{self, Stamp};

impl Exchange {
    /// `None`: not ours.
    pub(super) fn read(
        &mut self,
        edge: &Edge,
        body: &[u8],
        circumstances: &mut dyn Circumstances,
    ) -> Result<Option<Forward>, Refusal> {
        let claim = self.claim.clone();
        let dialect = claim.dialect;
        let Does::Call(operation) = claim.route.does else {
            return Ok(None);
        };
        if body.len() > MAX_BODY {
            return Err(Refusal::TooLarge);
        }
        let bytes = body;
        let value = json::parse(bytes, dialect.names()).map_err(|_| Refusal::Malformed)?;
        let body = sharing::object(value)?;
        let (sharing, names) = (claim.route.sharing, dialect.names());
        let is_one = reads_one_way(&self.head, bytes);
        let whose = sharing::judge(sharing, names, &self.head, &body, is_one)?;
        if whose == Whose::Theirs {
            return if claim.exclusive { Err(Refusal::Malformed) } else { Ok(None) };
        }
        self.check_form(dialect)?;
        let settings = &claim.settings;
        let caller = dialect.caller(&self.head, settings)?;
        self.check_origin(&caller)?;
        let channel = claim.route.channel;
        let mut asking = Asking { channel, operation, head: &self.head, settings, body };
        let call = dialect.read(&mut asking)?;
        if self.is_legacy(&call, is_one, circumstances)? {
            self.outcome = LEGACY;
            return Ok(None);
        }
        if self.is_observed() {
            return Ok(Some(Forward { operation, body: Vec::new() }));
        }
        let context = self.context(caller, circumstances).ok_or(busy())?;
        self.mark_place(dialect, operation, &context, circumstances)?;
        let message = Message { dialect, context, call };
        let now = circumstances.now().ok_or(busy())?;
        let id = circumstances.random().ok_or(busy())?;
        let json = message.encode();
        let body =
            signature::sign(edge.key(), edge.audience(), Stamp { now, id }, operation, &json);
        Ok(Some(Forward { operation, body }))
    }

    /// Whether a link of the app's own making leads here.
    pub(super) fn is_old_link(
        &self,
        query: &[(String, String)],
        circumstances: &mut dyn Circumstances,
    ) -> Result<bool, Refusal> {
        let is_ours = || query.iter().any(|(_, value)| legacy::resembles_ours(value));
        Ok(self.is_in_time(circumstances)? && !is_ours())
    }

    fn is_in_time(&self, circumstances: &mut dyn Circumstances) -> Result<bool, Refusal> {
        let Some(until) = self.claim.settings.legacy_until else {
            return Ok(false);
        };
        Ok(!until.is_over(circumstances.now().ok_or(busy())?))
    }

    /// Whether it is to be left to the app for the token that it presents: one that only the app can have given.
    fn is_legacy(
        &self,
        call: &Call,
        is_one: bool,
        circumstances: &mut dyn Circumstances,
    ) -> Result<bool, Refusal> {
        let is_foreign = self.is_in_time(circumstances)? && legacy::is_foreign(call);
        match is_foreign && !is_one {
            true => Err(Refusal::Malformed),
            false => Ok(is_foreign),
        }
    }

    fn check_form(&self, dialect: &dyn Dialect) -> Result<(), Refusal> {
        if self.head.query().is_some() {
            return Err(Refusal::Malformed);
        }
        // A doubled header is no content type: some hosts join the two, some keep them apart.
        let content_type = self.head.only("content-type").ok().flatten();
        if dialect.reads_any_content_type() || content_type.is_some_and(is_json) {
            return Ok(());
        }
        Err(Refusal::UnsupportedMedia)
    }

    fn check_origin(&self, caller: &Caller) -> Result<(), Refusal> {
        cors::check(&self.head, self.origin.as_deref())?;
        match &caller.origins {
            None => Ok(()),
            Some(registered) => match self.head.text("origin") {
                Some(origin) if registered.iter().any(|known| known == origin) => Ok(()),
                _ => Err(Refusal::OriginRefused),
            },
        }
    }

    fn context(&self, caller: Caller, circumstances: &mut dyn Circumstances) -> Option<Context> {
        let agent = self.head.text("x-agent").or_else(|| self.head.text("user-agent"));
        Some(Context {
            site: self.site.name.clone(),
            client: caller.client,
            sender: circumstances.sender()?,
            flow: self.head.cookie(FLOW_COOKIE).and_then(Flow::parse),
            language: self.language,
            agent: agent.and_then(Words::of),
            device: caller.device,
            request: self.request.clone(),
        })
    }

    fn mark_place(
        &mut self,
        dialect: &dyn Dialect,
        operation: Operation,
        context: &Context,
        circumstances: &mut dyn Circumstances,
    ) -> Result<(), Refusal> {
        if dialect.marks_place() && operation == Operation::Initiate && context.flow.is_none() {
            self.new_flow = Some(Flow(circumstances.random().ok_or(busy())?));
        }
        Ok(())
    }
}
