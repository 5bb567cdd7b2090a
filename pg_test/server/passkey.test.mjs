// The plugin passkey under attack: challenges used twice and for something else, keys and counters of others, races.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS, Passkey, UP, UV } from '../interop/authenticator.mjs';
import { ORIGIN, cookieOf, http, set } from './http.mjs';
import { freshEmail, patiently, signUp, untilBlocked } from './lib.mjs';
import { withPlugins, withRpc } from './plugins.mjs';

const FAILED = { message: 'Failed to verify registration', code: 'FAILED_TO_VERIFY_REGISTRATION' };
const NOT_AUTHENTICATED = { message: 'Authentication failed', code: 'AUTHENTICATION_FAILED' };
const NO_CHALLENGE = { message: 'Challenge not found', code: 'CHALLENGE_NOT_FOUND' };

/** Somebody who is signed in: `get` and `post` with the session's cookie and any others. */
async function person(client, fields = {}) {
  const { token, user } = await signUp(client, fields);
  const session = await cookieOf(client, token);
  const cookies = (more) => [session, more].filter(Boolean).join('; ');
  return {
    token,
    user,
    get: (path, cookie) => http(client, 'GET', `/passkey/${path}`, { cookie: cookies(cookie) }),
    post: (path, body, cookie, at = client) => http(at, 'POST', `/passkey/${path}`, { body, cookie: cookies(cookie) }),
  };
}

/** What is asked of a new passkey, and the cookie of it. */
async function asked(one) {
  const { status, json, cookie } = await one.get('generate-register-options');
  assert.equal(status, 200);
  return { challenge: json.challenge, options: json, cookie };
}

async function registered(one, passkey = new Passkey(), options) {
  const { challenge, cookie } = await asked(one);
  const { status, json, text } = await one.post('verify-registration', { response: passkey.register(challenge, options) }, cookie);
  assert.equal(status, 200, text);
  return { passkey, row: json };
}

async function askedToSignIn(client, cookie) {
  const answer = await http(client, 'GET', '/passkey/generate-authenticate-options', { cookie });
  return { challenge: answer.json.challenge, options: answer.json, cookie: answer.cookie };
}
const authenticate = (client, response, cookie, options) => http(client, 'POST', '/passkey/verify-authentication', { body: { response }, cookie, ...options });
async function signedIn(client, passkey, options) {
  const { challenge, cookie } = await askedToSignIn(client);
  return authenticate(client, passkey.authenticate(challenge, options), cookie);
}

test('a passkey of each algorithm and format registers, signs in, is listed, named and deleted', async (t) => {
  const { client } = await withPlugins(t, 'passkey');
  const one = await person(client);
  for (const [format, alg] of [...FORMATS.filter((format) => !['apple', 'android-key'].includes(format)).map((format) => [format, 'ES256']), ...['EdDSA', 'RS256', 'ES512', 'PS256'].map((alg) => ['none', alg])]) {
    const { passkey, row } = await registered(one, new Passkey({ alg, counter: 1 }), { format });
    assert.deepEqual([row.credentialID, row.publicKey, row.counter, row.userId], [passkey.credentialId, passkey.publicKey, 1, one.user.id], format);
    const { status, json, cookie } = await signedIn(client, passkey);
    assert.deepEqual([status, json.user.id, cookie.startsWith('better-auth.session_token=')], [200, one.user.id, true], `${format} ${alg}`);
  }
  const { json: list } = await one.get('list-user-passkeys');
  assert.equal(list.length, 9);
  const { json } = await one.post('update-passkey', { id: list[0].id, name: ' phone ' });
  assert.deepEqual(json.passkey, { ...json.passkey, id: list[0].id, name: 'phone' });
  assert.deepEqual((await one.post('delete-passkey', { id: list[0].id })).json, { status: true });
  assert.equal((await one.get('list-user-passkeys')).json.length, 8);
  const { options } = await asked(one);
  assert.equal(options.excludeCredentials.length, 8);
});

