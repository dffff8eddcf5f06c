//! One exchange, frame by frame, in the order of Envoy's filter manager: the request through the
//! filter, the upstream, the answer through the filter; local replies take the answer's way unless
//! an answer has already begun. The first thing that stops the stream (`Halt`) decides its verdict.

use super::exchange::{
    Answer, Callback, Exchange, ForwardedRequest, Framing, Pair, Request, Response, UpstreamReply,
    Verdict, first,
};
use super::frame::{Frame, callbacks, cased, frames};
use super::host::{Flow, LocalReply, ROOT, Side, Stream};
use super::property;
use super::reply::{host_reply, local_response, unavailable};
use super::vm::Vm;

/// Why a direction did not run to its end.
enum Halt {
    Reply(LocalReply),
    Hung(&'static str),
    Overflow,
    Reset,
    Trapped(String),
}

impl Vm {
    /// Plays one exchange. `upstream` is asked when, and only when, a complete request leaves the filter.
    pub fn exchange<F>(&mut self, request: &Request, upstream: F) -> Exchange
    where
        F: FnOnce(&ForwardedRequest) -> UpstreamReply,
    {
        let id = self.next_context();
        self.open(id, request);
        if self.is_dead() {
            return self.report(Verdict::VmDead, Some(unavailable()), None);
        }
        let (verdict, forwarded) = self.play(id, request, upstream);
        let response = self.answered();
        self.close(id);
        self.report(verdict, response, forwarded)
    }

    fn open(&mut self, id: u32, request: &Request) {
        let host = self.host_mut();
        let lower = host.strictness.lower_case_names;
        let protocol = match request.framing {
            Framing::Http1 => "HTTP/1.1",
            Framing::Http2 => "HTTP/2.0",
        };
        let mut stream = Stream::new(id);
        stream.request.headers = cased(request.header_map(), lower);
        if host.strictness.hides_transfer_encoding {
            stream.request.headers.retain(|(name, _)| name != b"transfer-encoding");
        }
        let given =
            request.properties.iter().map(|(path, value)| (property::path_of(path), value.clone()));
        stream
            .properties
            .insert(b"source\0address".to_vec(), request.source_address.clone().into());
        stream.properties.insert(b"request\0id".to_vec(), request.request_id.clone().into());
        if host.strictness.shows_variables {
            stream.properties.insert(b"ngx\0server_protocol".to_vec(), protocol.into());
        }
        stream.properties.extend(given);
        host.stream = Some(stream);
        host.hostcalls.clear();
        host.log.clear();
        self.take_fuel();
    }

    fn play<F>(
        &mut self,
        id: u32,
        request: &Request,
        upstream: F,
    ) -> (Verdict, Option<ForwardedRequest>)
    where
        F: FnOnce(&ForwardedRequest) -> UpstreamReply,
    {
        let created =
            self.call("proxy_on_context_create", id, &[id.cast_signed(), ROOT.cast_signed()]);
        let frames = frames(
            &self.host().strictness,
            &request.body,
            request.trailers.as_ref(),
            request.framing,
        );
        let ran =
            created.map_err(Halt::Trapped).map(drop).and_then(|()| self.run(Side::Request, frames));
        if let Err(halt) = ran {
            return (self.halted_request(halt), None);
        }
        let forwarded = self.forwarded();
        let verdict = match upstream(&forwarded) {
            UpstreamReply::Sidecar(answer) => self.run_answer(answer),
            UpstreamReply::Local { status, body, code_details } => {
                self.set_details(&code_details);
                let reply = LocalReply { status, headers: Vec::new(), body, by_filter: false };
                self.run_reply(reply, Verdict::Forwarded)
            }
        };
        (verdict, Some(forwarded))
    }

    fn halted_request(&mut self, halt: Halt) -> Verdict {
        match halt {
            Halt::Reply(reply) => {
                let verdict =
                    if reply.by_filter { Verdict::LocalReply } else { Verdict::HostReply };
                self.run_reply(reply, verdict)
            }
            Halt::Hung(callback) => Verdict::Hung(callback),
            Halt::Overflow | Halt::Reset => Verdict::Reset,
            Halt::Trapped(message) => {
                self.set_response(unavailable());
                Verdict::Trapped(message)
            }
        }
    }

    fn run_answer(&mut self, answer: Answer) -> Verdict {
        let lower = self.host().strictness.lower_case_names;
        let frames =
            frames(&self.host().strictness, &answer.body, answer.trailers.as_ref(), answer.framing);
        let mut headers = vec![(b":status".to_vec(), answer.status.to_string().into())];
        headers.extend(cased(answer.headers, lower));
        self.flow(Side::Response).headers = headers;
        self.set_details("via_upstream");
        self.run_response(frames, Verdict::Forwarded)
    }

