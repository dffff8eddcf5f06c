//! How every act goes: asked, letter read, wrong proof refused, confirmed, proven, replayed. Each step ends in claims.
//! Invariant: nothing is taken for granted; what a step needs of the one before was a claim there.

use contract::address::Channel;
use serde_json::Value;

use super::act::{Act, Attempt, Says, Verify};
use super::acts::{person_of, stranger_to};
use super::letter::{Proof, Wanted};
use super::passing::{alike, unchanged};
use super::secrets::Secrets;
use super::{Transcript, jwt};
use crate::http::{Call, Reply};
use crate::installation::{Installation, Person};
use crate::stage::{Fault, Staged, until};

/// One act on its way.
pub(super) struct Play<'a> {
    pub(super) act: &'a Act,
    pub(super) installation: &'a Installation,
    pub(super) transcript: &'a mut Transcript,
    pub(super) secrets: &'a mut Secrets,
}

impl Play<'_> {
    /// # Errors
    /// The act cannot go on: no answer, no letter, or somebody stopped us.
    pub(super) fn run(&mut self) -> Staged<()> {
        let (person, stranger) = (person_of(self.act), stranger_to(self.act));
        self.transcript.act(&format!("{}: {}", self.act.dialect, self.act.title));
        self.hide(&person);
        self.hide(&stranger);
        self.has_password(&person, &person.password, true, "the old password is right, so far")?;
        let cookie = self.ask(&person, &stranger)?;
        self.leave_theirs_alone()?;
        let proof = self.letter(&person)?;
        // Nothing of the account in it: the policy would say so.
        let lot = person.phone.chars().rev().take(2).collect::<String>();
        let password = format!("seven fresh horses, lot {lot}");
        self.secrets.keep("password", &password);
        let keys = self.public_keys()?;
        let attempt = Attempt { person: &person, proof, password: &password, keys, cookie };
        let attempt = match self.act.verify {
            Some(verify) => self.verify(&verify, attempt)?,
            None => self.refuse_wrong(attempt)?,
        };
        self.confirm(&attempt)?;
        self.replay(&attempt)?;
        self.told_afterwards(&person)?;
        self.explained(&person, &stranger)
    }

    fn hide(&mut self, person: &Person) {
        self.secrets.keep("e-mail", &person.email);
        self.secrets.keep("phone", person.national());
        self.secrets.keep("password", &person.password);
    }

    fn send(&mut self, call: &Call) -> Staged<Reply> {
        self.transcript.go_on()?;
        let reply = call.send(self.installation.gateway())?;
        self.transcript.exchange(call, &reply);
        Ok(reply)
    }

    /// Sends and claims the documented answer; gives the token in it.
    fn expect(&mut self, call: &Call, says: &Says, claim: &str) -> Staged<(Reply, String)> {
        let reply = self.send(call)?;
        let (token, seen) = match says.check(&reply) {
            Ok(token) => (token, Ok(())),
            Err(seen) => (String::new(), Err(seen)),
        };
        self.transcript.claim(claim, seen);
        Ok((reply, token))
    }

    /// Asks for the account and for nobody's address; gives the cookie that a browser would keep.
    fn ask(&mut self, person: &Person, stranger: &Person) -> Staged<Option<String>> {
        let (known, _) =
            self.expect(&(self.act.ask)(person), &self.act.asked, "answered as documented")?;
        if known.status != self.act.asked.status {
            return Err(Fault::new("the ask", "was not taken, so no letter will come"));
        }
        let unknown = self.send(&(self.act.ask)(stranger))?;
        self.transcript.claim(
            "an unknown address gets the same answer, byte for byte (but for the request's id)",
            alike(&known, &unknown),
        );
        let cookie = known.header("set-cookie");
        Ok(cookie.and_then(|line| line.split(';').next().map(str::to_owned)))
    }

    fn leave_theirs_alone(&mut self) -> Staged<()> {
        let call = (self.act.theirs.call)();
        self.transcript.go_on()?;
        let reply = call.send(self.installation.gateway())?;
        self.transcript.question(&call);
        let last = self.installation.app.requests().pop();
        let seen = match last {
            Some(request) if reply.status == 200 => unchanged(&call, &request),
            _ => Err(format!("status {}, and nothing at the app", reply.status)),
        };
        let claim = format!("{}, reaches the app unchanged, byte for byte", self.act.theirs.what);
        self.transcript.claim(&claim, seen);
        Ok(())
    }

    /// Reads the mail or the text, as its owner would.
    fn letter(&mut self, person: &Person) -> Staged<Proof> {
        let wanted = self.act.letter;
        let (about, proof) = match self.act.channel {
            Channel::Email => until("the mail with link or code", || {
                let mails = self.installation.mailbox().mails_to(&person.email)?;
                Ok(mails.iter().find_map(|mail| {
                    let proof = Proof::in_mail(mail);
                    let subject = mail.header("subject").unwrap_or_default();
                    proof.serves(wanted).then(|| (format!("a mail: “{subject}”"), proof))
                }))
            })?,
            Channel::Sms => until("the text with the code", || {
                let texts = self.installation.texts.to(&person.phone)?;
                Ok(texts.iter().find_map(|text| {
                    let proof = Proof::in_text(text);
                    let words = text.text.lines().last().unwrap_or_default();
                    proof.serves(wanted).then(|| (format!("a text: “{words}”"), proof))
                }))
            })?,
        };
        self.transcript.letter(&about);
        for (name, secret) in [("token", &proof.token), ("code", &proof.code)] {
            self.secrets.keep(if name == "token" { "link token" } else { "code" }, secret);
            if !secret.is_empty() {
                self.transcript.note(&format!("  {name} {secret}"));
            }
        }
        self.transcript.claim("the owner gets what the documents promise", Ok(()));
        Ok(proof)
    }

    /// A wrong code gets nothing; the right one then gets the grant.
    fn verify<'p>(&mut self, verify: &Verify, attempt: Attempt<'p>) -> Staged<Attempt<'p>> {
        let (person, code) = (attempt.person, attempt.proof.code.clone());
        let wrong = (verify.call)(person, &attempt.proof.spoilt(Wanted::Code).code);
        self.expect(&wrong, &verify.refused, "a wrong code is refused")?;
        let call = (verify.call)(person, &code);
        let (_, grant) =
            self.expect(&call, &verify.granted, "the right one still counts, and gives a grant")?;
        self.secrets.keep("grant", &grant);
        self.expect(&call, &verify.refused, "the code works once only")?;
        let proof = Proof { token: grant, code };
        let wrong = Attempt { proof: proof.spoilt(Wanted::Link), ..attempt.clone() };
        self.expect(&(self.act.confirm)(&wrong), &self.act.refused, "a wrong grant is refused")?;
        Ok(Attempt { proof, ..attempt })
    }

    /// What the client encrypts the new password with, where it does.
    fn public_keys(&mut self) -> Staged<Value> {
        let Some(path) = self.act.keys else {
            return Ok(Value::Null);
        };
        let keys = self.send(&Call::get(path))?.json()?;
        let has = |kind: &str| keys[kind]["publicKey"].is_string();
        let seen = if has("rsa") && has("sm2") { Ok(()) } else { Err(keys.to_string()) };
        self.transcript.claim("the public keys come as documented", seen);
        Ok(keys)
    }

    fn refuse_wrong<'p>(&mut self, attempt: Attempt<'p>) -> Staged<Attempt<'p>> {
        let wrong = Attempt { proof: attempt.proof.spoilt(self.act.letter), ..attempt.clone() };
        let what = match self.act.letter {
            Wanted::Link => "a wrong token is refused",
            _ => "a wrong code is refused",
        };
        self.expect(&(self.act.confirm)(&wrong), &self.act.refused, what)?;
        self.has_password(attempt.person, &attempt.person.password, true, "which changes nothing")?;
        Ok(attempt)
    }

    fn confirm(&mut self, attempt: &Attempt<'_>) -> Staged<()> {
        let call = (self.act.confirm)(attempt);
        let (_, token) = self.expect(&call, &self.act.done, "the right one is confirmed")?;
        let person = attempt.person;
        self.has_password(person, &person.password, false, "the old password no longer verifies")?;
        self.has_password(person, attempt.password, true, "the new password verifies")?;
        match self.act.login {
            Some(client) => self.logged_in(person, client, &token),
            None => Ok(()),
        }
    }

    /// The same again, with another password: the proof is spent.
    fn replay(&mut self, attempt: &Attempt<'_>) -> Staged<()> {
        let another = format!("third password of {}", self.act.key);
        self.secrets.keep("password", &another);
        let again = Attempt { password: &another, ..attempt.clone() };
        self.expect(&(self.act.confirm)(&again), &self.act.refused, "a replay is refused")?;
        self.has_password(attempt.person, attempt.password, true, "the new password stays")
    }

    fn told_afterwards(&mut self, person: &Person) -> Staged<()> {
        let subject = until("the mail after the reset", || {
            let mails = self.installation.mailbox().mails_to(&person.email)?;
            let told = mails.iter().find(|mail| Proof::in_mail(mail).is_empty());
            Ok(told.map(|mail| mail.header("subject").unwrap_or_default().to_owned()))
        })?;
        self.transcript.letter(&format!("a mail: “{subject}”"));
        self.transcript.claim("the owner is told afterwards, without link or code", Ok(()));
        Ok(())
    }

    /// The operator can tell what became of either ask; the clients could not.
    fn explained(&mut self, person: &Person, stranger: &Person) -> Staged<()> {
        for (who, end) in [(person, "sent"), (stranger, "suppressed")] {
            let address = match self.act.channel {
                Channel::Email => &who.email,
                Channel::Sms => &who.phone,
            };
            let told = self.installation.why(address)?;
            let seen = if told.contains(end) { Ok(()) } else { Err(told) };
            self.transcript.claim(&format!("rekey why {address}: {end}"), seen);
        }
        Ok(())
    }

    fn has_password(
        &mut self,
        person: &Person,
        password: &str,
        right: bool,
        claim: &str,
    ) -> Staged<()> {
        self.transcript.go_on()?;
        let found = self.installation.is_password(&person.email, password)?;
        let seen = if found == right { Ok(()) } else { Err(format!("verify says {found}")) };
        self.transcript.claim(&format!("{claim} ({})", self.installation.judge()), seen);
        Ok(())
    }

    fn logged_in(&mut self, person: &Person, client: &str, token: &str) -> Staged<()> {
        self.secrets.keep("access token", token);
        let keys = self.send(&Call::get("/.well-known/jwks.json"))?.json()?;
        let issuer = &self.installation.places().base_url;
        let seen = jwt::verified(token, &keys).and_then(|claims| {
            let (from, to) = (claims["iat"].as_u64(), claims["exp"].as_u64());
            let right = claims["iss"] == issuer.as_str()
                && claims["sub"] == person.id.as_str()
                && claims["aud"] == client
                && claims["amr"] == serde_json::json!(["reset"])
                && from.is_some_and(|from| to == Some(from + 15 * 60));
            self.transcript.note(&format!("  the token says {claims}"));
            if right { Ok(()) } else { Err(format!("it says {claims}")) }
        });
        self.transcript.claim(
            "the token is a JWT for this account and client, signed by the published key",
            seen,
        );
        Ok(())
    }
}
