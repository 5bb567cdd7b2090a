// The header Prefer, and the one that says which of it was followed.

import { Refusal } from './errors.mjs';

const PREFERENCES = {
  resolution: ['merge-duplicates', 'ignore-duplicates'],
  missing: ['default', 'null'],
  return: ['representation', 'minimal', 'headers-only'],
  count: ['exact', 'planned', 'estimated'],
  tx: ['commit', 'rollback'],
  handling: ['strict', 'lenient'],
};

const isKnown = (name, value) =>
  PREFERENCES[name]?.includes(value) || (name === 'max-affected' && /^-?\d+$/.test(value)) || name === 'timezone';

/** Of a preference that comes twice, the first one counts. `isTimezone` is asked of the database, later. */
export function readPreferences(pairs, { txEnd }) {
  const given = pairs
    .filter(([name]) => name === 'prefer')
    .flatMap(([, value]) => value.split(','))
    .map((one) => one.trim())
    .filter(Boolean);
  const preferences = {};
  const invalid = [];
  for (const one of given) {
    const at = one.indexOf('=');
    const [name, value] = at < 0 ? [one, ''] : [one.slice(0, at), one.slice(at + 1)];
    if (!isKnown(name, value)) invalid.push(one);
    else if (name !== 'tx' || txEnd.endsWith('-allow-override')) preferences[name] ??= value;
  }
  if (invalid.length > 0 && preferences.handling === 'strict') throw invalidPreferences(invalid);
  return preferences;
}

export const invalidPreferences = (list) =>
  new Refusal(400, 'PGRST122', 'Invalid preferences given with handling=strict', {
    details: `Invalid preferences: ${list.join(', ')}`,
  });

/** More rows than the client wants to be touched are an error where it is strict. */
export function checkAffected({ handling, 'max-affected': limit }, count) {
  if (limit === undefined || handling !== 'strict' || count <= Number(limit)) return;
  throw new Refusal(400, 'PGRST124', 'Query result exceeds max-affected preference constraint', {
    details: `The query affects ${count} rows`,
  });
}

/** The header that says which of these preferences were followed. */
export function preferenceApplied(prefer, names) {
  const all = [...names, 'timezone', ...(prefer.handling === 'strict' ? ['max-affected'] : [])];
  const applied = [...new Set(all)].filter((name) => prefer[name]).map((name) => `${name}=${prefer[name]}`);
  return applied.length > 0 ? [['Preference-Applied', applied.join(', ')]] : [];
}