test('a challenge is good once, for what it was made, for five minutes, and for its user', async (t) => {
  const { client } = await withPlugins(t, 'passkey');
  const [ada, eve] = [await person(client), await person(client)];
  const passkey = new Passkey();
  const first = await asked(ada);
  const response = passkey.register(first.challenge);
  // Wrong first: that is a use too.
  const wrong = await ada.post('verify-registration', { response: passkey.register('x') }, first.cookie);
  assert.deepEqual([wrong.status, wrong.json], [500, FAILED]);
  const late = await ada.post('verify-registration', { response }, first.cookie);
  assert.deepEqual([late.status, late.json], [400, NO_CHALLENGE]);
  // Another user's.
  const stolen = await asked(ada);
  const taken = await eve.post('verify-registration', { response: new Passkey().register(stolen.challenge) }, stolen.cookie);
  assert.deepEqual([taken.status, taken.json.code], [401, 'YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY']);
  // Expired.
  const old = await asked(ada);
  await client.query(`UPDATE better_auth.verification SET "expiresAt" = now() - interval '1 second'`);
  assert.deepEqual((await ada.post('verify-registration', { response: passkey.register(old.challenge) }, old.cookie)).json, NO_CHALLENGE);
  // One for a sign-in registers nothing, and the other way round.
  await registered(ada, passkey);
  const other = await askedToSignIn(client);
  assert.deepEqual((await ada.post('verify-registration', { response: new Passkey().register(other.challenge) }, other.cookie)).json, NO_CHALLENGE);
  const mine = await asked(ada);
  assert.deepEqual((await authenticate(client, passkey.authenticate(mine.challenge), mine.cookie)).json, NO_CHALLENGE);
  // Without its cookie, with a forged one, and with another signed value.
  const unsigned = await askedToSignIn(client);
  const session = await cookieOf(client, ada.token);
  const message = passkey.authenticate(unsigned.challenge);
  for (const cookie of [undefined, `${unsigned.cookie}x`, session.replace('session_token', 'better-auth-passkey')]) {
    assert.deepEqual((await authenticate(client, message, cookie)).json, NO_CHALLENGE);
  }
  assert.equal((await authenticate(client, message, unsigned.cookie)).status, 200);
  assert.deepEqual((await authenticate(client, message, unsigned.cookie)).json, NO_CHALLENGE);
});

test('a message from elsewhere, for another RP id, by another key or of before is no sign-in', async (t) => {
  const { client } = await withPlugins(t, 'passkey');
  const ada = await person(client);
  const { passkey } = await registered(ada, new Passkey({ counter: 5 }));
  const eve = await person(client);
  const { passkey: hers } = await registered(eve);
  const refused = async (options, status, passkeyOf = passkey) => {
    const answer = await signedIn(client, passkeyOf, options);
    assert.deepEqual([answer.status, answer.json, answer.cookies], [status, NOT_AUTHENTICATED, []], JSON.stringify(options));
  };
  await refused({ counter: 6, clientData: { origin: 'https://elsewhere.example' } }, 400);
  await refused({ counter: 6, clientData: { type: 'webauthn.create' } }, 400);
  await refused({ counter: 6, rpId: 'elsewhere.example' }, 400);
  await refused({ counter: 6, flags: UV }, 400);
  for (const counter of [5, 4, 0]) await refused({ counter }, 400);
  await refused({ counter: 6, key: hers.key }, 401);
  await refused({ counter: 6, hash: 'sha512' }, 401);
  await refused({ counter: 6, userHandle: 5 }, 400);
  // Signed by one key, and said to be of another credential.
  await refused({}, 401, Object.assign(new Passkey({ ...hers, id: passkey.id, counter: 6 })));
  assert.equal((await signedIn(client, passkey, { counter: 7, flags: UP })).status, 200);
  assert.deepEqual(await client.column('SELECT counter FROM better_auth.passkey ORDER BY counter'), [0, 7]);
  const unknown = await signedIn(client, new Passkey());
  assert.deepEqual([unknown.status, unknown.json.code], [401, 'PASSKEY_NOT_FOUND']);
});

