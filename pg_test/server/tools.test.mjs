// What sets the machine and the servers up (pg_test/tools): it asks for everything that is missing, and what fails in
// it doesn't go unnoticed. With stand-ins for dpkg-query, apt-get and the like, so that nothing is installed.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { directory } from './lib.mjs';

const TOOLS = fileURLToPath(new URL('../tools', import.meta.url));
/** All that the scripts use besides the stand-ins, so that it doesn't matter what else the machine has. */
const REAL = [
  'bash', 'sh', 'env', 'dirname', 'basename', 'sed', 'head', 'tr', 'cat', 'grep', 'sort', 'find', 'mkdir', 'rm', 'mv', 'ln', 'cp', 'chmod',
  'mktemp', 'cksum', 'realpath', 'readlink', 'id', 'setpriv', 'sleep', 'dpkg',
];

/** The path of a program of the machine's. */
const which = (name) => process.env.PATH.split(delimiter).map((path) => join(path, name)).find((path) => existsSync(path));

/** A directory with these scripts and the real programs, and nothing else. They write what they do to $LOG. */
function programs(t, scripts) {
  const home = directory(t);
  const bin = join(home, 'bin');
  mkdirSync(bin);
  for (const name of REAL.filter((name) => !(name in scripts))) {
    symlinkSync(which(name), join(bin, name));
  }
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/bash\n${script}\n`, { mode: 0o755 });
  }
  const log = join(home, 'log');
  writeFileSync(log, '', { mode: 0o666 });
  return { home, env: { PATH: bin, HOME: home, CARGO_HOME: join(home, 'cargo'), LOG: log }, log: () => readFileSync(log, 'utf8').split('\n').filter(Boolean) };
}

/** What a script said, and how it ended. */
function run(env, program, ...args) {
  return new Promise((resolve) => {
    execFile(program, args, { env }, (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr }));
  });
}

/**
 * Installs nothing. As somebody who isn't root, with a sudo that is none: what is done as root sees another /etc and
 * /usr/sbin, and apt-get ends it where it would install.
 */
const NOTHING_HAPPENS = {
  id: `case $* in -u) echo 1000 ;; *) echo somebody ;; esac`,
  sudo: `if [ "$1" = -n ]; then exit 0; fi
    mkdir -p "$HOME/etc/postgresql-common" "$HOME/usr/sbin"
    echo kept >"$HOME/etc/postgresql-common/createcluster.conf"
    args=("$@")
    for i in "\${!args[@]}"; do args[i]=\${args[i]//\\/etc\\//"$HOME"/etc/}; args[i]=\${args[i]//\\/usr\\/sbin\\//"$HOME"/usr/sbin/}; done
    "\${args[@]}"`,
  'apt-get': `echo "$*" >>"$LOG"; case $* in *libclang-dev*) exit 100 ;; esac`,
};

const ALWAYS = ['libclang-dev', 'build-essential', 'pkg-config'];
const NEEDS = { base: [], app: ['nodejs', 'npm'], test: ['nodejs', 'npm', 'python3-venv', 'chromium', 'nginx', 'libargon2-1'] };
const codename = /^VERSION_CODENAME=(.*)$/m.exec(existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '')?.[1];

/** The packages of the server of a version, as pg_test/tools/servers has them. */
function ofServer(version, need) {
  const own = { 13: 'bullseye', 15: 'bookworm', 17: 'trixie' };
  if (existsSync(`/usr/lib/postgresql/${version}/bin/postgres`) || own[version] === codename) {
    const cron = need === 'test' ? [`postgresql-${version}-cron`] : [];
    return [`postgresql-${version}`, `postgresql-server-dev-${version}`, ...cron];
  }
  const linked = version === 14 ? ['libgssapi-krb5-2', 'liblz4-1', 'libreadline8', 'libxml2', 'libxslt1.1', 'tzdata'] : [];
  return own[version] ? ['patchelf', 'libicu-dev'] : ['python3-venv', ...linked];
}

/** What apt-get was told to install last. */
const installed = (lines) => (lines.at(-1) ?? '').split(' install ')[1]?.split(' ').filter((word) => !word.startsWith('-')) ?? [];
const sorted = (list) => [...new Set(list)].sort();

describe('setup', () => {
  for (const version of [13, 14, 15, 16, 17, 18]) {
    for (const [need, more] of Object.entries(NEEDS)) {
      test(`asks for all packages: PostgreSQL ${version}, ${need}`, async (t) => {
        const { home, env, log } = programs(t, { ...NOTHING_HAPPENS, 'dpkg-query': 'exit 1' });
        const { code, stderr } = await run({ ...env, PG_MAJOR: String(version) }, 'bash', join(TOOLS, 'setup'), need);
        const wanted = sorted([...ALWAYS, ...ofServer(version, need), ...more]);
        assert.deepEqual(sorted(installed(log())), wanted, stderr);
        assert.equal(code, 1);
        assert.match(stderr, /installing failed\. As root, run: {2}apt-get update && apt-get install/);
        for (const name of wanted) {
          assert.ok(stderr.split(/\s+/).includes(name), name);
        }
        // What Debian's own scripts were to leave alone is as it was.
        assert.equal(readFileSync(join(home, 'etc/postgresql-common/createcluster.conf'), 'utf8'), 'kept\n');
        assert.ok(!existsSync(join(home, 'usr/sbin/policy-rc.d')));
      });
    }
  }

  test('asks for what is missing alone, and for nothing where all is there', async (t) => {
    for (const [missing, wanted] of [['nginx', ['nginx']], ['none', []]]) {
      const there = `[ "\${!#}" != ${missing} ] || exit 1; printf installed`;
      const { env, log } = programs(t, { ...NOTHING_HAPPENS, 'apt-get': 'echo "$*" >>"$LOG"', 'dpkg-query': there, node: 'exit 0', npm: 'exit 0' });
      const { code, stderr } = await run(env, 'bash', join(TOOLS, 'setup'), 'test');
      assert.deepEqual(installed(log()), wanted);
      assert.equal(log().length > 0, wanted.length > 0);
      assert.deepEqual([code, /Rust is missing/.test(stderr)], [1, true], stderr);
    }
  });

  test('a server whose packages nobody knows ends it', async (t) => {
    const { env, log } = programs(t, { ...NOTHING_HAPPENS, 'dpkg-query': 'exit 1' });
    const script = `. '${TOOLS}/common'; server_packages() { echo one; false; echo two; }; need=base
      eval "$(sed -n '/^missing_packages()/,/^}/p' '${TOOLS}/setup')"; missing=$(missing_packages); echo "not noticed: $missing"`;
    const { code, stdout } = await run(env, 'bash', '--norc', '-euo', 'pipefail', '-c', script);
    assert.deepEqual([code, stdout, log()], [1, '', []]);
  });
});

describe('a failure is noticed', () => {
  test('of apt-cache, where a server is unpacked', async (t) => {
    const { home, env, log } = programs(t, {
      'apt-get': `case $* in indextargets*) echo http://mirror.example/debian ;; *download*) echo "$*" >>"$LOG" ;; esac`,
      'apt-cache': 'exit 100',
      'dpkg-query': 'printf 2.36-9',
    });
    const script = `. '${TOOLS}/common'; PG_MAJOR=17; . '${TOOLS}/servers/suite'; SOURCE_ARGS=(trixie); server_make '${home}/new'`;
    const { code, stderr } = await run(env, 'bash', '--norc', '-euo', 'pipefail', '-c', script);
    assert.match(stderr, /apt doesn't know what PostgreSQL 17 of trixie depends on/);
    assert.deepEqual([code, log()], [1, []]);
  });

  test('of a server that has crashed by the time it is stopped; its data stays', async (t) => {
    const { home, env } = programs(t, { pg_ctl: 'exit 1' });
    mkdirSync(join(home, 'data'));
    const script = `. '${TOOLS}/common'; . '${TOOLS}/server'; SCRATCH='${home}' PGBIN='${home}/bin' PGDATA='${home}/data'; server_stop || echo noticed`;
    assert.equal((await run(env, 'bash', '--norc', '-euo', 'pipefail', '-c', script)).stdout, 'noticed\n');
    assert.ok(existsSync(join(home, 'data')));
  });
});

test('a machine without pg_cron is no error', async (t) => {
  const { env } = programs(t, {});
  const lib = '/usr/lib/postgresql';
  const version = [13, 14, 15, 16, 17, 18].find((one) => existsSync(`${lib}/${one}/bin/postgres`));
  if (version === undefined) {
    return t.skip('this machine has no server of its own');
  }
  const script = `. '${TOOLS}/common'; . '${TOOLS}/servers/machine'; cksum() { cat >/dev/null; echo sum; }
    eval "$(declare -f server_id | sed 's#pg_cron.so#no_such.so#g')"; server_id`;
  const { code, stdout, stderr } = await run({ ...env, PG_MAJOR: String(version) }, 'bash', '--norc', '-euo', 'pipefail', '-c', script);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: 'sum\n', stderr: '' });
});
