// Tokens: what this extension signs, npm's jsonwebtoken and Python's PyJWT verify, and the reverse; and
// each reason for which verify_jwt refuses one.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import jsonwebtoken from 'jsonwebtoken';
import { PASSWORD, callFunction, createExtensionDatabase, ourAuth } from './lib.mjs';

const database = await createExtensionDatabase();
const auth = ourAuth(database);
const AUDIENCE = 'insforge-api';

const currentSecret = () => database.value(`SELECT value FROM better_auth.signing_secret WHERE name = 'jwt' AND valid_until IS NULL`);
const secret = await currentSecret();

const call = async (name, args) => {
  const { ok, error } = await callFunction(database, name, args);
  assert.equal(error, undefined, `${name}: ${error?.message}`);
  return ok;
};
const verify = (token) => callFunction(database, 'verify_jwt', { token });
const seconds = () => Math.floor(Date.now() / 1000);
const { token: sessionToken, user } = (await auth.call('signUp', { name: 'Ada', email: 'ada@example.com', password: PASSWORD })).ok;

// ── The other two libraries, with one interface ──────────────────────────────────────────────────

const PYTHON = `
import json, sys, jwt
r = json.load(sys.stdin)
if r["do"] == "sign":
    print(json.dumps(jwt.encode(r["claims"], r["secret"], algorithm=r.get("algorithm", "HS256"), headers=r.get("header"))))
else:
    claims = jwt.decode(r["token"], r["secret"], algorithms=["HS256"], audience=r["audience"], options={"require": ["exp", "iat", "aud"]})
    print(json.dumps({"claims": claims, "header": jwt.get_unverified_header(r["token"])}))
`;
function python(request) {
  const run = { input: JSON.stringify(request), encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] };
  return JSON.parse(execFileSync(process.env.PYTHON || 'python3', ['-c', PYTHON], run));
}

const LIBRARIES = {
  jsonwebtoken: {
    sign: (claims, key = secret, options = {}) => jsonwebtoken.sign(claims, key, { algorithm: 'HS256', ...options }),
    verify(token, key = secret) {
      const { header, payload } = jsonwebtoken.verify(token, key, { algorithms: ['HS256'], audience: AUDIENCE, complete: true });
      return { header, claims: payload };
    },
  },
  PyJWT: {
    sign: (claims, key = secret, { algorithm, header } = {}) => python({ do: 'sign', claims, secret: key, algorithm, header }),
    verify: (token, key = secret) => python({ do: 'verify', token, secret: key, audience: AUDIENCE }),
  },
};

/** Asserts that both libraries accept the token, and gives what they read. */
function readByAll(token, key) {
  const [first, ...others] = Object.values(LIBRARIES).map((library) => library.verify(token, key));
  for (const other of others) assert.deepEqual(other, first);
  return first;
}

const near = (actual, expected) => assert.ok(Math.abs(actual - expected) <= 5, `${actual} is about ${expected}`);

// ── Ours, verified by the others ─────────────────────────────────────────────────────────────────

