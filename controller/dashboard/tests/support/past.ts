/** A long past, written into a stopped controller's database as the store would have left it. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { House } from './house';

/** Twenty workflows; each tenth execution failed; ten teams; five starters; one in two hundred is of a commit of its own. */
const SCRIPT = String.raw`
import sqlite3, sys
path, count = sys.argv[1], int(sys.argv[2])
begin = 1_700_000_000_000
def row(seq):
    ms = begin + seq * 1000
    stamp = f"{ms:012x}"
    id = f"{stamp[:8]}-{stamp[8:]}-7000-8000-{seq:012x}"
    commit = f"{seq:07x}" + "a" * 33 if seq % 200 == 0 else "c0ffee00" + "0" * 32
    failed = seq // 20 % 10 == 3
    return (id, seq % 16, f"flow-{seq % 20}", seq // 20 + 1, "failed" if failed else "succeeded", commit,
            "5a" * 32, f"person-{seq % 5}", ms * 1000, ms * 1000, ms * 1000 + 900000, '{"team":"t%d"}' % (seq // 7 % 10))
db = sqlite3.connect(path, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
db.executemany("INSERT INTO executions (id, part, source, workflow, number, status, terminal, commit_id, snapshot, started_by, created_at, "
    "started_at, ended_at, seq, prior_seq, labels, revision) VALUES (?,?,'default',?,?,?,1,?,?,?,?,?,?,6,5,?,3)", map(row, range(count)))
db.executemany("INSERT INTO execution_labels (label_key, label_value, execution) VALUES ('team', ?, ?)",
    ((f"t{seq // 7 % 10}", row(seq)[0]) for seq in range(count)))
db.execute("COMMIT")
print(db.execute("SELECT count(*) FROM executions WHERE workflow LIKE 'flow-%'").fetchone()[0])
`;

/** Gives the house so many past executions; its controller begins anew. */
export async function past(house: House, count: number): Promise<void> {
  await house.kill('controller');
  const written = execFileSync('python3', ['-c', SCRIPT, join(house.folder, 'data', 'pulse.db'), String(count)], { encoding: 'utf8', maxBuffer: 1 << 20 });
  if (Number(written) !== count) throw new Error(`${written} executions were written, not ${count}`);
  await house.serve();
}
