// Writes src/flow/oauth/preset/vectors.json: what the installed Better Auth's providers ask, and what they make of the
// answers. Each provider is the real one; the outside world is a list of answers in place of fetch.

import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mock } from 'node:test';
import { fileURLToPath } from 'node:url';
import { socialProviders } from '@better-auth/core/social-providers';
import { supportsIdTokenSignIn } from '@better-auth/core/oauth2';
import * as generic from 'better-auth/plugins/generic-oauth';
import { ANSWERS, CASES, GRANTS, NOW, REFRESH_TOKEN, STARTS } from './providers_cases.mjs';

export const FILE = fileURLToPath(new URL('../../src/flow/oauth/preset/vectors.json', import.meta.url));

// Of these vectors alone. EdDSA, because its signatures are the same each time.
const KEY = createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }, format: 'jwk' });
const JWKS = { keys: [{ ...createPublicKey(KEY).export({ format: 'jwk' }), kid: 'one', alg: 'EdDSA', use: 'sig' }] };
const encode = (value) => Buffer.from(value).toString('base64url');

function token(claims) {
  if (typeof claims === 'string') return claims;
  const signed = `${encode('{"alg":"EdDSA","kid":"one"}')}.${encode(JSON.stringify(claims))}`;
  return `${signed}.${encode(sign(null, Buffer.from(signed), KEY))}`;
}

