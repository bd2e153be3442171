/** Ways in beside the token: a real OpenID provider, and a real nginx that says who somebody is. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from './house';
import { until } from './until';

const ISSUERS = resolve(import.meta.dirname, '../../../tests/support/oidc');

export class Issuer {
  private constructor(readonly url: string, readonly child: ChildProcess) {}

  /** For the controller at this address. */
  static async start(controller: string): Promise<Issuer> {
    if (!existsSync(join(ISSUERS, 'node_modules/.package-lock.json'))) {
      const [code] = await once(spawn('npm', ['ci', '--no-audit', '--no-fund'], { cwd: ISSUERS, stdio: 'ignore' }), 'exit');
      if (code !== 0) throw new Error(`npm ci in ${ISSUERS} fails`);
    }
    const child = spawn(process.execPath, ['issuer.mjs', `${controller}/auth/oidc/callback`], { cwd: ISSUERS, stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    return new Issuer(line.trim(), child);
  }

  settings(): Record<string, string> {
    return { PULSE_OIDC_ISSUER: this.url, PULSE_OIDC_CLIENT_ID: 'pulse', PULSE_OIDC_CLIENT_SECRET: 'a-secret-of-the-tests', PULSE_OIDC_NAME: 'The House' };
  }

  end(): void {
    this.child.kill();
  }
}

/** Who comes through it is anna of the operators, as Authelia would say. */
export class Proxy {
  readonly folder = mkdtempSync(join(tmpdir(), 'pulse-proxy-'));
  #child: ChildProcess | null = null;

  private constructor(readonly url: string) {}

  static async before(controller: string): Promise<Proxy> {
    const port = await freePort();
    const proxy = new Proxy(`http://127.0.0.1:${port}`);
    writeFileSync(
      join(proxy.folder, 'nginx.conf'),
      `daemon off; pid nginx.pid; error_log stderr; events {}
       http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
         server { listen 127.0.0.1:${port}; location / {
           proxy_pass ${controller}; proxy_http_version 1.1; proxy_set_header Host $http_host;
           proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;
           proxy_set_header Remote-User anna; proxy_set_header Remote-Name "Anna"; proxy_set_header Remote-Groups employee;
           proxy_set_header Remote-Email anna@example.org; } } }`,
    );
    const binary = ['/usr/sbin/nginx', '/usr/bin/nginx'].find((path) => existsSync(path)) ?? 'nginx';
    proxy.#child = spawn(binary, ['-e', 'stderr', '-p', proxy.folder, '-c', 'nginx.conf'], { stdio: 'ignore' });
    await until('nginx listens', async () => (await fetch(proxy.url).catch(() => null)) !== null);
    return proxy;
  }

  async end(): Promise<void> {
    // Asked to, it takes its workers along.
    const gone = this.#child && once(this.#child, 'exit');
    this.#child?.kill('SIGTERM');
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
