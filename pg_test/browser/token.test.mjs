// The bridge token in the page: refused when it was tampered with, renewed in time, kept nowhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addPost, alertOf, newUser, requestsTo, signUp, untilLoaded, useBrowser, withApp } from './lib.mjs';

useBrowser();

const tokenOf = async (request) => (await request.allHeaders()).authorization;

test('a token that was tampered with is refused', async (t) => {
  const { open } = await withApp(t);
  const ada = await signUp(open);
  await addPost(ada, 'Mine');
  const grace = await signUp(open, newUser('Grace'));
  const answers = await grace.evaluate(async () => {
    const { token } = await (await fetch('/api/insforge-token')).json();
    const [header, payload, signature] = token.split('.');
    const claims = JSON.parse(atob(payload));
    const encode = (value) => btoa(JSON.stringify(value)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_');
    const tokens = {
      good: token,
      otherRole: [header, encode({ ...claims, role: 'postgres' }), signature].join('.'),
      otherUser: [header, encode({ ...claims, sub: 'somebody' }), signature].join('.'),
      unsigned: [encode({ alg: 'none', typ: 'JWT' }), payload, ''].join('.'),
      cut: token.slice(0, -3),
    };
    const statusWith = async (one) => (await fetch('/rest/posts', { headers: { authorization: `Bearer ${one}` } })).status;
    for (const [name, one] of Object.entries(tokens)) tokens[name] = await statusWith(one);
    return tokens;
  });
  assert.deepEqual(answers, { good: 200, otherRole: 401, otherUser: 401, unsigned: 401, cut: 401 });
});

test('below /rest the cookie opens nothing', async (t) => {
  const { open } = await withApp(t);
  const page = await signUp(open);
  const [posts, session] = await page.evaluate(async () => {
    const headers = { 'content-type': 'application/json' };
    const asked = await fetch('/rest/rpc/get_session', { method: 'POST', headers, body: '{}' });
    return [(await fetch('/rest/posts')).status, [asked.status, await asked.json()]];
  });
  assert.equal(posts, 401);
  assert.deepEqual(session, [200, null]);
});

test('a token that is refused is renewed once, and then it is said', async (t) => {
  const { open } = await withApp(t);
  const page = await signUp(open);
  let isBroken = () => true;
  await page.route('/api/insforge-token', async (route) => {
    const response = await route.fetch();
    const { token } = await response.json();
    const broken = token.replace(/\.(.)([^.]*)$/, (_, first, rest) => `.${first === 'A' ? 'B' : 'A'}${rest}`);
    await route.fulfill({ response, json: { token: isBroken() ? broken : token } });
  });
  const asked = requestsTo(page, '/api/insforge-token');
  isBroken = () => asked.length === 1; // the first token of the page alone
  await page.reload();
  await untilLoaded(page);
  await addPost(page, 'It went on');
  assert.equal(asked.length, 2);
  isBroken = () => true;
  await page.reload();
  await untilLoaded(page);
  await alertOf(page.locator('#failed')).waitFor();
  assert.equal(asked.length, 4, 'it asks no third time');
  isBroken = () => false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('heading', { name: 'It went on' }).waitFor();
});

test('the token is renewed before it expires, and kept nowhere', async (t) => {
  for (const [lifetime, early, soon] of [['1h', 3_500_000, 45_000], ['100s', 75_000, 10_000]]) {
    const { open } = await withApp(t, { jwt_expires_in: lifetime });
    const page = await signUp(open);
    await page.clock.install();
    await page.reload();
    await untilLoaded(page);
    const asked = requestsTo(page, '/api/insforge-token');
    const sent = requestsTo(page, '/rest/posts');
    await page.clock.fastForward(early);
    await addPost(page, 'With the first token');
    assert.equal(asked.length, 0);
    assert.match(await tokenOf(sent[0]), /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
    await page.clock.fastForward(soon);
    await addPost(page, 'With the second one');
    await addPost(page, 'And again');
    assert.equal(asked.length, 1);
    assert.equal(sent.length, 3, 'none was refused');
    await leavesNoToken(page);
  }
});

async function leavesNoToken(page) {
  const kept = await page.evaluate(async () => JSON.stringify([
    { ...localStorage },
    { ...sessionStorage },
    document.cookie,
    await indexedDB.databases(),
    await caches.keys(),
    document.documentElement.outerHTML,
    Object.values(window).filter((value) => typeof value === 'string'),
  ]));
  assert.doesNotMatch(kept, /eyJ/);
}