    /// A reply made in the gateway goes through the response callbacks like any answer.
    fn run_reply(&mut self, reply: LocalReply, verdict: Verdict) -> Verdict {
        let strictness = self.host().strictness;
        let response = local_response(&strictness, reply);
        let without_body = response.body.is_empty() || self.is_head();
        let pieces = if without_body { Vec::new() } else { vec![response.body] };
        let mut headers = vec![(b":status".to_vec(), response.status.to_string().into())];
        headers.extend(response.headers);
        self.flow(Side::Response).headers = headers;
        self.run_response(frames(&strictness, &pieces, None, Framing::Http2), verdict)
    }

    fn run_response(&mut self, frames: Vec<Frame>, verdict: Verdict) -> Verdict {
        if let Some(stream) = &mut self.host_mut().stream {
            stream.reply = None;
        }
        let Err(halt) = self.run(Side::Response, frames) else {
            return verdict;
        };
        let strictness = self.host().strictness;
        let begun = self.flow(Side::Response).released;
        let (verdict, response) = match halt {
            Halt::Hung(callback) => return Verdict::Hung(callback),
            Halt::Trapped(message) => (Verdict::Trapped(message), unavailable()),
            Halt::Reset => return Verdict::Reset,
            Halt::Overflow | Halt::Reply(_) if begun => return Verdict::Reset,
            Halt::Overflow => {
                self.set_details("response_payload_too_large");
                (
                    Verdict::HostReply,
                    local_response(&strictness, host_reply(500, "Internal Server Error")),
                )
            }
            Halt::Reply(reply) => (Verdict::Replaced, local_response(&strictness, reply)),
        };
        if !begun {
            self.set_response(response);
        }
        verdict
    }

    /// Sends the frames of one direction; fine only when all of it went through.
    fn run(&mut self, side: Side, frames: Vec<Frame>) -> Result<(), Halt> {
        for frame in frames {
            match frame {
                Frame::Headers { end } => self.run_headers(side, end)?,
                Frame::Body { piece, end } => self.run_body(side, piece, end)?,
                Frame::Trailers(trailers) => self.run_trailers(side, trailers)?,
            }
        }
        self.check_length(side);
        let flow = self.flow(side);
        flow.finished = flow.released;
        if flow.finished { Ok(()) } else { Err(Halt::Hung(callbacks(side).headers)) }
    }

    fn run_headers(&mut self, side: Side, end: bool) -> Result<(), Halt> {
        let body_follows = self.host().strictness.body_after_header_pause && !end;
        let name = callbacks(side).headers;
        let flow = self.flow(side);
        flow.headers_open = true;
        let count = flow.headers.len();
        if self.step(name, count, Some(end))? {
            self.flow(side).release();
        } else if !body_follows {
            return Err(Halt::Hung(name));
        }
        Ok(())
    }

    fn run_body(&mut self, side: Side, piece: Vec<u8>, end: bool) -> Result<(), Halt> {
        let limit = self.body_limit();
        let name = callbacks(side).body;
        let flow = self.flow(side);
        let collecting = flow.buffering;
        flow.body.extend(piece);
        flow.body_open = true;
        let size = flow.body.len();
        if collecting && size > limit {
            self.overflow(side)?;
        }
        if self.step(name, size, Some(end))? {
            self.flow(side).release();
            return Ok(());
        }
        self.flow(side).buffering = true;
        if !collecting && self.flow(side).body.len() > limit {
            self.overflow(side)?;
            return self.pending_reply();
        }
        if end { Err(Halt::Hung(name)) } else { Ok(()) }
    }

    fn run_trailers(&mut self, side: Side, trailers: Vec<Pair>) -> Result<(), Halt> {
        let name = callbacks(side).trailers;
        let count = trailers.len();
        let flow = self.flow(side);
        flow.trailers = Some(trailers);
        flow.trailers_open = true;
        let passed = self.step(name, count, None)?;
        let flow = self.flow(side);
        flow.trailers_open = false;
        if !passed {
            return Err(Halt::Hung(name));
        }
        flow.release();
        Ok(())
    }

    /// More than the host collects. A request's 413 waits for the callback that is due, an answer's
    /// 500 does not.
    fn overflow(&mut self, side: Side) -> Result<(), Halt> {
        if side == Side::Response {
            return Err(Halt::Overflow);
        }
        self.set_details("request_payload_too_large");
        if let Some(stream) = &mut self.host_mut().stream {
            stream.reply = Some(host_reply(413, "Payload Too Large"));
        }
        Ok(())
    }

