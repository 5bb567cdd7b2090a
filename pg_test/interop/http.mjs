// HTTP for the interop tests: the real Better Auth's handler and `better_auth.handler` behind one interface,
// a small world of users to ask about, and the comparison of everything that comes back.

import assert from 'node:assert/strict';
import { createHash, createHmac, createPublicKey, hkdfSync, verify } from 'node:crypto';
import { createRequire } from 'node:module';
import { mock } from 'node:test';
import { symmetricDecodeJWT } from 'better-auth/crypto';
import pg from 'pg';
import { BASE_URL, PASSWORD, SECRET, createExtensionDatabase, createRealDatabase, realAuth, realMigrate, signCookie } from './lib.mjs';

/** Compares the real one with itself: shows that no comparison is flaky, and needs no extension. */
export const AGAINST_ITSELF = Boolean(process.env.AGAINST_ITSELF);

// better-call writes unhandled exceptions to the console, whatever the logger is told.
mock.method(console, 'error', () => {});

// ── Requests ─────────────────────────────────────────────────────────────────────────────────────
//
// A request is `{method, path, body}` and any of:
//   url      instead of path: from the origin on, or absolute
//   raw      the body's text or bytes, instead of JSON of `body`; a function makes it of what is known
//   by       whose session cookie is sent: a session of the world, or one that a step opened
//   cookie   the Cookie header, instead
//   jar      true: the cookies that were set so far; a function changes them first
//   headers  more of them; null removes one
//   as       the name of the session that it opens
//   gives    the name of the `token` that its answer has
//   keep     members of the answer to know from here on: {name: member}, or {name: 'member.member'}
// `{{name}}` in any text is what the run knows by that name: `ada.token`, `ada.id`, `mail.token`, `mail.url`;
// `{{sign:name}}` is the value of its signed cookie; `{{totp:name}}` the code that an authenticator app shows that was set
// up with that URI, and `{{totp+1:name}}` its next one.
//
// A step may also be a function of `{side, client}`, for what no request does: see ../social.mjs, whose sides have a provider.

export const GET = (path, options) => ({ method: 'GET', path, ...options });
export const POST = (path, body, options) => ({ method: 'POST', path, body, ...options });

/** A session's cookie header. */
export const cookieOf = (token, prefix = 'better-auth') => `${prefix}.session_token=${signCookie(token)}`;

const base64url = (text) => Buffer.from(text).toString('base64url');
const hmac = (text, encoding, secret = SECRET) => createHmac('sha256', secret).update(text).digest(encoding);

