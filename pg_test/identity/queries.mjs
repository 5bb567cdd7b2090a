// Random queries about the tables of schema.sql. Each gives the same rows in any order of evaluation: what could differ
// between two right plans (which row LIMIT takes, which of two errors comes first) isn't generated.

/** Random numbers from a seed: mulberry32. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class Queries {
  #next;
  #tables;
  #major;
  #alias = 0;

  constructor(next, { tables, major }) {
    this.#next = next;
    this.#tables = tables;
    this.#major = major;
  }

  below = (n) => Math.floor(this.#next() * n);
  chance = (of) => this.#next() < of;
  /** One of them; functions are called. */
  pick = (...of) => {
    const one = of[this.below(of.length)];
    return typeof one === 'function' ? one() : one;
  };
  alias = () => `t${this.#alias++}`;
  user = () => `'${this.pick('u1', 'u2', 'u3', 'u5', '7')}'`;
  table = () => this.pick(...this.#tables);

  /** A comparison with who is asking, of rows of `t`. */
  mine(t) {
    return this.pick(
      `${t}.user_id = me()`, `${t}.user_id = me()`, `${t}.user_id = me()`, `me() = ${t}.user_id`,
      `${t}.user_id IS NOT DISTINCT FROM me()`, `${t}.user_id <> me()`, `${t}.user_id LIKE me() || '%'`,
      `${t}.user_id = ANY (ARRAY[me(), 'u2'])`, `${t}.user_id IN (me(), 'u3')`, `(${t}.user_id, ${t}.grp) = (me(), 1)`,
      `(${t}.user_id, ${t}.grp) < (me(), 2)`, `${t}.user_id = (SELECT me())`, `${t}.user_id = me()::varchar`,
      `${t}.user_id COLLATE "C" = me()`, `lower(${t}.user_id) = lower(me())`,
      `CASE WHEN ${t}.grp = 1 THEN ${t}.user_id = me() ELSE ${t}.grp > 2 END`, `coalesce(${t}.user_id = me(), false)`,
      `is_mine(${t}.user_id)`, `is_either(${t}.user_id, me())`, `is_member(${t}.grp)`, `is_mine_plpgsql(${t}.user_id)`,
      `is_member_plpgsql(${t}.grp)`, 'me() IS NOT NULL', `${t}.user_id BETWEEN me() AND 'u4'`, `nullif(${t}.user_id, me()) IS NULL`,
    );
  }

  /** A condition with a query in it. */
  asks(t, depth) {
    const s = this.alias();
    const more = depth > 0 && this.chance(0.3) ? ` AND ${this.asks(s, depth - 1)}` : '';
    const other = this.table();
    const where = `${s}.id = ${t}.id AND ${this.condition(s, 0)}${more}`;
    const uid = this.pick(`${s}.uid = me()`, `${s}.uid = me() AND ${t}.grp < 4`, `${s}.uid <> me()`);
    return this.pick(
      `EXISTS (SELECT FROM shares ${s} WHERE ${s}.doc = ${t}.id AND ${uid})`,
      `EXISTS (SELECT 1 FROM ${other} ${s} WHERE ${where})`,
      `EXISTS (SELECT 1 FROM ${other} ${s} WHERE ${where} LIMIT 1)`,
      `EXISTS (SELECT 1 FROM ${other} ${s} WHERE ${where} OFFSET 0)`,
      `NOT EXISTS (SELECT FROM ${other} ${s} WHERE ${where})`,
      `NOT EXISTS (SELECT FROM shares ${s} WHERE ${s}.doc > ${t}.id AND ${uid})`,
      `${t}.id IN (SELECT ${s}.id FROM ${other} ${s} WHERE ${this.condition(s, 0)}${more})`,
      `${t}.id NOT IN (SELECT ${s}.doc FROM shares ${s} WHERE ${uid.replaceAll(`${t}.grp`, '1')})`,
      `${t}.grp = ANY (SELECT ${s}.grp FROM members ${s} WHERE ${uid})`,
      `(${t}.id, ${t}.user_id) IN (SELECT ${s}.id, me() FROM ${other} ${s} WHERE ${this.condition(s, 0)})`,
      `${t}.grp >= ALL (SELECT ${s}.grp FROM members ${s} WHERE ${s}.grp IS NOT NULL AND ${uid})`,
      `(SELECT count(*) FROM ${other} ${s} WHERE ${where}) > 0`,
      `(SELECT max(${s}.uid) FROM shares ${s} WHERE ${s}.doc = ${t}.id AND ${uid}) = me()`,
      `${t}.user_id = (SELECT min(${s}.user_id) FROM ${other} ${s} WHERE ${s}.user_id >= me())`,
      `EXISTS (SELECT FROM shares ${s} WHERE ${s}.doc = ${t}.id AND ${uid} UNION ALL SELECT FROM members ${s} WHERE ${uid})`,
    );
  }

  plain(t) {
    return this.pick(
      `${t}.user_id = ${this.user()}`, `${t}.id < ${this.below(45)}`, `${t}.grp = ${this.below(5)}`, `${t}.grp <> ${this.below(5)}`,
      `${t}.val IS NULL`, `${t}.val > 'v3'`, `${t}.user_id IS NOT NULL`, `${t}.id % 3 = ${this.below(3)}`,
    );
  }

  condition(t, depth) {
    if (depth <= 0) return this.pick(() => this.mine(t), () => this.mine(t), () => this.plain(t));
    const one = () => this.condition(t, depth - 1);
    return this.pick(
      () => `(${one()} AND ${one()})`, () => `(${one()} OR ${one()})`, () => `(NOT ${one()})`, () => this.asks(t, depth - 1),
      () => `(${this.mine(t)} AND ${one()})`, () => `(${this.plain(t)} OR ${this.asks(t, depth - 1)})`,
    );
  }

  /** Something with columns id, user_id, grp, val to be called `t`. */
  source(t, depth) {
    const s = this.alias();
    if (depth <= 0 || this.chance(0.6)) return `${this.table()} ${t}`;
    return this.pick(
      () => `(SELECT ${s}.id, ${s}.user_id, ${s}.grp, ${s}.val FROM ${this.source(s, depth - 1)} WHERE ${this.condition(s, 1)}) ${t}`,
      () => `(SELECT DISTINCT ${s}.id, ${s}.user_id, ${s}.grp, ${s}.val FROM ${this.table()} ${s} OFFSET 0) ${t}`,
      () => `(SELECT min(${s}.id) AS id, ${s}.user_id, ${s}.grp, max(${s}.val) AS val FROM ${this.table()} ${s} GROUP BY ${s}.user_id, ${s}.grp) ${t}`,
      () => `(SELECT max(${s}.id) AS id, me() AS user_id, ${s}.grp, min(${s}.val) AS val FROM ${this.table()} ${s} WHERE ${this.condition(s, 0)} GROUP BY ${s}.grp) ${t}`,
      () => `(SELECT id, user_id, grp, val FROM ${this.table()} ${s} WHERE ${this.mine(s)} ${this.set()} SELECT id, user_id, grp, val FROM ${this.table()}) ${t}`,
      () => `(VALUES (1, me(), 1, 'v1'), (${this.below(40)}, 'u1', 2, NULL)) ${t} (id, user_id, grp, val)`,
      `rows_of(me()) ${t}`,
      `my_rows() ${t}`,
    );
  }

  set = () => this.pick('UNION', 'UNION ALL', 'INTERSECT', 'EXCEPT', 'EXCEPT ALL');

  /** A FROM with one to three sources; gives it and their names. */
  from(depth) {
    const first = this.alias();
    const names = [first];
    let text = this.source(first, depth);
    const joins = this.pick(0, 0, 1, 1, 2);
    for (let i = 0; i < joins; i++) {
      const [left, right] = [this.pick(...names), this.alias()];
      const on = this.pick(`${right}.id = ${left}.id`, `${right}.id = ${left}.id`, `${right}.grp = ${left}.grp AND ${right}.id < 9`, `${right}.user_id = ${left}.user_id AND ${right}.id % 5 = 1`);
      text += this.pick(
        () => ` JOIN ${this.source(right, depth - 1)} ON ${on} AND ${this.condition(right, 0)}`,
        () => ` LEFT JOIN ${this.source(right, depth - 1)} ON ${on} AND ${this.condition(right, 1)}`,
        () => ` RIGHT JOIN ${this.source(right, depth - 1)} ON ${on}`,
        () => ` FULL JOIN ${this.source(right, depth - 1)} ON ${right}.id = ${left}.id`,
        () => ` CROSS JOIN LATERAL (SELECT q.id, q.user_id, q.grp, q.val FROM ${this.table()} q WHERE q.id = ${left}.id AND ${this.condition('q', 0)}) ${right}`,
        () => ` LEFT JOIN LATERAL (SELECT max(q.id) AS id, me() AS user_id, count(*)::int AS grp, NULL::text AS val FROM ${this.table()} q WHERE q.grp = ${left}.grp AND ${this.mine(left)} AND ${this.mine('q')}) ${right} ON true`,
      );
      names.push(right);
    }
    return { text, names };
  }

  select(depth = this.pick(0, 1, 1, 2)) {
    const { text, names } = this.from(depth);
    const t = this.pick(...names);
    const from = `FROM ${text} WHERE ${this.condition(this.pick(...names), depth)}`;
    const columns = () => names.map((name) => `${name}.id`).concat(this.pick(`${t}.user_id`, `me()`, `${t}.val, me() AS who`, `(${this.mine(t)}) AS mine`)).join(', ');
    return this.pick(
      () => `SELECT ${columns()} ${from}`,
      () => `SELECT ${columns()} ${from}`,
      () => `SELECT DISTINCT ${t}.grp, ${t}.user_id ${from}`,
      () => `SELECT ${t}.id, ${t}.user_id ${from} ORDER BY 1, 2 LIMIT ${1 + this.below(9)} OFFSET length(me())`,
      () => `SELECT count(*), min(${t}.id), count(*) FILTER (WHERE ${this.mine(t)}) ${from}`,
      () => `SELECT ${t}.grp, count(*), max(me()) ${from} GROUP BY ${t}.grp HAVING max(${t}.user_id) >= me() OR count(*) > 2`,
      () => `SELECT ${t}.user_id = me(), sum(${t}.id) ${from} GROUP BY 1`,
      () => `SELECT ${t}.user_id, ${t}.grp, me(), count(*) ${from} GROUP BY GROUPING SETS ((${t}.user_id, ${t}.grp), (${t}.grp), ())`,
      () => `SELECT ${t}.user_id || me(), upper(${t}.user_id || me()), count(*) ${from} GROUP BY ROLLUP (${t}.user_id || me())`,
      () => `SELECT ${t}.user_id = me(), ${t}.grp, count(*) ${from} GROUP BY CUBE (${t}.user_id = me(), ${t}.grp) HAVING me() IS NOT NULL`,
      () => `SELECT ${t}.id, count(*) OVER (PARTITION BY ${t}.user_id = me()), rank() OVER (ORDER BY ${t}.id) ${from}`,
      () => `SELECT ${t}.id, sum(${t}.id) OVER (PARTITION BY ${t}.grp, me() ORDER BY ${t}.id RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) ${from}`,
      () => `SELECT ${t}.id, ${t}.user_id ${from} ${this.set()} SELECT id, me() FROM ${this.table()} q WHERE ${this.condition('q', 1)}`,
      () => `WITH w AS ${this.pick('', 'MATERIALIZED ', 'NOT MATERIALIZED ')}(SELECT ${t}.id, ${t}.user_id, ${t}.grp, ${t}.val ${from}) SELECT a.id, b.grp FROM w a JOIN w b ON a.id = b.id AND ${this.mine('b')}`,
      () => `WITH RECURSIVE w AS (SELECT ${t}.id, ${t}.grp ${from} UNION SELECT q.id, q.grp FROM ${this.table()} q JOIN w ON q.id = w.id + 1 AND ${this.mine('q')}) SELECT * FROM w`,
      () => `SELECT ${t}.id, (SELECT string_agg(q.val, ',' ORDER BY q.id, q.val) FROM ${this.table()} q WHERE q.grp = ${t}.grp AND ${this.mine('q')}) ${from}`,
      () => `SELECT ${t}.id, EXISTS (SELECT FROM shares q WHERE q.doc = ${t}.id AND q.uid = me()) ${from}`,
      () => `SELECT q.id, q.val FROM ${this.pick('plain', 'bare', 'by_user', 'parent', 'by_id')} q WHERE ${this.condition('q', depth)} FOR ${this.pick('UPDATE', 'SHARE')}`,
    );
  }

  /** A statement that writes, and the table where that is to be seen. */
  write() {
    const target = this.pick('plain', 'plain', 'bare', 'by_user', 'by_id', 'by_hash', 'parent', 'checked', 'barrier', ...this.#tables.filter((name) => name === 'remote'));
    const base = { checked: 'bare', barrier: 'plain' }[target] ?? target;
    const t = 't';
    const where = this.condition(t, 2);
    const returning = this.pick('', `RETURNING ${t}.id, ${t}.user_id`, `RETURNING ${t}.id, ${this.mine(t)}`, `RETURNING ${t}.val, me()`);
    const value = this.pick(`user_id = me()`, `val = me()`, `grp = (${t}.grp + 1) % 5`, `user_id = ${this.user()}`, `(val, grp) = (SELECT max(q.user_id), 1 FROM ${this.table()} q WHERE ${this.mine('q')})`, `val = CASE WHEN ${this.mine(t)} THEN 'mine' ELSE 'other' END`);
    // One row of an id, so that what is taken from it is certain.
    const source = `(SELECT q.id, min(q.user_id) AS user_id, min(q.grp) AS grp, max(q.val) AS val FROM ${this.table()} q WHERE ${this.condition('q', 1)} GROUP BY q.id)`;
    const rows = this.pick(
      () => `SELECT s.id + ${this.pick(0, 100)}, ${this.pick('me()', 's.user_id')}, s.grp, 'new' FROM ${source} s WHERE ${this.condition('s', 1)}`,
      () => `VALUES (${200 + this.below(9)}, me(), 1, 'a'), (300, ${this.pick('me()', this.user())}, 2, me())`,
    );
    const text = this.pick(
      () => `UPDATE ${target} ${t} SET ${value} WHERE ${where} ${returning}`,
      () => `UPDATE ${target} ${t} SET val = s.user_id, grp = 2 FROM ${source} s WHERE s.id = ${t}.id AND ${where} ${returning}`,
      () => `DELETE FROM ${target} ${t} WHERE ${where} ${returning}`,
      () => `DELETE FROM ${target} ${t} USING ${source} s WHERE s.id = ${t}.id AND s.user_id = me() AND ${where} ${returning}`,
      () => `INSERT INTO ${target} AS ${t} (id, user_id, grp, val) ${rows} ${target === 'checked' || target === 'barrier' ? '' : returning}`,
      () => `INSERT INTO plain AS ${t} (id, user_id, grp, val) ${rows} ON CONFLICT (id) DO UPDATE SET val = me() WHERE ${this.mine(t)} AND ${this.plain(t)} ${returning}`,
      () => `INSERT INTO plain AS ${t} (id, user_id, grp, val) ${rows} ON CONFLICT DO NOTHING ${returning}`,
      () => `WITH w AS (DELETE FROM ${target} ${t} WHERE ${where} RETURNING ${t}.id, me() AS who) SELECT w.id, w.who, q.grp FROM w LEFT JOIN shares s ON s.doc = w.id AND s.uid = me() LEFT JOIN members q ON q.grp = w.id % 5 AND q.uid = me()`,
      ...(this.#major >= 15 && target !== 'remote' && base === target ? [() => this.merge(target, source), () => this.merge(target, source)] : []),
    );
    const name = /^INSERT INTO plain/.test(text) ? 'plain' : base;
    return { text, table: name };
  }

  merge(target, source) {
    const and = (t) => this.pick('', ` AND ${this.mine(t)}`, ` AND ${this.plain(t)}`);
    return `MERGE INTO ${target} t USING ${source} s ON s.id = t.id AND ${this.pick('true', 't.user_id = me()', 's.user_id = me()')}` +
      ` WHEN MATCHED${and('t')} THEN ${this.pick('DELETE', `UPDATE SET val = me()`, `UPDATE SET grp = s.grp, val = s.user_id`)}` +
      ` WHEN MATCHED${and('s')} THEN ${this.pick('DO NOTHING', `UPDATE SET val = 'second ' || me()`)}` +
      ` WHEN NOT MATCHED${and('s')} THEN ${this.pick('DO NOTHING', `INSERT (id, user_id, grp, val) VALUES (s.id + 500, me(), s.grp, 'merged')`)}`;
  }
}
