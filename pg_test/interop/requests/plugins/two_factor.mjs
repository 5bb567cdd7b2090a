// The two-factor plugin: authenticator apps, codes by mail, backup codes, and what a sign-in asks for.

import { twoFactor } from 'better-auth/plugins';
import { GET, POST, TOTP_SECRET, TOTP_URI, seal } from '../../http.mjs';
import { PASSWORD, differs, each, named, oddBodies, oddFields, uncached } from '../common.mjs';

const BY = { by: 'ada' };
const JAR = { jar: true };
const CODES = ['aaaaa-11111', 'bbbbb-22222'];
const WRONG = '0000000'; // of no length that a code has
const NOW = '{{totp:app}}';
const NEXT = '{{totp+1:app}}';

const row = ({ secret = seal(TOTP_SECRET), codes = seal(JSON.stringify(CODES)), verified = 'true', failed = 0, locked = 'NULL' } = {}) => `
  INSERT INTO "twoFactor" (id, secret, "backupCodes", "userId", verified, "failedVerificationCount", "lockedUntil")
  VALUES ('tf', '${secret}', '${codes}', '{{ada.id}}', ${verified}, ${failed}, ${locked})`;
const FLAG = `UPDATE "user" SET "twoFactorEnabled" = true WHERE id = '{{ada.id}}'`;
const OFF = `UPDATE "user" SET "twoFactorEnabled" = false WHERE id = '{{ada.id}}'`;
const SET_UP = `${FLAG}; ${row()}`;
const setUp = (options) => `${FLAG}; ${row(options)}`;
const PENDING = `${OFF}; ${row({ verified: 'false' })}`;

const at = (path) => `/two-factor/${path}`;
const enable = (fields, options = BY) => POST(at('enable'), { password: PASSWORD, ...fields }, options);
const disable = (fields, options = BY) => POST(at('disable'), { password: PASSWORD, ...fields }, options);
const uri = (fields, options = BY) => POST(at('get-totp-uri'), { password: PASSWORD, ...fields }, options);
const fresh = (fields, options = BY) => POST(at('generate-backup-codes'), { password: PASSWORD, ...fields }, options);
const totp = (fields, options = JAR) => POST(at('verify-totp'), { code: NOW, ...fields }, options);
const send = (fields = {}, options = JAR) => POST(at('send-otp'), fields, options);
const otp = (fields, options = JAR) => POST(at('verify-otp'), { code: '{{mail.token}}', ...fields }, options);
const backup = (fields, options = JAR) => POST(at('verify-backup-code'), { code: CODES[0], ...fields }, options);
const signIn = (fields, options) => POST('/sign-in/email', { email: 'ada@example.com', password: PASSWORD, ...fields }, options);
const me = (options = JAR) => GET('/get-session', options);
const times = (count, step) => Array.from({ length: count }, () => step);
const after = (before, cases) => Object.fromEntries(Object.entries(cases).map(([name, step]) => [name, [before, step].flat()]));
const expire = `UPDATE verification SET "expiresAt" = now() - interval '1 second'`;
const locked = (interval) => setUp({ failed: 10, locked: `now() + interval '${interval}'` });

const plugin = (options) => (send) => ({
  plugins: [
    twoFactor({
      ...options,
      otpOptions: {
        sendOTP: ({ user, otp: code }) => send.message({ kind: 'two-factor-otp', recipient: user.email, token: code, user }),
        ...options?.otpOptions,
      },
    }),
  ],
});
const columns = { plugins: 'two-factor', options: plugin(), settings: { two_factor_send_otp: 'mail' }, tables: { twoFactor: '"userId"' } };
const known = { app: TOTP_URI };
const group = (name, cases, options, settings) => ({ name, columns, known, options: options && plugin(options), settings, cases });