describe('tokens that are signed here', () => {
  test('sign_jwt', async () => {
    const claims = { sub: 'ada', n: 1, f: 1.5, ok: true, none: null, list: [1, 'two', { '3': 4 }], text: 'Ünï "\\ \u{1f600} , : {}' };
    const { header, claims: read } = readByAll(await call('sign_jwt', { claims: JSON.stringify(claims) }));
    assert.deepEqual(header, { alg: 'HS256', typ: 'JWT' });
    const { iat, exp, aud, ...rest } = read;
    assert.deepEqual(rest, claims);
    assert.equal(aud, AUDIENCE);
    near(iat, seconds());
    assert.equal(exp - iat, 3600);
  });

  test('sign_jwt with a lifetime', async () => {
    const { claims } = readByAll(await call('sign_jwt', { claims: '{}', expires_in: '90 seconds' }));
    assert.equal(claims.exp - claims.iat, 90);
  });

  test('sign_jwt with claims of its own for all three', async () => {
    const own = { aud: ['other', AUDIENCE], iat: seconds() - 10, exp: seconds() + 1000 };
    const { claims } = readByAll(await call('sign_jwt', { claims: JSON.stringify(own) }));
    assert.deepEqual(claims, own);
  });

  test('bridge_token: exactly the claims of the bridge', async () => {
    const token = await call('bridge_token', { session_token: sessionToken });
    const { header, claims } = readByAll(token);
    assert.deepEqual(header, { alg: 'HS256', typ: 'JWT' });
    assert.deepEqual(Object.keys(claims).sort(), ['aud', 'exp', 'iat', 'role', 'sid', 'sub']);
    const sid = await database.value('SELECT id FROM session WHERE token = $1', [sessionToken]);
    assert.notEqual(sid, sessionToken);
    const { iat, exp, ...rest } = claims;
    assert.deepEqual(rest, { sub: user.id, role: 'authenticated', aud: AUDIENCE, sid });
    near(iat, seconds());
    assert.equal(exp - iat, 3600);
    assert.ok(!Buffer.from(token.split('.')[1], 'base64url').includes(sessionToken));
    assert.deepEqual(await call('verify_jwt', { token }), claims);
  });

  test('bridge_token does not outlive the session', async () => {
    const { token } = (await auth.call('signIn', { email: user.email, password: PASSWORD, rememberMe: false })).ok;
    await database.configure({ jwt_expires_in: 2 * 86_400, disable_session_refresh: 'on' });
    const { claims } = readByAll(await call('bridge_token', { session_token: token }));
    near(claims.exp - claims.iat, 86_400);
    await database.configure({});
  });

  test('bridge_token of a dead session raises', async () => {
    const open = async () => (await auth.call('signIn', { email: user.email, password: PASSWORD })).ok.token;
    const [expired, revoked] = [await open(), await open()];
    await database.sql(`UPDATE session SET "expiresAt" = now() - interval '1 second' WHERE token = $1`, [expired]);
    await auth.call('signOut', {}, { token: revoked });
    for (const session_token of [expired, revoked, 'A'.repeat(32), '', null]) {
      assert.deepEqual(await callFunction(database, 'bridge_token', { session_token }), {
        error: { message: 'Unauthorized', code: 'UNAUTHORIZED', sqlstate: '28000' },
      });
    }
  });

  test('service_token', async () => {
    for (const [args, subject, lifetime] of [
      [{}, 'better-auth-service', 300],
      [{ subject: 'mailer', expires_in: '1 minute' }, 'mailer', 60],
    ]) {
      const { header, claims } = readByAll(await call('service_token', args));
      const { iat, exp, ...rest } = claims;
      assert.deepEqual(header, { alg: 'HS256', typ: 'JWT' });
      assert.deepEqual(rest, { sub: subject, role: 'authenticated', aud: AUDIENCE });
      near(iat, seconds());
      assert.equal(exp - iat, lifetime);
    }
  });

  test('the settings for role, audience and lifetime', async () => {
    await database.configure({ jwt_role: 'member', jwt_audience: 'elsewhere', jwt_expires_in: 120 });
    const token = await call('bridge_token', { session_token: sessionToken });
    const claims = jsonwebtoken.verify(token, secret, { algorithms: ['HS256'], audience: 'elsewhere' });
    assert.deepEqual([claims.role, claims.aud, claims.exp - claims.iat], ['member', 'elsewhere', 120]);
    await database.configure({ jwt_audience: '' });
    const open = jsonwebtoken.verify(await call('sign_jwt', { claims: '{}' }), secret, { algorithms: ['HS256'] });
    assert.ok(!('aud' in open));
    await database.configure({});
  });

  test('others refuse them with another secret', async () => {
    const token = await call('service_token');
    for (const [name, library] of Object.entries(LIBRARIES)) {
      assert.throws(() => library.verify(token, `${secret}!`), /signature/i, name);
    }
  });
});

// ── The others', verified here ───────────────────────────────────────────────────────────────────

