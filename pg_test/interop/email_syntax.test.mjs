// zod's z.email(), by which Better Auth judges emails, against this extension's own check.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { z } from 'zod';
import { createExtensionDatabase } from './lib.mjs';

const database = await createExtensionDatabase();
const email = z.email();

before(async () => {
  // The check of the email comes before that of the length, and both before any hashing: so a
  // password that is too long tells what the check said, at no cost.
  await database.sql(`
    CREATE FUNCTION public.judge(emails text[]) RETURNS text[] LANGUAGE plpgsql AS $$
    DECLARE
      verdicts text[] := '{}';
      verdict text;
      email text;
    BEGIN
      FOREACH email IN ARRAY emails LOOP
        BEGIN
          PERFORM better_auth.sign_in_email(email, repeat('p', 200));
          verdict := 'signed in';
        EXCEPTION WHEN OTHERS THEN
          GET STACKED DIAGNOSTICS verdict = PG_EXCEPTION_DETAIL;
        END;
        verdicts := verdicts || verdict;
      END LOOP;
      RETURN verdicts;
    END $$`);
});

/** Compares both on all candidates; gives the share of valid ones. */
async function agree(candidates) {
  const unique = [...new Set(candidates)];
  const verdicts = await database.value('SELECT public.judge($1)', [unique]);
  const expected = unique.map((text) => (email.safeParse(text).success ? 'PASSWORD_TOO_LONG' : 'INVALID_EMAIL'));
  const disagreements = unique
    .map((text, index) => ({ text, zod: expected[index], ours: verdicts[index] }))
    .filter(({ zod, ours }) => zod !== ours);
  assert.deepEqual(disagreements, []);
  assert.equal(verdicts.length, unique.length);
  return expected.filter((verdict) => verdict === 'PASSWORD_TOO_LONG').length / unique.length;
}

const VALID = [
  'a@b.co',
  'ada.lovelace+x@mail.example.com',
  "o'neil-@x-y.org",
  '_@1.ab',
  'A_B@EXAMPLE.COM',
  'a@b-.co',
  '1.2.3@4.5.six',
  "''a@b.co",
  '+@9-.example',
  `${'l'.repeat(64)}@${'d'.repeat(63)}.museum`,
  'x-@sub.sub.sub.example.io',
];
// Characters that the syntax treats specially, their neighbours in ASCII, and ones that look like them.
const ODD = [
  ...".@-_'+ \t\n\r\v\f\"\\/()<>[]{},:;!#$%&*=?^`|~@..",
  ...'aZ09',
  '\u00a0', '\u00ad', '\u0130', '\u0131', '\u017f', '\u0430', '\u0660', '\u200b', '\u2028', '\u212a', '\u3002',
  '\uff0e', '\uff20', '\uff41', '\ufeff', '\ufffd', 'e\u0301', 'é', 'ü', '\u{1f600}', '\x01', '\x7f', '\x80',
  '..', '.@', '@.', '.-', '-.', "'@", "'.", '@@', '--', '.co', '.c', '@b', '%40', '\r\n',
];

/** Park and Miller's generator: the same candidates on every run. */
function* random(seed) {
  for (let state = seed; ; ) {
    state = (state * 48_271) % 2_147_483_647;
    yield state;
  }
}
const numbers = random(20_261_123);
const below = (limit) => numbers.next().value % limit;
const pick = (list) => list[below(list.length)];

function mutate(text) {
  const characters = [...text];
  const at = below(characters.length + 1);
  switch (below(5)) {
    case 0:
      characters.splice(at, 1);
      break;
    case 1:
      characters.splice(at, 0, pick(ODD));
      break;
    case 2:
      characters.splice(at, 1, pick(ODD));
      break;
    case 3: // a piece doubled
      characters.splice(at, 0, ...characters.slice(at, at + below(4)));
      break;
    default: // two swapped
      if (at + 1 < characters.length) [characters[at], characters[at + 1]] = [characters[at + 1], characters[at]];
  }
  return characters.join('');
}

test('the seeds are valid for both', async () => {
  assert.equal(await agree(VALID), 1);
});

test('one odd character at every place', async () => {
  const candidates = ODD.flatMap((odd) =>
    ["ab.c'd@e-f.gh", 'x@y.zz'].flatMap((seed) =>
      Array.from({ length: seed.length + 1 }, (_, at) => [seed.slice(0, at) + odd + seed.slice(at), seed.slice(0, at) + odd + seed.slice(at + 1)]).flat(),
    ),
  );
  assert.ok((await agree(candidates)) > 0.05);
});

test('every character of the first planes, in both parts', async () => {
  const codes = [...Array(0x3000).keys(), ...Array.from({ length: 0x1000 }, (_, index) => 0xf000 + index)].slice(1);
  const candidates = codes.flatMap((code) => [`a${String.fromCodePoint(code)}b@example.com`, `ab@exa${String.fromCodePoint(code)}mple.com`]);
  await agree(candidates);
});

test('mutations of valid ones', async () => {
  const candidates = Array.from({ length: 6000 }, () => {
    let text = pick(VALID);
    for (let times = 1 + below(2); times > 0; times--) text = mutate(text);
    return text;
  });
  const share = await agree(candidates);
  assert.ok(share > 0.15 && share < 0.85, `both kinds are there: ${share}`);
});

test('soups of the special characters', async () => {
  const alphabet = [...'aB3.-_\'+@@.'];
  const candidates = Array.from({ length: 6000 }, () => {
    const soup = (length) => Array.from({ length: below(length) }, () => pick(alphabet)).join('');
    return below(2) ? soup(12) : `${soup(6)}@${soup(6)}.${pick(['co', 'c', 'com', 'c0', 'CO', '-co', ''])}`;
  });
  await agree(candidates);
});

test('long ones', async () => {
  const long = [...Array(12).keys()].flatMap((power) => {
    const piece = 'a'.repeat(2 ** power);
    return [`${piece}@b.co`, `a@${piece}.co`, `a@b.${piece}`, `${'a.'.repeat(2 ** power)}a@b.co`, `a@${'b.'.repeat(2 ** power)}co`, `${piece}@`, '.'.repeat(2 ** power)];
  });
  assert.ok((await agree(long)) > 0.5);
});
