/** A controller with agents on this machine, as a test needs them: the real binaries, on loopback, in a folder of their own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { endAllOf } from './processes';
import { until } from './until';

const BIN = process.env['PULSE_BIN_DIR'] ?? resolve(import.meta.dirname, '../../../../target/debug');
export const TOKEN = `pulse_admin_${'5'.repeat(64)}`;

export class House {
  readonly folder = mkdtempSync(join(tmpdir(), 'pulse-dashboard-'));
  readonly source = join(this.folder, 'source');
  #children = new Map<string, ChildProcess>();

  #settings: Record<string, string> = {};

  private constructor(readonly port: number) {
    mkdirSync(this.source);
  }

  /** `settings` of the controller are beside what every test's has; they may ask where it will be. */
  static async start(
    files: Record<string, string>,
    agents: Record<string, string>,
    settings: (url: string) => Promise<Record<string, string>> = async () => ({}),
  ): Promise<House> {
    const house = new House(await freePort());
    house.#settings = await settings(house.url);
    for (const [name, text] of Object.entries(files)) house.write(name, text);
    await house.serve();
    const first = await house.sync();
    if (!['applied', 'unchanged'].includes(first.outcome)) throw new Error(`the tests' manifests are not live: ${JSON.stringify(first, null, 1)}`);
    await Promise.all(Object.entries(agents).map(([name, labels]) => house.enrol(name, labels)));
    return house;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.source, name), text);
  }

  async serve(): Promise<void> {
    this.#run('controller', 'pulse-controller', {
      PULSE_LISTEN: `127.0.0.1:${this.port}`,
      PULSE_DATA_DIR: join(this.folder, 'data'),
      PULSE_SOURCE_URL: this.source,
      PULSE_ADMIN_TOKEN: TOKEN,
      ...this.#settings,
    });
    await until('the controller is ready', async () => (await fetch(`${this.url}/health/ready`)).ok);
  }

  async enrol(name: string, labels: string): Promise<void> {
    const pairs = labels === '' ? [] : labels.split(',').map((pair) => pair.split('='));
    const made = await this.api<{ token: string }>('POST', '/agents/tokens', { names: [name], labels: Object.fromEntries(pairs) });
    await this.#agent(name, made.token);
  }

  /** An agent that is gone with all that it ran: nobody will ever know how that ended. */
  async crash(name: string): Promise<void> {
    await this.kill(name);
    endAllOf(join(this.folder, name));
  }

  /** It is back; its identity is all that it needs. */
  comeBack(name: string): Promise<void> {
    return this.#agent(name, 'spent');
  }

  async #agent(name: string, token: string): Promise<void> {
    this.#run(name, 'pulse-agent', {
      PULSE_SERVER: this.url,
      PULSE_AGENT_NAME: name,
      PULSE_AGENT_TOKEN: token,
      PULSE_AGENT_DATA_DIR: join(this.folder, name),
    });
    await until(`${name} is online`, async () => (await this.api<{ status: { state: string } }>('GET', `/agents/${name}`)).status.state === 'online');
  }

  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const response = await fetch(`${this.url}/api/v1${path}`, body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Starts a workflow, and answers its id and name. */
  start(workflow: string, params: Record<string, unknown> = {}): Promise<{ id: string; name: string }> {
    return this.api('POST', '/executions', { workflow, params });
  }

  async wait(id: string, status: string): Promise<void> {
    await until(`${id} is ${status}`, async () => (await this.api<{ status: string }>('GET', `/executions/${id}`)).status === status);
  }

  async sync(): Promise<{ outcome: string; id: string }> {
    return this.api('POST', '/syncs', {});
  }

  /** Ends a process as a power cut would. */
  async kill(name: string): Promise<void> {
    const child = this.#children.get(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((name) => this.kill(name)));
    endAllOf(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #run(name: string, binary: string, env: Record<string, string>): void {
    const log = openSync(join(this.folder, `${name}.log`), 'a');
    const child = spawn(join(BIN, binary), [], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', log, log] });
    this.#children.set(name, child);
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
