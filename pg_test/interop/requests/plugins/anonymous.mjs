// The anonymous plugin: users without credentials, and what becomes of them when they sign in or up.

import { anonymous } from 'better-auth/plugins';
import { GET, POST } from '../../http.mjs';
import { PASSWORD, VERIFY_ADA, aged, differs, each, named, oddBodies } from '../common.mjs';

const start = (options) => POST('/sign-in/anonymous', undefined, options);
/** An anonymous session that later steps call `anon`. */
const anon = start({ as: 'anon' });
const AS = { by: 'anon' };
const JAR = { jar: true };
const remove = (options = AS) => POST('/delete-anonymous-user', undefined, options);
const me = (options = AS) => GET('/get-session', options);
const ada = { email: 'ada@example.com', password: PASSWORD };
const signIn = (fields, options = AS) => POST('/sign-in/email', { ...ada, ...fields }, options);
const up = (fields, options = AS) => POST('/sign-up/email', { name: 'Eve', email: 'eve@example.com', password: PASSWORD, ...fields }, options);
const update = (fields, options = AS) => POST('/update-user', fields, options);
const verification = () => POST('/send-verification-email', { email: 'ada@example.com' });
/** Whether who has just signed in is signed in. */
const keepsCookie = (steps) => differs('anonymousCookie', steps, false, true, ({ answers }) => answers.at(-1).body !== 'null');
const ANON = `WHERE "isAnonymous"`;

const plugin = (options) => () => ({ plugins: [anonymous(options)] });
const columns = { plugins: 'anonymous', options: plugin() };