test('nobody names or deletes another’s passkey, or registers one that is there', async (t) => {
  const { client } = await withPlugins(t, 'passkey');
  const [ada, eve] = [await person(client), await person(client)];
  const { passkey, row } = await registered(ada);
  const named = await eve.post('update-passkey', { id: row.id, name: 'x' });
  assert.deepEqual([named.status, named.json.code], [401, 'YOU_ARE_NOT_ALLOWED_TO_REGISTER_THIS_PASSKEY']);
  assert.equal((await eve.post('delete-passkey', { id: row.id })).status, 401);
  for (const id of ['x', `${row.id}'`, '\ud800']) assert.equal((await eve.post('delete-passkey', { id })).status, 404, id);
  assert.equal((await http(client, 'POST', '/passkey/delete-passkey', { body: { id: row.id } })).status, 401);
  const { challenge, cookie } = await asked(eve);
  const mimic = new Passkey({ id: passkey.id });
  const again = await eve.post('verify-registration', { response: mimic.register(challenge) }, cookie);
  assert.deepEqual([again.status, again.json.code], [400, 'PREVIOUSLY_REGISTERED']);
  assert.equal((await signedIn(client, passkey)).json.user.id, ada.user.id);
  assert.equal((await client.column('SELECT id FROM better_auth.passkey')).length, 1);
});

test('of ten messages with one challenge one counts', async (t) => {
  const { database, client } = await withPlugins(t, 'passkey');
  const ada = await person(client);
  const { passkey } = await registered(ada);
  const { challenge, cookie } = await askedToSignIn(client);
  const message = passkey.authenticate(challenge);
  const connections = await database.connectMany(10);
  const answers = await Promise.all(connections.map((one) => patiently(() => authenticate(one, message, cookie))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(9).fill(400)]);
});

test('of two uses with one counter one counts, and of two who register one id one does', async (t) => {
  const { database, client } = await withPlugins(t, 'passkey');
  const [ada, eve] = [await person(client), await person(client)];
  const { passkey } = await registered(ada, new Passkey({ counter: 1 }));
  const uses = [await askedToSignIn(client), await askedToSignIn(client)];
  const [first, second] = await database.connectMany(2);
  await first.query('BEGIN');
  const done = await authenticate(first, passkey.authenticate(uses[0].challenge, { counter: 2 }), uses[0].cookie);
  assert.equal(done.status, 200);
  const waits = authenticate(second, passkey.authenticate(uses[1].challenge, { counter: 2 }), uses[1].cookie);
  await untilBlocked(client, second);
  await first.query('COMMIT');
  assert.deepEqual((await waits).json, NOT_AUTHENTICATED);

  const [hers, mine] = [await asked(ada), await asked(eve)];
  const id = Buffer.from('the very same id');
  await first.query('BEGIN');
  assert.equal((await ada.post('verify-registration', { response: new Passkey({ id }).register(hers.challenge) }, hers.cookie, first)).status, 200);
  const later = eve.post('verify-registration', { response: new Passkey({ id }).register(mine.challenge) }, mine.cookie, second);
  await untilBlocked(client, second);
  await first.query('COMMIT');
  assert.equal((await later).json.code, 'PREVIOUSLY_REGISTERED');
});

test('who ends all sessions keeps a passkey from being registered by one of them', async (t) => {
  const { database, client } = await withPlugins(t, 'passkey');
  const ada = await person(client);
  const { challenge, cookie } = await asked(ada);
  const [first, second] = await database.connectMany(2);
  await first.query('BEGIN');
  await first.query('SELECT FROM better_auth."user" FOR UPDATE');
  await first.query('DELETE FROM better_auth.session');
  const registering = ada.post('verify-registration', { response: new Passkey().register(challenge) }, cookie, second);
  await untilBlocked(client, second);
  await first.query('COMMIT');
  assert.equal((await registering).status, 401);
  assert.deepEqual(await client.column('SELECT id FROM better_auth.passkey'), []);
});

