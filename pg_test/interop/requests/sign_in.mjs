import { GET, POST } from '../http.mjs';
import { PASSWORD, answersAs, differs, each, named, oddBodies, oddFields } from './common.mjs';

const PATH = '/sign-in/email';
const ada = { email: 'ada@example.com', password: PASSWORD };
const into = (fields, options) => POST(PATH, { ...ada, ...fields }, options);
const raw = (text, headers) => ({ ...POST(PATH), raw: text, headers });
const nested = (depth) => `{"email":"ada@example.com","password":"wrong password","n":${'['.repeat(depth)}${']'.repeat(depth)}}`;
const typed = (type) => raw(JSON.stringify(ada), { 'content-type': type });
const VERIFICATION = { emailAndPassword: { requireEmailVerification: true } };

export default [
  {
    name: 'sign-in',
    cases: {
      'right': into(),
      'and the session works': [into({}, { as: 'new' }), GET('/get-session', { by: 'new' })],
      ...oddFields(PATH, { ...ada, callbackURL: '/dashboard', rememberMe: true }),
      ...oddBodies(PATH),
      'not remembered': into({ rememberMe: false }),
      'not remembered, then remembered': [into({ rememberMe: false }), into({}, { jar: true })],
      'while signed in as another': into({}, { by: 'vera' }),
      ...named(
        'email',
        each(['ADA@EXAMPLE.COM', ' ada@example.com', 'ada@example.com ', 'nobody@example.com', 'ada', 'gina@example.com'], (email) =>
          into({ email }),
        ),
      ),
      ...named(
        'password',
        each(['wrong password', PASSWORD.toUpperCase(), `${PASSWORD} `, 'x', 'p'.repeat(128), 'p'.repeat(129)], (password) =>
          into({ password }),
        ),
      ),
      'a wrong password with NUL': into({ password: `${PASSWORD}\0` }),
      'an email with NUL': into({ email: 'ada\0@example.com' }),
      ...named(
        'callbackURL',
        each(['/dashboard', '/', '/a b?c=d&e=f#g', '/é', 'http://127.0.0.1:3999/x', 'http://127.0.0.1:3999'], (callbackURL) =>
          into({ callbackURL }),
        ),
      ),
      'no credential account': [`DELETE FROM account`, into()],
      'an account of another accountId': [`UPDATE account SET "accountId" = 'other'`, into()],
      'an account without password': [`UPDATE account SET password = NULL`, into()],
      'an email that is stored in capitals': differs(
        'storedCapitals',
        [`UPDATE "user" SET email = 'Ada@example.com' WHERE email = 'ada@example.com'`, into()],
        401,
        200,
        ({ answers }) => answers.at(-1).status,
      ),
      ...named(
        'JSON',
        each(
          {
            'with whitespace': ' \t\r\n{"email" : "ada@example.com" ,\n"password":"wrong password"}\n',
            'with a BOM': '\ufeff{"email":"ada@example.com","password":"wrong password"}',
            'with a no-break space': '\u00a0{"email":"ada@example.com","password":"wrong password"}',
            'with a comma too much': '{"email":"ada@example.com","password":"wrong password",}',
            'with a comment': '{"email":"ada@example.com","password":"wrong password"}//',
            'with single quotes': "{'email':'ada@example.com'}",
            'with garbage after it': '{"email":"ada@example.com","password":"wrong password"}x',
            'with two objects': '{}{}',
            'with a newline in a string': '{"email":"ada@example.com","password":"wrong\npassword"}',
            'with a tab in a string': '{"email":"ada@example.com","password":"wrong\tpassword"}',
            'with a bad escape': '{"email":"ada@example.com","password":"\\x"}',
            'with half an escape': '{"email":"ada@example.com","password":"\\u00"}',
            'with an odd number': '{"email":"ada@example.com","password":"wrong password","n":01}',
            'with NaN': '{"email":"ada@example.com","password":"wrong password","n":NaN}',
            'with -0 for the email': '{"email":-0,"password":"wrong password"}',
            'that is not too deep': nested(126),
            'that is only deep': '['.repeat(3000),
            'with a field twice': '{"email":"ada@example.com","password":1,"password":"wrong password"}',
            'with a lone surrogate in an unknown key': '{"email":"ada@example.com","password":"wrong password","\\udfff":1}',
            'with NUL in an unknown key': '{"email":"ada@example.com","password":"wrong password","\\u0000":1}',
            'of a megabyte': `{"email":"ada@example.com","password":"wrong password","n":"${'x'.repeat(1_000_000)}"}`,
          },
          (text) => raw(text),
        ),
      ),
      ...named(
        'JSON',
        each(
          {
            'with a number beyond all': '{"email":"ada@example.com","password":"wrong password","n":1e999}',
            'with many digits': `{"email":"ada@example.com","password":"wrong password","n":${'9'.repeat(500)}}`,
            'with a number for rememberMe beyond all': '{"email":"ada@example.com","password":"wrong password","rememberMe":1e999}',
            'with a number for the email beyond all': '{"email":1e999,"password":"wrong password"}',
            'that is deep': nested(127),
            'that is very deep': nested(3000),
          },
          (text) => answersAs('jsonNumbers', raw(text), raw('{')),
        ),
      ),
      'JSON: of two megabytes': differs(
        'bounds',
        [raw(`{"email":"ada@example.com","password":"wrong password","n":"${'x'.repeat(2_000_000)}"}`)],
        [401, 'INVALID_EMAIL_OR_PASSWORD'],
        [413, ''],
      ),
      'bytes that are no UTF-8': raw(Buffer.from('{"email":"ada@example.com","password":"\xff\xfe\xfd"}', 'latin1')),
      ...named(
        'content type',
        each(
          [
            'application/json; charset=utf-8', 'application/json;charset=latin1', 'APPLICATION/JSON', ' application/json ',
            'application/json,text/plain', 'application/problem+json', 'application/json5', 'text/json', 'application/octet-stream', 'x',
            ';', 'application/json ; x', 'text/html; "quoted"', 'application/xml',
          ],
          typed,
        ),
      ),
      'a form': raw('email=ada%40example.com&password=correct+horse+battery', { 'content-type': 'application/x-www-form-urlencoded' }),
      'a form with a callbackURL': raw('email=ada%40example.com&password=correct+horse+battery&callbackURL=%2Fx', {
        'content-type': 'application/x-www-form-urlencoded',
      }),
      'a form to elsewhere': raw('email=ada%40example.com&password=correct+horse+battery&callbackURL=https://elsewhere.example', {
        'content-type': 'application/x-www-form-urlencoded',
      }),
      'a form with an invalid callbackURL twice': raw('callbackURL=/a&callbackURL=https://elsewhere.example', {
        'content-type': 'application/x-www-form-urlencoded',
      }),
      'fields in the query are nothing': POST(`${PATH}?email=ada@example.com&password=x`, {}),
      'a callbackURL in the query': POST(`${PATH}?callbackURL=https://elsewhere.example`, ada),
      'a callbackURL twice in the query': POST(`${PATH}?callbackURL=/a&callbackURL=/b`, ada),
      'a bearer token is nothing': GET('/get-session', { headers: { authorization: 'Bearer {{ada.token}}' } }),
    },
  },
  {
    name: 'sign-in, requireEmailVerification',
    options: () => VERIFICATION,
    settings: { require_email_verification: 'on' },
    cases: {
      'unverified': into(),
      'unverified, with a wrong password': into({ password: 'wrong password' }),
      'unverified, with a callbackURL': into({ callbackURL: '/x' }),
      'verified': into({ email: 'vera@example.com' }),
      'unknown': into({ email: 'nobody@example.com' }),
    },
  },
  {
    name: 'sign-in, sendOnSignIn',
    options: () => ({ ...VERIFICATION, emailVerification: { sendOnSignIn: true, expiresIn: 120 } }),
    settings: { require_email_verification: 'on', send_verification_on_sign_in: 'on', email_verification_expires_in: 120 },
    cases: {
      'unverified': into(),
      'unverified, with a callbackURL': into({ callbackURL: '/a b?c=d&e' }),
      'unverified, with an empty callbackURL': into({ callbackURL: '' }),
      'unverified, with a wrong password': into({ password: 'wrong password' }),
      'verified': into({ email: 'vera@example.com' }),
      'and the link works': [into(), GET('{{mail.url}}'), into()],
    },
  },
  {
    name: 'sign-in, sendOnSignIn without requireEmailVerification',
    options: () => ({ emailVerification: { sendOnSignIn: true } }),
    settings: { send_verification_on_sign_in: 'on' },
    cases: { 'unverified': into() },
  },
  {
    name: 'sign-in, requireEmailVerification without a sender',
    options: () => ({ ...VERIFICATION, emailVerification: { sendOnSignIn: true, sendVerificationEmail: undefined } }),
    settings: { require_email_verification: 'on', send_verification_on_sign_in: 'on', send_verification_email: 'off' },
    cases: { 'unverified': into() },
  },
];
