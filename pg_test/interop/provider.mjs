// A provider for tests: OpenID Connect in general, and Google, GitHub, Apple, Microsoft and Discord at their own addresses
// (provider/sites.mjs). Nobody reaches out for it:
//
//   const provider = new Provider();              // of OpenID Connect at https://id.example
//   within(provider, () => auth.handler(...))     // in here, globalThis.fetch reaches the provider, and nobody else
//   provider.answer(answer.fetch)                 // what better_auth.resume() is given for what handler() asks
//   provider.authorize(url)                       // what a browser does there: {location} or {form}, with {code, state}
//   await provider.listen()                       // the general one on loopback too, for browsers; its origin
//
// What tests decide on, until reset():
//
//   person        who signs in next: see PERSON
//   grants        the scopes that are granted, whatever was asked for
//   alg           the algorithm of id tokens: RS256, ES256, EdDSA or PS256
//   forged        how id tokens differ from right ones: {claims: {name: value or undefined}, alg, by, kid}, see sign()
//   rotate()      from now on it signs with other keys; rotate({ overlap: true }): the old ones are published too
//   tells(endpoint, answer)   what an endpoint answers instead: see there
//   extra         more members of what the token endpoint answers; undefined takes one away
//   page          browsers are shown a page with a button, and not sent back at once
//
// `asked` has the requests that came, `{site, endpoint, method, headers, form}`.

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { jwtVerify } from 'jose';
import { ALGORITHMS, CUSTOMER_KEY, CUSTOMER_TEAM, keySet, sign } from './provider/keys.mjs';
import { PERSON, SITES, general } from './provider/sites.mjs';

export { appleSecret, publicKeys, sign } from './provider/keys.mjs';
export { CONSUMERS, PERSON, TENANT } from './provider/sites.mjs';

/** The application, as all sites know it. */
export const CLIENT = { id: 'client-id', secret: 'client-secret+of/the=app' };
export const ISSUER = 'https://id.example';
const MAX_BODY = 64 << 10; // bytes, where nobody says