test('what is malformed, huge or deep is refused, and nothing else happens', async (t) => {
  const { client } = await withPlugins(t, 'passkey');
  const ada = await person(client);
  const passkey = new Passkey();
  const b64 = (bytes) => Buffer.from(bytes).toString('base64url');
  const good = (challenge) => passkey.register(challenge);
  const objects = [
    [], [0xff], Array(70_000).fill(0x81), Array(60_000).fill(0xbf), [0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], [0x9b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    [0xa1, 0x63, 0x66, 0x6d, 0x74, 0xa1], [0xa3], [0xf6], [0x00], [0x80], Array(300_000).fill(0),
  ];
  for (const bytes of objects) {
    const { challenge, cookie } = await asked(ada);
    const response = { ...good(challenge), response: { ...good(challenge).response, attestationObject: b64(bytes) } };
    const answer = await ada.post('verify-registration', { response }, cookie);
    assert.deepEqual([answer.status, answer.json], [500, FAILED], `${bytes.length} bytes`);
  }
  for (const response of [null, 5, 'x', [], {}, { id: 5 }, { response: null }]) {
    const { challenge, cookie } = await asked(ada);
    const answer = await ada.post('verify-registration', { response: response?.response === null ? { ...good(challenge), ...response } : response }, cookie);
    assert.deepEqual([answer.status, answer.json], [500, FAILED], JSON.stringify(response));
  }
  for (const transports of ['usb', 5, {}, [{ toString: 1 }.x ?? { a: 1 }, 'x'.repeat(300)]]) {
    const { challenge, cookie } = await asked(ada);
    const message = good(challenge);
    message.response.transports = transports;
    assert.equal((await ada.post('verify-registration', { response: message }, cookie)).status, 500, JSON.stringify(transports));
  }
  assert.deepEqual(await client.column('SELECT id FROM better_auth.passkey'), []);
});

test('without a session, whom a function names registers, and is signed in', async (t) => {
  const { client } = await withPlugins(t, 'passkey', { passkey_registration_require_session: 'off' });
  const path = '/passkey/generate-register-options?context=ticket';
  assert.equal((await http(client, 'GET', path)).json.code, 'RESOLVE_USER_REQUIRED');
  const { user } = await signUp(client);
  await client.query(`CREATE SCHEMA app;
    CREATE FUNCTION app.who(request jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('id', '${user.id}', 'name', request ->> 'context', 'displayName', 'Ada') $$;
    CREATE FUNCTION app.nobody(jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"id": ""}'::jsonb $$;
    CREATE FUNCTION app.after(request jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('name', ' ' || (request #>> '{verification,registrationInfo,fmt}') || (request ->> 'context')) $$;
    CREATE FUNCTION app.never(jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'Not today' USING ERRCODE = 'PT403', DETAIL = 'NOT_TODAY'; END $$`);
  await set(client, { passkey_registration_resolve_user_function: 'app.nobody' });
  assert.equal((await http(client, 'GET', path)).json.code, 'RESOLVED_USER_INVALID');
  await set(client, { passkey_registration_resolve_user_function: 'app.who', passkey_registration_after_verification_function: 'app.after' });
  const { json, cookie } = await http(client, 'GET', path);
  assert.deepEqual([json.user.name, json.user.displayName], ['ticket', 'Ada']);
  const passkey = new Passkey();
  const done = await http(client, 'POST', '/passkey/verify-registration', { body: { response: passkey.register(json.challenge), createSession: true }, cookie });
  assert.deepEqual([done.status, done.json.name, done.json.user?.id, done.json.session?.userId], [200, 'noneticket', user.id, user.id], done.text);
  assert.ok(done.cookie.startsWith('better-auth.session_token='));
  await set(client, { passkey_authentication_after_verification_function: 'app.never' });
  const refused = await signedIn(client, passkey);
  assert.deepEqual([refused.status, refused.json.code], [403, 'NOT_TODAY']);
  await set(client, { passkey_registration_require_session: 'on' });
  assert.equal((await http(client, 'GET', path)).status, 401);
});

test('origins, RP id and names are the settings’', async (t) => {
  const { client } = await withPlugins(t, 'passkey', {
    passkey_rp_id: 'example.com', passkey_rp_name: 'Example', passkey_origin: 'https://a.example.com, https://b.example.com', passkey_authenticator_attachment: 'cross-platform',
    passkey_resident_key: 'required', passkey_user_verification: 'discouraged', passkey_registration_extensions: '{"minPinLength": true}', passkey_web_authn_challenge_cookie: 'challenge',
  });
  const ada = await person(client);
  const { options, cookie, challenge } = await asked(ada);
  assert.deepEqual(options.rp, { name: 'Example', id: 'example.com' });
  assert.deepEqual(options.authenticatorSelection, { residentKey: 'required', userVerification: 'discouraged', authenticatorAttachment: 'cross-platform', requireResidentKey: true });
  assert.deepEqual(options.extensions, { minPinLength: true, credProps: true });
  assert.ok(cookie.startsWith('better-auth.challenge='));
  const passkey = new Passkey({ rpId: 'example.com', origin: 'https://b.example.com' });
  assert.equal((await ada.post('verify-registration', { response: passkey.register(challenge) }, cookie)).status, 200);
  passkey.origin = ORIGIN;
  assert.deepEqual((await signedIn(client, passkey)).json, NOT_AUTHENTICATED);
});

test('PostgREST’s functions do the same', async (t) => {
  const { database, client } = await withPlugins(t, 'passkey');
  const rpc = await withRpc(t, database, client);
  const { token, user } = await signUp(client);
  const mine = { session_token: token };
  const options = await rpc('generate_passkey_registration_options', { ...mine, name: 'Ada’s' });
  assert.equal(options.json.user.name, 'Ada’s');
  const passkey = new Passkey();
  const made = await rpc('verify_passkey_registration', { ...mine, response: JSON.stringify(passkey.register(options.json.challenge)), name: 'phone' }, { cookie: options.cookie });
  assert.deepEqual([made.status, made.json.name], [200, 'phone']);
  const asks = await rpc('generate_passkey_authentication_options');
  const entered = await rpc('verify_passkey_authentication', { response: JSON.stringify(passkey.authenticate(asks.json.challenge)) }, { cookie: asks.cookie });
  assert.deepEqual([entered.status, entered.json.user.id], [200, user.id]);
  assert.equal((await rpc('list_passkeys', mine)).json.length, 1);
  assert.equal((await rpc('update_passkey', { ...mine, id: made.json.id, name: 'laptop' })).json.passkey.name, 'laptop');
  assert.deepEqual((await rpc('delete_passkey', { ...mine, id: made.json.id })).json, { status: true });
  assert.equal((await rpc('list_passkeys')).status, 401);
});

test('an account that was taken over loses the passkeys of who signed up with the address', async (t) => {
  const { client } = await withPlugins(t, 'passkey,magic-link');
  const email = freshEmail();
  const eve = await person(client, { email });
  const { passkey } = await registered(eve);
  await http(client, 'POST', '/sign-in/magic-link', { body: { email } });
  const url = await client.value('SELECT url FROM better_auth.mail_outbox ORDER BY created_at DESC LIMIT 1');
  await http(client, 'GET', url.slice(`${ORIGIN}/api/auth`.length));
  assert.equal((await signedIn(client, passkey)).status, 401);
  assert.deepEqual(await client.column('SELECT id FROM better_auth.passkey'), []);
});
