// The differential test of groups of requests: each is played on the real Better Auth and on ours.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AGAINST_ITSELF, merge, ourDatabase, ourSide, play, playBoth, realDatabase, realSide } from './http.mjs';
import { BASE_URL, DIFFERENCES } from './lib.mjs';
import { fetching, reaching } from './outside.mjs';

const NONE = { options: () => ({}), sql: '' };
/** Two databases for each set of columns. */
const databases = new Map();

/** Both sides under a group's configuration. `sql` is for ours; `outside`: see outside.mjs; `providers`: social.mjs. */
export async function open({ columns = NONE, options = NONE.options, settings = {}, sql, outside, providers }) {
  const [theirs, mine] = databases.get(columns);
  const both = (send) => merge(columns.options(send), options(send));
  const on = columns.plugins ? { plugins: columns.plugins, ...columns.settings } : {};
  await mine.configure({ base_url: BASE_URL, rate_limit: 'off', ...on, ...settings });
  if (sql && !AGAINST_ITSELF) await mine.sql(sql);
  if (providers) {
    const social = await import('./social.mjs');
    return social.reaching(providers, both, [theirs, realSide], [mine, ourSide]);
  }
  if (!outside) return [realSide(theirs, both), ourSide(mine, both)];
  const ours = AGAINST_ITSELF ? mine : fetching(mine);
  return [realSide(theirs, both), ourSide(ours, both)].map((side) => reaching(side, outside));
}

/** A run without what was asked. */
const unnamed = ({ answers, rows }) => ({ answers: answers.map(({ request, ...answer }) => answer), rows });

/** Declares the tests of these groups. GROUPS=pattern in the environment: those whose names match, alone. */
export async function compare(groups) {
  const pattern = new RegExp(process.env.GROUPS ?? '');
  const wanted = groups.filter(({ name }) => pattern.test(name));
  // Here and not in the tests, whose end would be the databases'.
  for (const { columns = NONE } of wanted) {
    if (!databases.has(columns)) databases.set(columns, [await realDatabase(columns.options), await ourDatabase(columns)]);
  }
  wanted.forEach(declare);
}

function declare(group) {
  describe(group.name, () => {
    let sides;
    for (const [name, entry] of Object.entries(group.cases)) {
      const { reason, steps: given = entry, instead, look, ...expected } = entry;
      const steps = [given].flat(Infinity);
      test(reason ? `${name}: ${DIFFERENCES[reason]}` : name, async () => {
        sides ??= await open(group);
        const [theirs, mine] = await playBoth(sides, steps, group);
        if (!reason) return assert.deepEqual(mine, theirs);
        if (instead) {
          const wanted = unnamed(await play(sides[0], [instead].flat(Infinity), group));
          assert.notDeepEqual(unnamed(theirs), wanted);
          return assert.deepEqual(unnamed(mine), AGAINST_ITSELF ? unnamed(theirs) : wanted);
        }
        assert.deepEqual(look(theirs), expected.theirs);
        assert.deepEqual(look(mine), AGAINST_ITSELF ? expected.theirs : expected.ours);
      });
    }
  });
}
