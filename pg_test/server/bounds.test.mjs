// No answer is much larger than its request, whatever list the request brings; and what is too much is said so.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configured, cookieOf, http, ORIGIN, request } from './http.mjs';
import { refused, signUp } from './lib.mjs';

const SETTINGS = { base_url: ORIGIN, rate_limit: 'off', user_additional_fields: 'extra', session_additional_fields: 'extra' };
const MEBIBYTE = 2 ** 20;

/** As many of `item` as a body of a mebibyte holds. */
const many = (item, separator = ',', around = 200) => {
  const one = Math.max(item(0).length, item(99_999).length) + separator.length;
  return Array.from({ length: Math.floor((MEBIBYTE - around) / one) }, (_, index) => item(index)).join(separator);
};
const ones = () => many(() => '1');
const keys = (value) => many((index) => `"k${index}":${value}`);
const long = (size) => 'x'.repeat(size);

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const UP = '"email":"a@example.com","password":"password1234","name":"A"';
const REQUESTS = {
  'scopes': ['POST', '/link-social', { body: `{"provider":"x","scopes":[${ones()}]}` }],
  'scopes at sign-in': ['POST', '/sign-in/social', { body: `{"provider":"x","scopes":[${ones()}]}` }],
  'as many scopes as there may be': ['POST', '/link-social', { body: `{"provider":"x","scopes":[${'1,'.repeat(900)}1]}` }],
  'additionalParams': ['POST', '/sign-in/social', { body: `{"provider":"x","additionalParams":{${keys(1)}}}` }],
  'a parameter with a long name': ['POST', '/sign-in/social', { body: `{"provider":"x","additionalParams":{"${long(MEBIBYTE - 100)}":1}}` }],
  'as many as there may be, of long names': [
    'POST',
    '/sign-in/social',
    { body: `{"provider":"x","additionalParams":{${Array.from({ length: 900 }, (_, index) => `"${long(1000)}${index}":1`)}}}` },
  ],
  'additionalData': ['POST', '/sign-in/social', { body: `{"provider":"x","additionalData":{${keys('[]')}}}` }],
  'unknown keys': ['POST', '/get-access-token', { body: `{"accountId":"x",${keys(1)}}` }],
  'unknown keys of long names': ['POST', '/get-access-token', { body: `{"accountId":"x",${Array.from({ length: 900 }, (_, index) => `"${long(1000)}${index}":1`)}}` }],
  'an array as a body': ['POST', '/sign-in/email', { body: `[${ones()}]` }],
  'arrays in arrays': ['POST', '/sign-in/email', { body: `{"email":[${many(() => '[]')}]}` }],
  'brackets alone': ['POST', '/sign-in/email', { body: '['.repeat(MEBIBYTE) }],
  'one key again and again': ['POST', '/sign-out', { body: `{${many(() => '"x":1')}}` }],
  'digits': ['POST', '/sign-in/email', { body: `{"email":${'9'.repeat(MEBIBYTE - 20)}}` }],
  'sign-up with unknown keys': ['POST', '/sign-up/email', { body: `{${UP},${keys(1)}}` }],
  'a field of numbers': ['POST', '/sign-up/email', { body: `{${UP},"extra":[${ones()}]}` }],
  'a field of numbers with long digits': ['POST', '/sign-up/email', { body: `{${UP},"extra":[${'1e300,'.repeat(15_000)}1]}` }],
  'pairs of a form': ['POST', '/sign-in/email', { headers: FORM, body: many((index) => `a${index}`, '&') }],
  'pairs of a callback': ['POST', '/callback/x', { headers: FORM, body: many(() => 'state=x', '&') }],
  'a long field of a callback': ['POST', '/callback/x', { headers: FORM, body: `state=${'%C3%A9'.repeat(170_000)}` }],
  'parameters': ['GET', `/account-info?${Array.from({ length: 4000 }, (_, index) => `${index.toString(36)}`).join('&')}`],
  'one parameter again and again': ['GET', `/verify-email?${'token&'.repeat(2700)}`],
  'a long error': ['GET', `/error?error_description=${'é'.repeat(5000)}`],
  'chunks of session data': ['GET', '/get-session', { cookie: Array.from({ length: 2200 }, (_, index) => `better-auth.session_data.${index}=`).join('; ') }],
  'cookies without number': ['GET', '/get-session', { cookie: 'a=;'.repeat(20_000) }],
  'a session token again and again': ['GET', '/get-session', { cookie: 'better-auth.session_token=x.y;'.repeat(2000) }],
  'a long type': ['POST', '/sign-in/email', { headers: { 'content-type': long(60_000) }, body: '{}' }],
  'a long callbackURL': ['POST', '/sign-in/email', { body: `{"callbackURL":"/${long(MEBIBYTE - 100)}"}` }],
  'a list of origins': ['POST', '/sign-in/email', { headers: { origin: `${ORIGIN},`.repeat(2500) }, body: '{}' }],
  'a list of addresses': ['GET', '/ok', { headers: { 'x-forwarded-for': '::1,'.repeat(15_000) } }],
  'no headers, many times': ['GET', '/ok', { headers: Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`${index}`, ''])) }],
};

