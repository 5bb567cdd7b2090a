// Two servers, one database, one secret: what the real Better Auth answers a browser with, `better_auth.handler`
// honours, and the reverse. And the handler by itself.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admin, anonymous, lastLoginMethod, organization, phoneNumber, twoFactor, username } from 'better-auth/plugins';
import { AGAINST_ITSELF, Client, GET, POST, changeCompact, cookieOf, ourDatabase, ourSide, realSide } from './http.mjs';
import { BASE_URL, PASSWORD, clear, realMigrate, realPlan } from './lib.mjs';
import { mutants } from './mutants.mjs';
import { ROUTES } from './requests/routing.mjs';

const database = await ourDatabase();

/** Both sides on the one database. Passwords are hashed as both know how. */
async function open(settings = {}, options = () => ({})) {
  await database.configure({ base_url: BASE_URL, password_hash: 'scrypt', rate_limit: 'off', ...settings });
  const hashed = (send) => ({ ...options(send), emailAndPassword: { password: undefined } });
  const [real, ours] = [realSide(database, hashed), ourSide(database, hashed)];
  return [
    ['ours, then Better Auth', ours, real],
    ['Better Auth, then ours', real, ours],
  ];
}

let count = 0;
/** A browser whose user has signed up on a side. */
async function signedUp(side, fields) {
  const client = new Client();
  const user = { name: 'Ada', email: `user${++count}@example.com`, password: PASSWORD, ...fields };
  const answer = await client.ask(side, POST('/sign-up/email', user, { as: 'me' }));
  const signIn = (password = user.password, rest = {}, options = {}) =>
    POST('/sign-in/email', { email: user.email, password, ...rest }, options);
  return { client, user, signIn, id: JSON.parse(answer.body).user.id, ask: (on, step) => client.ask(on, { jar: true, ...step }) };
}
const SESSION = GET('/get-session');
const LIVE = (answer) => assert.match(answer.body, /^\{"session":\{/, answer.body);
const DEAD = (answer) => assert.deepEqual([answer.body, answer.setCookies.length], ['null', 3]);
const statuses = (answers) => answers.map(({ status }) => status).sort();
/** As many at once, each on a connection of its own; `next` makes each its request. */
const atOnce = (number, next) => Promise.all(Array.from({ length: number }, (_, index) => next(index)));

const EVERYTHING = {
  settings: {
    change_email_enabled: 'on',
    send_change_email_confirmation: 'on',
    delete_user_enabled: 'on',
    send_delete_account_verification: 'on',
  },
  options: (send) => ({
    user: {
      changeEmail: { enabled: true, sendChangeEmailConfirmation: send.change },
      deleteUser: { enabled: true, sendDeleteAccountVerification: send.remove },
    },
  }),
};

for (const [direction, first, second] of await open(EVERYTHING.settings, EVERYTHING.options)) {
  describe(direction, () => {
    test('a session cookie', async () => {
      const { ask } = await signedUp(first, { image: 'https://example.com/é.png' });
      const [one, other] = [await ask(first, SESSION), await ask(second, SESSION)];
      LIVE(one);
      assert.deepEqual(other, one);
      for (const path of ['/list-sessions', '/list-accounts'])
        assert.deepEqual(await ask(second, GET(path)), await ask(first, GET(path)), path);
    });

    test('a password', async () => {
      for (const password of [PASSWORD, 'with\0a NUL', 'lone \ud800 surrogate', 'pässwörd'.normalize('NFD')]) {
        const { client, signIn } = await signedUp(first, { password });
        assert.equal((await client.ask(second, signIn(password))).status, 200, JSON.stringify(password));
        assert.equal((await client.ask(second, signIn(`${password}!`))).status, 401);
      }
    });

    test('a session that isn’t remembered', async () => {
      const { ask, client } = await signedUp(first, { rememberMe: false });
      await database.sql(`UPDATE session SET "expiresAt" = now() + interval '1 hour' WHERE token = $1`, [client.known['me.token']]);
      assert.deepEqual(await ask(second, SESSION), await ask(first, SESSION));
      assert.deepEqual((await ask(second, SESSION)).setCookies, []);
    });

    test('a refresh', async () => {
      const { ask, client } = await signedUp(first);
      await database.sql(`UPDATE session SET "expiresAt" = now() + interval '1 hour' WHERE token = $1`, [client.known['me.token']]);
      const refreshed = await ask(first, SESSION);
      assert.equal(refreshed.setCookies.length, 1);
      const seen = await ask(second, SESSION);
      assert.deepEqual([seen.body, seen.setCookies], [refreshed.body, []]);
    });

    test('update-user', async () => {
      const { ask } = await signedUp(first);
      await ask(first, POST('/update-user', { name: 'Augusta', image: 'i' }));
      assert.deepEqual(await ask(second, SESSION), await ask(first, SESSION));
    });

    for (const [name, step] of Object.entries({
      'sign-out': POST('/sign-out', {}),
      'revoke-session': POST('/revoke-session', { token: '{{me.token}}' }),
      'revoke-sessions': POST('/revoke-sessions', {}),
    })) {
      test(`after ${name} the other refuses`, async () => {
        const { ask, client } = await signedUp(first);
        LIVE(await ask(second, SESSION));
        assert.equal((await ask(first, step)).status, 200);
        DEAD(await client.ask(second, { ...SESSION, by: 'me' }));
        assert.equal((await client.ask(second, GET('/list-sessions', { by: 'me' }))).status, 401);
      });
    }

    test('revoke-other-sessions', async () => {
      const { ask, client, signIn } = await signedUp(first);
      await client.ask(second, signIn(PASSWORD, {}, { as: 'other' }));
      await client.ask(first, POST('/revoke-other-sessions', {}, { by: 'me' }));
      DEAD(await client.ask(second, { ...SESSION, by: 'other' }));
      LIVE(await client.ask(second, { ...SESSION, by: 'me' }));
    });

    test('change-password', async () => {
      const { ask, client, signIn } = await signedUp(first);
      const changed = await ask(
        first,
        POST('/change-password', { currentPassword: PASSWORD, newPassword: 'a new password', revokeOtherSessions: true }),
      );
      assert.equal(changed.status, 200, changed.body);
      LIVE(await ask(second, SESSION));
      DEAD(await client.ask(second, { ...SESSION, by: 'me' }));
      assert.deepEqual(
        [(await client.ask(second, signIn('a new password'))).status, (await client.ask(second, signIn())).status],
        [200, 401],
      );
    });

    test('a reset that the other ends, once', async () => {
      const { client, user, signIn } = await signedUp(first);
      await client.ask(first, POST('/request-password-reset', { email: user.email, redirectTo: '/reset?x=y' }));
      const link = await client.ask(second, GET('{{mail.url}}'));
      const location = `${BASE_URL}/reset?x=y&token=${client.known['mail.token']}`;
      assert.deepEqual([link.status, new Map(link.headers).get('location')], [302, location]);
      const reset = POST('/reset-password', { token: '{{mail.token}}', newPassword: 'a new password' });
      assert.deepEqual(
        [(await client.ask(second, reset)).status, (await client.ask(first, reset)).status, (await client.ask(second, reset)).status],
        [200, 400, 400],
      );
      for (const side of [first, second]) assert.equal((await client.ask(side, signIn('a new password'))).status, 200);
    });

    test('a reset at both at once', async () => {
      for (let round = 0; round < 3; round++) {
        const { client, user } = await signedUp(first);
        await client.ask(first, POST('/request-password-reset', { email: user.email }));
        const answers = await atOnce(6, (index) =>
          client.ask(
            [first, second][index % 2],
            POST('/reset-password', { token: '{{mail.token}}', newPassword: `a new password ${index}` }),
          ),
        );
        assert.deepEqual(statuses(answers), [200, 400, 400, 400, 400, 400]);
      }
    });

    test('a verification', async () => {
      const { ask } = await signedUp(first);
      await ask(first, POST('/send-verification-email', { email: `user${count}@example.com` }));
      assert.equal((await ask(second, GET('/verify-email?token={{mail.token}}'))).body, '{"status":true,"user":null}');
      assert.match((await ask(first, SESSION)).body, /"emailVerified":true/);
    });

    test('a change of email in three steps', async () => {
      const { ask, client, user } = await signedUp(first);
      await database.sql(`UPDATE "user" SET "emailVerified" = true WHERE email = $1`, [user.email]);
      const newEmail = `new-${user.email}`;
      const kinds = [];
      for (const [side, step] of [
        [first, POST('/change-email', { newEmail, callbackURL: '/done' })],
        [second, GET('{{mail.url}}')],
        [first, GET('{{mail.url}}')],
      ]) {
        const answer = await ask(side, step);
        assert.ok([200, 302].includes(answer.status), answer.body);
        kinds.push(...answer.mails.map(({ kind, recipient }) => [kind, recipient]));
      }
      assert.deepEqual(kinds, [
        ['change-email-confirmation', user.email],
        ['verification-email', newEmail],
      ]);
      for (const side of [first, second]) {
        assert.match((await ask(side, SESSION)).body, new RegExp(`"email":"${newEmail}","emailVerified":true`));
        assert.equal((await client.ask(side, GET('/verify-email?token={{mail.token}}'))).status, 401, 'only once');
      }
    });

    test('a deletion that the other ends, once', async () => {
      const { ask, client } = await signedUp(first);
      assert.match((await ask(first, POST('/delete-user', {}))).body, /Verification email sent/);
      const answers = await atOnce(6, (index) =>
        client.ask([second, first][index % 2], GET('/delete-user/callback?token={{mail.token}}', { by: 'me' })),
      );
      assert.deepEqual(statuses(answers), [200, 404, 404, 404, 404, 404]);
      DEAD(await client.ask(first, { ...SESSION, by: 'me' }));
    });

    test('a race for one email', async () => {
      const email = `race${++count}@example.com`;
      const answers = await atOnce(6, (index) =>
        new Client().ask([first, second][index % 2], POST('/sign-up/email', { name: 'Ada', email, password: PASSWORD })),
      );
      assert.deepEqual(statuses(answers), [200, 422, 422, 422, 422, 422]);
    });
  });
}

for (const strategy of ['compact', 'jwt']) {
  describe(`session_data, ${strategy}`, async () => {
    let sides;
    const opened = () =>
      (sides ??= open({ cookie_cache: 'on', cookie_cache_strategy: strategy }, () => ({
        session: { cookieCache: { enabled: true, strategy } },
      })));
    for (const index of [0, 1]) {
      test(['ours, then Better Auth', 'Better Auth, then ours'][index], async () => {
        const [, first, second] = (await opened())[index];
        for (const image of [null, 'é'.repeat(4000)]) {
          const { ask, id } = await signedUp(first, image && { image });
          await database.sql(`UPDATE "user" SET name = 'changed' WHERE id = $1`, [id]);
          const [one, other] = [await ask(first, SESSION), await ask(second, SESSION)];
          assert.deepEqual(other, one);
          assert.match(other.body, /"name":"Ada"/, 'from the cookie');
          await database.sql('DELETE FROM session WHERE "userId" = $1', [id]);
          LIVE(await ask(second, SESSION));
          assert.equal((await ask(second, GET('/get-session?disableCookieCache=1'))).body, 'null');
        }
      });
    }

    test('neither believes what another secret signed', async () => {
      const [[, ours, real]] = await opened();
      if (strategy !== 'compact') return;
      const { ask } = await signedUp(ours);
      const forged = (jar) => ({
        ...jar,
        'better-auth.session_data': changeCompact(
          jar['better-auth.session_data'],
          ({ session, ...rest }) => ({ session: { ...session, user: { ...session.user, name: 'Mallory' } }, ...rest }),
          'another secret',
        ),
      });
      for (const side of [ours, real]) assert.match((await ask(side, { ...SESSION, jar: forged })).body, /"name":"Ada"/);
    });
  });
}

describe('rate limit', () => {
  let sides;
  const opened = () => (sides ??= open({ rate_limit: 'on', rate_limit_storage: 'database' }, () => ({ rateLimit: { enabled: true } })));
  const wrong = (address) => POST('/sign-in/email', { email: 'x', password: 'x' }, { headers: { 'x-forwarded-for': address } });

  test('both count in one row', async () => {
    const [[, ours, real]] = await opened();
    const answers = [];
    for (const side of [ours, real, ours, real, ours]) answers.push((await new Client().ask(side, wrong('203.0.113.1'))).status);
    assert.deepEqual(answers, [400, 400, 400, 429, 429]);
    assert.deepEqual(await database.sql(`SELECT key, count FROM "rateLimit"`), [{ key: '203.0.113.1|/sign-in/email', count: 3 }]);
  });

  test('three of many at once', async () => {
    const [[, ours, real]] = await opened();
    const answers = await atOnce(12, (index) => new Client().ask([ours, real][index % 2], wrong('203.0.113.2')));
    assert.equal(answers.filter(({ status }) => status === 400).length, 3);
    assert.equal(answers.filter(({ status }) => status === 429).length, 9);
  });
});

describe('the real migrate', () => {
  test('finds nothing to do for rateLimit.storage database', async () => {
    const { created, added, warnings } = await realPlan(database, { rateLimit: { enabled: true, storage: 'database' } });
    assert.deepEqual({ created, added, warnings }, { created: [], added: [], warnings: [] });
  });

  test('after that of many plugins all goes on', async () => {
    const plugins = [
      admin(),
      anonymous(),
      lastLoginMethod({ storeInDatabase: true }),
      organization(),
      phoneNumber({ sendOTP: () => {} }),
      twoFactor(),
      username(),
    ];
    await realMigrate(database, { plugins, rateLimit: { storage: 'database' } });
    for (const [, first, second] of await open()) {
      const { ask, client, user, signIn } = await signedUp(first);
      LIVE(await ask(second, SESSION));
      await client.ask(first, POST('/request-password-reset', { email: user.email }));
      assert.equal(
        (await client.ask(second, POST('/reset-password', { token: '{{mail.token}}', newPassword: 'a new password' }))).status,
        200,
      );
      assert.equal((await client.ask(second, signIn('a new password'))).status, 200);
    }
  });
});

// ── The handler by itself ────────────────────────────────────────────────────────────────────────

const handleOn = async (client, request) =>
  (await client.query('SELECT better_auth.handler($1::jsonb) AS answer', [JSON.stringify(request)])).rows[0].answer;
const handle = (request) => handleOn(database.pool, request);
/** On a connection of its own. */
/** On a connection of its own; again where the answer is 503, "try again", for a slot to hash in that took too long. */
const handleApart = (request) =>
  database.connection(async (client) => {
    for (;;) {
      const answer = await handleOn(client, request);
      if (answer.status !== 503) return answer;
    }
  });
const JSON_HEADERS = { 'content-type': 'application/json', origin: BASE_URL };
const request = (method, path, body, headers) => ({
  method,
  url: `${BASE_URL}/api/auth${path}`,
  headers: { ...JSON_HEADERS, ...headers },
  body: body && JSON.stringify(body),
});
const header = ({ headers }, name) => headers.filter(([one]) => one === name).map(([, value]) => value);

describe('the handler', { skip: AGAINST_ITSELF }, () => {
  let ours;
  test('its settings', async () => {
    await clear(database);
    ours = (await open({ delete_user_enabled: 'on', send_delete_account_verification: 'on' }))[0][1];
  });

  test('a request of another shape raises 22023', async () => {
    const right = { method: 'GET', url: '/api/auth/ok', headers: {} };
    for (const wrong of [
      null, [], 'text', 5,
      {},
      { ...right, method: undefined },
      { ...right, method: null },
      { ...right, method: 5 },
      { ...right, url: undefined },
      { ...right, url: null },
      { ...right, url: 5 },
      { ...right, headers: 'x' },
      { ...right, headers: 5 },
      { ...right, headers: { a: 5 } },
      { ...right, headers: { a: [5] } },
      { ...right, headers: [['a']] },
      { ...right, headers: [['a', 'b', 'c']] },
      { ...right, headers: [['a', 5]] },
      { ...right, headers: ['a'] },
      { ...right, body: 5 },
      { ...right, body: {} },
    ]) {
      await assert.rejects(handle(wrong), { code: '22023' }, JSON.stringify(wrong));
    }
    assert.equal((await handle(right)).body, '{"ok":true}');
    await assert.rejects(database.sql('SELECT better_auth.handler(5)'), { code: '42883' });
  });

  test('headers in each form, names in any case', async () => {
    const { client } = await signedUp(ours);
    const cookie = cookieOf(client.known['me.token']);
    const answers = [];
    for (const headers of [
      { cookie }, { Cookie: cookie }, { COOKIE: [cookie] }, { cookie: ['a=b', cookie] },
      [['cookie', cookie]],
      [
        ['Cookie', 'a=b'],
        ['cookie', cookie],
      ],
    ]) {
      answers.push(await handle({ method: 'GET', url: `${BASE_URL}/api/auth/get-session`, headers }));
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
    assert.match(answers[0].body, /^\{"session":\{"expiresAt"/);
    assert.deepEqual(header(answers[0], 'cache-control'), ['no-store']);
  });

  test('an empty body is none', async () => {
    const none = await handle({ ...request('POST', '/sign-out'), body: undefined });
    for (const body of [null, '']) assert.deepEqual(await handle({ ...request('POST', '/sign-out'), body }), none);
    assert.equal(none.status, 200);
  });

  test('a path gets its host from the Host header', async () => {
    const { user } = await signedUp(ours);
    await database.configure({ password_hash: 'scrypt', rate_limit: 'off' });
    const reset = (host, url = '/api/auth/request-password-reset') =>
      handle({
        method: 'POST',
        url,
        headers: { ...JSON_HEADERS, origin: `http://${host}`, Host: host, cookie: 'x=y' },
        body: JSON.stringify({ email: user.email }),
      });
    for (const host of ['localhost:4000', '127.0.0.1', '[::1]:5000', 'app.localhost:80']) {
      assert.equal((await reset(host)).status, 200, host);
      const [{ url }] = await database.sql('DELETE FROM better_auth.mail_outbox RETURNING url');
      assert.ok(url.startsWith(new URL(`http://${host}/api/auth/reset-password/`).href), url);
    }
    assert.equal((await handle({ method: 'GET', url: '/api/auth/ok', headers: {} })).status, 200, 'without a host');
    for (const host of ['', ' ', 'a b', 'a\tb', 'a@b', 'a/b', 'a\\b', 'a?b', 'a#b', 'a:b', '[::1', 'a%b']) {
      assert.deepEqual(
        await handle({ method: 'GET', url: '/api/auth/ok', headers: { host } }),
        { status: 400, headers: [], body: '' },
        host,
      );
    }
    await open({ delete_user_enabled: 'on', send_delete_account_verification: 'on' });
  });

  test('as much as a request may bring, and a byte more', async () => {
    const cases = [
      [413, 2 ** 20, (size) => ({ ...request('POST', '/sign-out'), body: `{"x":"é"}`.padEnd(size - 1) })],
      [414, 2 ** 14, (size) => ({ ...request('GET', '/ok'), url: `${BASE_URL}/api/auth/ok?`.padEnd(size, 'x') })],
      [431, 2 ** 16, (size) => ({ ...request('GET', '/ok'), headers: { a: 'x'.repeat(100), bc: 'x'.repeat(size - 103) } })],
    ];
    for (const [status, size, of] of cases) {
      assert.equal((await handle(of(size))).status, 200, `${status}`);
      assert.deepEqual(await handle(of(size + 1)), { status, headers: [], body: '' });
    }
  });

  test('in a read-only transaction nothing writes, and no password is looked at', async () => {
    const { client, user } = await signedUp(ours);
    const cookie = cookieOf(client.known['me.token']);
    const signIn = request('POST', '/sign-in/email', { email: user.email, password: user.password });
    const duration = async (work) => {
      const start = performance.now();
      await work();
      return performance.now() - start;
    };
    const written = await duration(() => handle(signIn));
    await database.connection(async (readOnly) => {
      const ask = (sent) => handleOn(readOnly, sent);
      await readOnly.query('BEGIN READ ONLY');
      for (const path of [...ROUTES.POST, '/get-session']) {
        assert.deepEqual(await ask(request('POST', path, {}, { cookie })), { status: 503, headers: [], body: '' }, path);
      }
      const refused = await duration(async () => {
        for (let time = 0; time < 10; time++) assert.equal((await ask(signIn)).status, 503);
      });
      assert.ok(refused < written, `${refused} ms for ten, ${written} ms for one that is taken`);
      for (const path of ['/get-session', '/list-sessions', '/list-accounts']) {
        const { status, body } = await ask(request('GET', path, undefined, { cookie }));
        assert.equal(status, 200, path);
        assert.notEqual(body, 'null', path);
      }
      await readOnly.query('COMMIT');
    });
  });

  test('the bridge token', async () => {
    const { client, id } = await signedUp(ours);
    const bridge = (headers, url = '/api/insforge-token') => handle({ method: 'GET', url: `${BASE_URL}${url}`, headers });
    const cookie = cookieOf(client.known['me.token']);
    const answer = await bridge({ cookie });
    assert.deepEqual([answer.status, header(answer, 'cache-control')], [200, ['no-store']]);
    assert.match(header(answer, 'content-type')[0], /^application\/json/);
    const { token, ...rest } = JSON.parse(answer.body);
    assert.deepEqual(rest, {});
    const claims = await database.value('SELECT better_auth.verify_jwt($1)', [token]);
    assert.equal(claims.sub, id);
    const refused = async (headers) => {
      const { status, body } = await bridge(headers);
      assert.deepEqual([status, body], [401, '{"error":"not signed in"}'], JSON.stringify(headers));
    };
    for (const headers of [
      {},
      { cookie: 'better-auth.session_token=x' },
      { cookie: `${cookie}x` },
      { cookie: cookieOf('A'.repeat(32)) },
      { authorization: `Bearer ${token}` },
    ])
      await refused(headers);
    await database.sql('DELETE FROM session');
    await refused({ cookie });
  });

  test('one reset token, twenty at once', async () => {
    const { client, user } = await signedUp(ours);
    await client.ask(ours, POST('/request-password-reset', { email: user.email }));
    const token = client.known['mail.token'];
    const answers = await atOnce(20, (index) =>
      handleApart(request('POST', '/reset-password', { token, newPassword: `a new password ${index}` })),
    );
    assert.deepEqual(statuses(answers), [200, ...Array(19).fill(400)]);
    const winner = answers.findIndex(({ status }) => status === 200);
    const { status } = await handle(request('POST', '/sign-in/email', { email: user.email, password: `a new password ${winner}` }));
    assert.equal(status, 200, 'and its password is the one');
  });

  test('one delete token, twenty at once', async () => {
    const { client, ask } = await signedUp(ours);
    await ask(ours, POST('/delete-user', {}));
    const cookie = cookieOf(client.known['me.token']);
    const answers = await atOnce(20, () => handleApart(request('POST', '/delete-user', { token: client.known['mail.token'] }, { cookie })));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1, JSON.stringify(statuses(answers)));
    for (const { status } of answers) assert.ok([200, 401, 404].includes(status), status);
  });

  test('two sessions that are due change the password and end each other', async () => {
    for (let round = 0; round < 6; round++) {
      const { client, user, signIn } = await signedUp(ours);
      await client.ask(ours, signIn(user.password, {}, { as: 'other' }));
      await database.sql(`UPDATE session SET "expiresAt" = now() + interval '1 hour'`);
      const answers = await atOnce(2, (index) =>
        handleApart(
          request(
            'POST',
            '/change-password',
            { currentPassword: user.password, newPassword: `a new password ${index}`, revokeOtherSessions: true },
            { cookie: cookieOf(client.known[`${['me', 'other'][index]}.token`]) },
          ),
        ),
      );
      const [won, lost] = statuses(answers);
      assert.equal(won, 200);
      assert.ok([400, 401].includes(lost), `${lost}`);
      assert.deepEqual(
        await database.sql('SELECT count(*)::int FROM session JOIN "user" u ON u.id = "userId" WHERE email = $1', [user.email]),
        [{ count: 1 }],
      );
    }
  });

  test('one email, fifty sign-ups at once', async () => {
    await clear(database);
    const email = 'fifty@example.com';
    const answers = await atOnce(50, () => handleApart(request('POST', '/sign-up/email', { name: 'Ada', email, password: PASSWORD })));
    assert.deepEqual(statuses(answers), [200, ...Array(49).fill(422)]);
    assert.deepEqual(
      await database.sql(
        'SELECT (SELECT count(*)::int FROM "user") u, (SELECT count(*)::int FROM account) a, (SELECT count(*)::int FROM session) s',
      ),
      [{ u: 1, a: 1, s: 1 }],
    );
  });
});

// ── What nobody would send ───────────────────────────────────────────────────────────────────────

describe('mutated requests', { skip: AGAINST_ITSELF }, () => {
  for (let seed = 1; seed <= 8; seed++) {
    test(`none raises, seed ${seed}`, async () => {
      const { client } = await signedUp(ourSide(database), { email: `mutant${seed}@example.com` });
      for (const sent of mutants(seed, 60, cookieOf(client.known['me.token']))) {
        const text = JSON.stringify(sent);
        const answer = await handle(sent).catch((error) => assert.fail(`${error.code} ${error.message}: ${text}`));
        assert.ok(Number.isInteger(answer.status) && answer.status >= 200 && answer.status < 600, text);
        assert.equal(typeof answer.body, 'string', text);
        for (const [name, value] of answer.headers) assert.match(`${name}: ${value}`, /^[a-z-]+: [\x20-\x7e]*$/, text);
      }
    });
  }
});
