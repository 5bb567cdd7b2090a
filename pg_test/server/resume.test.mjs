// handler() is suspended for a fetch, and resume() goes on: once, within a minute, by who may; and what a layer that lies
// about its fetches can reach.

import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { CLIENT, Provider } from '../interop/provider.mjs';
import { ORIGIN, answer, begin, configured, http, resume } from './http.mjs';
import { PASSWORD, freshEmail, ident, refused, unique } from './lib.mjs';

const CALLBACK = { callbackURL: '/welcome', errorCallbackURL: '/oops' };

/** Providers that are set up, and the provider that answers for them. */
async function withProviders(t, settings) {
  const { database, client } = await configured(t, { rate_limit: 'off', base_url: ORIGIN, ...settings });
  for (const id of ['google', 'github']) {
    await client.query('SELECT better_auth.set_oauth_provider($1, $2, $3)', [id, CLIENT.id, CLIENT.secret]);
  }
  return { database, client, provider: new Provider() };
}

/** A sign-in that has come back from the provider: what the browser asks for then. */
async function comeBack(client, provider, id, body = CALLBACK) {
  const begun = await begin(client, 'POST', '/sign-in/social', { body: { provider: id, ...body } });
  const { json, cookies } = answer(begun);
  const { location } = await provider.authorize(json.url);
  const { pathname, search } = new URL(location);
  return { path: `${pathname.slice('/api/auth'.length)}${search}`, cookie: cookies, begun };
}

/** The same, as far as the first fetch. */
async function suspended(client, provider, id = 'google') {
  const { path, cookie } = await comeBack(client, provider, id);
  const said = await begin(client, 'GET', path, { cookie });
  assert.ok(said.fetch, JSON.stringify(said));
  return said;
}

/** Goes on, with what `fetched` says of each fetch, to the end. */
async function toTheEnd(client, said, fetched) {
  let last = said;
  while (last.fetch) last = await resume(client, last, await fetched(last.fetch));
  return last;
}
const locationOf = (said) => said.headers.find(([name]) => name === 'location')?.[1];
const sessions = (client) => client.value('SELECT count(*)::int FROM better_auth.session');
const served = (body, status = 200) => ({ status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) });

test('a request goes on after each of its fetches, and ends with a session', async (t) => {
  const { client, provider } = await withProviders(t);
  const said = await suspended(client, provider, 'github');
  const asked = [];
  const end = await toTheEnd(client, said, (fetch) => {
    asked.push(`${fetch.method} ${fetch.url}`);
    assert.ok(fetch.timeout_ms > 0 && fetch.timeout_ms <= 30_000);
    return provider.answer(fetch);
  });
  assert.deepEqual(asked, ['POST https://github.com/login/oauth/access_token', 'GET https://api.github.com/user', 'GET https://api.github.com/user/emails']);
  assert.deepEqual([end.status, locationOf(end)], [302, '/welcome']);
  assert.equal(await sessions(client), 1);
  assert.equal(await client.value(`SELECT count(*)::int FROM better_auth.verification`), 0, 'nothing is left over');
});

test('it goes on once', async (t) => {
  const { client, database, provider } = await withProviders(t);
  const said = await suspended(client, provider);
  const fetched = await provider.answer(said.fetch);
  const others = await Promise.all(Array.from({ length: 5 }, () => database.connect()));
  const all = await Promise.allSettled(others.map((one) => resume(one, said, fetched)));
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const { reason } of all.filter(({ status }) => status === 'rejected')) assert.equal(reason.code, '22023');
  await refused(resume(client, said, fetched), { code: '22023' });
});

test('what was altered, is of another database, or is too old does not go on', async (t) => {
  const { client, provider } = await withProviders(t);
  const said = await suspended(client, provider);
  const fetched = await provider.answer(said.fetch);
  const at = said.resume.length >> 1;
  const altered = said.resume.slice(0, at) + (said.resume[at] === 'A' ? 'B' : 'A') + said.resume.slice(at + 1);
  for (const other of [altered, said.resume.slice(1), `${said.resume}A`, '', 'x', 'ü', 'A'.repeat(100)]) {
    await refused(resume(client, { resume: other }, fetched), { code: '22023' });
  }
  const elsewhere = await withProviders(t);
  await refused(resume(elsewhere.client, said, fetched), { code: '22023' });
  await client.query(`UPDATE better_auth.verification SET "expiresAt" = now() - interval '1 second'`);
  await refused(resume(client, said, fetched), { code: '22023' });
  assert.equal(await sessions(client), 0);
});

