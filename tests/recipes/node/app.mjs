// A table as an app without a framework has it, its salt in a column of its own, and the PBKDF2 of Node's crypto. The argument
// behind the verb is the directory of its packages.
import { pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const [verb, packages] = process.argv.slice(2);
const { database: where, name, address, password, kept } = JSON.parse(readFileSync(0, 'utf8'));

const hashed = (salt) => pbkdf2Sync(password, salt, 210000, 64, 'sha512').toString('hex');

/** Runs a statement with its values in place of `?`, and gives its rows. */
async function connect() {
  if (where.engine === 'sqlite') {
    const { DatabaseSync } = await import('node:sqlite');
    const file = new DatabaseSync(where.path);
    return async (statement, ...values) => file.prepare(statement).all(...values);
  }
  const { Client } = createRequire(`${packages}/`)('pg');
  const client = new Client({ host: where.host, port: where.port, database: where.name, user: where.user, password: where.password });
  await client.connect();
  return async (statement, ...values) => {
    let place = 0;
    return (await client.query(statement.replace(/\?/g, () => `$${++place}`), values)).rows;
  };
}

const run = await connect();
const find = async () => (await run('SELECT * FROM users WHERE email = ?', address))[0];
const fresh = () => randomBytes(16).toString('hex');

const verbs = {
  async install() {
    const id = where.engine === 'sqlite' ? 'INTEGER PRIMARY KEY' : 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY';
    await run(`CREATE TABLE users (id ${id}, email VARCHAR(190) NOT NULL UNIQUE, user_name VARCHAR(190), status VARCHAR(20) NOT NULL DEFAULT 'active', hash CHAR(128) NOT NULL, salt CHAR(32) NOT NULL)`);
    await run('CREATE TABLE sessions (token VARCHAR(64) PRIMARY KEY, user_id BIGINT NOT NULL)');
    return process.versions.node;
  },
  async add() {
    const salt = fresh();
    await run('INSERT INTO users (email, user_name, hash, salt) VALUES (?, ?, ?, ?)', address, name, hashed(salt), salt);
    return String((await find()).id);
  },
  async enter() {
    const found = await find();
    if (found?.status !== 'active' || !timingSafeEqual(Buffer.from(found.hash), Buffer.from(hashed(found.salt)))) return null;
    const token = fresh();
    await run('INSERT INTO sessions (token, user_id) VALUES (?, ?)', token, found.id);
    return token;
  },
  async stay() {
    return (await run('SELECT 1 FROM sessions WHERE token = ?', kept)).length === 1;
  },
  async change() {
    const salt = fresh();
    await run('UPDATE users SET hash = ?, salt = ? WHERE email = ?', hashed(salt), salt, address);
    return true;
  },
  async disable() {
    await run("UPDATE users SET status = 'disabled' WHERE email = ?", address);
    return true;
  },
};
console.log(JSON.stringify(await verbs[verb]()));
process.exit();