describe('tokens that others sign', () => {
  const times = () => ({ iat: seconds(), exp: seconds() + 600 });
  const ACCEPTED = {
    'the claims of the scaffold': () => ({ sub: 'ada', role: 'authenticated', aud: AUDIENCE, ...times() }),
    'an audience in an array': () => ({ aud: ['other', AUDIENCE], ...times() }),
    'exp alone': () => ({ aud: AUDIENCE, exp: seconds() + 5 }),
    'iat and nbf 20 seconds ahead': () => ({ aud: AUDIENCE, iat: seconds() + 20, nbf: seconds() + 20, exp: seconds() + 600 }),
    'nbf in the past': () => ({ aud: AUDIENCE, ...times(), nbf: seconds() - 600 }),
    'odd claims': () => ({ aud: AUDIENCE, ...times(), text: 'Ünï "\\\u2028 \u{1f600}', deep: [[{ a: [null, -0.5, 1e300] }]], '': 'empty key' }),
  };
  for (const [library, { sign }] of Object.entries(LIBRARIES)) {
    for (const [name, claims] of Object.entries(ACCEPTED)) {
      test(`${library}: ${name}`, async () => {
        // jsonwebtoken adds iat where it is missing, so what it signed is read back from the token.
        const token = sign(claims());
        const signed = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));
        assert.deepEqual(await call('verify_jwt', { token }), signed);
        for (const [claim, value] of Object.entries(claims())) {
          if (typeof value !== 'number') assert.deepEqual(signed[claim], value);
        }
      });
    }

    test(`${library}: another order of the header, and fields of its own`, async () => {
      const header = { kid: '1', cty: 'x' };
      const token = sign({ aud: AUDIENCE, ...times() }, secret, { header });
      assert.notEqual(token.split('.')[0], (await call('service_token')).split('.')[0]);
      assert.equal((await call('verify_jwt', { token })).aud, AUDIENCE);
    });

    for (const algorithm of ['HS384', 'HS512']) {
      test(`${library}: ${algorithm} is refused`, async () => {
        const long = secret.repeat(2); // both libraries ask for a longer secret
        await call('set_secret', { name: 'jwt', value: long });
        const token = sign({ aud: AUDIENCE, ...times() }, long, { algorithm });
        const { error } = await verify(token);
        await call('set_secret', { name: 'jwt', value: secret });
        assert.deepEqual(error, { message: 'JWT algorithm is not HS256', code: 'INVALID_TOKEN', sqlstate: '28000' });
      });
    }

    test(`${library}: the wrong secret is refused`, async () => {
      const { error } = await verify(sign({ aud: AUDIENCE, ...times() }, 'x'.repeat(secret.length)));
      assert.deepEqual(error, { message: 'JWT signature is invalid', code: 'INVALID_TOKEN', sqlstate: '28000' });
    });

    test(`${library}: an expired one is refused`, async () => {
      const { error } = await verify(sign({ aud: AUDIENCE, iat: seconds() - 600, exp: seconds() - 1 }));
      assert.deepEqual(error, { message: 'JWT is expired', code: 'TOKEN_EXPIRED', sqlstate: '28000' });
    });
  }

  test('PyJWT: alg none is refused', async () => {
    const { error } = await verify(python({ do: 'sign', claims: { aud: AUDIENCE, ...times() }, secret: null, algorithm: 'none' }));
    assert.equal(error.message, 'JWT algorithm is not HS256');
  });

  test('jsonwebtoken: alg none is refused', async () => {
    const { error } = await verify(jsonwebtoken.sign({ aud: AUDIENCE, ...times() }, null, { algorithm: 'none' }));
    assert.equal(error.message, 'JWT algorithm is not HS256');
  });

  test('jsonwebtoken: RS256 is refused', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { error } = await verify(jsonwebtoken.sign({ aud: AUDIENCE, ...times() }, privateKey, { algorithm: 'RS256' }));
    assert.equal(error.message, 'JWT algorithm is not HS256');
  });

  test('after a rotation, the old secret verifies as long as it is kept, and the new one signs', async () => {
    const old = await call('service_token');
    await call('rotate_secret', { name: 'jwt', keep: '1 hour' });
    const fresh = await currentSecret();
    assert.notEqual(fresh, secret);
    assert.equal((await call('verify_jwt', { token: old })).sub, 'better-auth-service');
    const { claims } = readByAll(await call('service_token'), fresh);
    assert.equal(claims.sub, 'better-auth-service');
    for (const { sign } of Object.values(LIBRARIES)) {
      for (const key of [secret, fresh]) assert.ok((await verify(sign({ aud: AUDIENCE, ...times() }, key))).ok);
    }
    await database.sql(`DELETE FROM better_auth.signing_secret WHERE name = 'jwt' AND valid_until IS NOT NULL`);
    assert.equal((await verify(old)).error.message, 'JWT signature is invalid');
    await call('set_secret', { name: 'jwt', value: secret });
    assert.ok((await verify(old)).ok);
    assert.equal((await verify(LIBRARIES.PyJWT.sign({ aud: AUDIENCE, ...times() }, fresh))).error.message, 'JWT signature is invalid');
  });
});