test('an answer of another shape is refused, and nothing is used up', async (t) => {
  const { client, provider } = await withProviders(t);
  const said = await suspended(client, provider);
  for (const response of [[], 'x', {}, { status: '200' }, { status: 200.5 }, { status: -1 }, { status: 70_000 }, { status: 200, body: {} }]) {
    await refused(resume(client, said, JSON.stringify(response)), { code: '22023' });
  }
  const end = await toTheEnd(client, said, (fetch) => provider.answer(fetch));
  assert.equal(locationOf(end), '/welcome');
});

test('nothing that comes for an answer does harm', async (t) => {
  const { client, provider } = await withProviders(t);
  const answers = [
    { error: 'timeout' },
    served('x'.repeat(10 << 20)),
    served('<!doctype html>'),
    served(''),
    served('{"access_token":'),
    served('null'),
    served('[]'),
    served({ access_token: 5, id_token: [] }),
    served({ id_token: 'a.b.c' }),
    served({ error: 'invalid_grant' }),
    served({ error: 'invalid_grant' }, 400),
    served('', 302),
    served('['.repeat(60_000)),
    served({ access_token: 'x', expires_in: 1e308, scope: {} }),
  ];
  for (const response of answers) {
    const end = await toTheEnd(client, await suspended(client, provider), () => response);
    assert.match(locationOf(end), /^\/oops\?error=(invalid_code|unable_to_get_user_info)$/, JSON.stringify(response).slice(0, 80));
  }
  assert.equal(await sessions(client), 0);
});

test('who may not execute resume(), or does not say that it fetches, has no providers', async (t) => {
  const { client, database } = await withProviders(t);
  const role = unique('layer');
  await client.query(`CREATE ROLE ${ident(role)} LOGIN; GRANT USAGE ON SCHEMA better_auth TO ${ident(role)}; GRANT EXECUTE ON FUNCTION better_auth.handler TO ${ident(role)}`);
  const layer = await database.connect({ user: role });
  const said = () => begin(layer, 'POST', '/sign-in/social', { body: { provider: 'google' } });
  assert.equal(answer(await said()).json.code, 'PROVIDER_NOT_FOUND');
  await refused(layer.query(`SELECT better_auth.resume('x', '{}')`), { code: '42501' });
  await client.query(`GRANT EXECUTE ON FUNCTION better_auth.resume TO ${ident(role)}`);
  assert.equal((await said()).status, 200);
  const quiet = await http(layer, 'POST', '/sign-in/social', { body: { provider: 'google' } });
  assert.deepEqual([quiet.status, quiet.json.code], [404, 'PROVIDER_NOT_FOUND']);
  await refused(layer.query('SELECT * FROM better_auth.oauth_provider'), { code: '42501' });
  await refused(layer.query(`SELECT better_auth.set_oauth_provider('x', 'y')`), { code: '42501' });
  await layer.end();
  await client.query(`DROP OWNED BY ${ident(role)}; DROP ROLE ${ident(role)}`);
});

test('a state counts once, in the browser that began, whichever comes first', async (t) => {
  const { client, database, provider } = await withProviders(t);
  const { path, cookie } = await comeBack(client, provider, 'google');
  const elsewhere = await begin(client, 'GET', path, {});
  assert.equal(locationOf(elsewhere), '/oops?error=state_mismatch', 'another browser');
  const two = await Promise.all([database.connect(), database.connect()]);
  const said = await Promise.all(two.map((one) => begin(one, 'GET', path, { cookie })));
  assert.equal(said.filter(({ fetch }) => fetch).length, 1);
  assert.match(locationOf(said.find(({ fetch }) => !fetch)), /error=state_mismatch$/);
});

