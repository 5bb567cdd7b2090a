// The provider of these tests: what it refuses by itself, and that the real Better Auth signs in with it, from the beginning
// to the session. What the real one asks of it is written down here: ours asks the same.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Client, GET, POST, realDatabase, realSide } from './http.mjs';
import { CLIENT, ISSUER, PERSON, Provider, TENANT, appleSecret, within } from './provider.mjs';
import { posted, start } from './requests/social/common.mjs';
import { DISCOVERY, agrees, reaching, sentOn } from './social.mjs';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const REDIRECT = 'https://app.example/cb';
const VERIFIER = 'v'.repeat(43);
const CHALLENGE = '7w_YNF9DSfIdPf_pRjSq646_kPr-2-o9NAl16JGghdM';

const authorization = (more) => `${ISSUER}/authorize?${new URLSearchParams({ response_type: 'code', client_id: CLIENT.id, redirect_uri: REDIRECT, state: 's', ...more })}`;
const exchange = async (provider, form, headers = FORM, url = `${ISSUER}/token`) => {
  const { status, body } = await provider.answer({ method: 'POST', url, headers, body: String(new URLSearchParams(form)) });
  return { status, ...JSON.parse(body) };
};
const POSTED = { client_id: CLIENT.id, client_secret: CLIENT.secret };
const grant = (code, more) => ({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, ...POSTED, ...more });

describe('codes', () => {
  test('are good once, for their client, address and verifier', async () => {
    const provider = new Provider();
    const code = async (more) => (await provider.authorize(authorization(more))).code;
    const { status, id_token, ...tokens } = await exchange(provider, grant(await code()));
    assert.deepEqual([status, tokens], [200, { access_token: 'example-access-2', token_type: 'Bearer', expires_in: 3600, refresh_token_expires_in: 86_400, refresh_token: 'example-refresh-3', scope: 'openid' }]);
    assert.ok(id_token);
    const refused = { status: 400, error: 'invalid_grant' };
    const used = await code();
    await exchange(provider, grant(used));
    assert.deepEqual(await exchange(provider, grant(used)), refused);
    assert.deepEqual(await exchange(provider, grant(await code(), { redirect_uri: `${REDIRECT}/` })), refused);
    provider.clients.set('other', 'secret');
    assert.deepEqual(await exchange(provider, grant(await code(), { client_id: 'other', client_secret: 'secret' })), refused);
    const pkce = { code_challenge: CHALLENGE, code_challenge_method: 'S256' };
    assert.deepEqual(await exchange(provider, grant(await code(pkce))), refused);
    assert.deepEqual(await exchange(provider, grant(await code(pkce), { code_verifier: 'x' })), refused);
    assert.equal((await exchange(provider, grant(await code(pkce), { code_verifier: VERIFIER }))).status, 200);
  });

  test('aren’t given to who asks wrongly', async () => {
    const provider = new Provider();
    for (const wrong of [{ client_id: 'x' }, { response_type: 'token' }, { redirect_uri: '' }, { code_challenge: CHALLENGE }]) {
      await assert.rejects(provider.authorize(authorization(wrong)), Error, JSON.stringify(wrong));
    }
    assert.equal((await provider.authorize(authorization({}), { error: 'access_denied' })).location, `${REDIRECT}?state=s&error=access_denied`);
  });
});

test('clients say who they are by POST or Basic, not by both, and rightly', async () => {
  const provider = new Provider();
  const code = async () => (await provider.authorize(authorization())).code;
  const basic = (id, secret) => ({ ...FORM, authorization: `Basic ${Buffer.from([id, secret].map(encodeURIComponent).join(':')).toString('base64')}` });
  const bare = async () => ({ grant_type: 'authorization_code', code: await code(), redirect_uri: REDIRECT });
  assert.equal((await exchange(provider, await bare(), basic(CLIENT.id, CLIENT.secret))).status, 200);
  const refused = { status: 401, error: 'invalid_client' };
  assert.deepEqual(await exchange(provider, await bare(), basic(CLIENT.id, 'wrong')), refused);
  assert.deepEqual(await exchange(provider, { ...(await bare()), ...POSTED }, basic(CLIENT.id, CLIENT.secret)), refused);
  assert.deepEqual(await exchange(provider, { ...(await bare()), ...POSTED, client_secret: 'wrong' }), refused);
  assert.deepEqual(await exchange(provider, await bare()), refused);
  provider.clients.set('public', null);
  const { code: open } = await provider.authorize(authorization({ client_id: 'public' }));
  assert.equal((await exchange(provider, { ...grant(open), client_id: 'public', client_secret: undefined })).status, 200);
});