/** A JWT as Better Auth's mails carry it. `expires` is in seconds from now. */
export function signJwt(claims, { expires = 3600, secret = SECRET, header = { alg: 'HS256' } } = {}) {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify({ ...claims, iat: now, exp: now + expires }))}`;
  return `${signed}.${hmac(signed, 'base64url', secret)}`;
}

/** A compact session_data cookie's value with another content, signed again. */
export function changeCompact(value, change, secret = SECRET) {
  const { session, expiresAt } = JSON.parse(Buffer.from(decodeURIComponent(value), 'base64url'));
  const changed = change({ session, expiresAt });
  const signature = hmac(JSON.stringify({ ...changed.session, expiresAt: changed.expiresAt }), 'base64url', secret);
  return base64url(JSON.stringify({ ...changed, signature }));
}

/** A session_data cookie's JWT with other claims, signed again. */
export function changeJwt(value, change, secret = SECRET) {
  const [header, payload] = value.split('.').map((part) => Buffer.from(part, 'base64url'));
  const signed = `${base64url(header)}.${base64url(JSON.stringify(change(JSON.parse(payload))))}`;
  return `${signed}.${hmac(signed, 'base64url', secret)}`;
}

/** The code that an authenticator app shows which was set up with this URI, so many steps from now. */
export function totp(uri, steps = 0) {
  const { searchParams } = new URL(uri);
  const bits = [...searchParams.get('secret')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'));
  const key = Buffer.from(bits.join('').match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / Number(searchParams.get('period'))) + steps));
  const hash = createHmac('sha1', key).update(counter).digest();
  const number = hash.readUInt32BE(hash.at(-1) & 15) & 0x7fffffff;
  const digits = Number(searchParams.get('digits'));
  return String(number % 10 ** digits).padStart(digits, '0');
}

// ── The world ────────────────────────────────────────────────────────────────────────────────────

const id = (name) => name.padEnd(32, 'Z9');
const user = (name, email, rest) => ({
  id: id(name),
  name,
  email,
  verified: false,
  image: null,
  accounts: ['credential'],
  sessions: [],
  ...rest,
});

/** Everybody's password is PASSWORD. Everything is an hour old; no session is due for a refresh. */
export const WORLD = [
  user('Ada', 'ada@example.com', { sessions: ['ada', 'ada2'] }),
  user('Vera', 'vera@example.com', {
    verified: true,
    image: 'https://example.com/vera.png',
    accounts: ['credential', 'github'],
    sessions: ['vera'],
  }),
  user('Gina', 'gina@example.com', { verified: true, accounts: ['google'], sessions: ['gina'] }),
];
/** The database's names for it. */
export const ID = Object.fromEntries(WORLD.map((one) => [one.name.toLowerCase(), one.id]));
export const TOKEN = Object.fromEntries(WORLD.flatMap((one) => one.sessions.map((session) => [session, id(`${session}session`)])));
export const accountId = (name, provider) => id(`${name}${provider}`);

function worldSql(hash) {
  const row = (values) =>
    `(${values.map((value) => (value?.sql ? value.sql : value === null ? 'NULL' : pg.escapeLiteral(String(value)))).join(', ')})`;
  const ago = { sql: `now() - interval '1 hour'` };
  const users = [],
    accounts = [],
    sessions = [];
  for (const one of WORLD) {
    users.push(row([one.id, one.name, one.email, one.verified, one.image, ago, ago]));
    for (const provider of one.accounts) {
      const credential = provider === 'credential';
      accounts.push(
        row([
          accountId(one.name, provider),
          credential ? one.id : `${provider}-subject`,
          provider,
          one.id,
          credential ? null : 'access',
          credential ? null : 'openid,email',
          credential ? hash : null,
          ago,
          ago,
        ]),
      );
    }
    for (const session of one.sessions) {
      sessions.push(row([id(`${session}row`), TOKEN[session], one.id, { sql: `now() + interval '7 days -1 hour'` }, '', 'seed', ago, ago]));
    }
  }
  return `
    DELETE FROM "user"; DELETE FROM verification; DELETE FROM "rateLimit";
    INSERT INTO "user" (id, name, email, "emailVerified", image, "createdAt", "updatedAt") VALUES ${users};
    INSERT INTO account (id, "accountId", "providerId", "userId", "accessToken", scope, password, "createdAt", "updatedAt") VALUES ${accounts};
    INSERT INTO session (id, token, "userId", "expiresAt", "ipAddress", "userAgent", "createdAt", "updatedAt") VALUES ${sessions};`;
}

// ── The two sides ────────────────────────────────────────────────────────────────────────────────
//
// A side is {name, database, fetch(request), mails(), forget(), hash}: `fetch` takes {method, url, headers: [[name, value]], body}
// and answers {status, headers, setCookies, body}; `mails` takes what was sent since the last time.

// A hash that costs nothing, where hashing isn't the point.
const cheapHash = (password) => `cheap:${createHash('sha256').update(password.normalize('NFKC')).digest('hex')}`;
const cheap = { hash: async (password) => cheapHash(password), verify: async ({ hash, password }) => hash === cheapHash(password) };

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
/** Options over options. */
export const merge = (base, over = {}) =>
  Object.entries(over).reduce(
    (sum, [key, value]) => ({ ...sum, [key]: isObject(value) && isObject(sum[key]) ? merge(sum[key], value) : value }),
    base,
  );

/**
 * What the handler is documented to be: all senders there, no rate limit unless a test wants one.
 * `options` is a function of the senders `{reset, verification, change, remove}`, and of `message`, for plugins:
 * `message({kind, recipient, token, url, ...data})` is what ours has in its outbox.
 */
function fullOptions(options, send) {
  const base = {
    rateLimit: { enabled: false, storage: 'database' },
    emailAndPassword: { enabled: true, sendResetPassword: send.reset, password: cheap },
    emailVerification: { sendVerificationEmail: send.verification },
  };
  return merge(base, options(send));
}
const KINDS = {
  reset: 'reset-password',
  verification: 'verification-email',
  change: 'change-email-confirmation',
  remove: 'delete-account',
};
const noSenders = { ...Object.fromEntries(Object.keys(KINDS).map((name) => [name, async () => {}])), message: async () => {} };

/** The real one on a database that `realDatabase` made. */
export function realSide(database, options = () => ({})) {
  const sent = [];
  const send = Object.fromEntries(
    Object.entries(KINDS).map(([name, kind]) => [
      name,
      async ({ user, url, token, newEmail }) => {
        sent.push({ kind, recipient: user.email, url, token, data: JSON.parse(JSON.stringify({ user, newEmail })) });
      },
    ]),
  );
  send.message = async ({ kind, recipient, token = '', url = '', ...data }) => {
    sent.push({ kind, recipient, url, token, data: JSON.parse(JSON.stringify(data)) });
  };
  const { auth } = realAuth(database, fullOptions(options, send));
  return {
    name: 'Better Auth',
    auth,
    database,
    hash: cheapHash(PASSWORD),
    async fetch({ method, url, headers, body }) {
      // As bytes: a text would bring a content type of its own. HTTP knows no difference between an empty body and none.
      const bytes = body?.length > 0 ? Buffer.from(body) : undefined;
      const response = await auth.handler(new Request(url, { method, headers, body: bytes }));
      return {
        status: response.status,
        headers: [...response.headers].filter(([name]) => name !== 'set-cookie'),
        setCookies: onceEach(response.headers.getSetCookie()),
        body: await response.text(),
      };
    },
    mails: async () => sent.splice(0),
  };
}

/** What a browser makes of Better Auth's cookies: where two set one of a name, the last one counts. Ours says it once. */
function onceEach(cookies) {
  const key = (cookie) => `${cookie.split('=')[0]} ${/; Domain=([^;]*)/.exec(cookie)?.[1]}`;
  return cookies.filter((cookie, index) => !cookies.slice(index + 1).some((later) => key(later) === key(cookie)));
}

/** Shown cookies, those of a device's sessions that are taken back in one order: Better Auth looks at them all at once. */
function sortedGone(cookies) {
  const isGone = (cookie) => /^[^=]*_multi-[^=]*=; Max-Age=0;/.test(cookie);
  const gone = cookies.filter(isGone).sort();
  return cookies.map((cookie) => (isGone(cookie) ? gone.shift() : cookie));
}

/** Ours on a database that `ourDatabase` made. It is configured by the database's settings. */
export function ourSide(database, options) {
  if (AGAINST_ITSELF) return realSide(database, options);
  const side = {
    name: 'ours',
    database,
    hash: database.hash,
    async fetch({ method, url, headers, body = null }) {
      const text = typeof body === 'string' ? body.toWellFormed() : body && new TextDecoder('utf-8', { ignoreBOM: true }).decode(body);
      const request = { method, url, headers, body: text, ...(side.provider && { fetch: true }) };
      let response = await database.value('SELECT better_auth.handler($1::jsonb)', [JSON.stringify(request)]);
      for (let fetches = 0; response.fetch; fetches++) {
        assert.ok(side.provider && fetches < 4, `fetch ${fetches}: ${response.fetch.url}`);
        const fetched = JSON.stringify(await side.provider.answer(response.fetch));
        response = await database.value('SELECT better_auth.resume($1, $2::jsonb)', [response.resume, fetched]);
      }
      assert.deepEqual(Object.keys(response).sort(), ['body', 'headers', 'status']);
      assert.equal(typeof response.body, 'string');
      for (const [name, value, ...rest] of response.headers) {
        assert.deepEqual([name, typeof value, rest], [name.toLowerCase(), 'string', []], 'a header is a lower-case name and a text');
      }
      const named = (wanted) => response.headers.filter(([name]) => (name === 'set-cookie') === wanted);
      return {
        status: response.status,
        headers: named(false).sort(([a], [b]) => (a < b ? -1 : 1)),
        setCookies: named(true).map(([, value]) => value),
        body: response.body,
      };
    },
    mails: () =>
      database.sql(
        `WITH taken AS (DELETE FROM better_auth.mail_outbox RETURNING *)
         SELECT kind, recipient, url, token, data FROM taken ORDER BY created_at, id`,
      ),
    // What a step does to the table stands: memory would hold on to what was counted.
    forget: () => database.sql('SELECT better_auth.forget_rate_limits()'),
  };
  return side;
}

/**
 * A database for the real one, with what the options ask of its tables: added to them, as to ours, since columns that
 * are added have defaults that those of new tables lack.
 */
export async function realDatabase(options = () => ({})) {
  const database = await createRealDatabase(fullOptions(() => ({}), noSenders));
  await realMigrate(database, fullOptions(options, noSenders));
  return database;
}

/**
 * A database with this extension and the tests' secret. `sql` adds the columns that the options ask for; those of
 * `plugins`, with the `settings` that decide on them, are migrate()'s.
 */
export async function ourDatabase({ options, sql = '', plugins, settings } = {}) {
  if (AGAINST_ITSELF) return realDatabase(options);
  const database = await createExtensionDatabase();
  if (plugins) {
    await database.configure({ plugins, ...settings });
    await database.sql('SELECT better_auth.migrate()');
  }
  await database.sql(`SELECT better_auth.set_secret('cookie', ${pg.escapeLiteral(SECRET)}); ${sql}`);
  database.hash = await database.value('SELECT better_auth.hash_password($1)', [PASSWORD]);
  return database;
}

// ── A client, and a run of steps on one side ─────────────────────────────────────────────────────

/** What a browser and its user keep: cookies, and what they know by name. It may talk to both sides. */
export class Client {
  known = {};
  jar = {};
  #prefix;
  #basePath;

  constructor({ prefix = 'better-auth', basePath = '/api/auth' } = {}) {
    this.#prefix = prefix;
    this.#basePath = basePath;
  }

  /** Sends a request, and keeps what comes of it. `mails` are those that were sent meanwhile. */
  async ask(side, step) {
    const answer = await side.fetch(this.#request(step));
    this.last = answer;
    for (const cookie of answer.setCookies) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(cookie);
      if (/; Max-Age=0(;|$)/.test(cookie)) delete this.jar[name];
      else this.jar[name] = value;
    }
    const mails = await side.mails();
    for (const { token, url } of mails) Object.assign(this.known, { 'mail.token': token, 'mail.url': url });
    if (step.gives) this.known[`${step.gives}.token`] = JSON.parse(answer.body).token;
    if (step.as) {
      const { token } = JSON.parse(answer.body);
      assert.ok(token, `${side.name}: ${step.method} ${step.path} opened no session: ${answer.body}`);
      this.known[`${step.as}.token`] = token;
    }
    return { ...answer, mails };
  }

  /** A text or JSON with what is known in place of `{{name}}`. */
  fill(value) {
    if (typeof value === 'string') {
      return value.replace(/\{\{(?:(sign|totp(?:\+1)?):)?([\w.]+)\}\}/g, (_, how, name) => {
        if (!how) return this.#value(name);
        return how === 'sign' ? signCookie(this.#value(name)) : totp(this.#value(name), how === 'totp' ? 0 : 1);
      });
    }
    if (Array.isArray(value)) return value.map((item) => this.fill(item));
    if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.fill(item)]));
    return value;
  }

  #value(name) {
    assert.ok(name in this.known, `nothing is known as ${name}`);
    return this.known[name];
  }

  #request({ method, path, url, body, raw, by, cookie, jar, headers = {} }) {
    const target = this.fill(url ?? path);
    const sent = { origin: BASE_URL };
    const content = (typeof raw === 'function' ? raw(this.known) : raw) ?? (body === undefined ? undefined : JSON.stringify(this.fill(body)));
    if (content !== undefined) sent['content-type'] = 'application/json';
    if (by) sent.cookie = cookieOf(this.#value(`${by}.token`), this.#prefix);
    if (cookie) sent.cookie = this.fill(cookie);
    if (jar) {
      const cookies = jar === true ? this.jar : jar({ ...this.jar }, this.known);
      sent.cookie = Object.entries(cookies)
        .map(([name, value]) => `${name}=${value}`)
        .join('; ');
    }
    const pairs = Object.entries({ ...sent, ...this.fill(headers) }).filter(([, value]) => value !== null);
    return {
      method,
      url: target.startsWith('/') ? `${BASE_URL}${url ? '' : this.#basePath}${target}` : target,
      headers: pairs.flatMap(([name, value]) => (Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]])),
      body: content,
    };
  }
}

