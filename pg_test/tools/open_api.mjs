#!/usr/bin/env node
// Writes src/plugin/open_api/*.json: what the real Better Auth's open-api plugin says of its core and of each plugin,
// an entry an endpoint. What every entry has (security, the answers to errors) is left out; src/plugin/open_api adds it.
// To be run when Better Auth is upgraded, or a plugin is added to PLUGINS:
//   node pg_test/tools/open_api.mjs

import { readdirSync, writeFileSync } from 'node:fs';
import { PLUGINS, realDocument } from '../interop/open_api.mjs';

const FOLDER = new URL('../../src/plugin/open_api/', import.meta.url);
const METHODS = ['get', 'delete', 'post', 'patch', 'put'];

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** What any answer to an error says: taken from an endpoint that has none of its own. */
const standard = (document) => document.paths['/ok'].get.responses;

/** `operationId` as it was declared: the document tells equal ones apart by their methods. */
function declared(endpoints) {
  const ids = new Map();
  for (const { path, options } of Object.values(endpoints)) {
    if (path) ids.set(path.replace(/:(\w+)/g, '{$1}'), options.metadata?.openapi?.operationId);
  }
  return ids;
}

function paths(document, base, endpoints) {
  const ids = declared(endpoints);
  const { 200: _, ...errors } = standard(document);
  const found = {};
  for (const [path, entry] of Object.entries(document.paths)) {
    const own = METHODS.filter((method) => entry[method] && !(base?.paths[path]?.[method] && ids.get(path) === undefined));
    for (const method of own) {
      if (base?.paths[path]?.[method]) continue;
      const { tags, description, parameters, requestBody, responses } = entry[method];
      const special = Object.entries(responses).filter(([status, answer]) => !same(answer, errors[status]));
      found[path] ??= {};
      found[path][method] = {
        tags,
        description,
        operationId: ids.get(path),
        parameters: parameters.length > 0 ? parameters : undefined,
        requestBody,
        responses: special.length > 0 ? Object.fromEntries(special) : undefined,
      };
    }
  }
  return found;
}

// Where additional fields of a plugin's tables go: one named after the model stands for all of them.
const mark = (model) => ({ additionalFields: { [`*${model}`]: { type: 'string', required: true } } });
const MARKED = {
  organization: { schema: Object.fromEntries(['organization', 'member', 'invitation', 'team', 'organizationRole'].map((model) => [model, mark(model)])) },
};

const lower = (name) => name.charAt(0).toLowerCase() + name.slice(1);

/** The fields that a document adds to each table, and what of them sign-up takes. */
function tables(document, base) {
  const body = (one) => one?.paths['/sign-up/email'].post.requestBody.content['application/json'].schema;
  const [with_, without] = [body(document), body(base)];
  const found = {};
  for (const [name, { properties, required }] of Object.entries(document.components.schemas)) {
    const known = base?.components.schemas[name]?.properties ?? {};
    for (const [field, schema] of Object.entries(properties)) {
      if (field === 'id' || field in known) continue;
      const isInput = base && name === 'User' && field in with_.properties && !(field in without.properties);
      found[lower(name)] ??= {};
      found[lower(name)][field] = {
        schema,
        required: required.includes(field) || undefined,
        input: isInput ? with_.properties[field] : undefined,
        inputRequired: (isInput && with_.required.includes(field)) || undefined,
      };
    }
  }
  return found;
}

function write(name, content) {
  writeFileSync(new URL(`${name}.json`, FOLDER), `${JSON.stringify(content, null, 1)}\n`);
}

const { document: core, auth } = await realDocument([], { rateLimit: { storage: 'database' } });
// Endpoints whose errors are all of the standard kind are the same everywhere.
write('core', {
  errors: Object.fromEntries(Object.entries(standard(core)).filter(([status]) => status !== '200')),
  tables: tables(core),
  paths: paths(core, undefined, auth.api),
});
const { document: plain } = await realDocument([]);
for (const [id, make] of Object.entries(PLUGINS)) {
  const plugin = make(MARKED[id]);
  const { document } = await realDocument([plugin]);
  write(id, { tables: tables(document, plain), paths: paths(document, plain, plugin.endpoints ?? {}) });
}
console.log(readdirSync(FOLDER).filter((name) => name.endsWith('.json')).join(' '));
