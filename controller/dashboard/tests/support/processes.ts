/** Processes that outlive those who started them: an agent's shims and their commands. */
import { readFileSync, readdirSync } from 'node:fs';

interface Process {
  pid: number;
  parent: number;
  line: string;
}

/** Ends every process whose command line names the folder, and all that come from it. */
export function endAllOf(folder: string): void {
  const all = processes();
  const ended = new Set(all.filter((one) => one.line.includes(folder)).map((one) => one.pid));
  for (let before = -1; before !== ended.size; ) {
    before = ended.size;
    for (const one of all) if (ended.has(one.parent)) ended.add(one.pid);
  }
  for (const pid of ended) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It was over already.
    }
  }
}

function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8');
        // The name in brackets may hold spaces; the parent stands two fields after it.
        const parent = Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
        return [{ pid: Number(name), parent, line }];
      } catch {
        return [];
      }
    });
}