test('a code of another provider, and another issuer’s callback, are not exchanged', async (t) => {
  const { client, provider } = await withProviders(t);
  await client.query('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', [
    'example', CLIENT.id, CLIENT.secret, JSON.stringify({ discoveryUrl: 'https://id.example/.well-known/openid-configuration' }),
  ]);
  const toEnd = (said) => toTheEnd(client, said, (fetch) => provider.answer(fetch));
  const begun = answer(await toEnd(await begin(client, 'POST', '/sign-in/social', { body: { provider: 'example', ...CALLBACK } })));
  const { location } = await provider.authorize(begun.json.url);
  const callback = new URL(location);
  callback.searchParams.set('iss', 'https://evil.example');
  const end = await toEnd(await begin(client, 'GET', `/callback/example${callback.search}`, { cookie: begun.cookies }));
  assert.equal(locationOf(end), '/oops?error=issuer_mismatch');
  // Mixed up: what Google's sign-in began comes back as GitHub's. The code is asked for at GitHub, which doesn't know it.
  const { path, cookie } = await comeBack(client, provider, 'google');
  const mixed = await toEnd(await begin(client, 'GET', path.replace('/callback/google', '/callback/github'), { cookie }));
  assert.equal(locationOf(mixed), '/oops?error=invalid_code');
});

test('a layer that lies is nobody by OpenID Connect where the keys are set, and whoever it likes by plain OAuth', async (t) => {
  const { client, provider } = await withProviders(t);
  const { keys } = JSON.parse((await provider.answer({ method: 'GET', url: 'https://www.googleapis.com/oauth2/v3/certs', headers: {} })).body);
  await client.query('SELECT better_auth.set_provider_keys($1, $2)', ['https://accounts.google.com', JSON.stringify({ keys })]);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'https://accounts.google.com', aud: CLIENT.id, sub: '1', email: 'victim@example.com', email_verified: true, name: 'V', iat: now, exp: now + 3600 };
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const forged = (header, by) => {
    const signed = `${encode(header)}.${encode(claims)}`;
    return `${signed}.${by(signed)}`;
  };
  const byAnother = (signed) => sign('sha256', Buffer.from(signed), privateKey).toString('base64url');
  const tokens = [
    forged({ alg: 'RS256', kid: keys[0].kid }, byAnother),
    forged({ alg: 'RS256' }, byAnother),
    forged({ alg: 'none' }, () => ''),
    // With the public key as the secret.
    forged({ alg: 'HS256', kid: keys[0].kid }, (signed) => createHmac('sha256', JSON.stringify(keys[0])).update(signed).digest('base64url')),
  ];
  for (const id_token of tokens) {
    const urls = [];
    const end = await toTheEnd(client, await suspended(client, provider), (fetch) => {
      urls.push(fetch.url);
      return served({ access_token: 'x', token_type: 'Bearer', id_token, scope: 'openid email' });
    });
    assert.equal(locationOf(end), '/oops?error=unable_to_get_user_info');
    assert.deepEqual(urls, ['https://oauth2.googleapis.com/token'], 'no keys are asked of it');
  }
  // Without an id token at all it is nobody either.
  const without = await toTheEnd(client, await suspended(client, provider), () => served({ access_token: 'x', token_type: 'Bearer' }));
  assert.equal(locationOf(without), '/oops?error=unable_to_get_user_info');
  assert.equal(await sessions(client), 0);
  // GitHub has no keys: its word is the layer's.
  const lie = { id: 7, login: 'victim', name: 'V', email: 'victim@example.com' };
  const end = await toTheEnd(client, await suspended(client, provider, 'github'), ({ url }) =>
    served(url.endsWith('/access_token') ? { access_token: 'x', scope: '', token_type: 'bearer' } : url.endsWith('/emails') ? [{ email: lie.email, primary: true, verified: true }] : lie));
  assert.equal(locationOf(end), '/welcome');
  // But not a user who was here before and hasn't proven that email.
  const email = freshEmail();
  await client.call('sign_up_email', { email, password: PASSWORD, name: 'Ada' });
  const claimed = await toTheEnd(client, await suspended(client, provider, 'github'), ({ url }) =>
    served(url.endsWith('/access_token') ? { access_token: 'x', scope: '', token_type: 'bearer' } : url.endsWith('/emails') ? [{ email, primary: true, verified: true }] : { ...lie, id: 8, email }));
  assert.equal(locationOf(claimed), '/oops?error=account_not_linked');
});