const seconds = () => Math.floor(Date.now() / 1000);
const json = (body, status = 200, headers = {}) => ({ status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
const refusal = (error, status = 400) => json({ error }, status);
const same = (a, b) => Buffer.byteLength(a) === Buffer.byteLength(b) && timingSafeEqual(Buffer.from(a), Buffer.from(b));
/** Without what is undefined. */
const defined = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

export class Provider {
  #sites;
  #codes;
  #tokens;
  #issued;
  #generations;
  #told;
  #server;

  constructor({ issuer = ISSUER } = {}) {
    this.#sites = { ...SITES, example: general(issuer) };
    this.reset();
  }

  /** As at the beginning: codes and tokens too, whose names are counted so that two runs have the same. */
  reset() {
    [this.person, this.grants, this.alg, this.forged, this.extra, this.page] = [{ ...PERSON }, undefined, 'RS256', {}, {}, false];
    [this.#codes, this.#tokens, this.#issued, this.#generations, this.#told] = [new Map(), new Map(), 0, [0], new Map()];
    this.clients = new Map([[CLIENT.id, CLIENT.secret]]);
    this.asked = [];
  }

  rotate({ overlap = false } = {}) {
    this.#generations = overlap ? [1, 0] : [1];
  }

  /**
   * What an endpoint (`token`, or `github.token`) answers from now on: `{status, headers, body}` with a body that is a text or
   * becomes JSON; a function of the right answer and the request; or a word: `unreachable`, `slow`, `cut off`, `oversize`,
   * `html`, `redirect`, `empty`.
   */
  tells(endpoint, answer) {
    this.#told.set(endpoint, answer);
  }

  // ── What browsers do ───────────────────────────────────────────────────────────────────────────

  /**
   * Somebody comes to an authorization address, and agrees, or doesn't: `error` is what is said then. `{location}` is where
   * the browser is sent, `{form}` what it posts instead, `{action, fields}`. The code is of `person`, as it is now.
   */
  async authorize(address, { error } = {}) {
    const url = new URL(address);
    const { site, endpoint } = this.route(url) ?? {};
    if (endpoint !== 'authorize') throw new Error(`nobody authorizes at ${url.origin}${url.pathname}`);
    const given = Object.fromEntries(url.searchParams);
    const { client_id, redirect_uri, response_type, state, code_challenge, code_challenge_method, nonce, scope } = given;
    if (!this.clients.has(client_id)) throw new Error(`no client ${client_id}`);
    if (!redirect_uri || !response_type?.split(' ').includes('code')) throw new Error(`no request for a code: ${url.search}`);
    if (code_challenge && code_challenge_method !== 'S256') throw new Error(`no S256: ${url.search}`);
    const answer = { state };
    if (error) {
      answer.error = error;
    } else {
      answer.code = `${site}-code-${++this.#issued}`;
      const scopes = this.grants ?? scope?.split(' ').filter(Boolean) ?? this.#sites[site].scopes ?? [];
      const grant = { site, client: client_id, redirect_uri, code_challenge, nonce, scopes, person: { ...this.person } };
      this.#codes.set(answer.code, grant);
      if (response_type.includes('id_token')) answer.id_token = await this.#idToken(grant);
      const { given_name: firstName, family_name: lastName, email } = this.person;
      if (site === 'apple') answer.user = JSON.stringify({ name: { firstName, lastName }, email });
    }
    const fields = defined(answer);
    if (given.response_mode === 'form_post') return { ...answer, form: { action: redirect_uri, fields } };
    const location = new URL(redirect_uri);
    for (const [name, value] of Object.entries(fields)) location.searchParams.set(name, value);
    return { ...answer, location: location.href };
  }

  // ── What servers ask ───────────────────────────────────────────────────────────────────────────

  /** Which site's which endpoint an address is: `{site, endpoint}`, or null. */
  route(address) {
    const url = new URL(address);
    const place = `${url.origin}${decodeURIComponent(url.pathname)}`; // Better Auth's fetch writes %40me for @me
    for (const [site, { urls }] of Object.entries(this.#sites)) {
      for (const [endpoint, known] of Object.entries(urls)) {
        if (known instanceof RegExp ? known.test(place) : known === place) return { site, endpoint };
      }
    }
    return null;
  }

  /** The answer to a fetch that handler() asks for, as an HTTP layer would give it to resume(). */
  async answer({ method, url, headers, body, max_bytes = MAX_BODY }) {
    const answer = await this.#respond({ method, url, headers, body: body ?? '' });
    if (answer.fails) return { error: answer.fails };
    if (Buffer.byteLength(answer.body) > max_bytes) return { error: 'too long' };
    return { ...answer, body: Buffer.from(answer.body).toString().replaceAll('\0', '\ufffd') };
  }

  /** The same for who has `fetch`. */
  async fetch(input, init) {
    const request = new Request(input, init);
    const { method, url } = request;
    const answer = await this.#respond({ method, url, headers: Object.fromEntries(request.headers), body: await request.text() });
    if (answer.fails) throw new TypeError('fetch failed', { cause: new Error(answer.fails) });
    const isEmpty = [204, 304].includes(answer.status);
    return new Response(isEmpty ? null : answer.body, { status: answer.status, headers: answer.headers });
  }

  async #respond({ method, url, headers, body }) {
    const found = this.route(url);
    if (!found) return { fails: `nobody is at ${url}` };
    const { site, endpoint } = found;
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const request = { site, endpoint, method, headers: lower, form: Object.fromEntries(new URLSearchParams(body)) };
    this.asked.push(request);
    const right = () => this.#right(request);
    const told = this.#told.get(`${site}.${endpoint}`) ?? this.#told.get(endpoint);
    if (told === undefined) return right();
    const html = { 'content-type': 'text/html' };
    switch (told) {
      case 'unreachable': return { fails: 'ECONNREFUSED' };
      case 'slow': return { fails: 'timeout' };
      case 'cut off': return { fails: 'ECONNRESET' };
      case 'oversize': return json({ ...JSON.parse((await right()).body), padding: 'x'.repeat(10 << 20) });
      case 'html': return { status: 200, headers: html, body: '<!doctype html><title>Sign in</title>' };
      case 'redirect': return { status: 302, headers: { ...html, location: 'https://elsewhere.example/' }, body: '' };
      case 'empty': return { status: 200, headers: {}, body: '' };
    }
    if (typeof told === 'function') return told(await right(), request);
    const { status = 200, headers: more, body: content = '' } = told;
    return typeof content === 'string' ? { status, headers: { 'content-type': 'text/plain', ...more }, body: content } : json(content, status, more);
  }

  async #right(request) {
    const { site, endpoint, method } = request;
    const { urls, profiles = {} } = this.#sites[site];
    if (endpoint === 'jwks') return json(keySet(this.#generations));
    if (endpoint === 'discovery') return json(this.#discovery(urls));
    if (endpoint === 'token') return method === 'POST' ? this.#token(request) : refusal('invalid_request', 405);
    if (endpoint in profiles) {
      const token = this.#tokens.get(/^bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]);
      if (token?.site !== site || token.kind !== 'access') return refusal('invalid_token', 401);
      const profile = profiles[endpoint](token.person);
      return profile === null ? refusal('not_found', 404) : json(profile);
    }
    return refusal('invalid_request', 404);
  }

  #discovery(urls) {
    return {
      issuer: this.#sites.example.issuer,
      authorization_endpoint: urls.authorize,
      token_endpoint: urls.token,
      userinfo_endpoint: urls.userinfo,
      jwks_uri: urls.jwks,
      end_session_endpoint: `${this.#sites.example.issuer}/end`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ALGORITHMS,
      scopes_supported: ['openid', 'email', 'profile', 'offline_access'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
      code_challenge_methods_supported: ['S256'],
    };
  }

  /** RFC 6749, sections 4.1.3 and 6; RFC 7636, section 4.6. */
  async #token({ site, headers, form }) {
    const client = await this.#client(site, headers, form);
    if (!client) return refusal('invalid_client', 401);
    const { tokens = {}, refuses = () => refusal('invalid_grant') } = this.#sites[site];
    const refused = () => {
      const { status, body } = refuses();
      return typeof body === 'string' ? refuses() : json(body, status);
    };
    if (form.grant_type === 'authorization_code') {
      const grant = this.#codes.get(form.code);
      this.#codes.delete(form.code);
      const challenge = form.code_verifier && createHash('sha256').update(form.code_verifier).digest('base64url');
      const isRight = grant?.site === site && grant.client === client && grant.redirect_uri === form.redirect_uri;
      if (!isRight || (grant.code_challenge && grant.code_challenge !== challenge)) return refused();
      return this.#granted(grant);
    }
    if (form.grant_type === 'refresh_token' && tokens.refresh !== false) {
      const grant = this.#tokens.get(form.refresh_token);
      if (grant?.site !== site || grant.kind !== 'refresh' || grant.client !== client) return refused();
      return this.#granted({ ...grant, nonce: undefined });
    }
    return refusal('unsupported_grant_type');
  }

  /** Who asks, by RFC 6749, section 2.3.1; at Apple, by a token that the customer has signed. */
  async #client(site, headers, form) {
    let { client_id: id, client_secret: secret } = form;
    const basic = /^basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
    if (basic) {
      if (secret !== undefined) return null;
      const decode = (word) => decodeURIComponent(word.replaceAll('+', ' '));
      [id, secret] = Buffer.from(basic, 'base64').toString().split(':').map(decode);
    }
    if (!this.clients.has(id)) return null;
    if (site === 'apple') {
      const rules = { issuer: CUSTOMER_TEAM, audience: 'https://appleid.apple.com', subject: id, algorithms: ['ES256'] };
      return jwtVerify(secret ?? '', CUSTOMER_KEY, rules).then(() => id, () => null);
    }
    const known = this.clients.get(id);
    return known === null ? id : same(known, secret ?? '') ? id : null;
  }

  async #granted(grant) {
    const { issuer, tokens = {} } = this.#sites[grant.site];
    const { join = ' ', token_type = 'Bearer', refresh = true, scope = true, ...lifetimes } = tokens;
    const issue = (kind) => {
      const token = `${grant.site}-${kind}-${++this.#issued}`;
      this.#tokens.set(token, { ...grant, kind });
      return token;
    };
    return json(
      defined({
        access_token: issue('access'),
        token_type,
        ...lifetimes,
        refresh_token: refresh ? issue('refresh') : undefined,
        scope: scope ? grant.scopes.join(join) : undefined,
        id_token: issuer && (grant.site !== 'example' || grant.scopes.includes('openid')) ? await this.#idToken(grant) : undefined,
        ...this.extra,
      }),
      200,
      { 'cache-control': 'no-store' },
    );
  }

  #idToken({ site, client, nonce, person }) {
    const { claims, ...rest } = this.forged;
    return this.mint(site, { person, client, claims: { nonce, ...claims }, ...rest });
  }

  /** An id token of a site for a client. Of `claims` those that are undefined aren't there; `rest` as sign() has it. */
  mint(site, { person = this.person, client = CLIENT.id, claims = {}, ...rest } = {}) {
    const { issuer, claims: own } = this.#sites[site];
    const iat = seconds();
    const right = { iss: typeof issuer === 'function' ? issuer(person) : issuer, aud: client, iat, exp: iat + 3600, ...own(person, client) };
    return sign(defined({ ...right, ...claims }), { alg: this.alg, generation: this.#generations[0], ...rest });
  }

  // ── On loopback ────────────────────────────────────────────────────────────────────────────────

  /** The general one by HTTP, on a port of its own, as long as the process lives or until close(); its origin. */
  async listen(port = 0) {
    this.#server = createServer(async (request, response) => {
      const url = `${this.origin}${request.url}`;
      const body = await text(request);
      const { status, headers, body: sent } = await this.#visit(request.method, url, request.headers, body);
      if (status) response.writeHead(status, headers).end(sent);
      else if (headers === 'timeout') return; // it stays silent
      else response.destroy();
    });
    this.#server.unref();
    await once(this.#server.listen(port, '127.0.0.1'), 'listening');
    this.origin = `http://127.0.0.1:${this.#server.address().port}`;
    this.#sites.example = general(this.origin);
    return this.origin;
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((done) => { this.#server.close(done); });
  }

  async #visit(method, url, headers, body) {
    if (this.route(url)?.endpoint !== 'authorize') {
      const answer = await this.#respond({ method, url, headers, body });
      return answer.fails ? { headers: answer.fails } : answer;
    }
    const html = (content) => ({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: `<!doctype html><title>Example</title>${content}` });
    try {
      if (!this.page) return { status: 302, headers: { location: (await this.authorize(url)).location }, body: '' };
      const escaped = (link) => link.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
      const [yes, no] = [await this.authorize(url), await this.authorize(url, { error: 'access_denied' })];
      return html(`<h1>Example</h1><p>${this.person.name}</p><a href="${escaped(yes.location)}">Continue</a> <a href="${escaped(no.location)}">Cancel</a>`);
    } catch (error) {
      return { ...html(`<p>${error.message}</p>`), status: 400 };
    }
  }
}

// ── globalThis.fetch ─────────────────────────────────────────────────────────────────────────────

const inside = new AsyncLocalStorage();
const outside = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const provider = inside.getStore();
  return provider ? provider.fetch(input, init) : outside(input, init);
};

/** Runs `work`, in which `fetch` reaches this provider and nobody else. */
export const within = (provider, work) => inside.run(provider, work);
