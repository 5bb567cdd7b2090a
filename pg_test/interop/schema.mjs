// What tests of the schema share.

/** The tables in schema better_auth. */
export const tablesOf = (database) =>
  database
    .sql(`SELECT relname FROM pg_class WHERE relnamespace = 'better_auth'::regnamespace AND relkind IN ('r', 'p', 'v') ORDER BY 1`)
    .then((rows) => rows.map(({ relname }) => relname));

/** All that a table's definition says, by name, but for the indexes of the extension's own searches. */
export async function define(database, tables) {
  const definitions = {};
  for (const table of tables) {
    const of = (query) => database.sql(query, [`better_auth."${table}"`]);
    definitions[table] = {
      columns: await of(`
        SELECT attname AS name, format_type(atttypid, atttypmod) AS type, attnotnull AS required,
               pg_get_expr(adbin, adrelid) AS "default", attidentity AS identity, attgenerated AS generated,
               attcollation::regcollation::text AS collation, attstorage AS storage, attcompression AS compression
        FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`),
      constraints: await of(`
        SELECT conname AS name, contype AS type, convalidated AS validated, pg_get_constraintdef(oid) AS definition
        FROM pg_constraint WHERE conrelid = $1::regclass ORDER BY conname`),
      indexes: await of(`
        SELECT pg_get_indexdef(indexrelid) AS definition, indisvalid AS valid, indisunique AS "unique"
        FROM pg_index WHERE indrelid = $1::regclass AND indexrelid::regclass::text !~ '_(search|folded)_idx"?$' ORDER BY 1`),
      table: await of(`
        SELECT relkind AS kind, relpersistence AS persistence, relrowsecurity AS row_security,
               relforcerowsecurity AS forced, relreplident AS identity, reloptions AS options, relhasrules AS rules,
               pg_get_userbyid(relowner) AS owner,
               (SELECT count(*)::int FROM pg_trigger t WHERE tgrelid = $1::regclass AND NOT tgisinternal AND NOT EXISTS (
                  SELECT FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.deptype = 'x')) AS triggers
        FROM pg_class WHERE oid = $1::regclass`),
    };
  }
  return definitions;
}

/** What our migrate() does. */
export const migrate = (database) =>
  database.sql('SELECT action, object FROM better_auth.migrate()').then((rows) => rows.map(({ action, object }) => `${action} ${object}`));