test('secrets go to the provider’s own address alone, and into no answer', async (t) => {
  const { client, provider } = await withProviders(t);
  const said = await suspended(client, provider);
  assert.equal(said.fetch.url, 'https://oauth2.googleapis.com/token');
  assert.equal(new URLSearchParams(said.fetch.body).get('client_secret'), CLIENT.secret);
  assert.ok(!said.resume.includes(CLIENT.secret));
  const error = await refused(client.query(`SELECT better_auth.set_oauth_provider('google', '', 'a secret of ours')`), { code: '22023' });
  assert.doesNotMatch(JSON.stringify({ ...error, message: error.message }), /a secret of ours/);
  for (const url of ['http://evil.example/token', 'ftp://x/', 'javascript:alert(1)', 'no url', '//x']) {
    await refused(client.query(`SELECT better_auth.set_oauth_provider('mine', 'id', 'secret', $1)`, [{ tokenUrl: url, authorizationUrl: 'https://a.example/', userInfoUrl: 'https://a.example/' }]), { code: '22023' });
  }
});

test('nor of a discovered provider: its document can neither drop the keys that are set nor name another issuer', async (t) => {
  const { client, provider } = await withProviders(t);
  const issuer = 'https://id.example';
  const discoveryUrl = `${issuer}/.well-known/openid-configuration`;
  const { keys } = JSON.parse((await provider.answer({ method: 'GET', url: `${issuer}/jwks`, headers: {} })).body);
  await client.query('SELECT better_auth.set_provider_keys($1, $2)', [issuer, JSON.stringify({ keys })]);
  const right = JSON.parse((await provider.answer({ method: 'GET', url: discoveryUrl, headers: {} })).body);
  const { jwks_uri, id_token_signing_alg_values_supported, ...without } = right;
  assert.ok(jwks_uri && id_token_signing_alg_values_supported);
  const victim = { id: provider.person.sub, sub: provider.person.sub, email: 'victim@example.com', email_verified: true, name: 'V' };
  for (const [document, token] of [
    [without, { access_token: 'x' }],
    [without, { access_token: 'x', id_token: 'a.b.c' }],
    [{ ...without, jwks_uri }, { access_token: 'x' }],
    [{ ...without, id_token_signing_alg_values_supported }, { access_token: 'x' }],
    [right, { access_token: 'x' }],
    [{ ...right, issuer: 'https://elsewhere.example' }, { access_token: 'x', id_token: await provider.mint('example', { claims: { iss: 'https://elsewhere.example' } }) }],
  ]) {
    // Set up anew, so that the document is asked for.
    await client.query('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', ['example', CLIENT.id, CLIENT.secret, { discoveryUrl }]);
    const lie = ({ url }) => served(url === discoveryUrl ? document : url.endsWith('/token') ? { token_type: 'Bearer', ...token } : victim);
    const begun = answer(await toTheEnd(client, await begin(client, 'POST', '/sign-in/social', { body: { provider: 'example', ...CALLBACK } }), lie));
    if (begun.status !== 200) continue; // the provider can't be used
    const state = new URL(begun.json.url).searchParams.get('state');
    const end = await toTheEnd(client, await begin(client, 'GET', `/callback/example?code=x&state=${state}`, { cookie: begun.cookies }), lie);
    assert.equal(locationOf(end), '/oops?error=unable_to_get_user_info', JSON.stringify([document, token]));
  }
  assert.equal(await sessions(client), 0);
  // And the right one still signs in.
  await client.query('SELECT better_auth.set_oauth_provider($1, $2, $3, $4)', ['example', CLIENT.id, CLIENT.secret, { discoveryUrl }]);
  const honest = (fetch) => provider.answer(fetch);
  const begun = answer(await toTheEnd(client, await begin(client, 'POST', '/sign-in/social', { body: { provider: 'example', ...CALLBACK } }), honest));
  const { location } = await provider.authorize(begun.json.url);
  const end = await toTheEnd(client, await begin(client, 'GET', `/callback/example${new URL(location).search}`, { cookie: begun.cookies }), honest);
  assert.equal(locationOf(end), '/welcome');
});