describe('answers', () => {
  test('are bounded by their requests', async (t) => {
    const { client } = await configured(t, { ...SETTINGS, cross_sub_domain_cookies: 'on' });
    await client.query('ALTER TABLE better_auth."user" ADD extra jsonb; ALTER TABLE better_auth.session ADD extra jsonb');
    for (const [name, [method, path, options]] of Object.entries(REQUESTS)) {
      const sent = request(method, path, options);
      const { text, size } = (await client.query(
        `SELECT a ->> 'body' AS text, length(a::text) AS size FROM (SELECT better_auth.handler($1) AS a OFFSET 0) x`, [sent],
      )).rows[0];
      assert.ok(size <= 8192 + 3 * Buffer.byteLength(sent), `${name}: ${size} bytes for ${sent.length}`);
      assert.ok(size <= 2 ** 17, `${name}: ${size} bytes`);
      assert.ok(text.length <= 2 ** 17, name);
    }
  });

  test('say how many issues there are beyond those that they name', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const { status, json } = await http(client, 'POST', '/sign-in/social', { body: { provider: 'x', scopes: Array(500).fill(1) } });
    assert.deepEqual([status, json.code], [400, 'VALIDATION_ERROR']);
    const issues = json.message.split('; ');
    assert.equal(issues.length, 21);
    assert.equal(issues[19], '[body.scopes.19] Invalid input: expected string, received number');
    assert.equal(issues[20], '[body] 480 more issues');
  });

  test('say what is too much of a body', async (t) => {
    const { client } = await configured(t, SETTINGS);
    const post = async (path, count, options) => {
      const { status, json } = await http(client, 'POST', path, { body: { x: Array(count).fill(0) }, ...options });
      return [status, json?.message];
    };
    const tooBig = (max) => [400, `[body] Too big: expected to have <=${max} values`];
    assert.deepEqual(await post('/sign-out', 998), [200, undefined]);
    assert.deepEqual(await post('/sign-out', 999), tooBig(1000));
    assert.deepEqual(await post('/update-user', 15_999), tooBig(16_000));
    assert.equal((await post('/update-user', 15_998))[0], 401);
    const form = (pairs) => post('/sign-in/email', 0, { headers: FORM, body: Array(pairs).fill('a=b').join('&') });
    assert.deepEqual(await form(1001), tooBig(1000));
    assert.match((await form(1000))[1], /^\[body.email\]/);
  });
});

describe('additional fields', () => {
  const nested = (depth) => '{"extra":' + '['.repeat(depth - 1) + ']'.repeat(depth - 1) + '}';
  const WRONG = {
    'nested too deeply': [nested(128), 'must not be nested deeper than 127 levels'],
    'nested very deeply': [nested(1000), 'must not be nested deeper than 127 levels'],
    'of objects nested too deeply': ['{"a":'.repeat(128) + '1' + '}'.repeat(128), 'must not be nested deeper than 127 levels'],
    'of too many values': [`{"extra":[${'1,'.repeat(16_000)}1]}`, 'must not have more than 16000 values'],
    'a number that is too large': [`{"extra":1${'0'.repeat(400)}}`, 'has a number that no double can hold'],
    'an array': ['[1]', 'must be a JSON object'],
    'a text': ['"{}"', 'must be a JSON object'],
    'null': ['null', 'must be a JSON object'],
  };
  const CALLS = {
    sign_up_email: `better_auth.sign_up_email('b@example.com', 'password1234', 'B', additional_fields => $1::jsonb)`,
    update_user: `better_auth.update_user('x', additional_fields => $1::jsonb)`,
    update_session: `better_auth.update_session('x', $1::jsonb)`,
  };

  test('that are wrong are told apart', async (t) => {
    const { client } = await configured(t, SETTINGS);
    await client.query('ALTER TABLE better_auth."user" ADD extra jsonb; ALTER TABLE better_auth.session ADD extra jsonb');
    for (const [name, [value, message]] of Object.entries(WRONG)) {
      for (const [called, call] of Object.entries(CALLS)) {
        await refused(client.query(`SELECT ${call}`, [value]), { code: '22023', message: `additional_fields ${message}` }).catch((error) => {
          throw new Error(`${called}, ${name}: ${error.message}`);
        });
      }
    }
  });

  test('as deep and as many as there may be are stored', async (t) => {
    const { client } = await configured(t, SETTINGS);
    await client.query('ALTER TABLE better_auth."user" ADD extra jsonb; ALTER TABLE better_auth.session ADD extra jsonb');
    const { token } = await signUp(client);
    for (const value of [nested(127), `{"extra":[${'1,'.repeat(15_996)}1]}`, `{"extra":[${'1e300,'.repeat(30)}1]}`]) {
      await client.call('update_user', { session_token: token, additional_fields: value });
      assert.equal(await client.value('SELECT extra = ($1::jsonb -> \'extra\') FROM better_auth."user"', [value]), true);
    }
    const digits = { code: '22023', detail: 'VALIDATION_ERROR', message: '[body.extra] Too big: expected numbers of fewer digits' };
    await refused(client.call('update_user', { session_token: token, additional_fields: `{"extra":[${'1e300,'.repeat(100)}1]}` }), digits);
    const cookie = await cookieOf(client, token);
    const { status, json } = await http(client, 'POST', '/update-user', { cookie, body: `{"extra":[${'-1e-300,'.repeat(100)}1]}` });
    assert.deepEqual([status, json.message], [400, digits.message]);
  });
});
