// The real Better Auth's OpenAPI document, of any set of plugins.

import { apiKey } from '@better-auth/api-key';
import { passkey } from '@better-auth/passkey';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import {
  admin, anonymous, bearer, captcha, customSession, deviceAuthorization, emailOTP, haveIBeenPwned, jwt, lastLoginMethod, magicLink, multiSession,
  oAuthProxy, oneTap, oneTimeToken, openAPI, organization, phoneNumber, twoFactor, username,
} from 'better-auth/plugins';
import { expo } from '@better-auth/expo';
import { BASE_URL, SECRET } from './lib.mjs';

const nothing = async () => {};

/** Each plugin that is here, with as little as it can do with, but every field that an option may add. */
export const PLUGINS = {
  'admin': () => admin(),
  'anonymous': () => anonymous(),
  'api-key': () => apiKey(),
  'bearer': () => bearer(),
  'captcha': () => captcha({ provider: 'hcaptcha', secretKey: 'x' }),
  'custom-session': () => customSession(async (session) => session),
  'device-authorization': () => deviceAuthorization(),
  'email-otp': () => emailOTP({ sendVerificationOTP: nothing }),
  'expo': () => expo(),
  'have-i-been-pwned': () => haveIBeenPwned(),
  'jwt': () => jwt(),
  'last-login-method': () => lastLoginMethod({ storeInDatabase: true }),
  'magic-link': () => magicLink({ sendMagicLink: nothing }),
  'multi-session': () => multiSession(),
  'oauth-proxy': () => oAuthProxy(),
  'one-tap': () => oneTap(),
  'one-time-token': () => oneTimeToken(),
  'organization': (options) => organization({ teams: { enabled: true }, dynamicAccessControl: { enabled: true }, ...options }),
  passkey: () => passkey(),
  'phone-number': () => phoneNumber({ sendOTP: nothing }),
  'two-factor': () => twoFactor({ otpOptions: { sendOTP: nothing } }),
  'username': () => username(),
};

/** What ours has to be told to be the same. */
export const SETTINGS = {
  last_login_method_store_in_database: 'on',
  organization_teams: 'on',
  organization_dynamic_access_control: 'on',
};

/** The document, and whose it is. */
export async function realDocument(plugins, options = {}) {
  const auth = betterAuth({
    database: memoryAdapter({}),
    secret: SECRET,
    baseURL: BASE_URL,
    logger: { disabled: true },
    telemetry: { enabled: false },
    ...options,
    plugins: [...plugins, openAPI()],
  });
  return { auth, document: JSON.parse(JSON.stringify(await auth.api.generateOpenAPISchema())) };
}

/** The plugins that ours offers: the refusal of one that there isn't names them. */
export async function offeredPlugins(database) {
  return database.connection(async (client) => {
    await client.query(`LOAD 'better_auth'`);
    const refusal = await client.query(`SET better_auth.plugins = 'nothing'`).catch((error) => error);
    return / there are (.*)\.$/.exec(refusal.detail)[1].split(', ');
  });
}
