// Who asks: the bearer token, verified as PostgREST does with a plain secret, or with a JSON Web Key Set.

import { createHmac, createPublicKey, timingSafeEqual, verify as verifyBytes } from 'node:crypto';
import { Refusal } from './errors.mjs';

/** The claims and the role of a request: those of its token, or the anonymous ones. */
export function authenticate(authorization, config) {
  const token = tokenOf(authorization, config.traits.jwt);
  const claims = token === undefined ? {} : verify(token, config);
  const role = claims.role ?? config.anonRole;
  if (!role)
    throw new Refusal(401, 'PGRST302', 'Anonymous access is disabled', { headers: [['WWW-Authenticate', 'Bearer']] });
  return { claims: { ...claims, role }, role, isAnonymous: role === config.anonRole };
}

/** `Bearer` with nothing after it is anonymous in 12, and an empty token in those after it. */
function tokenOf(authorization, { isEmptyRefused }) {
  const bearer = /^Bearer(?: +(\S*).*)?$/i.exec(authorization ?? '');
  const token = bearer?.[1] ?? '';
  return token !== '' || (bearer && isEmptyRefused) ? token : undefined;
}

const JWS = {
  EdDSA: [null, {}],
  ES256: ['sha256', { dsaEncoding: 'ieee-p1363' }],
  RS256: ['sha256', {}],
};

const hmac = (secret, signed) => createHmac('sha256', secret).update(signed).digest();
const isHmac = (secret, signed, given) => given.length === 32 && timingSafeEqual(hmac(secret, signed), given);

/** Whether a key has signed: the secret, or one of a set that has the header's `kid`, if that has one, and its algorithm. */
function isSignedBy(jwtSecret, head, signed, given) {
  const set = jwtSecret.startsWith('{') && read(encode(jwtSecret));
  if (!set) return head.alg === 'HS256' && !('kid' in head) && isHmac(jwtSecret, signed, given);
  return (set.keys ?? [set]).some((key) => {
    if ('kid' in head && key.kid !== head.kid) return false;
    if (key.alg !== head.alg) return false;
    if (key.kty === 'oct') return isHmac(Buffer.from(key.k, 'base64url'), signed, given);
    const [hash, options] = JWS[key.alg];
    return verifyBytes(hash, Buffer.from(signed), { key: createPublicKey({ key, format: 'jwk' }), ...options }, given);
  });
}

const encode = (text) => Buffer.from(text).toString('base64url');

/** HS256, or the keys' algorithms, with 30 s of skew; `aud` where one is configured and the token has one. */
function verify(token, { jwtSecret, jwtAud, traits }) {
  if (!jwtSecret) throw new Refusal(500, 'PGRST300', 'Server lacks JWT secret');
  const refuse = (why, ...values) => {
    const [code, message, details] = traits.jwt.refusals[why](...values) ?? [];
    if (code === undefined) return;
    throw new Refusal(401, code, message, {
      details,
      headers: [['WWW-Authenticate', `Bearer error="invalid_token", error_description=${JSON.stringify(message)}`]],
    });
  };
  if (token === '') refuse('empty');
  const parts = token.split('.');
  if (parts.length !== 3) refuse('parts', parts.length);
  const [header, payload, signature] = parts;
  const head = read(header) ?? refuse('unreadable');
  if (head.alg === 'none') refuse('algorithm');
  if (!isSignedBy(jwtSecret, head, `${header}.${payload}`, Buffer.from(signature, 'base64url'))) refuse('key');
  const claims = read(payload) ?? refuse('claims');
  const now = Math.floor(Date.now() / 1000);
  // A number that isn't whole is taken for 0.
  const time = (name) => {
    if (claims[name] === undefined || claims[name] === null) return undefined;
    if (typeof claims[name] !== 'number') return refuse('type', name, 'a number');
    return Number.isSafeInteger(claims[name]) ? claims[name] : 0;
  };
  if (now - 30 > time('exp')) refuse('expired');
  if (now + 30 < time('nbf')) refuse('early');
  if (now + 30 < time('iat')) refuse('future');
  const audiences = [claims.aud ?? []].flat();
  if (audiences.some((one) => typeof one !== 'string')) refuse('type', 'aud', 'a string or an array of strings');
  else if (jwtAud && audiences.length > 0 && !audiences.includes(jwtAud)) refuse('audience');
  return claims;
}

/** A part of a token, if it is a JSON object. */
function read(part) {
  try {
    const value = JSON.parse(Buffer.from(part, 'base64url').toString());
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