// ── Crafted by hand: every reason to refuse ──────────────────────────────────────────────────────

const base64url = (part) => Buffer.from(typeof part === 'string' || Buffer.isBuffer(part) ? part : JSON.stringify(part)).toString('base64url');
const hmac = (signed, hash = 'sha256') => createHmac(hash, secret).update(signed).digest('base64url');
const HEADER = { alg: 'HS256', typ: 'JWT' };
const good = (claims = {}) => ({ sub: 'ada', aud: AUDIENCE, iat: seconds(), exp: seconds() + 600, ...claims });
const omit = (claims, claim) => Object.fromEntries(Object.entries(claims).filter(([name]) => name !== claim));
/** A token with a right signature over anything: header and payload may be objects, text or bytes. */
function craft(payload = good(), header = HEADER, hash = 'sha256') {
  const signed = `${base64url(header)}.${base64url(payload)}`;
  return `${signed}.${hmac(signed, hash)}`;
}
/** Changes one segment without signing again. */
function tamper(segment, change, token = craft()) {
  const segments = token.split('.');
  segments[segment] = change(segments[segment]);
  return segments.join('.');
}
/** Changes one segment's text and signs again, so that nothing but its form is wrong. */
function malform(segment, change) {
  const segments = craft().split('.');
  segments[segment] = change(segments[segment]);
  if (segment < 2) segments[2] = hmac(`${segments[0]}.${segments[1]}`);
  return segments.join('.');
}
const json = (text) => text.replaceAll('NOW', String(seconds() + 600));

