/** Looks again and again until something is so; says what it waited for when it never was. */
const PATIENCE_MS = 15_000;
const LOOK_MS = 25;

export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  let last: unknown = null;
  while (Date.now() < end) {
    try {
      if (await isSo()) return;
    } catch (thrown) {
      last = thrown;
    }
    await new Promise((wake) => setTimeout(wake, LOOK_MS));
  }
  throw new Error(`${what}: not within ${PATIENCE_MS} ms${last ? `; at last: ${String(last)}` : ''}`);
}
