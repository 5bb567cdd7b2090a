import { GET, POST } from '../http.mjs';
import { JSON_TYPE, PASSWORD, answersAs, differs, each, named, oddBodies, oddFields } from './common.mjs';

const PATH = '/sign-up/email';
const eve = { name: 'Eve', email: 'eve@example.com', password: PASSWORD };
const up = (fields, options) => POST(PATH, { ...eve, ...fields }, options);
const inAgain = (password, email = eve.email) => POST('/sign-in/email', { email, password });
const form = (text, type = 'application/x-www-form-urlencoded') => ({ ...POST(PATH), raw: text, headers: { 'content-type': type } });
const FORM = 'name=Eve&email=eve%40example.com&password=correct+horse';
const taken = { email: 'Ada@Example.com' };

export default [
  {
    name: 'sign-up',
    cases: {
      'a new user': up(),
      'and the session works': [up({}, { as: 'eve' }), GET('/get-session', { by: 'eve' })],
      ...oddFields(PATH, { ...eve, image: 'https://example.com/eve.png', callbackURL: '/welcome', rememberMe: true }),
      [`${PATH}, password: an empty array`]: answersAs('emptyArray', up({ password: [] }), up({ password: ['x'] })),
      ...oddBodies(PATH),
      ...named(
        'password',
        each(['p'.repeat(7), 'p'.repeat(8), 'p'.repeat(128), 'p'.repeat(129), '😀😀😀😀', '😀😀😀', '        '], (password) => [
          up({ password }),
          inAgain(password),
        ]),
      ),
      'a password with NUL': [up({ password: 'with\0a NUL' }), inAgain('with\0a NUL'), inAgain('with')],
      'a password with a lone surrogate': [up({ password: 'password\ud800' }), inAgain('password\ufffd'), inAgain('password\udfff')],
      'an NFD password': [up({ password: 'pässwörd'.normalize('NFD') }), inAgain('pässwörd'.normalize('NFC'))],
      ...named(
        'email',
        each(
          [
            'Eve@EXAMPLE.com', ' eve@example.com', 'eve@example.com ', 'eve', 'eve@', 'eve@example', 'éve@example.com', 'eve@exämple.com',
            'a.@example.com', '.a@example.com', 'a..b@example.com', "o'neil+tag@sub.example.co.uk", 'EVE@EXAMPLE.COM\n',
          ],
          (email) => up({ email }),
        ),
      ),
      ...named(
        'name',
        each(['', ' Eve ', 'Eve \u{1F469}\u200D\u{1F4BB} "\\ \' \t\n<b>', '\u2028\u2029', 'e\u0301', '\u007f\u0001'], (name) =>
          up({ name }),
        ),
      ),
      'a name of a megabyte': differs('bounds', [up({ name: 'n'.repeat(1_000_000) })], [200, undefined], [400, 'VALIDATION_ERROR']),
      ...named(
        'image',
        each(['', 'i', 'javascript:alert(1)', 'data:image/png;base64,AAAA'], (image) => up({ image })),
      ),
      'image null': up({ image: null }),
      'not remembered': up({ rememberMe: false }),
      'not remembered, and the session': [up({ rememberMe: false }, { as: 'eve' }), GET('/get-session', { jar: true })],
      'remembered, after not': [up({ rememberMe: false }), up({ email: 'eva@example.com' }, { jar: true })],
      'a taken email': up(taken),
      'a taken email and a short password': up({ ...taken, password: 'short' }),
      'a taken email of a user without password': up({ email: 'gina@example.com' }),
      'while signed in': up({}, { by: 'ada' }),
      'twice': [up(), up()],
      'from a browser': up({}, { headers: { 'user-agent': 'Mozilla/5.0', 'x-forwarded-for': '203.0.113.9' } }),
      'an own id is not taken': up({
        id: 'mine',
        emailVerified: true,
        createdAt: '2000-01-01T00:00:00.000Z',
        updatedAt: 'x',
        role: 'admin',
      }),
      'the same field twice': {
        ...POST(PATH),
        raw: `{"name":"Eve","email":"one@example.com","email":"two@example.com","password":"${PASSWORD}"}`,
      },
      'escapes in JSON': { ...POST(PATH), raw: `{"\\u006eame":"\\u0045ve\\/","email":"eve\\u0040example.com","password":"${PASSWORD}"}` },
      '__proto__': { ...POST(PATH), raw: `{"__proto__":{"name":"Mallory"},"email":"eve@example.com","password":"${PASSWORD}"}` },
      'a form': form(FORM),
      'a form with a charset': form(FORM, 'application/x-www-form-urlencoded; charset=UTF-8'),
      'a form in capitals': form(FORM, 'APPLICATION/X-WWW-FORM-URLENCODED'),
      'a form with a field twice': form(`${FORM}&name=Eva`),
      'a form with rememberMe': form(`${FORM}&rememberMe=false`),
      'a form with bad escapes': form('name=%zz%&email=eve%40example.com&password=correct+horse%2'),
      'a form with bytes that are no UTF-8': form('name=%ff%fe&email=eve%40example.com&password=correct+horse'),
      'an empty form': form(''),
      'a form of separators': form('&&=&=x&name'),
      'a form that holds JSON': form(JSON.stringify(eve)),
      'a multipart form': form(
        '--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nEve\r\n--x--\r\n',
        'multipart/form-data; boundary=x',
      ),
      'bytes that are no UTF-8': {
        ...POST(PATH),
        raw: Buffer.from(`{"name":"\xff\xfe","email":"eve@example.com","password":"${PASSWORD}"}`, 'latin1'),
      },
      'a name with NUL': up({ name: 'a\0b' }),
      'an image with NUL': up({ image: 'a\0b' }),
      'an email with NUL': up({ email: 'a\0b@example.com' }),
    },
  },
  {
    name: 'sign-up, requireEmailVerification',
    options: () => ({ emailAndPassword: { requireEmailVerification: true } }),
    settings: { require_email_verification: 'on' },
    cases: {
      'a new user': up(),
      'a new user with a callbackURL': up({ callbackURL: '/wel come?a=b&c' }),
      'a taken email': up(taken),
      'a taken email with an image': up({ ...taken, image: 'i', callbackURL: '/x', rememberMe: false }),
      'a taken email and a short password': up({ ...taken, password: 'short' }),
      'not remembered': up({ rememberMe: false }),
      'an empty callbackURL': up({ callbackURL: '' }),
      'then sign-in, verification, sign-in': [up(), inAgain(PASSWORD), GET('{{mail.url}}'), inAgain(PASSWORD)],
      'while signed in': up({}, { by: 'ada' }),
    },
  },
  {
    name: 'sign-up, requireEmailVerification without sendOnSignUp',
    options: () => ({ emailAndPassword: { requireEmailVerification: true }, emailVerification: { sendOnSignUp: false } }),
    settings: { require_email_verification: 'on', send_verification_on_sign_up: 'off' },
    cases: { 'a new user': up(), 'a taken email': up(taken) },
  },
  {
    name: 'sign-up, sendOnSignUp',
    options: () => ({ emailVerification: { sendOnSignUp: true, expiresIn: 60 } }),
    settings: { send_verification_on_sign_up: 'on', email_verification_expires_in: 60 },
    cases: {
      'a new user': up(),
      'a taken email': up(taken),
      'and its link': [up({}, { as: 'eve' }), GET('{{mail.url}}', { by: 'eve' }), GET('/get-session', { by: 'eve' })],
    },
  },
  {
    name: 'sign-up, sendOnSignUp without a sender',
    options: () => ({ emailVerification: { sendOnSignUp: true, sendVerificationEmail: undefined } }),
    settings: { send_verification_on_sign_up: 'on', send_verification_email: 'off' },
    cases: { 'a new user': up() },
  },
  {
    name: 'sign-up, autoSignIn off',
    options: () => ({ emailAndPassword: { autoSignIn: false } }),
    settings: { auto_sign_in: 'off' },
    cases: { 'a new user': up(), 'a taken email': up(taken), 'a form': form(FORM) },
  },
  {
    name: 'sign-up, disableSignUp',
    options: () => ({ emailAndPassword: { disableSignUp: true } }),
    settings: { disable_sign_up: 'on' },
    cases: {
      'refused': up(),
      'a short password': up({ password: 'short' }),
      'no name': up({ name: undefined }),
      'invalid JSON': { ...POST(PATH), raw: '{', headers: JSON_TYPE },
    },
  },
  {
    name: 'email and password disabled',
    options: () => ({ emailAndPassword: { enabled: false } }),
    settings: { email_and_password_enabled: 'off' },
    cases: {
      'sign-up': up(),
      'sign-in': inAgain(PASSWORD),
      'sign-in without a password': POST('/sign-in/email', { email: eve.email }),
      'request-password-reset': POST('/request-password-reset', { email: 'ada@example.com' }),
      'change-password': POST('/change-password', { currentPassword: PASSWORD, newPassword: 'a new password' }, { by: 'ada' }),
      'get-session': GET('/get-session', { by: 'ada' }),
    },
  },
  {
    name: 'min and max password length',
    options: () => ({ emailAndPassword: { minPasswordLength: 4, maxPasswordLength: 6 } }),
    settings: { min_password_length: 4, max_password_length: 6 },
    cases: {
      ...each(['123', '1234', '123456', '1234567'], (password) => up({ password })),
      'sign-in': inAgain('1234567'),
      'reset': [
        POST('/request-password-reset', { email: 'ada@example.com' }),
        POST('/reset-password', { token: '{{mail.token}}', newPassword: '123' }),
        POST('/reset-password', { token: '{{mail.token}}', newPassword: '1234567' }),
        POST('/reset-password', { token: '{{mail.token}}', newPassword: '1234' }),
      ],
    },
  },
];