test('Apple’s clients sign who they are', async () => {
  const provider = new Provider();
  const url = 'https://appleid.apple.com/auth/token';
  const address = `https://appleid.apple.com/auth/authorize?${new URLSearchParams({ response_type: 'code id_token', response_mode: 'form_post', client_id: CLIENT.id, redirect_uri: REDIRECT, state: 's' })}`;
  const status = async (client_secret) => {
    const { code, form } = await provider.authorize(address);
    assert.deepEqual([form.action, Object.keys(form.fields).sort()], [REDIRECT, ['code', 'id_token', 'state', 'user']]);
    return (await exchange(provider, grant(code, { client_secret }), FORM, url)).status;
  };
  assert.equal(await status(await appleSecret(CLIENT.id)), 200);
  for (const wrong of [appleSecret('other'), appleSecret(CLIENT.id, { expires: -60 }), appleSecret(CLIENT.id, { iss: 'x' }), appleSecret(CLIENT.id, { aud: 'x' }), CLIENT.secret]) {
    assert.equal(await status(await wrong), 401);
  }
});

test('tokens are renewed, and say who somebody is', async () => {
  const provider = new Provider();
  const { code } = await provider.authorize(authorization({ scope: 'openid email' }));
  provider.person = { sub: '2' }; // the code is of who there was
  const { access_token, refresh_token } = await exchange(provider, grant(code));
  const userinfo = (token) => provider.answer({ method: 'GET', url: `${ISSUER}/userinfo`, headers: { Authorization: `Bearer ${token}` } });
  assert.equal(JSON.parse((await userinfo(access_token)).body).email, PERSON.email);
  assert.equal((await userinfo(refresh_token)).status, 401);
  assert.equal((await userinfo('x')).status, 401);
  const renewed = await exchange(provider, { grant_type: 'refresh_token', refresh_token, ...POSTED });
  assert.equal(JSON.parse((await userinfo(renewed.access_token)).body).sub, PERSON.sub);
  assert.equal((await exchange(provider, { grant_type: 'refresh_token', refresh_token: access_token, ...POSTED })).error, 'invalid_grant');
});

