// requesting_user_id() evaluated once for a statement, where two sessions or a walsender are needed to see it. The
// rest is in regress/sql/initplan*.sql.

import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { initialise, MAJOR, ownServer, refused, server, untilBlocked } from './lib.mjs';

const actAs = (client, user) => client.query(`SELECT set_config('request.jwt.claims', $1, false)`, [JSON.stringify({ sub: user })]);

/** A table of posts where each sees their own, of `rows` to begin with, and who may write there. */
async function withPosts(t, client, role, rows) {
  await client.query(`
    CREATE TABLE posts (id int PRIMARY KEY, user_id text DEFAULT requesting_user_id(), title text);
    INSERT INTO posts VALUES ${rows};
    ALTER TABLE posts ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON posts TO ${role} USING (user_id = requesting_user_id()) WITH CHECK (user_id = requesting_user_id());
    GRANT ALL ON posts TO ${role}`);
}

test('a row that changed while the statement waited is judged by the same user', async (t) => {
  const role = await server.role(t);
  const { database, client } = await server.database(t);
  await withPosts(t, client, role, `(1, 'ada', 'kept'), (2, 'ada', 'given away'), (3, 'eve', 'taken')`);
  const ada = await database.connect();
  await actAs(ada, 'ada');
  await ada.query(`SET ROLE ${role}`);
  await client.query(`BEGIN; UPDATE posts SET title = 'changed'; UPDATE posts SET user_id = 'eve' WHERE id = 2; UPDATE posts SET user_id = 'ada' WHERE id = 3`);
  const updating = ada.query(`UPDATE posts SET title = title || ' by ' || requesting_user_id() WHERE user_id = requesting_user_id() RETURNING id, title`);
  await untilBlocked(client, ada);
  await client.query('COMMIT');
  assert.deepEqual((await updating).rows, [{ id: 1, title: 'changed by ada' }]);
  const locked = await ada.query('SELECT id FROM posts WHERE user_id = requesting_user_id() ORDER BY id FOR UPDATE');
  assert.deepEqual(locked.rows, [{ id: 1 }, { id: 3 }]);
});

test('logical decoding', async (t) => {
  const own = await ownServer(t, async (data, as) => {
    await initialise(data, as);
    appendFileSync(join(data, 'postgresql.conf'), 'wal_level = logical\n');
  });
  const { client } = await own.database(t);
  await client.query('CREATE ROLE app');
  await withPosts(t, client, 'app', `(1, 'ada', 'mine'), (2, 'eve', 'hers')`);
  if (MAJOR >= 15) {
    await refused(client.query('CREATE PUBLICATION mine FOR TABLE posts WHERE (user_id = requesting_user_id())'), {
      code: '0A000',
      detail: /User-defined .*functions are not allowed/,
    });
  }
  await client.query(`CREATE PUBLICATION posts FOR TABLE posts ${MAJOR >= 15 ? 'WHERE (id > 0)' : ''}`);
  await client.query(`SELECT pg_create_logical_replication_slot('slot', 'pgoutput')`);
  await actAs(client, 'ada');
  await client.query(`
    SET ROLE app;
    INSERT INTO posts (id) VALUES (3);
    UPDATE posts SET title = 'of ' || requesting_user_id() WHERE user_id = requesting_user_id();
    DELETE FROM posts WHERE id = 1;
    RESET ROLE`);
  const changes = `pg_logical_slot_get_binary_changes('slot', NULL, NULL, 'proto_version', '1', 'publication_names', 'posts')`;
  const kinds = await client.column(`
    SELECT chr(get_byte(data, 0)) FROM ${changes}, posts
    WHERE posts.user_id = requesting_user_id() AND posts.id = 3 AND chr(get_byte(data, 0)) IN ('I', 'U', 'D')`);
  assert.deepEqual(kinds, ['I', 'U', 'U', 'D']);
});