    /// Runs a callback and what it put off; true when the stream goes on.
    fn step(&mut self, name: &'static str, size: usize, end: Option<bool>) -> Result<bool, Halt> {
        let id = self.host().stream.as_ref().map_or(0, |stream| stream.id);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let mut arguments = vec![id.cast_signed(), size.cast_signed()];
        arguments.extend(end.map(i32::from));
        let action = self.call(name, id, &arguments).map_err(Halt::Trapped)?;
        let paused = action.is_some_and(|action| action != 0);
        if action.is_some()
            && let Some(stream) = &mut self.host_mut().stream
        {
            let end_of_stream = end.unwrap_or(true);
            stream.callbacks.push(Callback { name, size, end_of_stream, paused });
        }
        self.pending_reply()?;
        let stream = self.host().stream.as_ref();
        if stream.is_some_and(|stream| stream.closed) {
            return Err(Halt::Reset);
        }
        Ok(!paused || stream.is_some_and(|stream| stream.resumed))
    }

    fn pending_reply(&mut self) -> Result<(), Halt> {
        let reply = self.host_mut().stream.as_mut().and_then(|stream| stream.reply.take());
        reply.map_or(Ok(()), |reply| Err(Halt::Reply(reply)))
    }

    /// A codec would choke on, or a peer would wait for, a body of another length.
    fn check_length(&mut self, side: Side) {
        if side == Side::Response && self.is_head() {
            return;
        }
        let flow = self.flow(side);
        let announced = first(&flow.headers, "content-length").map(<[u8]>::to_vec);
        let wrong =
            announced.is_some_and(|length| length != flow.sent_body.len().to_string().as_bytes());
        if wrong {
            self.host_mut().violate("a content-length that is not the body's");
        }
    }

    fn forwarded(&mut self) -> ForwardedRequest {
        let flow = self.flow(Side::Request);
        let forwarded = ForwardedRequest {
            headers: flow.headers.clone(),
            body: flow.sent_body.clone(),
            trailers: flow.trailers.clone(),
        };
        let pseudo = [":authority", ":path", ":method"];
        if pseudo.into_iter().any(|name| forwarded.header(name).is_none_or(<[u8]>::is_empty)) {
            self.host_mut().violate("a request without its pseudo headers");
        }
        forwarded
    }

    /// The answer as it went out; none where the client waits or was cut off.
    fn answered(&mut self) -> Option<Response> {
        let flow = self.flow(Side::Response);
        let status = first(&flow.headers, ":status")
            .and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
        flow.finished.then(|| Response {
            status: status.unwrap_or_default(),
            headers: flow.headers.iter().filter(|(name, _)| name != b":status").cloned().collect(),
            body: flow.sent_body.clone(),
            trailers: flow.trailers.clone(),
        })
    }

    fn set_response(&mut self, response: Response) {
        let mut headers = vec![(b":status".to_vec(), response.status.to_string().into())];
        headers.extend(response.headers);
        let flow = Flow {
            headers,
            sent_body: response.body,
            released: true,
            finished: true,
            ..Flow::default()
        };
        *self.flow(Side::Response) = flow;
    }

    fn is_head(&mut self) -> bool {
        first(&self.flow(Side::Request).headers, ":method") == Some(b"HEAD")
    }

    fn set_details(&mut self, details: &str) {
        if let Some(stream) = &mut self.host_mut().stream {
            stream.code_details = Some(details.to_owned());
        }
    }

    fn flow(&mut self, side: Side) -> &mut Flow {
        self.host_mut().stream.get_or_insert_with(|| Stream::new(0)).flow(side)
    }

    /// Log, done, delete: the order in which a stream is destroyed.
    fn close(&mut self, id: u32) {
        for name in ["proxy_on_log", "proxy_on_done", "proxy_on_delete"] {
            if let Some(stream) = &mut self.host_mut().stream {
                stream.logging = name == "proxy_on_log";
            }
            if !self.is_dead()
                && let Err(message) = self.call(name, id, &[id.cast_signed()])
            {
                self.host_mut().violate("a trap while the stream was destroyed");
                self.host_mut().log(4, &message);
            }
        }
    }

    fn report(
        &mut self,
        verdict: Verdict,
        response: Option<Response>,
        forwarded: Option<ForwardedRequest>,
    ) -> Exchange {
        let fuel = self.take_fuel();
        let host = self.host_mut();
        let stream = host.stream.take().unwrap_or_else(|| Stream::new(0));
        Exchange {
            verdict,
            response,
            forwarded,
            violations: std::mem::take(&mut host.violations),
            callbacks: stream.callbacks,
            hostcalls: std::mem::take(&mut host.hostcalls),
            route_cache_clears: stream.route_cache_clears,
            code_details: stream.code_details,
            log: std::mem::take(&mut host.log),
            fuel,
        }
    }
}
