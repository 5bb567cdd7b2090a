// Who asks: the bearer token, verified as PostgREST does with a plain secret.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { Refusal } from './errors.mjs';

/** The claims and the role of a request: those of its token, or the anonymous ones. */
export function authenticate(authorization, config) {
  const [, token] = /^Bearer (.+)$/i.exec(authorization ?? '') ?? [];
  const claims = token ? verify(token, config) : {};
  const role = claims.role ?? config.anonRole;
  if (!role)
    throw new Refusal(401, 'PGRST302', 'Anonymous access is disabled', { headers: [['WWW-Authenticate', 'Bearer']] });
  return { claims: { ...claims, role }, role, isAnonymous: role === config.anonRole };
}

/** HS256 with 30 s of skew; whole-number times; `aud` where one is configured. */
function verify(token, { jwtSecret, jwtAud }) {
  if (!jwtSecret) throw new Refusal(500, 'PGRST300', 'Server lacks JWT secret');
  const bad = (message) =>
    new Refusal(401, 'PGRST301', message, {
      headers: [['WWW-Authenticate', `Bearer error="invalid_token", error_description="${message}"`]],
    });
  const [header, payload, signature, ...more] = token.split('.');
  const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
  let head, claims;
  try {
    [head, claims] = [decode(header), decode(payload)];
  } catch {
    throw bad('JWSError (CompactDecodeError Invalid number of parts)');
  }
  const expected = createHmac('sha256', jwtSecret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature ?? '', 'base64url');
  const isSigned = given.length === expected.length && timingSafeEqual(given, expected);
  if (more.length > 0 || head.alg !== 'HS256' || 'kid' in head || !isSigned) throw bad('JWSError JWSInvalidSignature');
  const now = Date.now() / 1000;
  const time = (name) => {
    if (claims[name] !== undefined && !Number.isInteger(claims[name]))
      throw bad(`The JWT '${name}' claim must be a number`);
    return claims[name];
  };
  if (time('exp') !== undefined && time('exp') + 30 < now) throw bad('JWT expired');
  if (time('nbf') !== undefined && time('nbf') - 30 > now) throw bad('JWT not yet valid');
  if (time('iat') !== undefined && time('iat') - 30 > now) throw bad('JWT issued at future');
  if (jwtAud && ![claims.aud].flat().includes(jwtAud)) throw bad('JWT not in audience');
  return claims;
}