export default [
  group('two-factor: setting it up', {
    'enable': enable(),
    'enable, and the session is as it was': [enable(), me(BY)],
    'enable twice': [enable(), enable()],
    'enable, verify': [enable({}, { ...BY, keep: { 'new.uri': 'totpURI' } }), totp({ code: '{{totp:new.uri}}' }, BY), me()],
    'enable, verify, sign in': [
      enable({}, { ...BY, keep: { 'new.uri': 'totpURI' } }), totp({ code: '{{totp:new.uri}}' }, BY), signIn(), totp({ code: '{{totp+1:new.uri}}' }), me(),
    ],
    'enable, verify, the old session is gone': [enable({}, { ...BY, keep: { 'new.uri': 'totpURI' } }), totp({ code: '{{totp:new.uri}}' }, BY), me(BY)],
    'enable, a backup code of it': [
      enable({}, { ...BY, keep: { 'new.uri': 'totpURI', 'new.code': 'backupCodes.0' } }), totp({ code: '{{totp:new.uri}}' }, BY), signIn(), backup({ code: '{{new.code}}' }), me(),
    ],
    'enable, a wrong code, then the right one': [
      enable({}, { ...BY, keep: { 'new.uri': 'totpURI' } }), totp({ code: WRONG }, BY), totp({ code: '{{totp:new.uri}}' }, BY),
    ],
    'enable, not verified: sign-in': [enable(), signIn()],
    'enable once it is': [SET_UP, enable()],
    'enable once it is, by a row that doesn’t say whether it is verified': [setUp({ verified: 'NULL' }), enable()],
    'enable again where it was never verified': [PENDING, enable()],
    'enable with a wrong password': enable({ password: 'wrong password' }),
    'enable with a password that is too long': enable({ password: 'p'.repeat(129) }),
    'enable without a session': enable({}, {}),
    'enable of a user without password': enable({}, { by: 'gina' }),
    ...named('enable, issuer', each(['My App', 'a&b=c d+e', 'é€😀', "!*'()~", ''], (issuer) => enable({ issuer }))),
    ...oddFields(at('enable'), { password: PASSWORD, method: 'totp', issuer: 'x' }, BY),
    [`${at('enable')}, issuer: a lone surrogate`]: differs('surrogates', [enable({ issuer: 'x\ud800y' })], 500, 200, ({ answers }) => answers[0].status),
    ...oddBodies(at('enable'), BY),
    'enable otp': [enable({ method: 'otp' }), me()],
    'enable otp, sign in': [enable({ method: 'otp' }), signIn(), send(), otp(), me()],
    'enable otp, then totp': [enable({ method: 'otp' }), enable({}, { ...JAR, keep: { 'new.uri': 'totpURI' } }), totp({ code: '{{totp:new.uri}}' }), me()],
    'enable otp twice': [enable({ method: 'otp' }), enable({ method: 'otp' }, JAR)],
    'enable keeps what the session has': [`UPDATE session SET "ipAddress" = '10.1.2.3', "userAgent" = 'kept' WHERE token = '{{ada.token}}'`, enable({ method: 'otp' })],
    'enable of a session that isn’t remembered': [signIn({ rememberMe: false }), enable({ method: 'otp' }, JAR), me()],
    'a code enables it': [send({}, BY), otp({}, BY), me()],
    'a code enables it, wrong, then right': [send({}, BY), otp({ code: WRONG }, BY), otp({}, BY)],
    'an app without a set-up': totp({}, BY),
    'verify once it is': [SET_UP, totp({}, BY), me(BY)],
    'verify once it is, by a row that doesn’t say': [setUp({ verified: 'NULL' }), totp({}, BY)],
    'verify with the second factor on, and an app that isn’t verified': [setUp({ verified: 'false' }), totp({}, BY)],
    'verify what is pending': [PENDING, totp({}, BY), me()],
    'verify with a session, trustDevice': [SET_UP, totp({ trustDevice: true }, BY)],
    'verify with a session, wrong': [SET_UP, ...times(7, totp({ code: WRONG }, BY))],
    'an imported secret': [setUp({ secret: seal('base32:mzxw6ytboi') }), totp({ code: WRONG }, BY), uri()],
    'a secret under another key': [setUp({ secret: seal(TOTP_SECRET, 'another') }), totp({}, BY)],

    'get-totp-uri': [SET_UP, uri()],
    'get-totp-uri of what is pending': [PENDING, uri()],
    'get-totp-uri without a set-up': uri(),
    'get-totp-uri without a set-up, and with a wrong password': uri({ password: 'wrong password' }),
    'get-totp-uri with a wrong password': [SET_UP, uri({ password: 'wrong password' })],
    'get-totp-uri with a password that is too long': [SET_UP, uri({ password: 'p'.repeat(129) })],
    'get-totp-uri without a session': [SET_UP, uri({}, {})],
    ...after(SET_UP, oddFields(at('get-totp-uri'), { password: PASSWORD }, BY)),
    ...after(SET_UP, oddBodies(at('get-totp-uri'), BY)),

    'disable': [SET_UP, disable(), me()],
    'disable, the old session is gone': [SET_UP, disable(), me(BY)],
    'disable, sign in': [SET_UP, disable(), signIn()],
    'disable what isn’t there': disable(),
    'disable with a wrong password': [SET_UP, disable({ password: 'wrong password' })],
    'disable with a password that is too long': [SET_UP, disable({ password: 'p'.repeat(129) })],
    'disable without a session': [SET_UP, disable({}, {})],
    'disable from a trusted browser': [SET_UP, signIn(), totp({ trustDevice: true }), disable({}, JAR), signIn({}, JAR)],
    ...after(SET_UP, oddFields(at('disable'), { password: PASSWORD }, BY)),
    ...after(SET_UP, oddBodies(at('disable'), BY)),
    'no route': [POST(at('view-backup-codes'), { userId: 'x' }, BY), POST('/totp/generate', { secret: 'x' }, BY), GET(at('enable'), BY)],
    'the column is shown, and isn’t set': [SET_UP, me(BY), POST('/update-user', { twoFactorEnabled: false }, BY), POST('/update-user', { twoFactorEnabled: false, name: 'A' }, BY), me(BY)],
    'sign-up with it': POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, twoFactorEnabled: true }),
  }),
  group('two-factor: signing in', {
    'sign-in': [SET_UP, signIn(), me()],
    'sign-in, not remembered': [SET_UP, signIn({ rememberMe: false }), totp(), me()],
    'sign-in, not remembered, and trusted': [SET_UP, signIn({ rememberMe: false }), totp({ trustDevice: true }), me()],
    'sign-in with a callbackURL': [SET_UP, signIn({ callbackURL: '/x' })],
    'sign-in with a wrong password': [SET_UP, signIn({ password: 'wrong password' })],
    'sign-in without an app': [FLAG, signIn()],
    'sign-in with an app that isn’t verified': [setUp({ verified: 'false' }), signIn(), totp(), send(), otp()],
    'sign-in with an app that doesn’t say': [setUp({ verified: 'NULL' }), signIn(), totp()],
    'sign-in while signed in': [SET_UP, signIn({}, BY), me(BY)],
    'sign-in of another': [SET_UP, signIn({ email: 'vera@example.com' })],
    'sign-in, locked': [locked('1 hour'), signIn()],
    'sign-up and email verification need none': [SET_UP, POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD })],

    'totp': [SET_UP, signIn(), totp(), me()],
    'totp, the next step’s': [SET_UP, signIn(), totp({ code: NEXT }), me()],
    'totp, wrong': [SET_UP, signIn(), totp({ code: WRONG }), me()],
    'totp, wrong, then right': [SET_UP, signIn(), totp({ code: WRONG }), totp(), me()],
    'totp, four times wrong, then right': [SET_UP, signIn(), ...times(4, totp({ code: WRONG })), totp()],
    'totp, five times wrong, then right': [SET_UP, signIn(), ...times(5, totp({ code: WRONG })), totp(), totp()],
    'totp, five times wrong, then another challenge': [SET_UP, signIn(), ...times(5, totp({ code: WRONG })), signIn(), totp()],
    'totp, the tenth wrong code locks': [SET_UP, signIn(), ...times(5, totp({ code: WRONG })), signIn(), ...times(5, totp({ code: WRONG })), signIn(), totp(), backup(), send(), otp()],
    'totp, right after nine wrong': [setUp({ failed: 9 }), signIn(), totp(), signIn(), totp({ code: WRONG })],
    'totp, wrong after nine wrong': [setUp({ failed: 9 }), signIn(), totp({ code: WRONG }), totp()],
    'totp, a lock that has run out': [locked('-1 second'), signIn(), totp({ code: WRONG }), totp()],
    'totp, locked': [locked('1 hour'), signIn(), totp(), totp({ code: WRONG })],
    'totp, locked, with a session': [locked('1 hour'), totp({}, BY)],
    'totp, a count that is NULL': [setUp({ failed: 'NULL' }), signIn(), totp()],
    'totp, without a challenge': [SET_UP, totp({}, {})],
    'totp, a challenge twice': [SET_UP, signIn({}, { keep: {} }), totp({}, { jar: true }), totp({ code: NEXT }, { jar: ({ 'better-auth.session_token': _, ...jar }) => jar })],
    'totp, a challenge that has run out': [SET_UP, signIn(), expire, totp(), 'DELETE FROM verification'],
    'totp, the counter is gone': [SET_UP, signIn(), `DELETE FROM verification WHERE identifier LIKE '2fa-attempts-%'`, totp()],
    ...named('totp, a counter of', each(['x', '-1', '5', '4', '', '1.5'], (value) => [SET_UP, signIn(), `UPDATE verification SET value = '${value}' WHERE identifier LIKE '2fa-attempts-%'`, totp()])),
    'totp, the challenge is gone': [SET_UP, signIn(), `DELETE FROM verification WHERE identifier NOT LIKE '2fa-attempts-%'`, totp()],
    'totp, the user is gone': [SET_UP, signIn(), `DELETE FROM "user" WHERE id = '{{ada.id}}'`, totp()],
    'totp, the second factor is gone': [SET_UP, signIn(), `DELETE FROM "twoFactor"`, totp()],
    'totp, while signed in as another': [SET_UP, signIn(), totp({}, { jar: (jar) => ({ ...jar, 'better-auth.session_token': 'x' }) })],
    'totp, as one who is signed in': [SET_UP, signIn(), totp({}, { jar: (jar, { 'vera.token': token }) => ({ ...jar, 'better-auth.session_token': token }) })],
    ...named('totp, a cookie that is', {
      'badly signed': [SET_UP, signIn(), totp({}, { jar: ({ 'better-auth.two_factor': cookie }) => ({ 'better-auth.two_factor': cookie.replace(/\.(.)/, (_, letter) => (letter === 'A' ? '.B' : '.A')) }) })],
      'a session’s': [SET_UP, totp({}, { cookie: 'better-auth.two_factor={{sign:ada.token}}' })],
      'a user’s id': [SET_UP, totp({}, { cookie: 'better-auth.two_factor={{sign:ada.id}}' })],
      'empty': [SET_UP, totp({}, { cookie: 'better-auth.two_factor=' })],
    }),
    ...after([SET_UP, signIn()], oddFields(at('verify-totp'), { code: NOW, trustDevice: false }, JAR)),
    ...after([SET_UP, signIn()], oddBodies(at('verify-totp'), JAR)),
    ...named('totp, a code like', each(['', ' {{totp:app}}', '{{totp:app}} ', '{{totp:app}}0', '１２３４５６'], (code) => [SET_UP, signIn(), totp({ code })])),

    'trusted': [SET_UP, signIn(), totp({ trustDevice: true }), signIn({}, JAR), me()],
    'trusted, again and again': [SET_UP, signIn(), totp({ trustDevice: true }), ...times(3, signIn({}, JAR))],
    'trusted, by the cookie alone': [SET_UP, signIn(), totp({ trustDevice: true }), signIn({}, { jar: ({ 'better-auth.trust_device': trusted }) => ({ 'better-auth.trust_device': trusted }) })],
    'trusted, another user': [`${SET_UP}; UPDATE "user" SET "twoFactorEnabled" = true`, signIn(), totp({ trustDevice: true }), signIn({ email: 'vera@example.com' }, JAR)],
    'trusted, a user without a second factor': [SET_UP, signIn(), totp({ trustDevice: true }), signIn({ email: 'vera@example.com' }, JAR)],
    'trusted, run out': [SET_UP, signIn(), totp({ trustDevice: true }), expire, signIn({}, JAR)],
    'trusted, the row is gone': [SET_UP, signIn(), totp({ trustDevice: true }), 'DELETE FROM verification', signIn({}, JAR)],
    'trusted, the row is another’s': [SET_UP, signIn(), totp({ trustDevice: true }), `UPDATE verification SET value = '{{vera.id}}'`, signIn({}, JAR)],
    'trusted, badly signed': [SET_UP, signIn({}, { cookie: 'better-auth.trust_device=x!trust-device-x.AAAA' })],
    'trusted, signed, but not for it': [SET_UP, signIn({}, { cookie: 'better-auth.trust_device={{sign:ada.token}}' })],
    'trusted, a wrong password': [SET_UP, signIn(), totp({ trustDevice: true }), signIn({ password: 'wrong password' }, JAR)],
    'trusted, not remembered': [SET_UP, signIn(), totp({ trustDevice: true }), signIn({ rememberMe: false }, JAR)],

    'send a code': [SET_UP, signIn(), send()],
    'send a code, without a body': [SET_UP, signIn(), POST(at('send-otp'), undefined, JAR)],
    'send a code without a challenge': [SET_UP, send({}, {})],
    'send a code with a session': [SET_UP, send({}, BY), otp({}, BY)],
    'send two codes': [SET_UP, signIn(), send(), send(), otp(), me()],
    ...after([SET_UP, signIn()], oddFields(at('send-otp'), { trustDevice: false }, JAR)),
    ...after([SET_UP, signIn()], oddBodies(at('send-otp'), JAR)),
    'otp': [SET_UP, signIn(), send(), otp(), me()],
    'otp, trusted': [SET_UP, signIn(), send(), otp({ trustDevice: true }), signIn({}, JAR)],
    'otp, twice': [SET_UP, signIn(), send(), otp(), otp({}, { jar: ({ 'better-auth.session_token': _, ...jar }) => jar })],
    'otp, wrong': [SET_UP, signIn(), send(), otp({ code: WRONG }), me()],
    'otp, wrong, then right': [SET_UP, signIn(), send(), otp({ code: WRONG }), otp()],
    'otp, five times wrong, then right': [SET_UP, signIn(), send(), ...times(5, otp({ code: WRONG })), otp(), otp()],
    'otp, five times wrong, then another': [SET_UP, signIn(), send(), ...times(5, otp({ code: WRONG })), send(), otp()],
    'otp, wrong codes lock': [SET_UP, signIn(), send(), ...times(5, otp({ code: WRONG })), send(), ...times(5, otp({ code: WRONG })), send(), otp()],
    'otp, without an app nothing locks': [FLAG, signIn(), send(), ...times(5, otp({ code: WRONG })), send(), ...times(5, otp({ code: WRONG })), send(), otp()],
    'otp, none was sent': [SET_UP, signIn(), otp({ code: '123456' })],
    'otp, run out': [SET_UP, signIn(), send(), `UPDATE verification SET "expiresAt" = now() - interval '1 second' WHERE identifier LIKE '2fa-otp-%'`, otp()],
    'otp, of a session for a sign-in': [SET_UP, send({}, BY), signIn(), otp()],
    'otp, the second factor is off meanwhile': [SET_UP, signIn(), send(), OFF, otp()],
    ...after([SET_UP, signIn(), send()], oddFields(at('verify-otp'), { code: '{{mail.token}}', trustDevice: false }, JAR)),
    ...after([SET_UP, signIn()], oddBodies(at('verify-otp'), JAR)),

    'backup code': [SET_UP, signIn(), backup(), me()],
    'backup code, twice': [SET_UP, signIn(), backup(), signIn(), backup(), backup({ code: CODES[1] })],
    'backup code, wrong': [SET_UP, signIn(), backup({ code: 'xxxxx-xxxxx' }), backup()],
    'backup code, five times wrong': [SET_UP, signIn(), ...times(5, backup({ code: 'x' })), backup(), backup()],
    'backup code, trusted': [SET_UP, signIn(), backup({ trustDevice: true }), signIn({}, JAR)],
    'backup code, disableSession': [SET_UP, signIn(), backup({ disableSession: true }), backup({ code: CODES[1] })],
    'backup code, disableSession false': [SET_UP, signIn(), backup({ disableSession: false })],
    'backup code, with a session': [SET_UP, backup({}, BY), backup({}, BY)],
    'backup code, with a session, disableSession': [SET_UP, backup({ disableSession: true }, BY)],
    'backup code, without a set-up': [FLAG, signIn(), backup()],
    'backup code, locked': [locked('1 hour'), signIn(), backup()],
    'backup codes that are none': [setUp({ codes: seal('no JSON') }), signIn(), backup(), backup()],
    'backup codes under another key': [setUp({ codes: seal('[]', 'another') }), signIn(), backup()],
    'backup code, without a challenge': [SET_UP, backup({}, {})],
    ...after([SET_UP, signIn()], oddFields(at('verify-backup-code'), { code: CODES[0], disableSession: false, trustDevice: false }, JAR)),
    ...after([SET_UP, signIn()], oddBodies(at('verify-backup-code'), JAR)),
    'new backup codes': [SET_UP, fresh({}, { ...BY, keep: { 'new.code': 'backupCodes.9' } }), signIn(), backup(), backup({ code: '{{new.code}}' })],
    'new backup codes, not enabled': fresh(),
    'new backup codes, no app': [FLAG, fresh()],
    'new backup codes, with a wrong password': [SET_UP, fresh({ password: 'wrong password' })],
    'new backup codes, without a session': [SET_UP, fresh({}, {})],
    ...after(SET_UP, oddFields(at('generate-backup-codes'), { password: PASSWORD }, BY)),
    ...after(SET_UP, oddBodies(at('generate-backup-codes'), BY)),
  }),
  group('two-factor: a code of an app is good once', {
    'of two sign-ins': differs('usedStep', [SET_UP, signIn(), totp(), signIn(), totp()], [200, undefined], [401, 'INVALID_CODE']),
  }),
  group(
    'two-factor: other options',
    {
      'enable': [enable(), uri({}, BY)],
      'enable, issuer': enable({ issuer: 'Mine' }),
      'enable, sign in': [enable({}, { ...BY, keep: { 'new.uri': 'totpURI', 'new.code': 'backupCodes.0' } }), signIn(), totp({ code: '{{totp:new.uri}}' })],
      'enable, a backup code': [enable({}, { ...BY, keep: { 'new.code': 'backupCodes.2' } }), signIn(), backup({ code: '{{new.code}}' })],
      'sign-in': [SET_UP, signIn()],
      'otp': [SET_UP, signIn(), send(), otp({ trustDevice: true })],
      'otp, wrong': [SET_UP, signIn(), send(), otp({ code: WRONG }), otp()],
      'otp, twice wrong': [SET_UP, signIn(), send(), otp({ code: WRONG }), otp({ code: WRONG }), otp()],
      'lockout': [setUp({ codes: JSON.stringify(CODES) }), signIn(), ...times(2, backup({ code: 'x' })), signIn(), backup()],
      'no lockout before': [setUp({ codes: JSON.stringify(CODES) }), signIn(), backup({ code: 'x' }), backup()],
      'plain backup codes': [setUp({ codes: JSON.stringify(CODES) }), signIn(), backup(), fresh({}, JAR)],
      'enable without a password, of one who has one': enable({ password: undefined }),
      'enable without a password': [enable({ password: undefined }, { by: 'gina' })],
      'enable with a password, of one who has none': [enable({}, { by: 'gina' })],
      'get-totp-uri without a password': [enable({ password: undefined }, { by: 'gina' }), uri({ password: undefined }, JAR)],
      'disable without a password': [enable({ password: undefined }, { by: 'gina' }), disable({ password: undefined }, JAR)],
      'new codes without a password': [enable({ password: undefined }, { by: 'gina' }), fresh({ password: undefined }, JAR)],
      'a password that is no text': enable({ password: null }),
    },
    {
      issuer: 'Our App',
      skipVerificationOnEnable: true,
      allowPasswordless: true,
      twoFactorCookieMaxAge: 120,
      trustDeviceMaxAge: 86_400,
      accountLockout: { maxFailedAttempts: 2, durationSeconds: 60 },
      totpOptions: { digits: 8, period: 60, issuer: 'Its URI' },
      otpOptions: { digits: 8, period: 10, allowedAttempts: 2, storeOTP: 'hashed' },
      backupCodeOptions: { amount: 3, length: 8, storeBackupCodes: 'plain' },
    },
    {
      two_factor_issuer: 'Our App',
      two_factor_skip_verification_on_enable: 'on',
      two_factor_allow_passwordless: 'on',
      two_factor_cookie_max_age: 120,
      two_factor_trust_device_max_age: 86_400,
      two_factor_account_lockout_max_failed_attempts: 2,
      two_factor_account_lockout_duration: 60,
      two_factor_totp_digits: 8,
      two_factor_totp_period: 60,
      two_factor_totp_issuer: 'Its URI',
      two_factor_otp_digits: 8,
      two_factor_otp_period: 600,
      two_factor_otp_allowed_attempts: 2,
      two_factor_store_otp: 'hashed',
      two_factor_backup_code_amount: 3,
      two_factor_backup_code_length: 8,
      two_factor_store_backup_codes: 'plain',
    },
  ),
  group(
    'two-factor: no apps, codes encrypted',
    {
      'enable': enable(),
      'enable otp': [enable({ method: 'otp' }), signIn(), send(), otp({ code: WRONG }), otp(), me()],
      'sign-in': [SET_UP, signIn(), totp()],
      'get-totp-uri': [SET_UP, uri()],
      'verify': [SET_UP, totp({}, BY)],
      'backup code': [SET_UP, signIn(), backup()],
      'wrong codes, and no lockout': [SET_UP, signIn(), ...times(5, backup({ code: 'x' })), signIn(), ...times(5, backup({ code: 'x' })), signIn(), ...times(2, backup({ code: 'x' })), backup()],
    },
    { totpOptions: { disable: true }, otpOptions: { storeOTP: 'encrypted' }, accountLockout: { enabled: false } },
    { two_factor_totp_disable: 'on', two_factor_store_otp: 'encrypted', two_factor_account_lockout: 'off' },
  ),
  group(
    'two-factor: no codes by mail',
    {
      'enable otp': enable({ method: 'otp' }),
      'sign-in': [SET_UP, signIn()],
      'sign-in without an app': [FLAG, signIn()],
      'send': [SET_UP, signIn(), send()],
      'send without a challenge': send({}, {}),
      'verify': [SET_UP, signIn(), otp({ code: '1' })],
    },
    { otpOptions: { sendOTP: undefined } },
    { two_factor_send_otp: 'off' },
  ),
  {
    ...group('two-factor: with the cookie cache', {
      'sign-in while signed in': [signIn(), SET_UP, signIn({}, JAR), me(), totp(), me()],
      'sign-in, the cache of before': [signIn(), SET_UP, signIn({}, { jar: (jar) => jar }), me({ jar: (jar) => jar })],
      'enable': [signIn(), enable({ method: 'otp' }, JAR), me()],
      'disable': [SET_UP, signIn(), totp(), disable({}, JAR), me()],
      'trusted': [SET_UP, signIn(), totp({ trustDevice: true }), signIn({}, JAR), me()],
      'a session that is gone doesn’t verify': [signIn(), SET_UP, 'DELETE FROM session', totp()],
      'a session that is gone gets no code': [signIn(), SET_UP, 'DELETE FROM session', send()],
      'a session that is gone gets no backup codes': uncached([signIn(), SET_UP, 'DELETE FROM session'], fresh({}, JAR)),
      'a session that is gone disables nothing': [signIn(), SET_UP, 'DELETE FROM session', disable({}, JAR)],
    }),
    options: (send) => ({ ...plugin()(send), session: { cookieCache: { enabled: true, maxAge: 300 } } }),
    settings: { cookie_cache: 'on' },
  },
];