/** Plays the steps on one side, from the world as it always is; what it answered, and the rows afterwards. */
export async function play(side, steps, names = {}) {
  const more = Object.keys(names.columns?.tables ?? {}).map((name) => `DELETE FROM "${name}";`);
  await side.database.sql(`${worldSql(side.hash)} ${more.join(' ')}`);
  await side.forget?.();
  await side.mails();
  await side.begin?.();
  const client = new Client(names);
  Object.assign(client.known, names.known);
  const shown = new Shown(names.prefix ?? 'better-auth');
  const world = [
    ...Object.entries(TOKEN).map(([name, token]) => [`${name}.token`, token]),
    ...Object.entries(ID).map(([name, value]) => [`${name}.id`, value]),
  ];
  for (const [name, value] of world) {
    client.known[name] = value;
    shown.know(value, name);
  }
  const answers = [];
  for (const step of steps) {
    if (typeof step === 'string') {
      await side.database.sql(client.fill(step));
      await side.forget?.();
    } else if (typeof step === 'function') {
      await step({ side, client });
    } else {
      const answer = await client.ask(side, step);
      answer.setCookies = await Promise.all(answer.setCookies.map(readable));
      for (const { token } of answer.mails) shown.knowCode(token);
      for (const [name, value] of kept(step, answer.body)) {
        client.known[name] = value;
        shown.keep(value, name);
      }
      answers.push(shown.answer(`${step.method} ${step.path ?? step.url}`.slice(0, 120), answer));
      await nextMillisecond(); // rows are shown in the order of their times
    }
  }
  return { answers, rows: shown.rows(await tables(side.database, names.columns?.tables)) };
}

