/** How long to wait before the next try: soon at first, never longer than some seconds, and not all browsers at once. */
export function backoff(failures: number, random = Math.random()): number {
  const longest = Math.min(8000, 500 * 2 ** Math.min(failures, 10));
  return Math.round(longest * (0.5 + random / 2));
}
