// Codes, links and one-time tokens on one database with the real Better Auth: each side takes what the other has made.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { emailOTP, magicLink, oneTimeToken } from 'better-auth/plugins';
import { Client, GET, POST, ourDatabase, ourSide, realSide } from './http.mjs';
import { BASE_URL } from './lib.mjs';

const plugins = 'email-otp, magic-link, one-time-token';
const database = await ourDatabase({ plugins });
let emails = 0;
const freshEmail = () => `codes${(emails += 1)}@example.com`;

/** Both sides on the one database, with these ways to store. */
async function sides(storeOTP, storeToken) {
  const settings = { email_otp_store_otp: storeOTP, magic_link_store_token: storeToken, one_time_token_store_token: storeToken };
  await database.configure({ base_url: BASE_URL, rate_limit: 'off', plugins, ...settings });
  const options = (send) => ({
    plugins: [
      emailOTP({ storeOTP, sendVerificationOTP: ({ email, otp }) => send.message({ kind: 'verification-otp', recipient: email, token: otp }) }),
      magicLink({ storeToken, sendMagicLink: ({ email, url, token }) => send.message({ kind: 'magic-link', recipient: email, url, token }) }),
      oneTimeToken({ storeToken }),
    ],
  });
  return { theirs: realSide(database, options), mine: ourSide(database, options) };
}

for (const [storeOTP, storeToken] of [['plain', 'plain'], ['hashed', 'hashed'], ['encrypted', 'hashed']]) {
  describe(`stored ${storeOTP}, ${storeToken}`, () => {
    for (const [maker, taker] of [['theirs', 'mine'], ['mine', 'theirs']]) {
      const across = (name, work) =>
        test(`${name}: made by ${maker}, taken by ${taker}`, async () => {
          const both = await sides(storeOTP, storeToken);
          const client = new Client();
          await work({
            make: (step) => client.ask(both[maker], step),
            take: (step) => client.ask(both[taker], step),
          });
        });

      across('a code', async ({ make, take }) => {
        const email = freshEmail();
        await make(POST('/email-otp/send-verification-otp', { email, type: 'sign-in' }));
        // A wrong guess on each side is one of the three.
        for (const side of [take, make]) {
          const { status, body } = await side(POST('/sign-in/email-otp', { email, otp: 'wrong' }));
          assert.deepEqual([status, JSON.parse(body).code], [400, 'INVALID_OTP']);
        }
        const answer = await take(POST('/sign-in/email-otp', { email, otp: '{{mail.token}}' }));
        assert.equal(answer.status, 200, answer.body);
        assert.equal(JSON.parse((await make(GET('/get-session', { jar: true }))).body).user.email, email);
      });

      across('a code’s guesses', async ({ make, take }) => {
        const email = freshEmail();
        await make(POST('/email-otp/send-verification-otp', { email, type: 'sign-in' }));
        for (let guess = 0; guess < 3; guess += 1) await make(POST('/sign-in/email-otp', { email, otp: 'wrong' }));
        const { status, body } = await take(POST('/sign-in/email-otp', { email, otp: '{{mail.token}}' }));
        assert.deepEqual([status, JSON.parse(body).code], [403, 'TOO_MANY_ATTEMPTS']);
      });

      across('a link', async ({ make, take }) => {
        const email = freshEmail();
        await make(POST('/sign-in/magic-link', { email, name: 'Ada', callbackURL: '/home' }));
        const answer = await take(GET('/magic-link/verify?token={{mail.token}}&callbackURL=/home'));
        assert.deepEqual([answer.status, answer.headers.find(([name]) => name === 'location')[1]], [302, `${BASE_URL}/home`]);
        assert.equal(JSON.parse((await make(GET('/get-session', { jar: true }))).body).user.name, 'Ada');
      });

      across('a one-time token', async ({ make, take }) => {
        const email = freshEmail();
        await make(POST('/sign-up/email', { email, name: 'Ada', password: 'correct horse battery' }));
        await make(GET('/one-time-token/generate', { jar: true, gives: 'ott' }));
        const answer = await take(POST('/one-time-token/verify', { token: '{{ott.token}}' }));
        assert.equal(JSON.parse(answer.body).user.email, email);
      });
    }
  });
}