/** Until the clock is on: a step's rows are older than the next one's. */
async function nextMillisecond() {
  for (const now = Date.now(); Date.now() === now; ) await new Promise(setImmediate);
}

/** What a step keeps of an answer, as far as that has it. */
function kept({ keep = {} }, body) {
  const answer = body.startsWith('{') ? JSON.parse(body) : {};
  const at = (path) => path.split('.').reduce((value, name) => value?.[name], answer);
  return Object.entries(keep).flatMap(([name, path]) => (typeof at(path) === 'string' ? [[name, at(path)]] : []));
}

/** The cookie of an account, which is encrypted, as JSON; all others as they are. */
async function readable(cookie) {
  const [, name, value, attributes] = /^([^=]*)=([^;]*)(.*)$/.exec(cookie);
  if (!name.endsWith('.account_data') || value === '') return cookie;
  const account = await symmetricDecodeJWT(value, SECRET, 'better-auth-account');
  return account ? `${name}=${encodeURIComponent(JSON.stringify(account))}${attributes}` : cookie;
}

/** Plays the steps on both sides. */
export const playBoth = (sides, steps, names) => Promise.all(sides.map((side) => play(side, steps, names)));

const ORDERED = {
  user: '"createdAt", id',
  account: '"createdAt", id',
  session: '"createdAt", id',
  verification: '"createdAt", identifier',
  rateLimit: 'key',
};

