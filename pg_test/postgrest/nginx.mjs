// Debian's nginx with the configuration of examples/nginx-postgrest, in front of a PostgREST.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.mjs';

const EXAMPLE = readFileSync(new URL('../../examples/nginx-postgrest/better-auth.conf', import.meta.url), 'utf8');

/** The example as it is, but for its two ports and the directory of its pages. */
function configuration(directory, port, postgrest) {
  const replaced = [
    ['listen 3000;', `listen 127.0.0.1:${port};`],
    ['server 127.0.0.1:3001;', `server ${postgrest.host};`],
    ['root /srv/app;', `root ${directory}/pages;`],
  ].reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`the example has no ${from}`);
    return text.replace(from, to);
  }, EXAMPLE);
  writeFileSync(join(directory, 'better-auth.conf'), replaced);
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`);
  return `daemon off; master_process off; pid ${directory}/pid; error_log stderr;
    events {} http { access_log off; ${paths.join(' ')} include ${directory}/better-auth.conf; }`;
}

/** Starts it on a free port of 127.0.0.1 in front of the PostgREST at `url`. */
export async function startNginx(url) {
  const directory = mkdtempSync('/tmp/better_auth_nginx_');
  const port = await freePort();
  writeFileSync(join(directory, 'nginx.conf'), configuration(directory, port, new URL(url)));
  // A normal user's PATH has no /usr/sbin.
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const nginx = spawn('nginx', ['-e', 'stderr', '-p', directory, '-c', join(directory, 'nginx.conf')], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  nginx.stderr.setEncoding('utf8').on('data', (text) => (said += text));
  nginx.on('error', (error) => (said += error.message));
  const ended = new Promise((resolve) => nginx.on('close', resolve));
  const stop = async () => {
    nginx.kill('SIGTERM');
    await ended;
    rmSync(directory, { recursive: true, force: true });
  };
  const address = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 200; tries += 1) {
    if (nginx.exitCode !== null) break;
    const answers = await fetch(address).then(() => true, () => false);
    if (answers) return { url: address, stop };
    await sleep(50);
  }
  await stop();
  throw new Error(`nginx did not start: ${said}`);
}