const REFUSED = {
  'JWT does not have three segments': {
    'an empty text': () => '',
    'one segment': () => 'abc',
    'two segments': () => craft().split('.').slice(0, 2).join('.'),
    'four segments': () => `${craft()}.`,
    'four segments, signed': () => `${craft()}.e30`,
    'dots alone': () => '.....',
  },
  'JWT header is not valid base64url': {
    padding: () => malform(0, (text) => `${text}=`),
    'the alphabet of base64': () => malform(0, () => `${base64url(HEADER)}+/`),
    'a space': () => malform(0, (text) => ` ${text}`),
    'a character that is no ASCII': () => malform(0, (text) => `${text}é`),
  },
  'JWT payload is not valid base64url': {
    padding: () => malform(1, (text) => `${text}=`),
    'a line break': () => malform(1, (text) => `${text}\n`),
    'the alphabet of base64': () => malform(1, () => 'ab+/'),
    'one character too many': () => malform(1, () => 'abcde'),
    'bits that are left over': () => malform(1, () => 'e31'),
  },
  'JWT signature is not valid base64url': {
    padding: () => malform(2, (text) => `${text}=`),
    'a line break': () => malform(2, (text) => `${text}\n`),
    'bits that are left over': () => malform(2, (text) => `${text.slice(0, -1)}${String.fromCharCode(text.at(-1).charCodeAt(0) + 1)}`),
  },
  'JWT header is not a valid JSON object': {
    'the algorithm twice': () => craft(good(), '{"alg":"HS256","alg":"none"}'),
    'the algorithm twice, the right one last': () => craft(good(), '{"alg":"none","alg":"HS256"}'),
    'a member twice': () => craft(good(), '{"alg":"HS256","typ":"JWT","typ":"JWT"}'),
    'empty': () => craft(good(), ''),
    'no JSON': () => craft(good(), 'HS256'),
    'cut off': () => craft(good(), '{"alg":"HS256"'),
    'an array': () => craft(good(), ['HS256']),
    'a text': () => craft(good(), '"HS256"'),
    'something after it': () => craft(good(), '{"alg":"HS256"}{}'),
    'not UTF-8': () => craft(good(), Buffer.from([0x7b, 0xff, 0x7d])),
  },
  'JWT payload is not a valid JSON object': {
    'empty': () => craft(''),
    'no JSON': () => craft('claims'),
    'cut off': () => craft('{"exp":1'),
    'an array': () => craft([]),
    'a number': () => craft('1'),
    'null': () => craft('null'),
    'something after it': () => craft('{} {}'),
    'a comma too many': () => craft(json('{"exp":NOW,}')),
    'NaN': () => craft(json('{"exp":NOW,"n":NaN}')),
    'not UTF-8': () => craft(Buffer.from([0x7b, 0xff, 0x7d])),
    'a NUL character, which jsonb has not': () => craft(good({ text: '\0' })),
    'a NUL character in a key': () => craft(good({ 'a\0': 1 })),
    'half a surrogate pair': () => craft(json('{"exp":NOW,"text":"\\ud800"}')),
    'nested too deeply': () => craft(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`),
  },
  'JWT algorithm is not HS256': {
    'none, without a signature': () => `${base64url({ alg: 'none' })}.${base64url(good())}.`,
    'none, with the signature of HS256': () => craft(good(), { alg: 'none', typ: 'JWT' }),
    'NONE': () => craft(good(), { alg: 'NONE' }),
    'HS384': () => craft(good(), { alg: 'HS384' }, 'sha384'),
    'HS512': () => craft(good(), { alg: 'HS512' }, 'sha512'),
    'RS256 with the signature of HS256': () => craft(good(), { alg: 'RS256', typ: 'JWT' }),
    'ES256': () => craft(good(), { alg: 'ES256' }),
    'EdDSA': () => craft(good(), { alg: 'EdDSA' }),
    'hs256': () => craft(good(), { alg: 'hs256' }),
    'HS256 with a space': () => craft(good(), { alg: 'HS256 ' }),
    'an array': () => craft(good(), { alg: ['HS256'] }),
    'null': () => craft(good(), { alg: null }),
    'missing': () => craft(good(), { typ: 'JWT' }),
  },
  'JWT header has critical extensions that are not supported': {
    b64: () => craft(good(), { alg: 'HS256', crit: ['b64'], b64: false }),
    none: () => craft(good(), { alg: 'HS256', crit: [] }),
  },
  'JWT signature is invalid': {
    'another secret': () => jsonwebtoken.sign(good(), 'another secret of more than 32 bytes'),
    'an empty secret': () => `${base64url(HEADER)}.${base64url(good())}.${createHmac('sha256', '').update(`${base64url(HEADER)}.${base64url(good())}`).digest('base64url')}`,
    'none': () => tamper(2, () => ''),
    'cut short': () => tamper(2, (text) => Buffer.from(text, 'base64url').subarray(0, 31).toString('base64url')),
    'too long': () => tamper(2, (text) => Buffer.concat([Buffer.from(text, 'base64url'), Buffer.of(0)]).toString('base64url')),
    'SHA-512 under HS256': () => craft(good(), HEADER, 'sha512'),
    'one bit flipped': () =>
      tamper(2, (text) => {
        const bytes = Buffer.from(text, 'base64url');
        bytes[16] ^= 1;
        return bytes.toString('base64url');
      }),
    'a tampered payload': () => tamper(1, () => base64url(good({ sub: 'eve' }))),
    'a tampered header': () => tamper(0, () => base64url({ ...HEADER, kid: 'x' })),
    'the payload of another token': () => tamper(1, () => craft(good({ sub: 'eve' })).split('.')[1]),
    'a payload that is no JSON, unsigned': () => tamper(1, () => base64url('no JSON')),
    'an expired one with a wrong signature': () => tamper(2, () => base64url('x'.repeat(32)), craft(good({ exp: 1 }))),
  },
  'JWT claim "exp" is missing': {
    missing: () => craft(omit(good(), 'exp')),
    'no claims': () => craft({}),
    'in another case': () => craft({ ...omit(good(), 'exp'), EXP: seconds() + 600 }),
  },
  'JWT claim "exp" is not a whole number of seconds': {
    'text': () => craft(good({ exp: String(seconds() + 600) })),
    'fractional': () => craft(good({ exp: seconds() + 600.5 })),
    'with .0': () => craft(json('{"exp":NOW.0,"aud":"insforge-api"}')),
    'with an exponent': () => craft('{"exp":1e12,"aud":"insforge-api"}'),
    'beyond 64 bits': () => craft('{"exp":99999999999999999999,"aud":"insforge-api"}'),
    'null': () => craft(good({ exp: null })),
    'true': () => craft(good({ exp: true })),
    'an array': () => craft(good({ exp: [seconds() + 600] })),
  },
  'JWT is expired': {
    'a second ago': () => craft(good({ exp: seconds() - 1 })),
    'now': () => craft(good({ exp: seconds() })),
    'in 1970': () => craft(good({ exp: 0 })),
    'before 1970': () => craft(good({ exp: -1 })),
    'said twice, the last one counts': () => craft(json('{"exp":NOW,"aud":"insforge-api","exp":1}')),
    'and the wrong audience': () => craft(good({ exp: 1, aud: 'other' })),
  },
  'JWT claim "nbf" is not a whole number of seconds': {
    text: () => craft(good({ nbf: '1' })),
    fractional: () => craft(good({ nbf: 0.5 })),
    null: () => craft(good({ nbf: null })),
  },
  'JWT claim "iat" is not a whole number of seconds': {
    text: () => craft(good({ iat: '1' })),
    fractional: () => craft(good({ iat: 0.5 })),
    null: () => craft(good({ iat: null })),
  },
  'JWT claim "nbf" is in the future': {
    'by 35 seconds': () => craft(good({ nbf: seconds() + 35 })),
    'by a lot': () => craft(good({ nbf: Number.MAX_SAFE_INTEGER })),
  },
  'JWT claim "iat" is in the future': {
    'by 35 seconds': () => craft(good({ iat: seconds() + 35 })),
    'by a lot': () => craft(good({ iat: Number.MAX_SAFE_INTEGER })),
  },
  'JWT claim "aud" does not name the expected audience': {
    wrong: () => craft(good({ aud: 'other' })),
    missing: () => craft(omit(good(), 'aud')),
    'null': () => craft(good({ aud: null })),
    empty: () => craft(good({ aud: '' })),
    'in another case': () => craft(good({ aud: AUDIENCE.toUpperCase() })),
    'a part of it': () => craft(good({ aud: `${AUDIENCE}2` })),
    'an empty array': () => craft(good({ aud: [] })),
    'an array of others': () => craft(good({ aud: ['other', 'another'] })),
    'an array in an array': () => craft(good({ aud: [[AUDIENCE]] })),
    'an object': () => craft(good({ aud: { [AUDIENCE]: AUDIENCE } })),
  },
  'JWT is longer than 65536 bytes': {
    'by a byte': () => {
      const token = craft();
      return token + 'A'.repeat(65_537 - token.length);
    },
    'though well signed': () => craft(good({ text: 'x'.repeat(50_000) })),
  },
};

for (const [message, tokens] of Object.entries(REFUSED)) {
  describe(message, () => {
    for (const [name, token] of Object.entries(tokens)) {
      test(name, async () => {
        const code = message === 'JWT is expired' ? 'TOKEN_EXPIRED' : 'INVALID_TOKEN';
        assert.deepEqual(await verify(token()), { error: { message, code, sqlstate: '28000' } });
      });
    }
  });
}

// jsonb's numbers have fewer digits after the point than JSON's.
test('a number that jsonb can not hold', async () => {
  for (const number of ['1e-20000', `0.${'1'.repeat(20_000)}`]) {
    const message = 'JWT payload is not a valid JSON object';
    const answer = await verify(craft(json(`{"exp":NOW,"aud":"insforge-api","n":${number}}`)));
    assert.deepEqual(answer, { error: { message, code: 'INVALID_TOKEN', sqlstate: '28000' } });
  }
});

describe('accepted, next to what is refused', () => {
  const ACCEPTED = {
    'crafted as the refused ones are': () => craft(),
    'iat and nbf 25 seconds ahead': () => craft(good({ iat: seconds() + 25, nbf: seconds() + 25 })),
    'a minute to go': () => craft(good({ exp: seconds() + 60 })),
    'until the end of time': () => craft(good({ exp: Number.MAX_SAFE_INTEGER })),
    'header without typ': () => craft(good(), { alg: 'HS256' }),
    'header with spaces and another order': () => craft(good(), ' { "typ" : "JWT" , "alg" : "HS256" } '),
    'payload with spaces': () => craft(json(' {\n "exp" : NOW , "aud" : "insforge-api" } ')),
    'said twice, the last one counts': () => craft(json('{"exp":1,"aud":"other","exp":NOW,"aud":"insforge-api"}')),
    'no iat': () => craft(omit(good(), 'iat')),
    'iat of 1970': () => craft(good({ iat: 0 })),
    'negative nbf': () => craft(good({ nbf: -1 })),
    'aud array with things that are no text': () => craft(good({ aud: [1, null, AUDIENCE] })),
    'a long token': () => craft(good({ text: 'x'.repeat(40_000) })),
  };
  for (const [name, token] of Object.entries(ACCEPTED)) {
    test(name, async () => {
      const text = token();
      assert.deepEqual(await verify(text), { ok: JSON.parse(Buffer.from(text.split('.')[1], 'base64url')) });
      if (!name.includes('ahead')) jsonwebtoken.verify(text, secret, { algorithms: ['HS256'], audience: AUDIENCE });
    });
  }
});

describe('claims that are not signed', () => {
  const REJECTED = {
    'JWT payload is not a valid JSON object': ['[]', '1', '"text"', 'null'],
    'JWT claim "exp" is not a whole number of seconds': ['{"exp":"1"}', '{"exp":1.5}', '{"exp":null}', '{"exp":{}}', '{"exp":1e400}'],
    'JWT claim "iat" is not a whole number of seconds': ['{"iat":"1"}', '{"iat":0.1}'],
    'JWT claim "nbf" is not a whole number of seconds': ['{"nbf":[1]}', '{"nbf":true}'],
  };
  for (const [message, list] of Object.entries(REJECTED)) {
    test(message, async () => {
      for (const claims of list) {
        const { error } = await callFunction(database, 'sign_jwt', { claims });
        assert.equal(error?.message, message, claims);
        assert.deepEqual([error.code, error.sqlstate], [undefined, '22023'], claims);
      }
    });
  }

  test('lifetimes of zero and less', async () => {
    for (const expires_in of ['0', '-1 hour', '0.9 seconds']) {
      for (const [name, args] of [['sign_jwt', { claims: '{}' }], ['service_token', {}]]) {
        const { error } = await callFunction(database, name, { ...args, expires_in });
        assert.equal(error?.sqlstate, '22023', `${name} ${expires_in}`);
      }
    }
  });
});