/** All rows that Better Auth has, and those of a plugin's tables: `{name: order}`. */
async function tables(database, more = {}) {
  const ordered = { ...ORDERED, ...more };
  const names = Object.keys(ordered);
  const results = await database.pool.query(names.map((name) => `SELECT * FROM "${name}" ORDER BY ${ordered[name]}`).join('; '));
  return Object.fromEntries(names.map((name, index) => [name, results[index].rows]));
}

const { xchacha20poly1305 } = createRequire(createRequire(import.meta.url).resolve('better-auth'))('@noble/ciphers/chacha.js');

/** A secret of a second factor that tests know. */
export const TOTP_SECRET = 'a-Secret_that-tests-know-0123456';
const base32 = (text) =>
  [...Buffer.from(text)]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .match(/.{1,5}/g)
    .map((bits) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[Number.parseInt(bits.padEnd(5, '0'), 2)])
    .join('');
/** The URI of that secret. */
export const TOTP_URI = `otpauth://totp/x?secret=${base32(TOTP_SECRET)}&digits=6&period=30`;

/** What Better Auth's `symmetricEncrypt` has encrypted under the tests' secret. */
function unseal(sealed, secret = SECRET) {
  const bytes = Buffer.from(sealed, 'hex');
  const key = createHash('sha256').update(secret).digest();
  return Buffer.from(xchacha20poly1305(key, bytes.subarray(0, 24)).decrypt(bytes.subarray(24))).toString();
}

/** The same way back; under a nonce of zeros, so that a text is always the same. */
export function seal(text, secret = SECRET) {
  const key = createHash('sha256').update(secret).digest();
  const nonce = Buffer.alloc(24);
  return Buffer.concat([nonce, xchacha20poly1305(key, nonce).encrypt(Buffer.from(text))]).toString('hex');
}

/** The secret that Better Auth derives from the tests' for one purpose. */
export const purposeSecret = (purpose, secret = SECRET) =>
  Buffer.from(hkdfSync('sha256', secret, 'better-auth:oauth-encryption:v1', `better-auth:${purpose}:v1`, 32)).toString('hex');
/** The secret of servers that share one (oauth-proxy). */
export const SHARED_SECRET = 'a secret that two servers share, and no others';
const PROXIED = ['package', 'state', 'profile'].flatMap((what) =>
  [SECRET, SHARED_SECRET].map((secret) => [`${what}${secret === SECRET ? '' : ', shared'}`, purposeSecret(`oauth-proxy-${what}`, secret)]),
);
const LINK_SECRET = purposeSecret('oauth-link-session-token');

/** Public keys, JWKs, that tokens are verified with where they are shown, by `kid`. */
export const PUBLIC_KEYS = new Map();
const JWS = {
  EdDSA: [null, {}],
  ES256: ['sha256', { dsaEncoding: 'ieee-p1363' }],
  ES512: ['sha512', { dsaEncoding: 'ieee-p1363' }],
  RS256: ['sha256', {}],
  // RSA_PKCS1_PSS_PADDING, with a salt as long as the hash.
  PS256: ['sha256', { padding: 6, saltLength: 32 }],
};

/** Whether a token is signed by one of these keys; undefined if its key is none of them. */
function isSigned(header, signed, signature) {
  const { alg, kid } = JSON.parse(Buffer.from(header, 'base64url'));
  const key = PUBLIC_KEYS.get(kid);
  if (!key || !JWS[alg]) return undefined;
  const [hash, options] = JWS[alg];
  return verify(hash, Buffer.from(signed), { key: createPublicKey({ key, format: 'jwk' }), ...options }, Buffer.from(signature, 'base64url'));
}

/** The numbers of JWKs by their lengths, unless they are those above: they are random. */
function jwkShape(text) {
  const known = new Set([...PUBLIC_KEYS.values()].flatMap((key) => Object.values(key)));
  const isKnown = (jwk) => [...jwk.matchAll(/"(?:x|n)":"([\w-]+)"/g)].some(([, number]) => known.has(number));
  const shape = (jwk) => jwk.replace(/(?<="(?:x|y|d|n|p|q|dp|dq|qi)":")[\w-]+(?=")/g, (number) => `<${Math.ceil(number.length / 4)}>`);
  return text.replace(/\{[^{}]*\}/g, (jwk) => (isKnown(jwk) ? jwk : shape(jwk)));
}

// ── What is shown of answers, mails and rows ─────────────────────────────────────────────────────

/**
 * Texts with what differs from run to run replaced: ids and tokens by their order of appearance, times by
 * their distance from now in whole minutes, signatures by whether they are right. All else stays as it is.
 */
class Shown {
  #names = new Map();
  #codes = new Map();
  #kept = new Map();
  #challenges = new Map();
  #prefix;

  constructor(prefix) {
    this.#prefix = prefix;
  }

  know(value, name) {
    this.#names.set(value, `<${name}>`);
  }