describe('id tokens', () => {
  const verify = (provider, token) => within(provider, () => jwtVerify(token, createRemoteJWKSet(new URL(`${ISSUER}/jwks`)), { issuer: ISSUER, audience: CLIENT.id }));
  test('are signed with the keys that are published', async () => {
    const provider = new Provider();
    for (const alg of ['RS256', 'ES256', 'EdDSA', 'PS256']) {
      provider.alg = alg;
      const { payload, protectedHeader } = await verify(provider, await provider.mint('example', { claims: { nonce: 'n' } }));
      assert.deepEqual([protectedHeader.alg, payload.sub, payload.nonce], [alg, PERSON.sub, 'n']);
    }
    const before = await provider.mint('example');
    provider.rotate({ overlap: true });
    await verify(provider, before);
    await verify(provider, await provider.mint('example'));
    provider.rotate();
    await verify(provider, await provider.mint('example'));
    await assert.rejects(verify(provider, before), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  });

  test('are wrong where a test wants them so', async () => {
    const provider = new Provider();
    const wrong = [{ by: 'stranger' }, { alg: 'none' }, { alg: 'HS256' }, { kid: 'x' }, { claims: { aud: 'x' } }, { claims: { iss: 'x' } }, { claims: { exp: 1 } }];
    for (const options of wrong) await assert.rejects(async () => verify(provider, await provider.mint('example', options)), Error, JSON.stringify(options));
    provider.forged = { claims: { sub: undefined } };
    const { code } = await provider.authorize(authorization());
    const { id_token } = await exchange(provider, grant(code));
    assert.equal((await verify(provider, id_token)).payload.sub, undefined);
  });
});

test('endpoints answer what they are told', async () => {
  const provider = new Provider();
  const get = () => provider.answer({ method: 'GET', url: DISCOVERY, headers: {} });
  const right = await get();
  assert.equal(JSON.parse(right.body).issuer, ISSUER);
  const table = {
    unreachable: { error: 'ECONNREFUSED' }, slow: { error: 'timeout' }, 'cut off': { error: 'ECONNRESET' }, oversize: { error: 'too long' },
  };
  for (const [word, answer] of Object.entries(table)) {
    provider.tells('discovery', word);
    assert.deepEqual(await get(), answer, word);
    if (word !== 'oversize') await assert.rejects(provider.fetch(DISCOVERY), TypeError);
  }
  provider.tells('discovery', { status: 503, body: { a: 1 } });
  assert.deepEqual([(await get()).status, (await get()).body], [503, '{"a":1}']);
  provider.tells('example.discovery', (answer) => ({ ...answer, status: 201 }));
  assert.deepEqual(await get(), { ...right, status: 201 });
  provider.reset();
  assert.deepEqual(await get(), right);
  assert.match((await provider.answer({ method: 'GET', url: 'https://elsewhere.example/', headers: {} })).error, /nobody/);
});

test('on loopback', async (t) => {
  const provider = new Provider();
  const origin = await provider.listen();
  t.after(() => provider.close());
  const discovery = await (await fetch(`${origin}/.well-known/openid-configuration`)).json();
  assert.deepEqual([discovery.issuer, discovery.token_endpoint], [origin, `${origin}/token`]);
  const query = new URLSearchParams({ response_type: 'code', client_id: CLIENT.id, redirect_uri: REDIRECT, state: 's', scope: 'openid' });
  const at = `${discovery.authorization_endpoint}?${query}`;
  const location = new URL((await fetch(at, { redirect: 'manual' })).headers.get('location'));
  const tokens = await (await fetch(discovery.token_endpoint, { method: 'POST', body: new URLSearchParams(grant(location.searchParams.get('code'))) })).json();
  const keys = createRemoteJWKSet(new URL(discovery.jwks_uri));
  assert.equal((await jwtVerify(tokens.id_token, keys, { issuer: origin, audience: CLIENT.id })).payload.sub, PERSON.sub);
  const who = await fetch(discovery.userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.equal((await who.json()).email, PERSON.email);
  provider.page = true;
  const page = await (await fetch(at)).text();
  assert.deepEqual([...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => new URL(href.replaceAll('&amp;', '&')).searchParams.has('code')), [true, false]);
  assert.equal((await fetch(at.replace(CLIENT.id, 'x'))).status, 400);
  provider.tells('token', 'cut off');
  await assert.rejects(fetch(discovery.token_endpoint, { method: 'POST' }), TypeError);
});

/** What the real Better Auth does: from the beginning to the session. */
const FLOWS = {
  google: {
    at: 'https://accounts.google.com/o/oauth2/v2/auth',
    asks: { scope: 'email profile openid', include_granted_scopes: 'true' },
    asked: ['POST google.token'],
    user: { name: PERSON.name, image: PERSON.picture, emailVerified: true },
    account: { accountId: '1001', scope: 'email,profile,openid', refreshToken: 'google-refresh-3' },
  },
  github: {
    at: 'https://github.com/login/oauth/authorize',
    asks: { scope: 'read:user user:email' },
    asked: ['POST github.token', 'GET github.user', 'GET github.emails'],
    user: { name: PERSON.name, image: PERSON.picture, emailVerified: true },
    account: { accountId: '1001', scope: 'read:user,user:email', refreshToken: null },
  },
  apple: {
    at: 'https://appleid.apple.com/auth/authorize',
    asks: { scope: 'email name', response_mode: 'form_post', response_type: 'code id_token' },
    asked: ['POST apple.token'],
    user: { name: PERSON.name, image: null, emailVerified: true },
    account: { accountId: '1001', scope: '', refreshToken: 'apple-refresh-3' },
  },
  microsoft: {
    options: { tenantId: TENANT },
    at: `https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/authorize`,
    asks: { scope: 'openid profile email User.Read offline_access' },
    asked: ['POST microsoft.token', 'GET microsoft.photo'],
    user: { name: PERSON.name, image: null, emailVerified: true },
    account: { accountId: 'oid-1001', scope: 'openid,profile,email,User.Read,offline_access', refreshToken: 'microsoft-refresh-3' },
  },
  discord: {
    at: 'https://discord.com/api/oauth2/authorize',
    asks: { scope: 'identify email', prompt: 'none', code_challenge: undefined },
    asked: ['POST discord.token', 'GET discord.user'],
    user: { name: PERSON.name, image: /^https:\/\/cdn\.discordapp\.com\/embed\/avatars\/\d\.png$/, emailVerified: true },
    account: { accountId: '803511102246781001', scope: 'identify,email', refreshToken: 'discord-refresh-3' },
  },
  example: {
    options: { discoveryUrl: DISCOVERY, scopes: ['email'] },
    at: `${ISSUER}/authorize`,
    asks: { scope: 'openid email', nonce: /^[\w-]{32}$/ },
    asked: ['POST example.token', 'GET example.jwks'],
    user: { name: PERSON.name, image: PERSON.picture, emailVerified: true },
    account: { accountId: '1001', scope: 'openid,email', refreshToken: 'example-refresh-3' },
  },
};

describe('the real Better Auth signs in', async () => {
  const database = await realDatabase();
  const matches = (given, wanted) => {
    for (const [name, value] of Object.entries(wanted)) {
      if (value instanceof RegExp) assert.match(given[name], value, name);
      else assert.deepEqual(given[name], value, name);
    }
  };
  for (const [site, { options = {}, at, asks, asked, user, account }] of Object.entries(FLOWS)) {
    test(site, async () => {
      await database.sql('DELETE FROM "user"');
      const [side] = await reaching({ [site]: options }, () => ({}), [database, realSide]);
      const { provider } = side;
      const client = new Client();
      const took = async (...steps) => {
        for (const step of steps) await (typeof step === 'function' ? step({ side, client }) : client.ask(side, step));
        return client.last;
      };
      const begun = await took(start(site));
      const { url, redirect } = JSON.parse(begun.body);
      assert.deepEqual([begun.status, redirect, url.split('?')[0]], [200, true, at]);
      const S256 = /^[\w-]{43}$/;
      const given = Object.fromEntries(new URL(url).searchParams);
      matches(given, { client_id: CLIENT.id, response_type: 'code', redirect_uri: `http://127.0.0.1:3999/api/auth/callback/${site}`, state: /^[\w-]{32}$/, code_challenge: S256, ...asks });
      await took(agrees());
      provider.asked = [];
      if (site === 'apple') await took(posted('apple'), sentOn, { method: 'GET', url: '{{location}}', jar: true });
      else await took(GET(`/callback/${site}?code={{code}}&state={{state}}`, { jar: true }));
      const { status, headers } = client.last;
      assert.deepEqual([status, headers.find(([name]) => name === 'location')[1]], [302, '/hello']);
      assert.deepEqual(provider.asked.map(({ method, site, endpoint }) => `${method} ${site}.${endpoint}`), asked);
      const session = JSON.parse((await took(GET('/get-session', { jar: true }))).body);
      matches(session.user, { email: PERSON.email, ...user });
      const [row] = await database.sql('SELECT * FROM account');
      matches(row, { providerId: site, userId: session.user.id, accessToken: `${site}-access-2`, ...account });
      // The same again, and for another one a session of its own.
      assert.equal((await took(POST('/sign-out', undefined, { jar: true }))).status, 200);
      assert.equal((await took(GET('/get-session', { jar: true }))).body, 'null');
    });
  }
});
