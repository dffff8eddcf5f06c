"""A service for Rekey's directory "http" and its events: users in SQLite, and nothing believed that is not signed."""
import base64, hashlib, hmac, json, sqlite3, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
DATABASE, KEY_FILE, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
KEY = base64.b64decode(open(KEY_FILE).readline().strip().removeprefix("whsec_"))
USERS = "SELECT id, name AS user_name, email, phone, status, second_factor, hash AS password_hash FROM users WHERE "
FOUND = "lower(email) IN (SELECT value FROM json_each(?1)) OR phone IN (SELECT value FROM json_each(?1))"
WRITE = "UPDATE users SET hash = ?, wrote = ? WHERE id = ? AND etag(hash) = ?"
def etag(text): return hashlib.sha256((text or "").encode()).hexdigest()
def believed(headers, body):
    message, at, sent = (headers.get("webhook-" + name, "") for name in ("id", "timestamp", "signature"))
    own = b"v1," + base64.b64encode(hmac.digest(KEY, f"{message}.{at}.".encode() + body, "sha256"))
    fresh = at.isdigit() and abs(time.time() - int(at)) < 300
    return fresh and any(hmac.compare_digest(own, one.encode()) for one in sent.split())
def account(row):
    ways = [{"channel": way, "address": row[name]} for way, name in (("email", "email"), ("sms", "phone")) if row[name]]
    return {**row, "addresses": ways, "second_factor": bool(row["second_factor"]), "etag": etag(row["password_hash"])}
def answer(db, path, call, message):
    if path == "/find":
        listed = json.dumps([one["address"].lower() for one in call["addresses"]])
        return 200, {"accounts": [account(row) for row in db.execute(USERS + FOUND, [listed])]}
    if path == "/get": return 200, {"account": next(map(account, db.execute(USERS + "id = ?", [call["id"]])), None)}
    if path == "/write":
        done = db.execute(WRITE, [call["hash"], message, call["id"], call["etag"]]).rowcount
        again = db.execute("SELECT id FROM users WHERE id = ? AND wrote = ?", [call["id"], message]).fetchone()
        return (200, {"written": True}) if done or again else (409, {"written": False})
    if path == "/sessions/end": db.execute("DELETE FROM sessions WHERE user = ?", [call["id"]])
    if path == "/events": db.execute("INSERT OR IGNORE INTO told VALUES (?, ?)", [message, json.dumps(call)])
    return 200 if path in ("/sessions/end", "/events") else 404, {}
class Receiver(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm, timeout = "HTTP/1.1", True, 60
    def do_POST(self):
        body, status, said = self.rfile.read(min(int(self.headers["content-length"]), 1 << 20)), 401, {}
        with sqlite3.connect(DATABASE) as db:
            db.row_factory = lambda cursor, row: {column[0]: value for column, value in zip(cursor.description, row)}
            db.create_function("etag", 1, etag)
            if believed(self.headers, body): status, said = answer(db, self.path, json.loads(body), self.headers["webhook-id"])
        said = json.dumps(said).encode()
        self.wfile.write(b"HTTP/1.1 %d .\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (status, len(said), said))
ThreadingHTTPServer(("127.0.0.1", PORT), Receiver).serve_forever()