export default [
  {
    name: 'anonymous',
    columns,
    cases: {
      'sign-in': start(),
      'sign-in, and the session works': [anon, me()],
      ...oddBodies('/sign-in/anonymous'),
      'sign-in with fields': POST('/sign-in/anonymous', { name: 'Mallory', email: 'mallory@example.com', isAnonymous: false, rememberMe: false }),
      'sign-in twice': [anon, start(AS)],
      'sign-in twice, with the jar': [start(), start(JAR), me(JAR)],
      'sign-in of two': [start(), start()],
      'sign-in while signed in as a user': [start({ by: 'ada' }), me(JAR), me({ by: 'ada' })],
      'sign-in with a session that has expired': keepsCookie([anon, aged('-1 minute', '-8 days', 'anon'), start(AS), me(JAR)]),
      'sign-in with a session that was revoked': keepsCookie([anon, 'DELETE FROM session', start(AS), me(JAR)]),
      'sign-in with a badly signed cookie': start({ cookie: 'better-auth.session_token=x.y' }),
      'sign-in from a foreign origin': start({ headers: { origin: 'https://elsewhere.example' } }),
      'sign-in from a foreign origin, with a cookie': start({ by: 'ada', headers: { origin: 'https://elsewhere.example' } }),
      'sign-in with a callbackURL elsewhere': POST('/sign-in/anonymous', { callbackURL: 'https://elsewhere.example' }),
      'sign-in by GET': GET('/sign-in/anonymous'),
      'a session that is due for a refresh isn’t prolonged': [anon, aged('1 day', '-6 days', 'anon'), start(AS)],

      'sign up': [anon, up()],
      'sign up, and nobody else is left': [anon, up({}, { by: 'anon', as: 'eve' }), me(), me({ by: 'eve' })],
      'sign up with a taken email': [anon, up({ email: 'ada@example.com' }), me()],
      'sign up with a short password': [anon, up({ password: 'short' }), me()],
      'sign in': [anon, signIn(), me()],
      'sign in, not remembered': [anon, signIn({ rememberMe: false }), me()],
      'sign in with a wrong password': [anon, signIn({ password: 'wrong password' }), me()],
      'sign in while another session': [anon, signIn({}, { by: 'vera' }), me()],
      'sign in without the cookie': [anon, signIn({}, {}), me()],
      'sign in with an expired anonymous session': keepsCookie([anon, aged('-1 minute', '-8 days', 'anon'), signIn(), me(JAR)]),
      'sign in with a revoked anonymous session': keepsCookie([anon, 'DELETE FROM session', signIn(), me(JAR)]),
      'sign in with a session of a user who is no longer anonymous': [anon, `UPDATE "user" SET "isAnonymous" = false ${ANON}`, signIn(), me()],
      'sign in with two anonymous sessions': [anon, `INSERT INTO session (id, token, "userId", "expiresAt", "createdAt", "updatedAt") SELECT 'other', 'other', "userId", "expiresAt", "createdAt", "updatedAt" FROM session WHERE token = '{{anon.token}}'`, signIn()],
      'sign in again after that': [start(), signIn({}, JAR), signIn({ email: 'vera@example.com' }, JAR), me(JAR)],
      'verify an email': [anon, verification(), GET('{{mail.url}}', AS), me()],
      'sign out, and in': [start(), POST('/sign-out', {}, JAR), signIn({}, JAR)],
      'the anonymous user who sign in by a password of its own': [anon, `UPDATE "user" SET email = 'anon@example.com' ${ANON}`,
        `INSERT INTO account (id, "accountId", "providerId", "userId", password, "createdAt", "updatedAt")
           SELECT 'acc', u.id, 'credential', u.id, a.password, now(), now() FROM "user" u, account a WHERE u."isAnonymous" AND a."userId" = '{{ada.id}}' AND a."providerId" = 'credential'`,
        signIn({ email: 'anon@example.com' }), me()],
      'another anonymous user by a password': [anon, `UPDATE "user" SET "isAnonymous" = true WHERE id = '{{ada.id}}'`, signIn(), me()],

      'delete': [anon, remove(), me(JAR)],
      'delete, and the session is gone': [anon, remove(), me()],
      'delete twice': [anon, remove(), remove()],
      'delete without a session': remove({}),
      'delete a user who isn’t anonymous': [remove({ by: 'ada' }), me({ by: 'ada' })],
      'delete a user of null': [`UPDATE "user" SET "isAnonymous" = NULL`, remove({ by: 'ada' })],
      'delete with an expired session': [anon, aged('-1 minute', '-8 days', 'anon'), remove()],
      'delete with an old session': [anon, aged('6 days', '-30 hours', 'anon'), remove()],
      'delete by GET': [anon, GET('/delete-anonymous-user', AS)],
      ...Object.fromEntries(Object.entries(oddBodies('/delete-anonymous-user', AS)).map(([name, step]) => [name, [anon, step]])),
      'delete from a foreign origin': [anon, remove({ by: 'anon', headers: { origin: 'https://elsewhere.example' } })],

      'sign-up with isAnonymous': up({ isAnonymous: true }, {}),
      'sign-up with isAnonymous false': up({ isAnonymous: false }, {}),
      'sign-up with isAnonymous null': up({ isAnonymous: null }, {}),
      ...named('update-user with', each([{ isAnonymous: false }, { isAnonymous: true }, { isAnonymous: null }, { isAnonymous: false, name: 'Augusta' }, { name: 'Anna' }], (fields) => [anon, update(fields), me()])),
      'update-user of a user': [update({ isAnonymous: true }, { by: 'ada' }), me({ by: 'ada' })],
      'change-email': [anon, POST('/change-email', { newEmail: 'anna@example.com' }, AS), me()],
      'list-sessions': [anon, GET('/list-sessions', AS), GET('/list-accounts', AS)],
      'the column is shown': [me({ by: 'ada' }), `UPDATE "user" SET "isAnonymous" = true WHERE id = '{{ada.id}}'`, me({ by: 'ada' })],
    },
  },
  {
    name: 'anonymous, requireEmailVerification',
    columns,
    options: () => ({ ...plugin()(), emailAndPassword: { requireEmailVerification: true }, emailVerification: { autoSignInAfterVerification: true } }),
    settings: { require_email_verification: 'on', auto_sign_in_after_verification: 'on' },
    cases: {
      'sign-in': start(),
      'sign up': [anon, up(), me()],
      'sign up with a taken email': [anon, up({ email: 'ada@example.com' }), me()],
      'sign up, and the link': [anon, up(), GET('{{mail.url}}', AS), me()],
      'sign up, and the link without the cookie': [anon, up(), GET('{{mail.url}}'), me()],
      'sign in, unverified': [anon, signIn(), me()],
      'sign in, verified': [anon, VERIFY_ADA, signIn(), me()],
    },
  },
  {
    name: 'anonymous, emailDomainName',
    columns,
    options: plugin({ emailDomainName: 'Anon.Example.com' }),
    settings: { anonymous_email_domain_name: 'Anon.Example.com' },
    cases: { 'sign-in': [anon, me()], 'twice': [start(), start()] },
  },
  {
    name: 'anonymous, a name of its own',
    columns,
    options: plugin({ generateName: () => 'Guest' }),
    settings: { anonymous_name: 'Guest' },
    cases: { 'sign-in': [anon, me()] },
  },
  {
    name: 'anonymous, disableDeleteAnonymousUser',
    columns,
    options: plugin({ disableDeleteAnonymousUser: true }),
    settings: { anonymous_disable_delete_anonymous_user: 'on' },
    cases: {
      'delete': [anon, remove(), me()],
      'delete a user who isn’t anonymous': remove({ by: 'ada' }),
      'delete without a session': remove({}),
      'sign up': [anon, up(), me()],
      'sign in': [anon, signIn(), me()],
    },
  },
  {
    name: 'anonymous, a cookie cache',
    columns,
    options: () => ({ ...plugin()(), session: { cookieCache: { enabled: true } } }),
    settings: { cookie_cache: 'on' },
    cases: {
      'sign-in': [start(), me(JAR)],
      'sign up': [start(), up({}, JAR), me(JAR)],
      'sign in': [start(), signIn({}, JAR), me(JAR)],
      'delete': [start(), remove(JAR), me(JAR)],
      'delete with a session that was revoked': [start(), 'DELETE FROM session', remove(JAR)],
    },
  },
  {
    name: 'anonymous, rate limit',
    columns,
    options: () => ({ ...plugin()(), rateLimit: { enabled: true } }),
    settings: { rate_limit: 'on', rate_limit_storage: 'database' },
    cases: { 'three in ten seconds': [start(), start(), start(), start()] },
  },
];