  /** A code that was sent, by its order: it differs from run to run. */
  knowCode(code) {
    if (/^\d{4,12}$/.test(code) && !this.#codes.has(code)) this.#codes.set(code, `<code ${this.#codes.size + 1}>`);
  }

  /** A row's code and how often it was guessed wrong: `plain:0`, the same hashed, or encrypted. */
  #storedCode(value) {
    const [, stored, rest] = /^(.*?)(:[^:]*)?$/s.exec(value);
    this.knowCode(stored);
    if (/^[\w-]{43}$/.test(stored)) {
      const known = [...this.#codes].find(([code]) => createHash('sha256').update(code).digest('base64url') === stored);
      return `<hash of ${known?.[1]}>${rest}`;
    }
    if (/^[0-9a-f]{80,}$/.test(stored)) {
      const code = unseal(stored);
      this.knowCode(code);
      return `<sealed ${this.#text(code)}>${rest}`;
    }
    return this.#text(value);
  }

  /** A value that an answer gave, by its name, its order and its length. */
  keep(value, name) {
    const length = /^[\w-]+$/.test(value) ? ` of ${value.length}` : '';
    if (!this.#kept.has(value)) this.#kept.set(value, `<${name} ${this.#kept.size + 1}${length}>`);
  }

  answer(request, { status, headers, setCookies, body, mails }) {
    return {
      request,
      status,
      headers: headers.map(([name, value]) => `${name}: ${this.#header(name, value)}`),
      cookies: sortedGone(this.#cookies(setCookies)),
      body: body.startsWith('[') ? this.#list(body) : body.startsWith('{"sessions":[') ? this.#sessions(body) : this.#text(body),
      mails: mails.map(({ kind, recipient, url, token, data }) => ({
        kind,
        recipient,
        url: this.#text(url),
        token: this.#text(token),
        data: this.#value(data),
      })),
    };
  }

  /** A header that holds cookies shows them as they are shown elsewhere. */
  #header(name, value) {
    if (name === 'set-auth-token') return this.#signed(encodeURIComponent(value));
    const cookies = name === 'location' && /(?<=[?&])cookie=([^&#]*=[^&#]*|[^&#]*%3D[^&#]*)/.exec(value);
    if (!cookies) return this.#text(value);
    const joined = new URLSearchParams(cookies[0]).get('cookie');
    const written = new URLSearchParams({ cookie: joined }).toString() === cookies[0] ? 'cookie' : 'cookie, oddly written';
    const shown = this.#cookies(onceEach(joined.split(/, (?=[^\s;,=]+=)/))).join(' and ');
    return this.#text(value.replace(cookies[0], '')).concat(` ${written}: ${shown}`);
  }

  rows(rows) {
    const unnamed = rows.rateLimit.map(({ id, lastRequest, ...rest }) => ({ ...rest, lastRequest: this.#time(Number(lastRequest)) }));
    // What ours alone keeps: the steps whose codes were used. Identifiers of second factors are random, and so is their order.
    const kept = rows.verification.filter(({ identifier }) => !identifier.startsWith('2fa-used-'));
    const place = ({ identifier }) => this.#text(identifier);
    if (kept.some(({ identifier }) => /^(2fa|trust-device)-/.test(identifier))) kept.sort((a, b) => (place(a) < place(b) ? -1 : 1));
    return this.#value({ ...rows, rateLimit: unnamed, verification: kept });
  }

  #value(value, key) {
    if (value instanceof Date) return this.#time(value.getTime());
    if (Array.isArray(value)) return value.map((item) => this.#value(item));
    if (isObject(value) && /-otp-|^phone-number-/.test(value.identifier) && !/^2fa-(attempts-)?2fa/.test(value.identifier) && typeof value.value === 'string') {
      return { ...this.#value({ ...value, value: null }), value: this.#storedCode(value.value) };
    }
    if (isObject(value) && typeof value.backupCodes === 'string' && typeof value.secret === 'string') {
      const { secret, backupCodes, ...rest } = value;
      return { ...this.#value(rest), secret: this.#unsealed(secret), backupCodes: this.#text(`"backupCodes":${this.#unsealed(backupCodes)}`) };
    }
    if (isObject(value) && typeof value.publicKey === 'string' && typeof value.privateKey === 'string') {
      const { publicKey, privateKey, ...rest } = value;
      const isSealed = /^"[0-9a-f]{80,}"$/.test(privateKey);
      const kept = isSealed ? `<sealed ${jwkShape(unseal(JSON.parse(privateKey)))}>` : jwkShape(privateKey);
      return { ...this.#value(rest), publicKey: jwkShape(publicKey), privateKey: kept };
    }
    if (isObject(value) && typeof value.membershipKey === 'string') {
      const { membershipKey, ...rest } = value;
      const key = createHash('sha256').update(JSON.stringify([value.teamId, value.userId])).digest('base64url');
      return { ...this.#value(rest), membershipKey: membershipKey === key ? '<its key>' : membershipKey };
    }
    if (isObject(value)) {
      const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
      return Object.fromEntries(fields.map(([name, item]) => [name, this.#value(item, name)]));
    }
    if (typeof value !== 'string') return value;
    const hash = /^(cheap:[0-9a-f]{64}|[0-9a-f]{32}:[0-9a-f]{128}|\$argon2id\$v=19\$m=19456,t=2,p=1\$\S{22}\$\S{43})$/;
    if (/^(access|refresh)Token$/.test(key) && /^[0-9a-f]{80,}$/.test(value)) return `<sealed> ${this.#text(unseal(value))}`;
    return key === 'password' && hash.test(value) ? '<hash>' : this.#text(value);
  }

  /** What was encrypted; of a random secret, how long it is. */
  #unsealed(value) {
    if (!/^[0-9a-f]{80,}$/.test(value)) return value;
    let text;
    try {
      text = unseal(value);
    } catch {
      return `<sealed under another secret> ${value}`;
    }
    return `<sealed> ${/^[\w-]{32}$/.test(text) && text !== TOTP_SECRET ? `<secret of ${text.length}>` : text}`;
  }

  /** What a sign-in with a provider keeps secret: whether one is that of the other, and whose session it is. */
  #oauth(text) {
    return text
      .replace(/(?<=code_challenge=)[\w-]{43}(?![\w-])/g, (challenge) => this.#challenge(challenge))
      .replace(/(?<=[?&](?:state|nonce)=|"(?:state|oauthState|idTokenNonce|nonce)":"|auth-state:)[\w-]{32}(?![\w-])/g, (random) => this.#name(random))
      .replace(/(?<="(?:iat|exp)":)\d{10}(?=[,}])/g, (time) => this.#time(Number(time) * 1000))
      .replace(/(?<="codeVerifier":")[\w-]{128}(?=")/g, (verifier) => `<of ${this.#challenge(createHash('sha256').update(verifier).digest('base64url'))}>`)
      .replace(/(?<="encryptedSessionToken":")[0-9a-f]{80,}(?=")/g, (sealed) => `<sealed> ${this.#name(unseal(sealed, LINK_SECRET))}`);
  }

  /** What two servers tell one another by way of a browser, and under which secret. */
  #proxied(text) {
    return text.replace(/(?<=[?&](?:state|profile)=|"stateCookie":")[0-9a-f]{160,}/g, (sealed) => {
      for (const [what, secret] of PROXIED) {
        try {
          return `<sealed ${what}> ${this.#proxied(unseal(sealed, secret))}`;
        } catch {} // under another one
      }
      return sealed;
    });
  }

  #challenge(value) {
    if (!this.#challenges.has(value)) this.#challenges.set(value, `<challenge ${this.#challenges.size + 1}>`);
    return this.#challenges.get(value);
  }

  #text(text) {
    text = this.#oauth(this.#proxied(text));
    // Second factors.
    text = text
      .replace(/(?<="backupCodes":(?:<sealed> )?)\[[^\]]*\]/g, (codes) => codes.replace(/"\w{5}-\w*"/g, (code) => `"<backup code of ${code.length}>"`))
      .replace(/(?<=\?secret=)[A-Z2-7]+/g, (secret) => (secret === base32(TOTP_SECRET) ? '<its secret>' : `<secret of ${secret.length}>`))
      .replace(/(?<=2fa-)(?!otp-|attempts-)[\w-]{20}(?![\w-])/g, (random) => this.#name(random))
      .replace(/(?<![\w-])[\w-]{43}!(trust-device-)([\w-]{32})(?![\w-])/g, (whole, kind, random) => {
        const owner = [...this.#names.keys()].find((id) => hmac(`${id}!${kind}${random}`, 'base64url') === whole.split('!')[0]);
        return `${owner ? this.#names.get(owner) : 'nobody'}!${kind}${this.#name(random)}`;
      })
      .replace(/(?<=trust-device-)[\w-]{32}(?![\w-])/g, (random) => this.#name(random));
    if (text.startsWith('{"keys":[')) text = jwkShape(text);
    // Tokens of Better Auth's whole alphabet, and their hashes.
    text = text
      .replace(/(?<=^|"token":"|one-time-token:)[\w-]{32}(?![\w-])/g, (token) => this.#name(token))
      .replace(/(?<=^|magic-link:|one-time-token:)[\w-]{43}(?![\w-])/g, (hash) => this.#hash(hash));
    for (const [code, name] of this.#codes) text = text.replace(new RegExp(`(?<!\\d)${code}(?!\\d)`, 'g'), name);
    for (const [value, name] of this.#kept) text = text.replaceAll(value, name);
    return text
      .replace(/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, (jwt) => this.#jwt(jwt))
      .replace(/(?<![A-Za-z0-9])([A-Za-z0-9]{32}|[A-Za-z0-9]{24})(?![A-Za-z0-9])/g, (word) => this.#name(word))
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (date) => this.#time(Date.parse(date)))
      .replace(/(?<="(?:updatedAt|expiresAt|timestamp)":)\d{13}\b/g, (time) => this.#time(Number(time)))
      .replace(/(?<="expires_in":)(604799|604800)\b/g, '<7 days>');
  }

  // Better Auth asks for no order of its lists, so it is up to PostgreSQL.
  #list(body) {
    const items = JSON.parse(body);
    assert.equal(JSON.stringify(items), body);
    const order = ({ createdAt, id }) => `${createdAt} ${id}`;
    return items.sort((a, b) => (order(a) < order(b) ? -1 : 1)).map((item) => this.#text(JSON.stringify(item)));
  }

  #hash(hash) {
    const known = [...this.#names, ...this.#kept].find(([value]) => createHash('sha256').update(value).digest('base64url') === hash);
    return known ? `<hash of ${known[1]}>` : hash;
  }

  #sessions(body) {
    const { sessions, ...rest } = JSON.parse(body);
    assert.deepEqual([JSON.stringify({ sessions }), rest], [body, {}]);
    return { sessions: this.#list(JSON.stringify(sessions)) };
  }

  #name(value) {
    if (!this.#names.has(value)) this.#names.set(value, `<id ${this.#names.size + 1}>`);
    return this.#names.get(value);
  }

  #time(milliseconds) {
    // A date of a test's own, which is no time of a run: its distance from now would be one minute or another.
    if (Math.abs(milliseconds - Date.now()) > 5 * 365 * 86_400_000) return new Date(milliseconds).toISOString();
    return `<now + ${Math.round((milliseconds - Date.now()) / 60_000) + 0} min>`;
  }

  #jwt(jwt) {
    const [header, payload, signature] = jwt.split('.');
    const right = isSigned(header, `${header}.${payload}`, signature) ?? hmac(`${header}.${payload}`, 'base64url') === signature;
    let claims = Buffer.from(payload, 'base64url').toString();
    const { iat, exp } = JSON.parse(claims);
    claims = claims.replace(`"iat":${iat}`, `"iat":${this.#time(iat * 1000)}`).replace(`"exp":${exp}`, `"exp":<iat + ${exp - iat} s>`);
    return `<${right ? 'signed' : 'badly signed'} ${this.#text(Buffer.from(header, 'base64url').toString())} ${this.#text(claims)}>`;
  }

  /** Every Set-Cookie in order. Chunks of session_data are read together, at the last one. */
  #cookies(cookies) {
    let chunks = '';
    return cookies.map((cookie, index) => {
      const [, given, value, attributes] = /^([^=]*)=([^;]*)(.*)$/.exec(cookie);
      const name = this.#cookieName(given);
      if (value === '') return `${name}=${attributes}`;
      const bare = name.startsWith(this.#prefix) ? name.slice(this.#prefix.length + 1) : name;
      if (bare === 'account_data' && value.startsWith('%7B')) return `${name}=${this.#account(JSON.parse(decodeURIComponent(value)))}${attributes}`;
      if (bare === 'session_data') return `${name}=${this.#sessionData(value)}${attributes}`;
      if (/^session_data\.\d+$/.test(bare)) {
        chunks += value;
        const last = !cookies[index + 1]?.startsWith(`${this.#prefix}.session_data.`);
        if (!last) return `${name}=<${value.length} characters>${attributes}`;
        const data = this.#sessionData(chunks);
        chunks = '';
        return `${name}=<${value.length} characters>${attributes} ${data}`;
      }
      return `${name}=${this.#signed(value)}${attributes}`;
    });
  }

  /** That of a session on the device has the session's token in it, in small letters. */
  #cookieName(name) {
    return name.replace(/(?<=_multi-)[a-z0-9]{32}$/, (lower) => {
      const token = [...this.#names.keys()].find((known) => known.toLowerCase() === lower);
      return token ? this.#names.get(token) : `<${lower}>`;
    });
  }

  #account({ iat, exp, jti, ...account }) {
    const isId = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(jti);
    return `<sealed ${this.#text(JSON.stringify(account))} from ${this.#time(iat * 1000)} for ${exp - iat} s${isId ? '' : `, ${jti}`}>`;
  }

  #signed(value) {
    const plain = decodeURIComponent(value);
    const dot = plain.lastIndexOf('.');
    const right = dot > 0 && value === signCookie(plain.slice(0, dot));
    return right ? `<signed ${this.#text(plain.slice(0, dot))}>` : `<badly signed ${value}>`;
  }

  #sessionData(value) {
    if (value.includes('.')) return this.#jwt(value);
    const text = Buffer.from(value, 'base64url').toString();
    const { session, expiresAt, signature, ...rest } = JSON.parse(text);
    const right = signature === hmac(JSON.stringify({ ...session, expiresAt }), 'base64url');
    const written = JSON.stringify({ session, expiresAt, signature, ...rest }) === text && base64url(text) === value;
    const lasts = Math.round((expiresAt - session.updatedAt) / 1000);
    return `<${right && written ? 'signed' : 'badly signed'} ${this.#text(JSON.stringify(session))} for ${lasts} s>`;
  }
}