const clone = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/** Runs `work` in a world that answers with these in turn: the result, undefined where it throws, and what was asked. */
async function inWorld(answers, work, others = {}) {
  const asked = [];
  const left = [...answers];
  const real = globalThis.fetch;
  globalThis.fetch = async (url, init = {}) => {
    const other = others[String(url)];
    if (other) return Response.json(other);
    const headers = Object.fromEntries([...new Headers(init.headers)].sort());
    asked.push({ method: init.method ?? 'GET', url: String(url), headers, body: init.body == null ? null : String(init.body) });
    const answer = left.shift() ?? null;
    if (answer === null) throw new TypeError('fetch failed');
    const [status, body] = answer;
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return new Response(text, { status, headers: { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' } });
  };
  try {
    return { result: await work(), asked };
  } catch (error) {
    return { error, asked };
  } finally {
    globalThis.fetch = real;
  }
}

async function make({ provider, helper, discovery }, options) {
  if (!helper) return socialProviders[provider](options);
  const config = helper === 'generic' ? { providerId: provider, ...options } : generic[helper](options);
  const context = { socialProviders: [], baseURL: 'https://app.example.com', logger: { error() {}, warn() {} } };
  const { result, error } = await inWorld([discovery ? [200, discovery] : null], () => generic.genericOAuth({ config: [config] }).init(context));
  if (error) throw error;
  const [made] = result.context.socialProviders;
  if (!made) throw new Error('skipped');
  return made;
}

const others = (discovery) => (discovery?.jwks_uri ? { [discovery.jwks_uri]: JWKS } : {});
const inSeconds = (date) => (date === undefined || Number.isNaN(date.getTime()) ? undefined : (date.getTime() - NOW) / 1000);

function plain(tokens) {
  if (!tokens) return null;
  const { accessTokenExpiresAt, refreshTokenExpiresAt, ...rest } = tokens;
  return clone({ ...rest, accessTokenExpiresIn: inSeconds(accessTokenExpiresAt), refreshTokenExpiresIn: inSeconds(refreshTokenExpiresAt) });
}

/** As Better Auth's resolveOAuthAccountKey takes it. */
async function subject(provider, tokens, profile) {
  try {
    const value = await provider.accountSubject({ tokens, profile });
    const text = String(value);
    return text.trim() === '' || text === 'undefined' || text === 'null' ? null : text;
  } catch {
    return null;
  }
}

async function info(made, vector, given, answers) {
  const tokens = { ...given, ...(given.idToken === undefined ? {} : { idToken: token(given.idToken) }) };
  const { result, asked } = await inWorld(answers, () => made.getUserInfo({ ...tokens }), others(vector.discovery));
  // Without an access token it asks all the same, as nobody.
  if (asked.some(({ headers }) => headers.authorization === 'Bearer undefined')) asked.length = 0;
  // What is no object has no subject, and signs nobody in; what a page has become, taken for one, neither.
  if (!result?.user || typeof result.data !== 'object' || result.data === null) return { asked, told: null };
  const told = clone({ user: result.user, data: result.data, subject: await subject(made, tokens, result.data) });
  const isPage = JSON.stringify(told.user) === '{"emailVerified":false}' && (told.subject ?? 'function').startsWith('function');
  return { asked, told: isPage ? null : told };
}

/** Every place within a value, as RFC 6901 names it. */
function places(value, at = '') {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    const here = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return [here, ...places(inner, here)];
  });
}

const CHANGES = { null: null, empty: '', true: 'true', seven: 7, no: false };
const REPLIES = { unauthorized: [401, { error: 'invalid_token', message: 'Bad credentials' }], broken: [500, '<h1>Oops</h1>'], page: [200, '<h1>Hello</h1>'], nothing: [200, null], failed: null };

function changed(value, place, change) {
  const copy = clone(value);
  const names = place.slice(1).split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = names.pop();
  const holder = names.reduce((inner, name) => inner[name], copy);
  if (change !== 'drop') holder[last] = CHANGES[change];
  else if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else delete holder[last];
  return copy;
}

function pool() {
  const [list, known] = [[], new Map()];
  const add = (value) => {
    const text = JSON.stringify(value);
    if (!known.has(text)) known.set(text, list.push(value) - 1);
    return known.get(text);
  };
  return { list, add };
}

async function rules(made, claims = []) {
  const config = made.idToken;
  if (!config || !supportsIdTokenSignIn(made)) return null;
  if (config.verify) return { asked: true };
  const jwks = await inWorld([], () => config.jwks({ kid: 'one', alg: config.algorithms?.[0] ?? 'RS256' }, {}));
  return {
    jwks: jwks.asked[0].url,
    issuer: [config.issuer].flat().filter(Boolean),
    audience: [config.audience].flat(),
    algorithms: config.algorithms ?? [],
    maxTokenAge: config.maxTokenAge ?? null,
    hashed: config.nonceComparison === 'exact-or-sha256',
    opaque: config.allowOpaqueToken === true,
    claims: claims.map((claims) => [claims, config.verifyClaims ? Boolean(config.verifyClaims(claims)) : true]),
  };
}

async function record(vector, tokens, tellings) {
  const sets = [];
  for (const [place, options] of vector.options.entries()) {
    let made;
    try {
      made = await make(vector, options);
    } catch {
      sets.push({ options, refused: true });
      continue;
    }
    const id = helperId(vector);
    const set = { options, rules: await rules(made, vector.claims), nonce: made.requiresIdTokenNonce === true, issuer: made.issuer ?? null, urls: [], codes: [] };
    for (const start of place > 0 ? STARTS.slice(0, 2) : STARTS) {
      const { additionalParams, loginHint, scopes, nonce, state, codeVerifier } = start;
      const redirectURI = start.redirectURI + id;
      const { result } = await inWorld([], () => made.createAuthorizationURL({ additionalParams, loginHint, scopes, idTokenNonce: set.nonce ? nonce : undefined, state, codeVerifier, redirectURI }));
      set.urls.push(result ? String(result) : null);
    }
    for (const [number, grant] of (place > 0 ? GRANTS.slice(0, 1) : GRANTS).entries()) {
      const code = { results: [] };
      for (const answer of place + number > 0 ? ANSWERS.slice(0, 1) : ANSWERS) {
        const { result, asked } = await inWorld([answer], () => made.validateAuthorizationCode({ ...grant, redirectURI: grant.redirectURI + id }));
        code.asked = asked;
        code.results.push(tokens.add(plain(result)));
      }
      set.codes.push(code);
    }
    if (made.refreshAccessToken) {
      set.refresh = { results: [] };
      for (const answer of place > 0 ? ANSWERS.slice(0, 1) : ANSWERS) {
        const { result, asked } = await inWorld([answer], () => made.refreshAccessToken(REFRESH_TOKEN));
        set.refresh.asked = asked;
        set.refresh.results.push(tokens.add(plain(result)));
      }
    }
    sets.push(set);
  }
  const infos = [];
  for (const { options = 0, tokens: given, answers = [], keep = [], still = false } of clone(vector.infos)) {
    const made = await make(vector, vector.options[options]);
    const { asked, told } = await info(made, vector, given, answers);
    const entry = { options, tokens: given, answers, asked, told, changes: [] };
    // What comes of each change of one place, in the order of the list of changes.
    const change = async (place, where, list, world) => {
      const results = [];
      for (const how of list) {
        const { told } = await info(made, vector, ...world(how));
        results.push(told && tellings.add([told.user, told.subject]));
      }
      entry.changes.push([place, where, results]);
    };
    const hows = ['drop', ...Object.keys(CHANGES)];
    if (!still && typeof given.idToken === 'object') {
      for (const where of places(given.idToken).filter((where) => !keep.includes(where))) {
        await change('idToken', where, hows, (how) => [{ ...given, idToken: changed(given.idToken, where, how) }, answers]);
      }
    }
    for (const [place, [status, body]] of still ? [] : answers.entries()) {
      for (const where of places(body)) await change(place, where, hows, (how) => [given, answers.with(place, [status, changed(body, where, how)])]);
      await change(place, '', Object.keys(REPLIES), (how) => [given, answers.with(place, REPLIES[how])]);
    }
    infos.push(entry);
  }
  const asks = [];
  for (const { token, nonce, answers } of vector.asks ?? []) {
    const made = await make(vector, vector.options[0]);
    const { result, asked } = await inWorld(answers, () => made.idToken.verify(token, nonce));
    asks.push({ token, nonce: nonce ?? null, answers, asked, result: result === true });
  }
  return { provider: vector.provider, preset: vector.preset ?? vector.provider, discovery: vector.discovery ?? null, sets, infos, asks };
}

const helperId = ({ provider }) => provider;

/** The file's text. */
export async function vectors() {
  mock.timers.enable({ apis: ['Date'], now: NOW });
  const error = console.error;
  console.error = console.warn = () => {};
  try {
    const [tokens, tellings, providers] = [pool(), pool(), []];
    for (const vector of CASES) providers.push(await record(vector, tokens, tellings));
    const lines = (list) => `[\n${list.map((entry) => JSON.stringify(entry)).join(',\n')}\n]`;
    const head = { starts: STARTS, grants: GRANTS, answers: ANSWERS, refreshToken: REFRESH_TOKEN, changes: Object.values(CHANGES), replies: Object.values(REPLIES) };
    return `${JSON.stringify(head).slice(0, -1)},\n"tokens":${lines(tokens.list)},\n"told":${lines(tellings.list)},\n"providers":${lines(providers)}}\n`;
  } finally {
    console.error = error;
    mock.timers.reset();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(FILE, await vectors());
